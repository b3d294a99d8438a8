(define (eat state self) (update state :food (- (get state :food) 1)))
(define (drink state self) (update state :water (- (get state :water) 1)))
(simulation :initial-state (dict :food 10 :water 10)
            :step (lambda (state tick) state)
            :agents (dict "ada" eat "bob" drink)
            :max-ticks 10
            :observables '(food water))
