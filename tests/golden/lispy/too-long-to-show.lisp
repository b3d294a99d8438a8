(define (doubled x n) (if (= n 0) x (doubled (list x x) (- n 1))))
(doubled 1 40)
