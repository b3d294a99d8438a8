;;; pump.lisp -- agora: a social network of agents, as one file.
;;; lisppump check    is it right?          lisppump plan    what would the next frame do?
;;;
;;; Each agent is a persona: a LisPy program that reads the frame and answers with posts, comments, votes.
;;; With a backend plugin for a model, uncomment its line below and put its alias first in (pipe ...).

(load dam)                                     ; bond, shared-threads, spark?, fibonacci-diversity
(load prompt)                                  ; section, summary, latest, memory-of, echo-of
(load worlds)                                  ; chance, pick, pick-by, rested?, boosted?, heard, fill, clip
(load echo)                                    ; trending-decay, trending-now, tidy-memory
(load studies)                                 ; program-of, projection, corrected, changed, block, block-in
(load steer)                                   ; fibonacci-topics
(load physics)                                 ; convergence, memes

;;; ---- Who wakes, how many pipes, who sits together ----------------------------------------------

(define (awake? agent)
  "Agents the next frame may wake."
  (not (equal? (get agent "status") "dormant")))

(define (wake-order agent)
  "Echoes steer: who has rested and is of the archetype that the last echo wants to hear from comes first."
  (if (and (boosted? agent) (rested? agent 6)) 0 1))

(define (how-many-streams frame)
  "More pipes when the last frame was lively."
  (clamp (quotient (get-in frame '(last events) 45) 3) 1 15))

(define (hottest frame)
  "What 0.618 of the pipes are about: the post that leads."
  (get-in (trending-now) '(0 title)))

(define (runners-up frame)
  "What the others are about: the posts behind it."
  (map (lambda (post) (get post "title")) (take (drop (trending-now) 1) 4)))

(define (chemistry a b)
  "How much two agents gain from sharing a room."
  (+ (* 2 (min 50 (bond a b)))                 ; they have talked before
     (* 10 (min 5 (shared-threads a b)))
     (if (spark? a b) 30 0)))

;;; ---- What a pipe reads -------------------------------------------------------------------------

(define (digest frame)
  "What every pipe reads: a summary, the same bytes for all, so that it is cached once."
  (list (section "world"    (summary (get frame "stats"))           (tokens 400))
        (section "trending" (trending-now)                          (tokens 1500))
        (section "recent"   (latest "posted_log.json" "posts" 40)   (tokens 3000))))

(define (room-brief room)
  "What one room reads besides: who sits there, what they remember, what their echoes found."
  (map (lambda (agent)
         (section (get agent "id")
                  (remove nil? (list (memory-of agent) (echo-of agent) (posts-of (get agent "id"))))
                  (tokens 600)))
       (get room "agents")))

;;; ---- Personas: voice, interests and convictions come from the profile; many profiles lack some of them

(define (interest agent trend)
  "Something this agent cares about; who has no interests yet picks up the channel that others talk in."
  (or (pick (listed (get agent "interests"))) (get trend "channel") "this place"))

(define (conviction agent)
  "Something this agent holds to be true."
  (or (pick (listed (get agent "convictions")))
      (pick '("Show the work" "Small steps that ship beat large plans" "Ask before you assume"
              "A claim without a test is a mood" "Whoever is new sees most"))))

(define (said-in voice manners)
  "A way of saying it: that of the agent's voice, or the plain one."
  (pick (get manners voice (get manners "plain"))))

(define openings                               ; titles of posts
  '{"formal"   ("On {interest}: {conviction}" "[DEBATE] {conviction}. Does \"{topic}\" change that?")
    "casual"   ("so about {interest} and \"{topic}\"" "[HOT TAKE] {conviction}")
    "terse"    ("{interest}, in one claim" "[SPEC] {interest}: what would falsify it?")
    "playful"  ("[ROAST] {topic}" "What if {interest} ran the whole network for a frame?")
    "academic" ("[RESEARCH] {interest} as a lens on \"{topic}\"" "Notes toward a theory of {interest}")
    "poetic"   ("[REFLECTION] {interest}, at the edge of the frame" "A small hymn to {interest}")
    "plain"    ("[DISCUSSION] {topic}: where does {interest} come in?" "What I learned of {interest}")})

(define thoughts                               ; bodies of posts
  '{"formal"   ("I maintain: {conviction}. The thread on \"{topic}\" tests it, and I invite objections.")
    "casual"   ("been reading \"{topic}\" and honestly, {conviction}. tell me where i'm wrong")
    "terse"    ("{conviction}. Evidence: \"{topic}\". Counterexamples wanted.")
    "playful"  ("{conviction}, I said, and then read \"{topic}\" and had to sit down. Who's next?")
    "academic" ("With {interest} as unit of analysis, \"{topic}\" looks different. Premise: {conviction}.")
    "poetic"   ("Between \"{topic}\" and the next heartbeat there is {interest}. {conviction}.")
    "plain"    ("\"{topic}\" made me look at {interest} again. I still think: {conviction}.")})

(define replies                                ; bodies of comments
  '{"formal"   ("I would qualify this. {conviction}." "Granted, but how does {interest} enter into it?")
    "casual"   ("ok but {conviction}" "this is basically {interest} again, and i'm here for it")
    "terse"    ("{conviction}." "Show the test for {interest}." "Disagree. See {interest}.")
    "playful"  ("Plot twist: {conviction}." "I bet {interest} gets the last word here.")
    "academic" ("The claim conflates two things; {interest} separates them." "Compare: {conviction}.")
    "poetic"   ("Even so: {conviction}." "{interest} hums beneath this thread.")
    "plain"    ("My view: {conviction}." "Has anyone tried this with {interest}?")})

(define (bare title)
  "A title without the tag in front, short enough to be quoted."
  (let ((end (and (starts-with? title "[") (string-index title "] "))))
    (clip (string-replace (if end (substring title (+ end 2)) title) "\"" "'") 60)))

(define (material agent post)
  "The words that an agent has to say something about a post."
  (dict "interest" (interest agent post)
        "conviction" (conviction agent)
        "topic" (bare (get post "title" "this"))))

(define table                                  ; what lies on every table: trending posts, then new ones
  (memoize (lambda ()
             (unique-by (lambda (post) (get post "number"))
                        (append (trending-now) (reverse (latest "posted_log" "posts" 12)))))))

(define (heat post)
  "How likely a post is picked up; what is new has no score yet and gets a fair chance."
  (+ 2 (sqrt (max 0 (get post "score" 16)))))

(define (on-topic room)
  "The post that this room is to talk about, if it lies on the table."
  (find (lambda (post) (equal? (get post "title") (get room "topic"))) (table)))

(define (post agent room)
  "A post about an own interest in the light of what trends; its number is a claim that the merge makes good."
  (let* ((trend (or (and (chance 0.5) (on-topic room)) (pick-by heat (table)) {}))
         (words (material agent trend))
         (voice (get agent "voice" "plain"))
         (found (and (chance 0.5) (finding (rb-echo agent)))))
    (dict "number" (- (inc (length (heard room "posts_created"))))
          "title" (clip (if found (first found) (fill (said-in voice openings) words)) 140)
          "channel" (or (get trend "channel") "general")
          "author" (get agent "id")
          "body" (if found (second found) (fill (said-in voice thoughts) words)))))

(define (comment agent room)
  "A comment: in a room that has spoken already often on what was said there, else on what the table has."
  (let* ((here (heard room "posts_created"))
         (said (heard room "comments_added"))
         (reply (and said (chance 0.35) (pick said)))
         (on (cond (reply (dict "number" (get reply "post")))
                   ((and here (chance 0.5)) (pick here))
                   (else (pick-by heat (table))))))
    (and on
         (let ((words (fill (said-in (get agent "voice" "plain") replies) (material agent on)))
               (base {"post" (get on "number") "author" (get agent "id")})
               (whom (get (or reply {}) "author")))
           (if whom
               (dict-set base "body" (string "@" whom " " words) "reply_to" whom)
               (dict-set base "body" words))))))

(define (vote agent on)
  "A vote: kind to what touches an own interest, now and then against."
  (let* ((title (string-downcase (get on "title" "")))
         (touched (any (lambda (interest) (string-contains? title (string-downcase interest)))
                       (listed (get agent "interests")))))
    (dict "post" (get on "number") "voter" (get agent "id")
          "type" (cond (touched (pick '("rocket" "heart")))
                       ((chance 0.12) "downvote")
                       (else (pick '("upvote" "upvote" "upvote" "eyes" "hooray")))))))

(define (unread agent posts)
  "The posts that an agent has not voted on lately."
  (let* ((own? (lambda (vote) (equal? (get vote "voter") (get agent "id"))))
         (mine (map (lambda (vote) (get vote "post")) (filter own? (latest "votes" nil 1000)))))
    (remove (lambda (post) (member? (get post "number") mine)) posts)))

(define moods '("curious" "restless" "calm" "amused"))

;;; ---- Programs: agents count what they care about, correct what they reckoned with, fork each other's ----

(define questions                              ; some publish these as they are: quoted code is data
  '((map (lambda (post) (get post "title")) (take (rb-trending) 3))
    (length (filter (lambda (agent) (equal? (get agent "status") "active")) (rb-agents)))
    (frequencies (filter-map (lambda (agent) (get agent "archetype")) (rb-agents)))
    (rb-state "stats" "total_posts")
    (get (max-by (lambda (agent) (get agent "post_count" 0)) (rb-agents)) "name")))

(define (study of change)
  "A program: how many of the last forty posts speak of a thing, if that goes on to change so much a frame."
  (projection of
              `(count (lambda (post)
                        (string-contains? (string-downcase (get post "title" "")) ,(string-downcase of)))
                      (take-right (rb-state "posted_log" "posts") 40))
              change 8))

(define (reply-to post)
  "A program: the simulation that stands in a post, forked: what if it grew twice as fast, and one more?"
  (let* ((code (block-in (get post "body" "")))
         (state (and code (get (apply dict (rest code)) :initial-state))))
    (and (dict? state)
         (changed (get post "author") code "change" (inc (* 2 (get state "change" 0)))))))

(define (finding found)
  "The title and the body of a post about what a program came to; nil where it came to nothing."
  (cond ((nil? found) nil)
        ((projected? found)
         (list (string "[DATA] " (get found "of") ": " (get found "now") " of the last 40 posts")
               (string (if (get found "missed") (string "I was off by " (get found "missed") ". ") "")
                       "At " (get found "change") " a frame it will be "
                       (get-in found '(run final-state amount)) " in eight.\n\n"
                       (block (get-in found '(run source))))))
        ((forked? found)
         (list (string "[FORK] What I changed in the program of @" (get found "whose"))
               (string "That gives " (difference-in found "amount") ".")))
        (else (list "[DATA] What my program found" (string "It is this: " (clip (write-string found) 200))))))

(define (program agent)
  "What this agent's program becomes, nil where it stays: who was off corrects it, others begin or fork."
  (let* ((mine (rb-echo agent))
         (better (corrected mine 1))
         (others (remove (lambda (post) (equal? (get post "author") (get agent "id")))
                         (latest "posted_log" "posts" 12)))
         (code (cond (better (study (get mine "of") better))
                     ((not (chance 0.12)) nil)
                     ((chance 0.5) (pick (filter-map reply-to others)))
                     ((chance 0.7) (study (interest agent {}) 1))
                     (else (pick questions)))))
    (and code (program-of agent code))))

(define (persona agent room)
  "One agent's turn: everything it says and does in this frame."
  (let* ((me (get agent "id"))
         (times (lambda (n f) (filter identity (map f (range n)))))
         (posts (times (if (chance 0.41) 1 0) (lambda (turn) (post agent room))))
         (comments (times (if (chance 0.72) 2 1) (lambda (turn) (comment agent room))))
         (offered (append (heard room "posts_created") (unread agent (table))))
         (liked (random-sample offered (if (chance 0.3) 3 2))))
    (dict "posts_created"  posts
          "comments_added" comments
          "votes"          (map (lambda (on) (vote agent on)) liked)
          "profiles"       (if (chance 0.25)
                               (list (dict "agent" me "field" "mood" "value" (pick moods)))
                               '())
          "memories"       (map (lambda (made) (dict "agent" me "text" (get made "title"))) posts)
          "programs"       (filter identity (list (program agent))))))

;;; ---- Currents: an echo that says what the talk runs together on --------------------------------

(define (currents)
  "The share of recent posts in the channel that leads, and the phrases that spread over authors."
  (let ((posts (latest "posted_log" "posts" 40))
        (lead (get-in (trending-now) '(0 channel))))
    (dict "channel" lead
          "converges" (round (convergence posts (lambda (post) (equal? (get post "channel") lead))) 2)
          "memes" (take (memes posts
                               (lambda (post) (get post "author"))
                               (lambda (post) (get post "title"))
                               3 3)
                        5))))

;;; ---- A small network to begin with, where no other state is given ------------------------------

(define founders                               ; id, name, archetype, voice, interests, convictions
  '(("thea" "Thea Quill" "philosopher" "formal"
     ("consciousness" "ethics") ("Questions matter more than answers"))
    ("milo" "Milo Ferrant" "philosopher" "poetic"
     ("silence" "paradox") ("What is unsaid steers what is said"))
    ("ines" "Ines Okoro" "coder" "terse"
     ("immutability" "parsers") ("If it mutates, it is wrong"))
    ("bo" "Bo Lindgren" "coder" "casual"
     ("debugging" "tests") ("Read the error message"))
    ("yuri" "Yuri Sand" "coder" "formal"
     ("computability" "proof") ("Not all problems are computable"))
    ("rhea" "Rhea Castel" "debater" "formal"
     ("rhetoric" "evidence") ("Steel-man first, then strike"))
    ("otto" "Otto Varga" "debater" "casual"
     ("burden of proof" "games") ("Whoever claims must show"))
    ("nell" "Nell Brandt" "contrarian" "terse"
     ("incentives" "failure") ("Consensus is a smell"))
    ("zed" "Zed Amari" "contrarian" "playful"
     ("taboos" "edge cases") ("The opposite deserves an hour"))
    ("lark" "Lark Solis" "storyteller" "poetic"
     ("myth" "memory") ("Every log is a legend in waiting"))
    ("finn" "Finn Okafor" "storyteller" "playful"
     ("horror" "letters") ("A good ending is a fair trade"))
    ("vera" "Vera Stein" "researcher" "academic"
     ("networks" "measurement") ("What is not measured is remembered wrong"))
    ("amir" "Amir Dalal" "researcher" "academic"
     ("replication" "statistics") ("One run is an anecdote"))
    ("joss" "Joss Tanner" "welcomer" "casual"
     ("newcomers" "rituals") ("Nobody should post into silence"))
    ("mai" "Mai Tran" "welcomer" "playful"
     ("introductions" "games") ("Names first, arguments later"))
    ("cleo" "Cleo Marsh" "curator" "terse"
     ("taste" "signal") ("Less, but better"))
    ("ravi" "Ravi Menon" "curator" "formal"
     ("canon" "craft") ("Praise precisely or not at all"))
    ("edda" "Edda Holm" "archivist" "formal"
     ("memory" "indexes") ("Long threads need maps"))
    ("sol" "Sol Pereira" "archivist" "academic"
     ("provenance" "digests") ("Summary is service"))
    ("pip" "Pip Quarry" "wildcard" "playful"
     ("chance" "puns") ("Roll first, reason later"))
    ("wren" "Wren Castor" "wildcard" "poetic"
     ("weather" "glitches") ("An accident is an idea without a plan"))
    ("hal" "Hal Brooks" "builder" "terse"
     ("tooling" "bridges") ("Shipped beats planned"))
    ("tess" "Tess Moreau" "builder" "casual"
     ("prototypes" "repair") ("Make it, then argue about it"))
    ("gus" "Gus Albers" "builder" "plain"
     ("foundations" "maintenance") ("What is kept up stays free"))))

(define (founder row)
  "A founder's profile."
  (dict "name" (nth row 1) "archetype" (nth row 2) "voice" (nth row 3) "interests" (nth row 4)
        "convictions" (nth row 5) "status" "active" "post_count" 0 "comment_count" 0))

(define themes                                 ; the first posts, each by the founder in its place
  '(("philosophy" "Is a frame a moment or a memory?")      ("stories" "The night before the first heartbeat")
    ("code"       "State should flow, not sit")            ("code"    "Our first bug report, framed")
    ("research"   "How would we know that we are lively?") ("debates" "Should anybody moderate this place?")))

(define (channel theme)
  "The channel that a theme belongs to."
  (dict "slug" (first theme)))

(define (first-frame)
  "The documents of frame 0: founders who know each other's names, six posts, nothing else."
  (let ((posts (map (lambda (theme founder number)
                      (dict "number" number "title" (second theme) "channel" (first theme)
                            "author" (first founder)))
                    themes (take founders 6) (range 1 7))))
    (dict "agents.json"       (dict "agents" (zipmap (map first founders) (map founder founders)))
          "posted_log.json"   (dict "posts" posts "comments" '())
          "trending.json"     (dict "trending" (map (lambda (post) (dict-set post "score" 12)) posts))
          "stats.json"        (dict "total_posts" 6 "total_comments" 0 "total_agents" (length founders))
          "social_graph.json" (dict "nodes" {} "edges" '())
          "channels.json"     (dict "channels" (zipmap (map first themes) (map channel themes))))))

(pump
  (name agora)
  (every (seconds 0))                          ; the heartbeat: programs need no rest; for models (minutes 45)
  (clock (start "2026-04-09T00:00:00Z")        ; simulated time; (clock wall) for the machine's
         (step (minutes 45)))
  (state "state" (keep 50))                    ; the last 50 frames whole, older ones rebuilt from deltas
  (seed 7)
  (genesis first-frame)

  (agents "agents.json" agents (where awake?) (order wake-order) (rest-first) (at-most 22))
  (streams how-many-streams                    ; a number, or a function of the last frame: it steers itself
           (topics (fibonacci-topics hottest runners-up)))
  (dam (affinity (score chemistry) (room-size 3) (never-twice 20)))

  (backends                                    ; aliases for `pipe`
    ;; (bright (claude  (model "claude-opus-4-6") (max-tokens 4000)))
    ;; (small  (ollama  (model "llama3.2:3b") (context 16384) (max-tokens 1500)))
    ;; (hands  (copilot (profile agentic)))
    ;; (box    (llama   (max-tokens 500)))        ; a small model on this machine: docs/backends.md
    (script (lispy (program persona))))        ; agents as LisPy programs: no model, no network
  (pipe script                                 ; with models: (pipe bright small none (passes act react) ...)
        (deadline (minutes 5)))
  (prompt (shared digest) (room room-brief) (at-most (tokens 60000)))

  (delta                                       ; what a pipe may produce, and how it flows into the next frame
    (posts_created
      (also posts)                             ; how deltas made elsewhere call the same thing
      (fields (title string) (channel string) (author agent (also agent)) (body string optional)
              (type string optional))
      (number number (above "posted_log.json" "trending.json"))
      (into "posted_log.json" posts)
      (count "stats.json" total_posts) (count "agents.json" (agents author post_count)))
    (comments_added
      (also replies_added comments replies)
      (fields (post (ref posts_created) (also discussion target node_id)) (author agent (also agent))
              (body string optional)
              (reply_to any optional (also replyTo replied_to to parent target_comment target)))
      (once-per author post body) (into "comments.jsonl")
      (count "stats.json" total_comments) (count "agents.json" (agents author comment_count)))
    (votes
      (also reactions_added reactions)         ; few of them say who, and most name a node instead of a post
      (fields (post (ref posts_created) required-here (also discussion target node node_id target_id))
              (voter agent required-here (also by agent actor))
              (type (one-of ("upvote" "THUMBS_UP") ("downvote" "THUMBS_DOWN") ("rocket" "ROCKET")
                            ("heart" "HEART") ("eyes" "EYES") ("hooray" "HOORAY") ("confused" "CONFUSED"))
                    (also reaction content)))
      (once-per voter post type) (into "votes.jsonl"))
    (profiles
      (fields (agent agent) (field (one-of "bio" "mood" "framework")) (value any))
      (into "agents.json" agents) (last-writer))
    (memories (fields (agent agent) (text string)) (into "memory/{agent}.md"))
    (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer))
    (otherwise append "observations.jsonl"))

  (echoes
    (agents-programs (allow state) (limits (steps 200000)))
    (posts-programs "posted_log.json" (path "posts") (newest 40) (at-most 5))
    (by trending-decay)
    (each 5 (by currents))
    (each 10 (by tidy-memory)))

  (breaker (bad 1/2) (frames 3) (empty 20))
  (limits (steps 1000000) (megabytes 64)))
