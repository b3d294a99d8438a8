(simulation :initial-state (dict :gold 3)
            :step (lambda (state tick) (update state :gold (- (get state :gold) 1)))
            :max-ticks 10
            :observables '(gold)
            :constitution
            (dict :invariants
                  (list (list "no-debt" "Nobody owes." (lambda (state) (>= (get state :gold) 0))))))
