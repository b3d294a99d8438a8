(define sim
  (simulation :initial-state (dict :n 1) :step (lambda (state tick) state) :max-ticks 10 :observables '(n)))
(simulate (dict-set sim :source "(let () (define rate 2) (simulation :initial-state {\"n\" rat} :step + :max-ticks 1 :observables '()))"))
