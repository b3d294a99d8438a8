;;; pump.lisp -- Ares Hollow: 22 colonists on Mars, each a LisPy program. The whole world is this one file.
;;; lisppump check    is it right?          lisppump plan    what would the next frame do?
;;;
;;; A frame is a sol. Colonists wake, share rooms, work, talk, vote. Stores fill and drain, moods follow.
;;; Between two sols the night watch thinks: it reads the sol that was, makes the weather, steers the next.

(load worlds)                                  ; dice, rest, what a room heard: chance, pick, boosted?, heard
(load prompt)                                  ; sections of a prompt: section, summary, latest, memory-of
(load echo)                                    ; thoughts between frames: fresh, boost, share
(load studies)                                 ; programs that agents write: projection, corrected, changed

;;; ---- The first sol -----------------------------------------------------------------------------

(define tasks '("oxygen" "water" "food" "power" "parts" "research" "scouting" "care"))

(define crew                                   ; skill from 1 to 10 in each of the tasks, in their order
  '(("ada" "Ada Okafor"      "engineer"   5  4  1  9  8  3  2  2)
    ("bruno" "Bruno Keller"    "engineer"   8  5  2  6  7  3  2  1)
    ("chen" "Chen Li"         "engineer"   6  8  2  6  5  4  3  2)
    ("dara" "Dara Nwosu"      "engineer"   4  5  3  8  9  2  3  3)
    ("emil" "Emil Novak"      "engineer"   7  6  1  7  6  3  4  1)
    ("fatima" "Fatima Haddad"   "farmer"     5  6  9  1  2  5  2  5)
    ("goran" "Goran Petrov"    "farmer"     4  7  8  2  4  2  3  4)
    ("hana" "Hana Sato"       "farmer"     6  5  9  1  1  6  1  6)
    ("iris" "Iris Lindqvist"  "farmer"     3  6  7  3  3  4  5  5)
    ("jomo" "Jomo Mwangi"     "medic"      6  3  4  1  2  6  2  9)
    ("kira" "Kira Volkova"    "medic"      5  4  3  2  1  7  1  9)
    ("luis" "Luis Ortega"     "scientist"  5  5  3  4  3  9  4  2)
    ("mina" "Mina Rahimi"     "scientist"  4  3  6  3  2  9  3  4)
    ("noor" "Noor Aziz"       "scientist"  6  5  2  5  4  8  5  1)
    ("oskar" "Oskar Lund"      "scientist"  3  6  3  5  5  8  6  2)
    ("pia" "Pia Moretti"     "explorer"   2  7  2  3  4  4  9  3)
    ("quinn" "Quinn Harper"    "explorer"   3  8  1  4  5  2  9  2)
    ("rafa" "Rafa Silva"      "explorer"   3  6  3  5  4  3  8  3)
    ("sana" "Sana Qureshi"    "governor"   4  4  4  4  3  5  2  7)
    ("tomas" "Tomas Berg"      "governor"   5  3  3  5  4  4  3  6)
    ("uma" "Uma Iyer"        "spark"      3  3  5  3  4  7  6  7)
    ("vito" "Vito Romano"     "spark"      4  4  4  4  6  5  5  6)))

