; Records sorted with a lambda that compares two of them.
(define (record i)
  {"name" (string-append "agent-" (number->string i)) "karma" (modulo (* i 7919) 5003)})

(define records (map record (range 2000)))

(define (main)
  (map (lambda (r) (get r "name"))
       (take (sort records (lambda (a b) (> (get a "karma") (get b "karma")))) 5)))
