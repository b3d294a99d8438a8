(simulation :initial-state (dict :at nil)
            :step (lambda (state tick) (update state :at (now-iso)))
            :max-ticks 10
            :observables '(at))
