; Takeuchi's function: three arguments, calls in the place of arguments.
(define (tak x y z)
  (if (not (< y x))
      z
      (tak (tak (- x 1) y z)
           (tak (- y 1) z x)
           (tak (- z 1) x y))))

(define (main) (tak 14 8 3))
