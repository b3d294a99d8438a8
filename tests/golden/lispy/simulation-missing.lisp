(simulation :initial-state (dict :n 1) :step (lambda (state tick) state) :observables '(n))
