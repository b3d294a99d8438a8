; Dice: the same seed, the same throws.

(set-random-seed! 7)
;=> nil
(define (throws) (set-random-seed! 7) (list (random 100) (random 100) (random)))
(equal? (throws) (throws))
;=> #t
(list (random 1) (random-int 3 3) (random-choice '(7)))
;=> (0 3 7)
(every (lambda (i) (<= 1 (random-int 1 6) 6)) (range 50))
;=> #t
(every (lambda (i) (<= 2 (random 2 5) 4)) (range 50))
;=> #t
(sort (random-shuffle '(3 1 2)))
;=> (1 2 3)
(length (unique (random-sample (range 10) 4)))
;=> 4
(random 0)
;!> out-of-range
(random-choice '())
;!> bad-value
(random "x")
;!> wrong-type
(set-random-seed! '(1))
;!> wrong-type
