(simulation :initial-state (dict :n 1)
            :step (lambda (state tick) (let loop ((n 0)) (loop (+ n 1))))
            :max-ticks 10
            :observables '(n))
