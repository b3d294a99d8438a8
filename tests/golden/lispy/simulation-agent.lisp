(define (offer state self)
  (dict :price (/ (get state :stock) (get state :buyers))))
(simulation :initial-state (dict :stock 10 :buyers 3 :price 0)
            :step (lambda (state tick) (update state :buyers (- (get state :buyers) 1)))
            :agents (dict "trader-2" offer "trader-1" (lambda (state self) {}))
            :max-ticks 10
            :observables '(price))
