(define total 0)
(define (count! n)
  (set! total (+ total n)))
(simulation :initial-state (dict :n 1)
            :step (lambda (state tick) (if (> tick 3) (count! tick) 0) state)
            :max-ticks 10
            :observables '(n))
