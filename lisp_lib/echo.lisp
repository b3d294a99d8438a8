;;; echo.lisp -- thoughts between heartbeats: what the last frame added, how it felt, what cools, who leads.
;;; An echo is a function of no argument; what it returns lies in state/echo_frames/ and in the next frame.
;;; A "signal" like "boost-contrarian" steers: the next frame has it at (get-in frame '(echo signals boost)).

(define (fresh collection document key)
  "The items that the last frame added to the end of a document; a log of lines has no key, nil."
  (take-right (get-in frame (if (nil? key) (list document) (list document key)) '())
              (get-in frame (list "last" "counts" collection) 0)))

(define (boost archetype)
  "The signal that lets an archetype speak first in the next frame."
  (string "boost-" archetype))

(define (share part whole)
  "Part of a whole as a number from 0 to 1; nothing of nothing is 0."
  (if (zero? whole) 0 (/ part whole)))

(define (mood comments)
  "Contentious when the talk crowds into few threads, quiet when there is none, else stable."
  (let* ((threads (sort (values (frequencies (map (lambda (comment) (get comment "post")) comments))) >))
         (crowded (share (apply + 0 (take threads 3)) (length comments))))
    (cond ((nil? comments) "quiet")
          ((> crowded 0.4) "contentious")
          (else "stable"))))

(define (archetypes agents)
  "How many agents there are of each archetype; those without one do not count."
  (frequencies (filter-map (lambda (agent) (get agent "archetype")) agents)))

(define (quietest items who)
  "The archetype that said least for its numbers; who is the field of an item that names its author."
  (let* ((numbers (archetypes agents))
         (kinds (list->dict (map (lambda (agent) (list (get agent "id") (get agent "archetype"))) agents)))
         (said (frequencies (filter-map (lambda (item) (get kinds (get item who))) items))))
    (min-by (lambda (kind) (share (get said kind 0) (get numbers kind))) (sort (keys numbers)))))

(define (topic post score)
  "A post as trending lists it."
  (dict "number" (get post "number") "title" (get post "title" "") "channel" (get post "channel")
        "author" (get post "author") "score" score))

(define (trending-now)
  "What is talked about: the last trending-decay's list, or trending.json where there was none yet."
  (let ((thought (rb-echo "trending-decay")))
    (if (dict? thought) (get thought "trending" '()) (rb-trending))))

(define (cooled posts talk)
  "Posts with seven tenths of their heat, new ones of 12, and a degree for each time the talk names them."
  (let ((warm (lambda (post)
                (topic post (round (+ (* 0.7 (get post "score" 12))
                                      (get talk (number->string (get post "number")) 0))
                                   2)))))
    (take (sort-by (lambda (post) (- (get post "score"))) (map warm posts)) 15)))

(define (trending-decay)
  "Yesterday's heat fades, what was talked about in the last frame glows; the mood says who should lead next."
  (let* ((posts (fresh "posts_created" "posted_log" "posts"))
         (comments (fresh "comments_added" "comments" nil))
         (votes (fresh "votes" "votes" nil))
         (named (lambda (item) (number->string (get item "post"))))
         (talk (frequencies (map named (append comments comments votes))))      ; a comment is worth two votes
         (known (unique-by (lambda (post) (get post "number")) (append (trending-now) (reverse posts))))
         (feeling (mood comments)))
    (dict "mood" feeling
          "trending" (cooled known talk)
          "echo" (if (equal? feeling "contentious")
                     "tension rising: contrarians should lead the next frame"
                     "room to breathe: let the quietest lead")
          "signal" (boost (if (equal? feeling "contentious")
                              "contrarian"
                              (quietest (append posts comments) "author"))))))

(define (tidy-memory)
  "Whose memory has grown long, and how it ends: a summary to wake up with instead of the whole."
  (dict "long" (filter-map (lambda (agent)
                             (let ((soul (rb-soul agent)))
                               (and soul
                                    (> (string-length soul) 4000)
                                    (dict "agent" (get agent "id") "ends" (last (lines soul))))))
                           agents)))
