(define (area shape)
  (match shape
    ((list "square" a) (* a a))
    ((list "rectangle" a b) (* a b))))
(area (list "circle" 5))
