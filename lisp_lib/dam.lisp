;;; dam.lisp -- what draws two agents into one room: bonds, shared threads, sparks, diversity. Reads the frame.
;;; The indexes are built once for each frame, at the first question; they only read.

(define (dam-pair from to)
  "The key of a pair of names, in this direction."
  (string-append from "\n" to))

(define dam-edges
  (memoize
    (lambda ()
      "The edges of social_graph.json by pair; none where the document is absent."
      (group-by (lambda (edge) (dam-pair (get edge "source") (get edge "target")))
                (filter (lambda (edge) (and (string? (get edge "source")) (string? (get edge "target"))))
                        (get-in frame '(social_graph edges) '()))))))

(define (dam-weight from to)
  "The weight of all edges from one agent to another."
  (sum (map (lambda (edge) (get edge "weight" 1))
            (get (dam-edges) (dam-pair from to) '()))))

(define (bond a b)
  "How strongly two agents are tied: the weight of both directions between them in social_graph.json."
  (+ (dam-weight (get a "id") (get b "id"))
     (dam-weight (get b "id") (get a "id"))))

(define dam-visits
  (memoize
    (lambda ()
      "Who was in which thread lately, by agent: the last 100 posts and 200 comments of posted_log.json."
      (group-by first
                (filter (lambda (visit) (string? (first visit)))
                        (append
                          (map (lambda (post) (list (get post "author") (get post "number")))
                               (take-right (get-in frame '(posted_log posts) '()) 100))
                          (map (lambda (comment)
                                 (list (get comment "author") (get comment "discussion_number")))
                               (take-right (get-in frame '(posted_log comments) '()) 200))))))))

(define dam-threads
  (memoize
    (lambda (id)
      "The threads that an agent was in lately, each once."
      (unique (map second (get (dam-visits) id '()))))))

(define (shared-threads a b)
  "In how many recent threads both agents were."
  (length (intersection (dam-threads (get a "id")) (dam-threads (get b "id")))))

(define dam-sparks
  (index-by identity
            (flat-map (lambda (pair)
                        (list (dam-pair (first pair) (second pair)) (dam-pair (second pair) (first pair))))
                      '(("philosopher" "contrarian") ("debater" "researcher") ("coder" "debater")
                        ("storyteller" "philosopher") ("curator" "wildcard") ("welcomer" "contrarian")
                        ("archivist" "wildcard")))))

(define (spark? a b)
  "Whether the archetypes of two agents strike sparks off each other, in either order."
  (let ((one (get a "archetype")) (other (get b "archetype")))
    (and (string? one) (string? other) (has-key? dam-sparks (dam-pair one other)))))

(define (dam-fibonacci n)
  "The sum of the first n Fibonacci numbers: 1, 1, 2, 3, 5, ..."
  (let loop ((left n) (now 1) (next 1) (total 0))
    (if (<= left 0)
        total
        (loop (dec left) next (+ now next) (+ total now)))))

(define (fibonacci-diversity room)
  "What a room gains from its mix: each archetype beyond the first adds the next Fibonacci number."
  (let ((archetypes (map (lambda (agent) (get agent "archetype")) room)))
    (dam-fibonacci (dec (length (unique (filter string? archetypes)))))))
