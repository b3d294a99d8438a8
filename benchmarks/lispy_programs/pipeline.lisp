; map, filter and reduce over a range.
(define (main)
  (reduce + 0
    (map (lambda (x) (* x x))
         (filter (lambda (x) (= 1 (modulo x 3)))
                 (range 30000)))))
