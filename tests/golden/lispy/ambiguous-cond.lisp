(define (sign n)
  (cond (zero? n) (list 0)
        (positive? n) (list 1)))
(sign 5)
