(define car 5)
(car 1)
