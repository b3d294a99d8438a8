; A simulation that sets the four keys of its state anew each tick, by reduce over the ticks.
(define (step s tick)
  (let ((water (get s :water)) (power (get s :power)))
    (dict-set s
      :water (+ (- water 3) (if (> power 20) 4 1))
      :power (if (= 0 (modulo tick 7)) (- power 2) (+ power 1))
      :crew (if (< water 10) (- (get s :crew) 1) (get s :crew))
      :tick tick)))

(define (main)
  (reduce step (dict :water 100 :power 30 :crew 12 :tick 0) (range 365)))
