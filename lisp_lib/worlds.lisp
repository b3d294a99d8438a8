;;; worlds.lisp -- what worlds share: dice, who is rested, what a room has heard, words filled into sentences.
;;; Nothing here knows a world; every throw comes from the die of the agent, echo or rule that is running.

(define (chance p)
  "True in p of all cases."
  (< (random) p))

(define (about n)
  "A number near n: up to a quarter less or more."
  (* n (+ 0.75 (random 0.5))))

(define (toss low high)
  "A whole number from low to high, both among the answers."
  (random-int low high))

(define (pick items)
  "One of the items, or nil of none."
  (if (nil? items) nil (random-choice items)))

(define (pick-by weight items)
  "One of the items, each as likely as its weight says; nil where there is none."
  (let ((total (apply + 0 (map weight items))))
    (if (or (nil? items) (<= total 0))
        (pick items)
        (let look ((left (* total (random))) (rest-of items))
          (let ((here (weight (first rest-of))))
            (if (or (< left here) (nil? (rest rest-of)))
                (first rest-of)
                (look (- left here) (rest rest-of))))))))

(define (listed value)
  "A list, whatever it is: nil and other things that are no list count as none."
  (if (list? value) value '()))

(define (coming)
  "The number of the frame that is being made."
  (inc (rb-frame)))

(define (frames-asleep agent)
  "How many frames ago an agent was last awake: 0 is the last frame; nil if it never was."
  (let ((woken (get-in frame (list "woken" (get agent "id")))))
    (and woken (- (rb-frame) woken))))

(define (rested? agent frames)
  "True for who has slept through that many frames, or never was awake."
  (let ((asleep (frames-asleep agent)))
    (or (nil? asleep) (>= asleep frames))))

(define (boosted? agent)
  "True for the archetype that an echo asked for with a signal like boost-contrarian."
  (let ((wanted (get-in frame '(echo signals boost))))
    (if wanted (equal? (get agent "archetype") wanted) #f)))

(define (heard room collection)
  "What those who spoke before in this room have said, of one collection."
  (get-in room (list "heard" collection) '()))

(define (others agent room)
  "Who else is in the room."
  (remove (lambda (other) (equal? (get other "id") (get agent "id"))) (get room "agents")))

(define (clip text n)
  "A text cut at a word to at most n characters."
  (if (<= (string-length text) n)
      text
      (let* ((head (substring text 0 n))
             (space (string-rindex head " ")))
        (string (if space (substring head 0 space) head) " ..."))))

(define (fill template words)
  "A template with {name} replaced by what the dict has under that name."
  (reduce (lambda (text entry) (string-replace text (string "{" (first entry) "}") (->string (second entry))))
          template
          (entries words)))
