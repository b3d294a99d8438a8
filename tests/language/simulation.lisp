; A simulation takes a state from tick to tick and gives a dict: what was seen, where it ended, how to run it again.

(define grow (simulation :initial-state {"n" 1 "hidden" 0} :step (lambda (state tick) (update state :n (+ (get state :n) tick)))
                         :max-ticks 4 :observables '(n)))
(keys grow)
;=> ("trajectory" "final-state" "ticks" "seed" "source")
(get grow :trajectory)
;=> ({"n" 1} {"n" 1} {"n" 2} {"n" 4} {"n" 7})
(get grow 'final-state)
;=> {"n" 7 "hidden" 0}
(list (get grow :ticks) (get grow "seed") (length (get grow :trajectory)))
;=> (4 0 5)
(get-in grow '(trajectory 3 n))
;=> 4
(dict? grow)
;=> #t
(take (dict->list (dict-set grow :source nil :trajectory nil)) 3)
;=> (("trajectory" nil) ("final-state" {"n" 7 "hidden" 0}) ("ticks" 4))
(equal? grow (json-parse (json-encode grow)))
;=> #t
(equal? grow (read-string (write-string grow)))
;=> #t
(get grow :source)
;=> "(simulation\n  :initial-state {\"n\" 1 \"hidden\" 0}\n  :step (lambda (state tick) (update state :n (+ (get state :n) tick)))\n  :max-ticks 4\n  :observables '(n)\n  :seed 0)"
(equal? grow (eval (get grow :source)))
;=> #t

; Settings come in any order; observables are names of any kind; what a state has not is nil.
(get (simulation :observables (list :a 'b "c") :max-ticks 1 :step (lambda (s t) (update s :b t)) :initial-state {"a" 1}) :trajectory)
;=> ({"a" 1 "b" nil "c" nil} {"a" 1 "b" 0 "c" nil})
(get (simulation :initial-state {"a" 1 "b" 2} :step (lambda (s t) s) :max-ticks 1 :observables '(a bee)) :note)
;=> "no state had `bee`, so that it is nil at each tick; a state has `a`, `b`"
(get (simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '(a b)) :note)
;=> "no state had `a`, `b`, so that it is nil at each tick; the last state is empty"
; What a state has for a while, or is nil in the last, is no slip.
(get (simulation :initial-state {} :step (lambda (s t) (if (= t 1) {"a" 1} {})) :max-ticks 3 :observables '(a)) :note)
;=> nil
(has-key? (simulation :initial-state {"a" nil} :step (lambda (s t) s) :max-ticks 1 :observables '(a)) :note)
;=> #f
(get (simulation :initial-state {"a" 1} :step (lambda (s t) s) :max-ticks 2 :observables '()) :trajectory)
;=> ({} {} {})
(get (simulation :initial-state {"a" 1} :step (lambda (s t) s) :max-ticks 0 :observables '(a)) :trajectory)
;=> ({"a" 1})
(get (apply simulation (list :initial-state {} :step (lambda (s t) {"t" t}) :max-ticks 2.0 :observables '(t))) :final-state)
;=> {"t" 1}

; As the article has it.
(define (thermal-update state) (- (get state :temp-k) 1))
;=> #<procedure thermal-update>
(define mars-colony
  (simulation
    :initial-state (dict :pop 100 :o2-reserve 1000 :power-mw 50 :temp-k 260)
    :step (lambda (state tick)
            (let ((consumed (* 0.5 (get state :pop))))
              (update state
                :o2-reserve (- (get state :o2-reserve) consumed)
                :temp-k (thermal-update state))))
    :max-ticks 365
    :observables '(o2-reserve temp-k)))
(last (get mars-colony :trajectory))
;=> {"o2-reserve" -17250.0 "temp-k" -105}
(string-contains? (get mars-colony :source) "(define (thermal-update state) (- (get state :temp-k) 1))")
;=> #t
(equal? mars-colony (simulate mars-colony))
;=> #t
(get (fork mars-colony :initial-state (lambda (old) (update old :pop 10)) :max-ticks 10) :final-state)
;=> {"pop" 10 "o2-reserve" 950.0 "power-mw" 50 "temp-k" 250}
;;; fresh
(simulation :initial-state {"x" 1} :step (lambda (s t) (update s :x (thermal-update s))) :max-ticks 3 :observables '(x))
;!> unbound

; until, of (state) or (state tick), is asked before each tick.
(define (count-to end until) (simulation :initial-state {"n" 0} :step (lambda (s t) (update s :n inc)) :max-ticks end :observables '(n) :until until))
;=> #<procedure count-to>
(get (count-to 100 (lambda (s) (> (get s :n) 6))) :ticks)
;=> 7
(get (count-to 100 (lambda (s tick) (= tick 5))) :ticks)
;=> 5
(get (count-to 100 (lambda (s) #t)) :ticks)
;=> 0
(get (count-to 3 (lambda (s) (> (get s :n) 6))) :ticks)
;=> 3
(get (count-to 3 nil) :ticks)
;=> 3
(count-to 3 (lambda (a b c) #t))
;!> wrong-arity
(count-to 3 5)
;!> wrong-type

; The dice stand at the seed, whatever was thrown outside; outside goes on as if nothing had been thrown.
(define (dicey seed) (simulation :initial-state {"n" 0} :step (lambda (s t) (update s :n (random 1000))) :max-ticks 3 :observables '(n) :seed seed))
;=> #<procedure dicey>
(equal? (dicey 0) (begin (random) (dicey 0)))
;=> #t
(equal? (dicey 0) (dicey 1))
;=> #f
(equal? (get (dicey "mars") :trajectory) (get (fork (dicey 1) :seed "mars") :trajectory))
;=> #t
(get (dicey "mars") :seed)
;=> "mars"
(equal? (begin (set-random-seed! 3) (random)) (begin (set-random-seed! 3) (dicey 1) (random)))
;=> #t
(dicey 'x)
;!> wrong-type

; Agents are called in the order of their ids, each with the state and its id; all see the same state.
(define (crowd agents) (simulation :initial-state {"x" 0 "y" 0} :step (lambda (s t) (update s :steps inc-or-one)) :max-ticks 2 :observables '(x y) :agents agents))
;=> #<procedure crowd>
(define (inc-or-one n) (if n (+ n 1) 1))
;=> #<procedure inc-or-one>
(get (crowd (dict "b" (lambda (s self) (dict :y (+ 1 (get s :x)) :who self)) "a" (lambda (s self) (dict :x (+ 1 (get s :x)))))) :final-state)
;=> {"x" 2 "y" 2 "who" "b" "steps" 2}
(get (crowd (dict "b" (lambda (s self) (display self) nil) "a" (lambda (s self) (display self) {}))) :output)
;=> "abab"
(get (crowd (dict "a" (lambda (s self) (dict :x (+ (get s :x) 1))) "b" (lambda (s self) (dict :y (+ (get s :y) 5))) "c" (lambda (s self) s))) :final-state)
;=> {"x" 2 "y" 10 "steps" 2}
(crowd (dict "a" (lambda (s self) (update s :x (+ (get s :x) 1))) "b" (lambda (s self) (update s :y (+ (get s :y) 5)))))
;!> ambiguous
(get (crowd (dict "b" (lambda (s self) {"x" 5}) "a" (lambda (s self) {"x" 7}))) :final-state)
;=> {"x" 5 "y" 0 "steps" 2}
(get (crowd {}) :final-state)
;=> {"x" 0 "y" 0 "steps" 2}
(crowd (dict "a" (lambda (s self) 5)))
;!> wrong-type
(crowd (dict "a" (lambda (s) s)))
;!> wrong-arity
(crowd (dict "a" 5))
;!> wrong-type
(crowd '(1 2))
;!> wrong-type

; A constitution: values, and articles that hold after each tick or end the simulation.
(define (lawful limit) (simulation :initial-state {"gold" 0} :step (lambda (s t) (update s :gold (+ (get s :gold) (get (constitution) :tax)))) :max-ticks 3
                         :observables '(gold) :constitution (dict :tax 2 :invariants (list (list 'modest "Nobody is rich." (lambda (s) (< (get s :gold) limit)))))))
;=> #<procedure lawful>
(get (lawful 100) :final-state)
;=> {"gold" 6}
(lawful 5)
;!> broken-article
(try (lawful 5) (catch e (list (get e :message) (get e :category) (get-in e '(data article)) (get-in e '(data tick)))))
;=> ("tick 2: article `modest` does not hold: Nobody is rich." "user" "modest" 2)
(constitution)
;=> {}
(get (simulation :initial-state {} :step (lambda (s t) {"c" (constitution)}) :max-ticks 1 :observables '()) :final-state)
;=> {"c" {}}
(get-in (simulate (lawful 100)) '(final-state gold))
;=> 6
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '() :constitution {"invariants" (list 1)})
;!> bad-value
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '() :constitution (dict :invariants (list (list 'a "A." identity) (list 'a "B." identity))))
;!> bad-value

; A child has its parent's constitution with its own amendments, which end with it and only ever add.
(define (child own) (simulation :initial-state {} :step (lambda (s t) (update s :seen (constitution))) :max-ticks 1 :observables '() :constitution own))
;=> #<procedure child>
(define (parent own) (simulation :initial-state {} :max-ticks 1 :observables '() :constitution (dict :tax 1 :law "p" :invariants (list (list 'fine "All is well." (lambda (s) (not (get s :bad))))))
                       :step (lambda (s t) (let ((inner (get-in (child own) '(final-state seen)))) (dict :inner (dissoc inner :invariants) :articles (map first (get inner :invariants)) :mine (dissoc (constitution) :invariants))))))
;=> #<procedure parent>
(get (parent (dict :tax 5)) :final-state)
;=> {"inner" {"tax" 5 "law" "p"} "articles" ("fine") "mine" {"tax" 1 "law" "p"}}
(get (parent nil) :final-state)
;=> {"inner" {"tax" 1 "law" "p"} "articles" ("fine") "mine" {"tax" 1 "law" "p"}}
(get-in (parent (dict :invariants (list (list 'more "More." (lambda (s) #t))))) '(final-state articles))
;=> ("fine" "more")
(parent (dict :invariants (list (list 'fine "Weaker." (lambda (s) #t)))))
;!> bad-value
(get-in (parent (dict :invariants (list (list 'fine "All is well." (lambda (s) (not (get s :bad))))))) '(final-state articles))
;=> ("fine")
(define (bad-child) (simulation :initial-state {} :step (lambda (s t) {"bad" #t}) :max-ticks 1 :observables '()))
;=> #<procedure bad-child>
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (bad-child) s) :constitution (dict :invariants (list (list 'fine "All is well." (lambda (s) (not (get s :bad)))))))
;!> broken-article
(get (bad-child) :final-state)
;=> {"bad" #t}

; fork changes one thing, or several; compare gives the difference.
(define base (simulation :initial-state {"n" 1 "m" "x"} :step (lambda (s t) (update s :n (* 2 (get s :n)))) :max-ticks 3 :observables '(n m)))
(compare base (simulate base))
;=> {}
(compare base base)
;=> {}
(compare base (fork base :initial-state {"n" 2 "m" "x"}))
;=> {"changed" ("initial-state") "trajectory" {"n" {"since" 0 "last" (8 16) "delta" 8 "largest" 8}} "final-state" {"n" (8 16)}}
(compare base (fork base :max-ticks 4))
;=> {"changed" ("max-ticks") "ticks" (3 4) "final-state" {"n" (8 16)}}
(compare base (fork base :step (lambda (s t) (if (< t 2) (update s :n (* 2 (get s :n))) (update s :m "y")))))
;=> {"changed" ("step") "trajectory" {"n" {"since" 3 "last" (8 4) "delta" -4 "largest" -4} "m" {"since" 3 "last" ("x" "y")}} "final-state" {"n" (8 4) "m" ("x" "y")}}
(compare base (fork base :observables '(n)))
;=> {"changed" ("observables") "trajectory" {"m" {"since" 0 "last" ("x" nil)}}}
(compare base (fork base :seed 4 :until (lambda (s) #f)))
;=> {"changed" ("seed" "until") "seed" (0 4)}
(equal? (fork (fork base :seed 4) :seed 0) base)
;=> #t
(equal? (fork (fork base :until (lambda (s) #f)) :until nil) base)
;=> #t
(compare base (dict-set base :source nil))
;=> {"changed" ("source")}
(get (fork base :agents (dict "a" (lambda (s self) {"m" self}))) :final-state)
;=> {"n" 8 "m" "a"}
(fork base)
;!> wrong-arity
(fork base :ticks 5)
;!> bad-value
(fork base :initial-state 5)
;!> wrong-type
(simulate 5)
;!> wrong-type
(simulate {})
;!> wrong-type
(simulate (dict-set base :source nil))
;!> bad-value
(simulate (dict-set base :source "(+ 1 2)"))
;!> bad-value
(simulate (dict-set base :source "(let ((x 1)) (simulation))"))
;!> bad-value
(simulate (dict-set base :source "(simulation"))
;!> unclosed
(simulate (dict-set base :seed 5))
;!> bad-value
(compare base 5)
;!> wrong-type
(equal? (get base :trajectory) (get (simulate (dict-set base :source (read-string (get base :source)))) :trajectory))
;=> #t

; What it prints goes into its value.
(define said (with-output-to-string (simulation :initial-state {} :step (lambda (s t) (display t) s) :max-ticks 3 :observables '())))
said
;=> ""
(get (simulation :initial-state {} :step (lambda (s t) (display t) s) :max-ticks 3 :observables '()) :output)
;=> "012"

(define port (open-output-string))
;=> #<procedure port>
(simulation :initial-state {} :step (lambda (s t) (display t port) s) :max-ticks 3 :observables '())
;!> impure
(get (simulation :initial-state {} :step (lambda (s t) (let ((p (open-output-string))) (display t p) (dict :t (get-output-string p)))) :max-ticks 3 :observables '()) :final-state)
;=> {"t" "2"}
(get (simulation :initial-state {} :step (lambda (s t) (display t (current-output-port)) s) :max-ticks 3 :observables '()) :output)
;=> "012"
(get-output-string port)
;=> ""
(define promise (delay (random)))
(equal? (get (simulation :initial-state {} :step (lambda (s t) (dict :r (force promise))) :max-ticks 1 :observables '() :seed 1) :final-state) (get (simulation :initial-state {} :step (lambda (s t) (dict :r (force promise))) :max-ticks 1 :observables '() :seed 2) :final-state))
;=> #f
(call/cc (lambda (k) (simulation :initial-state {} :step (lambda (s t) (k t)) :max-ticks 3 :observables '())))
;=> 0

; Definitions inside the step are its own, and so is what it changes of them.
(get (simulation :initial-state {"n" 0} :max-ticks 2 :observables '() :step (lambda (s t) (define add 5) (set! add (+ add t)) (update s :n (+ add (get s :n))))) :final-state)
;=> {"n" 11}
(get (simulation :initial-state {"n" 0} :max-ticks 2 :observables '() :step (lambda (s t) (let ((sum 0)) (for-each (lambda (x) (set! sum (+ sum x))) '(1 2 3)) (update s :n (+ sum (get s :n)))))) :final-state)
;=> {"n" 12}
(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
;=> #<procedure counter>
(get (simulation :initial-state {"n" 0} :max-ticks 2 :observables '() :step (lambda (s t) (let ((c (counter))) (c) (c) (update s :n (+ (c) (get s :n)))))) :final-state)
;=> {"n" 6}

; Whatever is outside cannot be changed.
(define total 0)
;=> 0
(simulation :initial-state {} :step (lambda (s t) (set! total (+ total 1)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (if (> t 5) (set! total 1)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (define total 1) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (map (lambda (x) (define total x) total) '(1)) s) :max-ticks 1 :observables '())
;!> impure
(let ((mine 1)) (simulation :initial-state {} :step (lambda (s t) (define (mine) 1) s) :max-ticks 1 :observables '()))
;!> impure
(get (simulation :initial-state {} :step (lambda (s t) (let ((x 1)) (define (f) (define x 2) x) (dict :x (+ x (f))))) :max-ticks 1 :observables '()) :final-state)
;=> {"x" 3}
(get (simulation :initial-state {} :step (lambda (s t) (define list 2) (define t 3) (dict :x (+ list t))) :max-ticks 1 :observables '()) :final-state)
;=> {"x" 5}
(get (simulation :initial-state {} :step (lambda (total t) (dict :total total)) :max-ticks 1 :observables '()) :final-state)
;=> {"total" {}}
(define (bump) (set! total (+ total 1)))
;=> #<procedure bump>
(simulation :initial-state {} :step (lambda (s t) (bump) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '() :agents (dict "a" (lambda (s self) (bump) s)))
;!> impure
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '() :until (lambda (s) (set! total 5) #f))
;!> impure
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '() :constitution (dict :invariants (list (list 'a "A." (lambda (s) (bump))))))
;!> impure
(define shared (counter))
;=> #<procedure lambda>
(simulation :initial-state {} :step (lambda (s t) (shared) s) :max-ticks 1 :observables '())
;!> impure
(let ((n 0)) (simulation :initial-state {} :step (lambda (s t) (set! n 1) s) :max-ticks 1 :observables '()))
;!> impure
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (let ((n 0)) (define (up) (set! n (+ n 1))) (up) (simulation :initial-state {} :step (lambda (s t) (up) s) :max-ticks 1 :observables '()) s)))
;!> impure
(simulation :initial-state {} :step (lambda (s t) (eval '(set! total 7)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (eval '(define total 7)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (eval '(define (when x) x)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (eval '(defmacro total (x) x)) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (eval "(define new 7)") s) :max-ticks 1 :observables '())
;!> impure
(list total (when #t 1) (shared))
;=> (0 1 1)
(try (simulation :initial-state {} :step (lambda (s t) (bump) s) :max-ticks 1 :observables '()) (catch e (list (get e :code) (get e :category))))
;=> ("impure" "value")

; There is no clock, no web; dice are not set; what the run has used is not to be seen.
(simulation :initial-state {} :step (lambda (s t) (now) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (now-iso) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (set-random-seed! 5) s) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (update s :used (usage))) :max-ticks 1 :observables '())
;!> impure
(simulation :initial-state {} :step (lambda (s t) (update s :limits (limits))) :max-ticks 1 :observables '())
;!> impure
(number? (now))
;=> #t

; Nothing survives but the value: no symbol made, nothing remembered.
(list (gensym) (get (simulation :initial-state {} :step (lambda (s t) (update s :made (gensym))) :max-ticks 2 :observables '()) :final-state) (gensym))
;=> (#:g1 {"made" #:sg2} #:g2)
(define remembering (memoize (lambda (n) (random 1000))))
;=> #<procedure lambda>
(define (lucky seed) (get (simulation :initial-state {} :step (lambda (s t) (update s :n (remembering 1))) :max-ticks 1 :observables '() :seed seed) :final-state))
;=> #<procedure lucky>
(equal? (lucky 1) (lucky 2))
;=> #f
(equal? (lucky 1) (lucky 1))
;=> #t

; Three deep, by whatever way.
(define (nest depth) (simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (if (> depth 1) (nest (- depth 1)) s) s)))
;=> #<procedure nest>
(get (nest 3) :ticks)
;=> 1
(nest 4)
;!> simulation-limit
(try (nest 4) (catch e 1))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (nest 3) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (eval '(nest 3)) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (eval (get s :program)) s))
;=> {"trajectory" ({} {}) "final-state" {} "ticks" 1 "seed" 0 "source" "(simulation\n  :initial-state {}\n  :step (lambda (s t) (eval (get s :program)) s)\n  :max-ticks 1\n  :observables '()\n  :seed 0)"}
(define three (nest 3))
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (simulate three) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (fork three :seed 1) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (eval (get three :source)) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (sort '(2 1) (lambda (a b) (nest 3) #t)) s))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) s) :until (lambda (s) (nest 3) #f))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) s) :agents (dict "a" (lambda (s self) (nest 3) s)))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) s) :constitution (dict :invariants (list (list 'a "A." (lambda (s) (nest 3))))))
;!> simulation-limit
(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (map nest '(3)) s))
;!> simulation-limit
(get (get (simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (dict :later (lambda () (nest 3))))) :final-state) :later)
;=> #<procedure lambda>

; Budgets: half of what is left, charged to the parent.
(simulation :initial-state {} :step (lambda (s t) (let loop () (loop))) :max-ticks 1 :observables '())
;!> step-limit
(try (simulation :initial-state {} :step (lambda (s t) (let loop () (loop))) :max-ticks 1 :observables '()) (catch e 1))
;!> step-limit
(simulation :initial-state {} :step (lambda (s t) (let loop () (dict :a 1 :b 2 :c 3 :d 4 :e 5 :f 6 :g 7 :h 8 :i 9) (loop))) :max-ticks 1 :observables '())
;!> allocation-limit
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 200000 :observables '())
;!> size-limit
(get (simulation :initial-state {} :step (lambda (s t) s) :max-ticks 200000 :observables '() :until (lambda (s t) (= t 9))) :ticks)
;=> 9

; Settings are checked before anything runs.
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1)
;!> wrong-arity
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables)
;!> wrong-arity
(simulation {} :step)
;!> wrong-type
(simulation :initial-state {} :step (lambda (s t) s) :max-tick 1 :observables '())
;!> bad-value
(simulation :initial-state {} :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '())
;!> bad-value
(simulation :initial-state '(1) :step (lambda (s t) s) :max-ticks 1 :observables '())
;!> wrong-type
(simulation :initial-state nil :step (lambda (s t) s) :max-ticks 1 :observables '())
;!> wrong-type
(simulation :initial-state {} :step 5 :max-ticks 1 :observables '())
;!> wrong-type
(simulation :initial-state {} :step (lambda (s) s) :max-ticks 1 :observables '())
;!> wrong-arity
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks -1 :observables '())
;!> bad-value
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1.5 :observables '())
;!> bad-value
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 'many :observables '())
;!> wrong-type
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables 'a)
;!> wrong-type
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '(a a))
;!> bad-value
(simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '(1))
;!> wrong-type
(simulation :initial-state {} :step (lambda (s t) 5) :max-ticks 1 :observables '())
;!> wrong-type
(simulation :initial-state {} :step (lambda (s t) nil) :max-ticks 1 :observables '())
;!> wrong-type

; The names may be bound like any others.
(let ((simulation list) (fork 5)) (simulation fork 1))
;=> (5 1)
