;;; rooms.lisp -- six agents who each write one line a frame; what tests bend to their needs.

(define (first-frame)
  (dict "agents.json" (dict "agents" (dict "ann" (dict "name" "Ann") "bob" (dict "name" "Bob")
                                           "cid" (dict "name" "Cid") "dee" (dict "name" "Dee")
                                           "eve" (dict "name" "Eve") "fay" (dict "name" "Fay")))
        "stats.json" (dict "total_lines" 0)))

(define (persona agent room)
  "Says hello from its room."
  (dict "lines" (list (dict "agent" (get agent "id")
                            "text" (string-append "hello from stream " (number->string (get room "stream")))))))

(define (how-many frame) 6)

(define (chemistry a b) 1)

(define (mood)
  "Wants to hear whoever spoke least."
  (dict "echo" "quiet" "signal" "boost-bob"))

(define (later-lines current item)
  "A merge rule of one's own: the number of lines ever written."
  (+ (or current 0) 1))

(pump
  (name rooms)
  (every (seconds 0))
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams how-many)
  (dam round-robin)
  (backends (script (lispy (program persona))))
  (pipe script (deadline (seconds 1)))
  (delta
    (lines
      (fields (agent agent) (text string))
      (into "lines.jsonl")
      (count "stats.json" total_lines)))
  (echoes (by mood)))
