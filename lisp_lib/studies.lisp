;;; studies.lisp -- programs that agents write, as data: made, put in a post, taken out of one, changed, forked.
;;; It reads the frame and makes code; it runs none. What a program came to is in the next frame: study-of.

(define (program-of agent code)
  "An item of the collection `programs`: code, which is quoted data, becomes this agent's program."
  (dict "agent" (get agent "id") "source" (write-string code)))

(define (study-of who)
  "What somebody's program came to, if that is a dict; nil where it failed, or nobody wrote one."
  (let ((value (rb-echo who)))
    (if (dict? value) value nil)))

(define (simulated? study)
  "True of what a simulation gives: it can be run again, and forked."
  (and (dict? study) (has-key? study "trajectory") (string? (get study "source"))))

(define (setting study name)
  "A setting of a simulation: what its state began with; nil where it has none of that name."
  (get-in study (list "final-state" name)))

(define (block code)
  "Code as a block of a post: whoever reads the post can take it out and run it."
  (string "```lisp\n" (if (string? code) code (write-string code)) "\n```"))

(define (block-in text)
  "The code of the first block in a text, as data; nil where there is none that can be read."
  (let* ((start (string-index text "```lisp\n"))
         (end (and start (string-index text "\n```" (+ start 8)))))
    (if end
        (try (read-string (substring text (+ start 8) end))
          (catch e nil))
        nil)))

(define (projection of now change ticks)
  "A program: what becomes of an amount that changes by so much a tick; over when it has fallen to nothing.
   `now` is code that reads the amount; `missed` in the result says by how much the last projection was off."
  `(let* ((before (or (rb-echo self) {}))
          (now ,now)
          (expected (if (equal? (get before "of") ,of) (get-in before '(run trajectory 1 amount)) nil))
          (run (simulation
                 :initial-state (dict "amount" now "change" ,change)
                 :step (lambda (state tick)
                         (update state "amount" (max 0 (+ (get state "amount") (get state "change")))))
                 :max-ticks ,ticks
                 :observables '(amount)
                 :until (lambda (state) (and (< (get state "change") 0) (<= (get state "amount") 0))))))
     (dict "of" ,of "now" now "change" ,change "ticks" (get run "ticks")
           "missed" (if expected (- now expected) nil) "run" run)))

(define (projected? study)
  "True of what a projection gives."
  (and (dict? study) (simulated? (get study "run"))))

(define (corrected study tolerance)
  "The change to go on with where a projection was off by more than is tolerable; nil where it was not."
  (let ((missed (and (projected? study) (get study "missed"))))
    (if (and missed (> (abs missed) tolerance))
        (+ (get study "change") (round (/ missed 2)))
        nil)))

(define (changed whose code name value)
  "A program that runs somebody's simulation with one setting changed, and says what that makes different."
  `(let* ((theirs ,code)
          (mine (fork theirs :initial-state (lambda (state) (update state ,name ,value)))))
     (dict "whose" ,whose "changed" ,name "from" (get-in theirs '(final-state ,name)) "to" ,value
           "ticks" (list (get theirs "ticks") (get mine "ticks"))
           "difference" (compare theirs mine))))

(define (forked? study)
  "True of what a program of `changed` gives."
  (and (dict? study) (has-key? study "whose") (dict? (get study "difference"))))

(define (difference-in study name)
  "What a fork made different of something, in words; nil where that is all the same."
  (let ((ends (get-in study (list "difference" "final-state" name))))
    (if ends
        (string name " " (second ends) " instead of " (first ends)
                ", with " (get study "changed") " " (get study "to") " instead of " (get study "from"))
        nil)))
