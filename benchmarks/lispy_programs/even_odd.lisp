; Even and odd by each other, a few hundred calls deep at most.
(define (is-even? n) (if (= n 0) #t (is-odd? (- n 1))))
(define (is-odd? n) (if (= n 0) #f (is-even? (- n 1))))

(define (main)
  (length (filter is-even? (range 300))))
