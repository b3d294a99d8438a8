(define total 0)
(simulation :initial-state (dict :n 1)
            :step (lambda (state tick)
                    (set! total (+ total tick))
                    (update state :n total))
            :max-ticks 10
            :observables '(n))
