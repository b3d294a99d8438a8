;;; steer.lisp -- what the streams of a frame are about, for (streams n (topics ...)). Each function here gives one of
;;; (frame n): a list of n topics. A seed or a list of proposals may be given as it is, or as a function of the frame.

(define (said-of frame what)
  "What something comes to for a frame: a function is asked, all else is what it is."
  (if (procedure? what) (what frame) what))

(define (focus-or fallback)
  "The topic that operators or echoes ask for, else another."
  (lambda (frame) (or (get-in frame '(steering focus)) (said-of frame fallback))))

(define (all-on seed)
  "Every stream on the seed."
  (lambda (frame n) (repeat n (said-of frame seed))))

(define (in-turn topics n)
  "n topics, each as often as any other or once more, the first ones first; nil where there are none."
  (map (lambda (place) (and topics (nth topics (modulo place (length topics))))) (range n)))

(define (balanced-topics topics)
  "The topics in turn, as evenly as it goes."
  (lambda (frame n) (in-turn (or (said-of frame topics) '()) n)))

(define (fibonacci-topics seed proposals)
  "0.618 of the streams on the seed, one at least, the rest on the proposals in turn; all on the seed without any."
  (lambda (frame n)
    (let* ((others (or (said-of frame proposals) '()))
           (first-ones (if (nil? others) n (max 1 (round (* 0.618 n))))))
      (append (repeat first-ones (said-of frame seed)) (in-turn others (- n first-ones))))))
