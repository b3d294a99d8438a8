(define items '(10 20 30))
(nth items (/ (length items) 2))
