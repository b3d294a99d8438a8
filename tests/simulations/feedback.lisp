;;; feedback.lisp -- five frames in which agents learn from programs of their own, and from each other's.
;;; vera reads the weather, each frame, and notices a trend; ada simulates how warm a habitat stays, finds that it
;;; freezes, and changes what she simulates; ben takes her simulation out of her post and changes one thing of it.
;;; PLACE is where the weather is: a stand-in on this machine, python -m tests.weather 8080.

(load prompt)                                  ; latest
(load studies)                                 ; program-of, study-of, setting, block, block-in, changed

(define (first-frame)
  "Three people, and nothing said or written yet."
  {"agents.json" {"agents" {"vera" {"name" "Vera" "watches" "weather"}
                            "ada"  {"name" "Ada"  "simulates" "habitat"}
                            "ben"  {"name" "Ben"  "doubts" "ada"}}}
   "posts.jsonl" '()})

;;; ---- Programs, as data ---------------------------------------------------------------------------

(define (weather-watch)
  "Reads the weather once each time it runs, goes on from its own last result, says when three changes agree."
  '(begin
     (define page (curl "http://PLACE/insight_weather/?feedtype=json"))
     (define now (get-in page (list (first (get page "sol_keys")) "AT" "av")))
     (define readings (append (get (or (rb-echo self) {}) "readings" '()) (list now)))
     (define steps (take-right (map - (rest readings) (drop-right readings 1)) 3))
     (dict "now" now "readings" readings
           "trend" (cond ((< (length steps) 3) nil)
                         ((every negative? steps) "falling")
                         ((every positive? steps) "rising")
                         (else "none")))))

(define (habitat insulation)
  "Twelve hours in a habitat with so much insulation, in the weather that vera read last; over when it freezes."
  `(simulation
     :initial-state (dict "inside" 293 "outside" (+ 273 (get (or (rb-echo "vera") {}) "now" -60))
                          "heater" 6 "insulation" ,insulation)
     :step (lambda (state hour)
             (let ((lost (/ (- (get state "inside") (get state "outside")) (get state "insulation"))))
               (update state "inside" (round (- (+ (get state "inside") (get state "heater")) lost) 1))))
     :max-ticks 12
     :observables '("inside")
     :until (lambda (state) (< (get state "inside") 273))))

;;; ---- People ---------------------------------------------------------------------------------------

(define (post agent title &optional source)
  "A post, with a program in it if there is one."
  (dict "author" (get agent "id") "title" title "body" (if source (block source) "")))

(define (last-post-of who)
  "What somebody posted last; an empty post if nothing."
  (or (find (lambda (post) (equal? (get post "author") who)) (reverse (latest "posts" nil 20))) {}))

(define (watches agent)
  "Writes a program once; then tells what it reads, and what it makes of it."
  (let ((seen (study-of (get agent "id"))))
    (cond ((nil? seen) {"programs" (list (program-of agent (weather-watch)))})
          ((member? (get seen "trend") '("falling" "rising"))
           {"posts" (list (post agent (string "The temperature is " (get seen "trend") ": "
                                              (string-join (map ->string (get seen "readings")) ", "))))})
          (else {"posts" (list (post agent (string "It is " (get seen "now") " C outside")))}))))

(define (simulates agent)
  "Writes a simulation; where it says that the habitat freezes, publishes that, and doubles the insulation."
  (let* ((found (study-of (get agent "id")))
         (insulation (setting found "insulation"))
         (freezes (and found (< (get found "ticks") 12))))
    (cond ((nil? found) {"programs" (list (program-of agent (habitat 4)))})
          (freezes
           {"posts" (list (post agent (string "With insulation " insulation " the habitat freezes within "
                                              (get found "ticks") " hours") (get found "source")))
            "programs" (list (program-of agent (habitat (* 2 insulation))))})
          (else
           {"posts" (list (post agent (string "With insulation " insulation " it stays at "
                                              (setting found "inside") " K") (get found "source")))}))))

(define (quoted study)
  "What a fork made different, as one quotes it to whom one took the simulation from."
  (let ((hours (get study "ticks")))
    (string "@" (get study "whose") " " (difference-in study "inside") ": " (second hours) " hours, not " (first hours))))

(define (doubts agent)
  "Takes ada's simulation out of her last post, asks what a stronger heater would do; quotes the difference once."
  (let* ((me (get agent "id"))
         (mine (study-of me))
         (theirs (block-in (get (last-post-of "ada") "body" ""))))
    (cond ((and mine (not (equal? (quoted mine) (get (last-post-of me) "title"))))
           {"posts" (list (post agent (quoted mine)))})
          (theirs {"programs" (list (program-of agent (changed "ada" theirs "heater" 12)))})
          (else {}))))

(define (persona agent room)
  "What an agent does in a frame, by what it is."
  (cond ((get agent "watches") (watches agent))
        ((get agent "simulates") (simulates agent))
        (else (doubts agent))))

(pump
  (name feedback)
  (every (seconds 0))
  (clock (start "2031-02-14T06:00:00Z") (step (hours 24)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 3)
  (dam round-robin)
  (backends (script (lispy (program persona))))
  (pipe script)
  (delta
    (posts    (fields (author agent) (title string) (body string))
              (number number (above "posts.jsonl"))
              (into "posts.jsonl"))
    (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer)))
  (portal (dangerously-allow "PLACE"))
  (echoes (agents-programs (allow state web) (limits (steps 200000)))))
