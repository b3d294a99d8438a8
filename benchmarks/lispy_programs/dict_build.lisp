; A dict of 10,000 keys by reduce and dict-set.
(define (build n)
  (reduce (lambda (d i) (dict-set d (number->string i) (* i i)))
          {}
          (range n)))

(define (main)
  (let ((d (build 10000)))
    (list (length d) (get d "9999"))))
