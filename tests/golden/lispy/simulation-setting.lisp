(simulation :initial-state (dict :n 1) :step (lambda (state tick) state) :tick 10 :observables '(n))
