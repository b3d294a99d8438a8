; Numbers sorted with a named comparator, and with a builtin one.
(define numbers (map (lambda (i) (modulo (* i 7919) 10007)) (range 3000)))

(define (smaller? a b) (< a b))

(define (main)
  (list (nth (sort numbers smaller?) 1500)
        (nth (sort numbers >) 1500)))
