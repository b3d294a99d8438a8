; Calling, combining, raising.

(list (apply + '(1 2)) (apply + 1 2 '(3)) (apply max '(1 5 2)))
;=> (3 6 5)
(apply + 1)
;!> wrong-type
(list ((compose inc abs) -3) ((compose) 5) (pipe -3 abs inc) ((partial + 10) 5) (identity 5) ((constantly 1) 2 3) ((complement even?) 3))
;=> (4 5 4 15 5 1 #t)
(list (eval '(+ 1 2)) (eval "(* 2 3)"))
;=> (3 6)
(try (error "no" 5 "x") (catch e (list (get e "code") (get e "message") (get e "category") (get e "data"))))
;=> ("user-error" "no 5 \"x\"" "user" (5 "x"))
(try (raise 'oops) (catch e (get e "data")))
;=> oops
(try (try (/ 1 0) (catch e (raise e))) (catch e (get e "code")))
;=> "division-by-zero"
(error 'here "it broke" 1)
;!> user-error
(equal? (gensym) (gensym))
;=> #f
(display "a")
;=> nil

; memoize calls once for the same arguments
(define calls 0)
(define slow (memoize (lambda (x) (set! calls (+ calls 1)) (* x x))))
(list (slow 4) (slow 4) (slow 5) calls)
;=> (16 16 25 2)
(define pair (list 1 2))
(define sum-of (memoize (lambda (xs) (set! calls (+ calls 1)) (sum xs))))
(list (sum-of pair) (sum-of pair) (sum-of (list 1 2)) calls)
;=> (3 3 3 4)

; what the language knows of itself
(list (string? (describe 'map)) (first (apropos "flat-map")) (source car) (capabilities) (get (limits) "bits"))
;=> (#t flat-map nil () 14000)
(describe 5)
;!> wrong-type
(rb-state "stats.json")
;!> not-granted
(list (now) (now-iso) (iso->seconds "1970-01-02T00:00:00Z") (seconds->iso 60) (iso->seconds "x"))
;=> (0 "1970-01-01T00:00:00Z" 86400 "1970-01-01T00:01:00Z" #f)
