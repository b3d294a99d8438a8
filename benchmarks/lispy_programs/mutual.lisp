; Mutual tail recursion: two procedures hand a number to each other until it is used up.
(define (up n total)
  (if (= n 0)
      total
      (down (- n 1) (+ total n))))

(define (down n total)
  (if (= n 0)
      total
      (up (- n 1) (- total n))))

(define (main) (list (up 30000 0) (down 30000 0)))
