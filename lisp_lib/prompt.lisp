;;; prompt.lisp -- what a pipe reads, in sections: a summary goes in, never a whole document.
;;; It reads the frame and makes texts; it changes nothing.

(define (section title body allowance)
  "One titled part of a prompt; allowance is how much of it may stand there: (tokens 400), or a plain number."
  (dict "title" title
        "body" body
        "tokens" (if (or (nil? allowance) (number? allowance)) allowance (quantity-amount allowance))))

(define (summary document)
  "A document in a few words: its plain members as they are, of lists and dicts only how many they hold."
  (cond ((dict? document)
         (map-values in-short document))
        ((list? document) (in-short document))
        (else document)))

(define (in-short value)
  "A plain value as it is; of a list or a dict the number of its members."
  (cond ((dict? value) (string (length (keys value)) " members"))
        ((and (list? value) (not (nil? value))) (string (length value) " items"))
        (else value)))

(define (latest document key n)
  "The last n items of a list in a document; a log of lines is itself the list, its key is nil."
  (take-right (get-in frame (if (nil? key) (list document) (list document key)) '()) n))

(define (memory-of agent)
  "The end of what an agent remembers, a text; nil where it remembers nothing."
  (let ((soul (rb-soul agent)))
    (and soul (string-join (take-right (lines soul) 6) "\n"))))

(define (posts-of agent)
  "What programs in an agent's posts came to, the last two, oldest first: {\"post\" \"value\"}, or with \"error\"."
  (map (lambda (line)
         (let ((error (get line "error")))
           (if error
               (dict "post" (get line "post") "error" (get error "message"))
               (dict "post" (get line "post") "value" (get line "value")))))
       (take-right (filter (lambda (line) (equal? (get line "author") agent)) (get frame "echo_posts" '())) 2)))

(define (echo-of agent)
  "What an agent's last echo came to, or why it failed; nil where it had none."
  (let ((error (get-in frame (list (string "echo_frames/" agent) "error"))))
    (if error
        (string "its program failed: " (get error "message"))
        (rb-echo agent))))
