(define (f items)
  (list (car items) (second)))
(f '(1 2))
