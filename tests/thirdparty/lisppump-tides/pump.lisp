;;; A world that chooses every stage of lisppump-tides.

(define people '("ann" "bob" "cid" "dee"))

(define (first-frame)
  (dict "agents.json" (dict "agents" (reduce (lambda (all id) (dict-set all id (dict "name" id))) (dict) people))
        "water.json" (dict "height" 0)))

(define (how-many frame) (clamp (tide 10) 1 2))

(pump
  (name tides)
  (plugins (require "lisppump-tides" ">=1.2"))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams how-many)
  (dam (tides (height 2)))
  (pipe (tides (word "swash")) (deadline (seconds 5)))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl")))
  (merger tides)
  (echoes tides)
  (executor tides)
  (reservoir tides))
