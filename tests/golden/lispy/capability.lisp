(define agents-now (rb-state "agents.json"))
