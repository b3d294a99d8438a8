(define row (list 1 2))
(setf (car row) 5)
