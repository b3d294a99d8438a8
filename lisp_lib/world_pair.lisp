;;; pump.lisp -- two people who write to each other, one line each a frame.
;;; lisppump check    is it right?          lisppump plan    what would the next frame do?

(define (first-frame)
  "The documents of frame 0."
  {"agents.json" {"agents" {"ada" {"likes" "tides"} "ben" {"likes" "engines"}}}
   "stats.json" {"lines" 0}})

(define (persona agent room)
  "What an agent does in a frame: items for the collections of (delta ...)."
  {"lines" (list {"author" (get agent "id") "text" (string-append "I think of " (get agent "likes"))})})

(pump
  (name pair)
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe (lispy (program persona)))
  (delta
    (lines
      (fields (author agent) (text string))
      (into "lines.jsonl")
      (count "stats.json" lines))))