(define stores '("oxygen" "water" "food" "power" "parts"))
(define capacity {"oxygen" 320 "water" 420 "food" 420 "power" 340 "parts" 120})

(define (colonist row)
  "A colonist's own page in agents.json."
  (dict "name" (second row) "archetype" (third row) "status" "active"
        "skills" (zipmap tasks (drop row 3))
        "mood" (toss 55 75) "energy" (toss 60 100) "task" "arriving" "shifts" 0 "discoveries" 0))

(define (first-sol)
  "The documents of frame 0."
  (dict "agents.json"   (dict "agents" (zipmap (map first crew) (map colonist crew)))
        "colony.json"   (dict "name" "Ares Hollow" "sol" 0 "order" "as usual"
                              "weather" {"dust" 20 "sky" "clear"}
                              "resources" {"oxygen" 190 "water" 250 "food" 260 "power" 200 "parts" 60}
                              "capacity" capacity
                              "habitats" '("main dome" "greenhouse" "ice works" "battery hall" "workshop"))
        "research.json" {"botany" 0 "chemistry" 0 "geology" 0 "medicine" 0}))

;;; ---- What everyone can see ---------------------------------------------------------------------

(define (night key default)
  "What the night watch said last night."
  (get (rb-echo "night-watch") key default))

(define (stock name)
  "How much of a resource is there."
  (get-in frame (list "colony" "resources" name) 0))

(define (shortage name)
  "How empty a store is, from 0 (full) to 1."
  (- 1 (/ (stock name) (get capacity name))))

(define (tension)
  "How tense the colony is, from 0 to 1, as the night watch felt it."
  (night "tension" 0.5))

(define (scarcest)
  "The resource that is nearest to running out."
  (max-by shortage stores))

;;; ---- A colonist --------------------------------------------------------------------------------
;;; No rule below asks for an archetype. Who does what comes from skills, stores, mood, the room and a die.

(define (need task)
  "How much the colony wants a task done, from 0 to 1."
  (cond ((member? task stores) (expt (shortage task) 2))
        ((equal? task "care") (/ (- 100 (night "morale" 60)) 200))
        (else 0.2)))

(define (taken task room)
  "How many in this room have picked a task already."
  (count (lambda (shift) (equal? (get shift "task") task)) (heard room "shifts")))

(define (choose-task agent room)
  "The task most worth this colonist's sol: need times skill times chance, less for each room-mate at it."
  (max-by (lambda (task)
            (/ (* (need task) (get-in agent (list "skills" task) 1) (about 1))
               (+ 1 (taken task room))))
          tasks))

(define (vigour agent)
  "What a sol of work is worth: tired, gloomy or sitting in the dark one gets less done."
  (* (about 1)
     (+ 0.5 (/ (get agent "energy") 250) (/ (get agent "mood") 500))
     (if (< (stock "power") 25) 0.6 1)
     (if (equal? (night "order" "as usual") "double watch") 1.25 1)))

(define yields                                 ; what a skill of 10 makes in a sol, and what that takes
  {"oxygen" {"oxygen" 17 "power" -4}
   "water"  {"water" 24 "power" -4 "parts" -1}
   "food"   {"food" 17 "water" -5}
   "power"  {"power" 22 "parts" -1}
   "parts"  {"parts" 9 "power" -3}})

(define (harvest agent task find)
  "What a shift or a find brings into the stores and takes out; skill, vigour raise the gain, not the price."
  (let ((gain (* (get-in agent (list "skills" task) 1) 0.1 (vigour agent))))
    (if find
        (dict (get find "resource") (get find "amount"))
        (map-values (lambda (amount) (if (> amount 0) (round (* amount gain)) amount))
                    (get yields task {})))))

(define finds                                  ; what lies out there: what it adds to, and how much
  '(("a vein of clean ice" "water" 55) ("a drop pod from the first landing" "parts" 24)
    ("perchlorate beds" "oxygen" 40)   ("a sheltered shelf for more panels" "power" 50)
    ("crates of ration bricks" "food" 50)))

(define (found-out agent task)
  "A discovery, which only scouts make, and seldom."
  (and (equal? task "scouting")
       (chance (/ (get-in agent '(skills scouting) 1) 40))
       (let ((find (pick finds)))
         (dict "colonist" (get agent "id")
               "title" (first find) "resource" (second find) "amount" (third find)))))

(define (tired? agent)
  "True when this colonist should sleep the sol away; orders move the line."
  (< (get agent "energy")
     (cond ((equal? (night "order" "as usual") "double watch") 15)
           ((equal? (night "order" "as usual") "rest day") 50)
           (else 30))))

(define (letters agent)
  "What others wrote to this colonist in the last sol."
  (filter (lambda (message) (equal? (get message "to") (get agent "id")))
          (fresh "messages" "messages" nil)))

(define (warmth messages)
  "How much messages lift a mood: warm ones do, worried ones weigh."
  (apply + 0 (map (lambda (message) (get {"warm" 3 "worried" -2} (get message "tone") 0)) messages)))

(define (next-mood agent room resting)
  "A mood drifts to where stores, orders, rest and other people pull it."
  (let* ((burden {"half rations" -14 "double watch" -8 "rest day" 10 "feast" 18})
         (pull (+ 82
                  (get burden (night "order" "as usual") 0)
                  (* -45 (tension))
                  (if resting 6 0)
                  (- (quotient (get agent "energy") 10) 6)))
         (words (clamp (warmth (append (letters agent) (heard room "messages"))) -6 8)))
    (clamp (round (+ (* 0.75 (get agent "mood")) (* 0.25 pull) words (toss -3 3))) 0 100)))

(define (next-energy agent resting)
  "Work costs, sleep gives back; who slept through frames comes well rested; an empty larder or tank tells."
  (clamp (+ (get agent "energy")
            (* 14 (or (frames-asleep agent) 0))
            (if resting 36 (toss -16 -9))
            (if (< (stock "food") 20) -8 0)
            (if (< (stock "oxygen") 20) -10 0))
         0 100))

(define (own-view agent)
  "The order this colonist would give, and why; nil where all is well enough."
  (cond ((> (max (shortage "food") (shortage "water")) 0.72)
         (list "half rations" (string "food " (stock "food") ", water " (stock "water"))))
        ((> (max (shortage "oxygen") (shortage "power")) 0.72)
         (list "double watch" (string (scarcest) " is down to " (stock (scarcest)))))
        ((< (get agent "energy") 24) (list "rest day" "we are worn out"))
        ((and (< (get agent "mood") 45) (< (shortage "food") 0.45))
         (list "feast" "the mood needs a table laid"))))

(define (proposal agent room)
  "What this colonist moves in council, unless that stands already or the room has moved something."
  (let ((view (own-view agent)))
    (and view
         (nil? (heard room "proposals"))
         (not (equal? (first view) (night "order" "as usual")))
         (chance 0.25)
         (dict "number" -1                     ; its number in this room; the merge gives the real one
               "colonist" (get agent "id") "order" (first view) "why" (second view)))))

(define (vote agent proposal)
  "Yes to what one would move oneself, sometimes to what others move when tired of it all; mostly no else."
  (dict "proposal" (get proposal "number") "colonist" (get agent "id")
        "choice" (if (or (equal? (get proposal "order") (first (or (own-view agent) '(nil))))
                         (chance (+ 0.3 (* 0.4 (tension)))))
                     "yes" "no")))

(define sentences
  '{"worried" ("{name}, I lie awake counting {low}. {stock} left."
               "Another {sky} sky. I do not like where this goes, {name}."
               "I did {task} again, {name}. Does anyone look at the numbers?")
    "plain"   ("{name}, {low} is at {stock}: can you see to it next sol?"
               "If {low} falls below {stock} we need a new order. Think it over, {name}."
               "Me {task}, {name}; and you? Someone should see to {low}.")
    "warm"    ("Your {last} last sol kept us going, {name}. Thank you."
               "{name}, come to the dome tonight, the sky is {sky}."
               "{task} goes well, {name}. We will make it here.")})

(define (word agent room task)
  "A word to somebody in the room, about what matters most to the one who speaks."
  (let ((to (pick (others agent room)))
        (tone (cond ((< (get agent "mood") 45) "worried")
                    ((or (equal? task "rest") (> (shortage (scarcest)) 0.6)) "plain")
                    (else "warm"))))
    (and to
         (chance 0.6)
         (dict "colonist" (get agent "id") "to" (get to "id") "tone" tone
               "text" (fill (pick (get sentences tone))
                            (dict "name" (first (words (get to "name"))) "last" (get to "task") "task" task
                                  "low" (scarcest) "stock" (stock (scarcest))
                                  "sky" (night "sky" "clear")))))))

(define (report agent room)
  "Word of what happened in the night, from the first in a room who has seen it; the colony keeps one report."
  (let ((event (night "event" nil)))
    (and event
         (nil? (heard room "incidents"))
         (dict "colonist" (get agent "id") "sol" (coming)
               "what" (first event) "resource" (second event) "change" (third event)))))

;;; ---- Programs: colonists forecast their own store, read what that came to, correct it, fork another's

(define (forecast agent change)
  "A program: ten sols of the store that this colonist knows best, if it goes on to change so much a sol."
  (let ((name (max-by (lambda (name) (get-in agent (list "skills" name))) stores)))
    (program-of agent (projection name `(rb-state "colony" "resources" ,name) change 10))))

(define (second-opinion agent warning)
  "A program: the forecast behind another's warning, forked: what if it lost less?"
  (let* ((whose (and warning (get warning "colonist")))
         (run (and whose (get (study-of whose) "run"))))
    (and (simulated? run) (not (equal? whose (get agent "id")))
         (program-of agent (changed whose (read-string (get run "source"))
                                    "change" (quotient (setting run "change") (toss 2 4)))))))

(define (next-program agent mine)
  "What this colonist's program becomes, nil where it stays: a forecast that was off is corrected."
  (let ((change (corrected mine 8)))
    (or (and (chance 0.2) (second-opinion agent (pick (fresh "warnings" "warnings" nil))))
        (cond (change         (forecast agent change))
              ((nil? mine)    (and (chance 0.1) (forecast agent -10)))
              ((forked? mine) (forecast agent -10))))))

(define (warning agent mine)
  "Word of a store that this colonist's forecast sees empty within ten sols."
  (and (projected? mine) (get mine "missed") (< 0 (get mine "ticks") 10) (chance 0.3)
       (dict "colonist" (get agent "id") "resource" (get mine "of") "sols" (get mine "ticks")
             "change" (get mine "change"))))

(define (quoted agent mine)
  "What a fork of somebody's forecast has shown, told to whom it is from."
  (let ((difference (and (forked? mine) (difference-in mine "amount"))))
    (and difference
         (dict "colonist" (get agent "id") "to" (get mine "whose") "tone" "plain"
               "text" (string "I took your forecast on: " difference ".")))))

(define (persona agent room)
  "One colonist's sol: everything that it brings into the world."
  (let* ((me (get agent "id"))
         (resting (tired? agent))
         (task (if resting "rest" (choose-task agent room)))
         (find (found-out agent task))
         (field (pick (keys (rb-state "research"))))
         (motions (append (heard room "proposals") (fresh "proposals" "proposals" nil)))
         (mine (study-of me))
         (own (lambda (field value) (dict "colonist" me "field" field "value" value))))
    (dict "shifts"      (list (dict "colonist" me "task" task
                                    "made" (harvest agent task find)))
          "findings"    (if (equal? task "research")
                            (list (dict "colonist" me "field" field
                                        "points" (round (* 0.5 (vigour agent)
                                                           (get-in agent '(skills research) 1)))))
                            '())
          "discoveries" (filter identity (list find))
          "incidents"   (filter identity (list (report agent room)))
          "proposals"   (filter identity (list (proposal agent room)))
          "votes"       (map (lambda (motion) (vote agent motion)) (take motions 2))
          "messages"    (filter identity (list (word agent room task) (quoted agent mine)))
          "warnings"    (filter identity (list (warning agent mine)))
          "programs"    (filter identity (list (next-program agent mine)))
          "profiles"    (list (own "mood" (next-mood agent room resting))
                              (own "energy" (next-energy agent resting))
                              (own "task" task))
          "memories"    (if (or find (chance 0.1))
                            (list (dict "colonist" me
                                        "text" (string "Sol " (coming) ": " (if find (get find "title") task)
                                                       ", mood " (get agent "mood") ".")))
                            '()))))

;;; ---- The merge: a shift flows into the stores --------------------------------------------------

(define (filled resources changes)
  "The stores with changes, never below nothing nor above what they hold."
  (reduce (lambda (all change)
            (let ((name (first change)))
              (dict-set all name (clamp (+ (get all name 0) (second change)) 0 (get capacity name)))))
          resources
          (entries changes)))

(define (upkeep)
  "What a sol takes and gives by itself: 22 people breathe, drink, eat; heaters burn; the sun shines."
  (let ((rations (get {"half rations" 0.6 "feast" 1.5} (night "order" "as usual") 1)))
    (dict "oxygen" -24
          "water"  (round (* -30 rations))
          "food"   (round (* -24 rations))
          "power"  (round (- (* 0.9 (- 100 (night "dust" 20))) 62))
          "parts"  -4)))

(define (turned colony)
  "The colony on the morning of the sol being made: upkeep, the night's event, the weather, the order."
  (let ((event (night "event" nil)))
    (dict-set colony
              "sol" (coming)
              "order" (night "order" "as usual")
              "weather" (dict "dust" (night "dust" 20) "sky" (night "sky" "clear"))
              "resources" (filled (filled (get colony "resources") (upkeep))
                                  (if event (dict (second event) (third event)) {})))))

(define (worked colony shift)
  "The merge rule of shifts: the first one of a sol turns the sol, each one fills the stores."
  (let ((today (if (= (get colony "sol") (coming)) colony (turned colony))))
    (dict-set today "resources" (filled (get today "resources") (get shift "made")))))

(define (dated item frame)
  "An item with the sol it belongs to."
  (dict-set item "sol" (coming)))

;;; ---- The night watch: an echo that reads the sol and steers the next ---------------------------

(define mishaps
  '(("a micrometeorite holed the tank" "water" -70) ("blight in the greenhouse" "food" -80)
    ("a seal failed in airlock two" "oxygen" -60)   ("fire in the battery hall" "power" -90)
    ("the big lathe broke" "parts" -25)))

(define (event-tonight)
  "What happens in the night, if anything: a mishap; or help from Earth, the likelier the harder the times."
  (cond ((chance 0.15) (pick mishaps))
        ((chance (* 0.2 (expt (tension) 3))) (list "a supply pod landed" (scarcest) 110))
        (else nil)))

(define (dust-tonight)
  "Dust in the air, from 5 to 95: it settles slowly, and now and then a storm comes up."
  (clamp (round (if (chance 0.07) (toss 65 95) (+ (* 0.85 (night "dust" 20)) (toss -1 6)))) 5 95))

(define (outcome number)
  "Yes less no among the votes of the last sol on a proposal."
  (let* ((cast (filter (lambda (vote) (= (get vote "proposal") number)) (fresh "votes" "votes" nil)))
         (yes (count (lambda (vote) (equal? (get vote "choice") "yes")) cast)))
    (- (* 2 yes) (length cast))))

(define (council)
  "The order that stands: what the last sol's votes carried; else the old one, which fades within a few sols."
  (let* ((motions (latest "proposals" nil 12))
         (best (and motions (max-by (lambda (motion) (outcome (get motion "number"))) motions))))
    (cond ((and best (> (outcome (get best "number")) 1)) (get best "order"))
          ((chance 0.35) "as usual")
          (else (night "order" "as usual")))))

(define (best-at task)
  "The archetype whose people are best at a task."
  (let ((skill (lambda (people) (mean (map (lambda (agent) (get-in agent (list "skills" task))) people))))
        (kinds (group-by (lambda (agent) (get agent "archetype")) agents)))
    (max-by (lambda (kind) (skill (get kinds kind))) (keys kinds))))

(define (hindsight)
  "What became of warnings that fall due tonight: observations of the sols in which they were given."
  (map (lambda (warning)
         (dict "sol" (get warning "sol")
               "text" (string (get warning "colonist") " saw no " (get warning "resource") " in sol "
                              (rb-frame) ": there are " (stock (get warning "resource")))))
       (filter (lambda (warning) (= (+ (get warning "sol") (get warning "sols")) (inc (rb-frame))))
               (latest "warnings" nil 60))))

(define (night-watch)
  "Weather, events, the count of votes; tension from shortages and moods; who should lead the sol to come."
  (let* ((morale (round (mean (map (lambda (agent) (get agent "mood")) agents))))
         (dust (dust-tonight))
         (worst (shortage (scarcest)))
         (strain (+ (* 1.3 (- worst 0.35)) (* 0.8 (- 0.7 (/ morale 100))) (* 0.2 (/ dust 100))))
         (tense (round (clamp strain 0 1) 2))
         (lead (best-at (cond ((> worst 0.6) (scarcest))
                              ((< morale 50) "care")
                              (else (pick '("research" "scouting")))))))
    (dict "tension" tense
          "morale" morale
          "dust" dust
          "sky" (cond ((> dust 60) "storm-brown") ((> dust 35) "hazy") (else "clear"))
          "order" (council)
          "event" (event-tonight)
          "delta" {"observations" (hindsight)}
          "echo" (string (if (> tense 0.5) "hard" "steady") ", " (scarcest) " is scarcest: " lead "s lead")
          "signal" (boost lead))))

;;; ---- Steering: the last frame decides how the next one runs ------------------------------------

(define (who-leads agent)
  "The archetype that the night watch asked for wakes first."
  (if (boosted? agent) 0 1))

(define (how-many-wake frame)
  "In calm sols some sleep in; when it gets tense all hands are up."
  (clamp (round (+ 13 (* 14 (tension)))) 13 22))

(define (how-many-streams frame)
  "Few large rooms in calm, many small ones in tension."
  (clamp (round (+ 4 (* 13 (tension)))) 4 15))

(define written                                ; how often two colonists wrote to each other lately
  (memoize (lambda (a b)
             (count (lambda (message)
                      (and (member? (get message "colonist") (list a b))
                           (member? (get message "to") (list a b))))
                    (latest "messages" nil 60)))))

(define (kinship a b)
  "How much two colonists gain from sharing a room: letters bind them, different trades complete each other."
  (+ (* 4 (written (get a "id") (get b "id")))
     (if (equal? (get a "archetype") (get b "archetype")) 0 6)
     (if (member? "spark" (list (get a "archetype") (get b "archetype"))) 5 0)))

;;; ---- What a pipe reads (colonists that are programs read the frame itself; a model reads this) -

(define (digest frame)
  "The same for every room."
  (list (section "colony"    (rb-state "colony")                                     (tokens 500))
        (section "tonight"   (rb-echo "night-watch")                                 (tokens 200))
        (section "council"   (latest "proposals" nil 6)                              (tokens 600))))

(define (room-brief room)
  "Who sits here, and what they remember."
  (map (lambda (agent)
         (section (get agent "name") (list (get agent "skills") (memory-of agent)) (tokens 400)))
       (get room "agents")))

(pump
  (name ares-hollow)
  (every (seconds 0))                          ; no rest between sols; (minutes 5) gives you time to read
  (clock (start "2031-02-14T06:00:00Z") (step (hours 24)))
  (state "state" (keep 50))
  (seed 22)
  (genesis first-sol)

  (agents "agents.json" agents (order who-leads) (rest-first) (at-most how-many-wake))
  (streams how-many-streams)
  (dam (affinity (score kinship) (room-size 6) (never-twice 2)))

  (backends
    (script (lispy (program persona))))        ; no model, no network
  (pipe script (deadline (minutes 1)))
  (prompt (shared digest) (room room-brief) (at-most (tokens 20000)))

  (delta
    (shifts
      (fields (colonist agent) (task string) (made any))
      (into "colony.json") (by worked)
      (count "agents.json" (agents colonist shifts)))
    (findings (fields (colonist agent) (field string) (points number))
              (into "research.json") (sum field points))
    (discoveries
      (fields (colonist agent) (title string) (resource string) (amount number))
      (number number (above "discoveries.jsonl"))
      (as dated) (into "discoveries.jsonl")
      (count "agents.json" (agents colonist discoveries)))
    (incidents (fields (colonist agent) (sol integer) (what string) (resource string) (change number))
               (once-per sol) (into "events.jsonl"))
    (proposals (fields (colonist agent) (order string) (why string))
               (number number (above "proposals.jsonl"))
               (as dated) (into "proposals.jsonl"))
    (votes
      (fields (proposal (ref proposals)) (colonist agent) (choice (one-of "yes" "no")))
      (once-per colonist proposal) (as dated) (into "votes.jsonl"))
    (messages
      (fields (colonist agent) (to agent) (tone (one-of "warm" "plain" "worried")) (text string))
      (as dated) (into "messages.jsonl"))
    (profiles
      (fields (colonist agent) (field (one-of "mood" "energy" "task")) (value any))
      (into "agents.json" agents) (last-writer))
    (warnings (fields (colonist agent) (resource string) (sols integer) (change number))
              (as dated) (into "warnings.jsonl"))
    (observations (fields (sol integer) (text string)) (from echoes) (about sol)  ; seen by `show SOL`
                  (into "observations.jsonl"))
    (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer))
    (memories (fields (colonist agent) (text string)) (into "memory/{colonist}.md"))
    (otherwise refuse))

  (echoes (by night-watch) agents-programs)
  (breaker (bad 1/2) (frames 3) (empty 20))
  (limits (steps 200000) (megabytes 32)))
