(simulation :initial-state (dict :n 1)
            :step (lambda (state tick) (get state :n))
            :max-ticks 10
            :observables '(n))
