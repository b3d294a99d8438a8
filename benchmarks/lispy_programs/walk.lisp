; A list is taken apart with car and cdr and put together with cons, a dozen times.
(define (plus-one items)
  (let loop ((left items) (made '()))
    (if (null? left)
        (reverse made)
        (loop (cdr left) (cons (+ 1 (car left)) made)))))

(define (main)
  (let loop ((turns 12) (items (range 1000)))
    (if (= turns 0)
        (apply + items)
        (loop (- turns 1) (plus-one items)))))
