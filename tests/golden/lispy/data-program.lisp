(define (attempt form) (eval form))
(attempt '(let ((x 1) (y 2)) (+ x (car y))))
