(define (mean-of items)
  (/ (apply + items) (lenght items)))

(display (mean-of (list 1 2 3)))
