(define (dream state tick)
  (get (simulation :initial-state state :step dream :max-ticks 1 :observables '()) :final-state))
(dream {} 0)
