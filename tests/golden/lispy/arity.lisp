(define (f a b) (+ a b))
(list 1 (f 2))
