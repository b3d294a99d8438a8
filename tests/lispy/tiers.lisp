; Programs that both tiers must run alike: `; name`, then the program, up to an empty line.

; tail calls
(define (even n) (if (= n 0) #t (odd (- n 1)))) (define (odd n) (if (= n 0) #f (even (- n 1))))
(list (even 1000) (odd 999))

; a procedure that changes its own name
(define (f n) (if (= n 3) (begin (set! f (lambda (x) 'other)) (f n)) (if (> n 5) n (f (+ n 1))))) (f
0)

; a builtin that is bound late
(define (f n) (+ n 1)) (f 1) (f 2) (f 3) (define (+ a b) 'mine) (f 4)

; a builtin that is set late
(define (f n) (* n 2)) (f 1) (f 2) (f 3) (set! * (lambda (a b) 'mine)) (f 4)

; eval rebinds
(define (f n) (if (= n 2) (eval '(define (+ a b) 'mine))) (+ n 1)) (list (f 1) (f 2) (f 3))

; floats
(define (f x n) (if (= n 0) x (f (* x 1.5) (- n 1)))) (f 1.0 40)

; a float that is no more finite
(define (f x) (f (* x 10.0))) (f 1.0)

; integers that grow
(define (f n a) (if (= n 0) a (f (- n 1) (* a 3)))) (f 400 1)

; integers that grow too much
(define (f a) (f (* a a))) (f 3)

; zeros with a sign
(define (f a b) (+ a b)) (list (f 0.0 -0.0) (f -0.0 -0.0) (f 0 -0.0) (f 1 2))

; booleans are no numbers
(define (f a) (+ a 1)) (f 1) (f 2) (f #t)

; kinds that change
(define (f a) (* a 2)) (list (f 1) (f 2) (f 1.5) (f 2.5) (f 3))

; kinds that change in a turn
(define (f a n) (if (= n 0) a (f (/ a 2) (- n 1)))) (list (f 64 3) (f 7 5))

; boxes
(define (make) (let ((n 0)) (lambda () (set! n (+ n 1)) n))) (define c (make)) (c) (c) (c) (c)

; boxes of a loop
(define fs (let loop ((i 0) (all '())) (if (= i 5) all (loop (+ i 1) (cons (lambda () i) all)))))
(map (lambda (f) (f)) fs)

; captured and set in a loop
(let loop ((i 0) (fs '())) (if (< i 4) (loop (+ i 1) (cons (lambda () (set! i (+ i 10)) i) fs)) (map
(lambda (f) (list (f) (f))) fs)))

; loops in loops
(let outer ((i 0) (sum 0)) (if (= i 9) sum (outer (+ i 1) (let inner ((j 0) (s sum)) (if (= j i) s
(inner (+ j 1) (+ s (* i j))))))))

; a jump out of a loop
(let outer ((i 0)) (let inner ((j 0)) (cond ((= i 6) (list i j)) ((= j 3) (outer (+ i 1))) (else
(inner (+ j 1))))))

; while and set
(define n 0) (define sum 0) (while (< n 50) (set! n (+ n 1)) (set! sum (+ sum n))) (list n sum)

; dotimes
(let ((sum 0)) (dotimes (i 30) (set! sum (+ sum i))) sum)

; dotimes with a result
(define (f n) (dotimes (i n i) (* i i))) (list (f 9) (f 0) (f 2.0))

; try in a hot procedure
(define (f n) (try (if (= 0 (modulo n 3)) (error "three" n) n) (catch e (get e "message")))) (map f
(range 12))

; try whose handler fails
(define (f n) (try (car n) (catch e (cdr n)))) (f '(1)) (f '(2)) (f 3)

; try that reraises
(define (f n) (guard (e ((string? e) e)) (raise n))) (list (f "a") (f "b")) (f 5)

; errors name their places
(define (g x) (+ 1 (h x))) (define (h x) (* 2 (car x))) (g '(1)) (g '(2)) (g '(3)) (g 4)

; errors in operands
(define (f x) (list x (car x) (undefined-name x))) (f '(1))

; arity
(define (f x) (g x x)) (define (g x) x) (f 1)

; calls of what is no procedure
(define (f x) (x 1)) (f car)

; deep recursion
(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1))))) (f 10000)

; too deep
(define (f n) (+ 1 (f (+ n 1)))) (f 0)

; too deep through map
(define (f n) (map (lambda (x) (f (+ x 1))) (list n))) (f 0)

; too many steps
(define (f n) (f (+ n 1))) (f 0)

; too many steps in a loop
(let loop ((i 0)) (loop (+ i 1)))

; too many steps in while
(while #t 1)

; too many steps in calls
(define (f n) (g n)) (define (g n) (+ 1 (f n))) (f 0)

; apply in tail position
(define (f n . rest) (if (= n 0) 'done (apply f (list (- n 1))))) (f 1000)

; rest
(define (f . all) (if (> (length all) 5) all (apply f 1 all))) (f)

; quasiquote
(define (f x) `(a ,x ,@(list x x) . ,x)) (list (f 1) (f 2) (f 3))

; dicts
(define (f x) {"a" x "b" (* x 2)}) (list (f 1) (f 2) (f 3))

; case
(define (f x) (case x ((1 2) 'low) ((3) 'three) (("a") 'text) (else 'other))) (map f '(1 2 3 "a" 9))

; cond with arrows
(define (f x) (cond ((assoc x '((1 2) (3 4))) => cadr) ((= x 9)) (else 'none))) (map f '(1 3 9 7))

; and and or
(define (f a b) (list (and a b) (or a b) (and a b 3) (or a b 3) (if (and a (or b a)) 1 2))) (list (f
1 2) (f #f 2) (f 1 #f) (f '() nil))

; internal definitions
(define (f n) (define a (* n 2)) (define (g x) (+ a x)) (g (+ a 1))) (list (f 1) (f 2) (f 3))

; used too early
(define (f n) (define a (+ b 1)) (define b 2) a) (f 1)

; set too early
(define (f n) (define (g) (set! b 1)) (g) (define b 2) b) (f 1)

; asserts
(define (f x) (assert (> x 0)) x) (f 1) (f 2) (f 0)

; macros
(define-macro (twice x) (list 'begin x x)) (define n 0) (define (f) (twice (set! n (+ n 1)))) (f)
(f) n

; sort with a procedure
(define (before? a b) (< (car a) (car b))) (sort '((3) (1) (2)) before?)

; names that look like Python
(define (print None True) (list None True)) (define (lambda1 self) self) (print 1 2)

; many arguments
(define (f a b c d e g h) (list a b c d e g h)) (f 1 2 3 4 5 6 7) (f 1 2 3 4 5 6 7)

; no arguments
(define n 0) (define (f) (set! n (+ n 1)) n) (f) (f) (f)

; strings and keywords
(define (f s) (string-append s "\"'\n{}" s)) (list (f "a") (f "b") ':k)

; output
(define (f x) (display x) (newline) x) (map f '(1 2 3))

; a hot procedure passed around
(define (inc x) (+ x 1)) (define (twice f x) (f (f x))) (list (twice inc 1) (map inc '(1 2)) (reduce
(lambda (a b) (+ a b)) '(1 2 3)) (apply inc '(4)))

; order of operands
(define log '()) (define (note x) (set! log (cons x log)) x) (define (f) (list (note 1) (if (note
#t) (note 2) 3) (let ((y (note 4))) (note y)) (note 5))) (f) (f) log

; operands that change variables
(define (f x) (list x (begin (set! x (+ x 1)) x) x (begin (set! x 9) x) x)) (f 1) (f 2)

; a global that changes under way
(define g 1) (define (f) (list g (begin (set! g (+ g 1)) g) g)) (f) (f)

; a builtin with too few
(define (f n) (if (= n 0) (second) (+ 1 (f (- n 1)))))
(f 60)

; a builtin that counts its arguments itself
(define (f n) (if (= n 0) (dict 1) (begin (f (- n 1)))))
(f 60)

; a key that nothing takes
(define (greet name &key loud) (list name loud))
(define (f n) (if (= n 0) (greet n :quiet #t) (f (- n 1))))
(list (f 60))

; clauses that do not fit
(define area (case-lambda ((side) side) ((a b) (* a b))))
(define (f n) (if (= n 0) (area) (+ (area n) (f (- n 1)))))
(f 60)

; wrong counts, mapped and applied
(define (f n) (if (= n 0) (map car '(1) '(2)) (try (apply f '(1 2)) (catch e (f (- n 1))))))
(f 60)

; a grant that is missing, met in a hot procedure
(define (f n) (if (= n 0) 0 (+ 1 (try (rb-agents) (catch e (f (- n 1)))))))
(f 60)

; a caught error that goes on
(define (f n) (if (= n 0) 0 (try (rb-agents) (catch e (if (= n 1) (raise e) (f (- n 1)))))))
(f 60)

; the depth limit met where arithmetic goes wrong
(define (h n) (try (+ nil n) (catch e (+ 1 (h n))))) (h 0)

; a procedure defined anew while others rely on it
(define (g n) (+ n 1)) (define (f n) (* 2 (g n))) (list (f 1) (f 2) (f 3)) (define (g n) (- n 1)) (list (f
1) (f 2) (f 3)) (set! g (lambda (n) 'set)) (define (h) (g 1)) (list (h) (h) (h))

; a procedure defined in a loop at the top
(define i 0) (while (< i 4) (define (g n) (+ n i)) (define r (map g '(1 2 3))) (set! i (+ i 1))) (list r (g 1))

; procedures that jump to each other with other types than before
(define (a n x) (if (= n 0) x (b (- n 1) (if (= n 5) 2.5 x)))) (define (b n x) (if (= n 0) (list x) (c (- n
1) x))) (define (c n x) (if (= n 0) "c" (a (- n 1) (+ x x)))) (list (a 9 1) (a 10 1) (b 10 "s") (a 11 3))

; jumps to each other that fail
(define (a n) (if (= n 0) (car n) (b (- n 1)))) (define (b n) (if (= n 0) (undefined-name) (a (- n 1)))) (list
(try (a 4) (catch e e)) (try (a 5) (catch e e)) (a 6))

; jumps to each other, one of which keeps a closure over what changes
(define (a n f) (if (= n 0) (f) (b (- n 1) (lambda () (set! n (+ n 1)) n)))) (define (b n f) (if (= n 0) (f) (a
(- n 1) f))) (list (a 4 car) (a 5 list) (a 6 list))

; jumps to each other from inside a loop
(define (a n) (let loop ((i 0)) (if (< i 2) (loop (+ i 1)) (if (= n 0) 'done (b (- n 1)))))) (define (b n) (a n))
(list (a 500) (b 20))

; a procedure that goes on in another, without end but for the limit
(define (a n) (b (+ n 1))) (define (b n) (a (* n 2))) (a 1)

; a local procedure that calls itself
(define (f n) (define (g k) (if (< k 2) k (+ (g (- k 1)) (g (- k 2))))) (g n)) (list (f 9) (f 10) (f "x"))

; a local procedure that is made again under way
(define (f n) (define made '()) (dotimes (i n) (define (g k) (if (= k 0) i (g (- k 1)))) (set! made (cons g made)))
(map (lambda (g) (g 3)) made)) (list (f 3) (f 4))

; walks over lists of all kinds
(define (walk items) (let loop ((l items) (made '())) (if (null? l) (reverse made) (loop (cdr l) (cons (* 2 (car
l)) made))))) (map (lambda (l) (try (walk l) (catch e (get e :message)))) (list '(1 2 3) nil '() (cdr '(1 2 3))
(cons 1 (cons 2 '())) (append '(1) (cons 2 '(3))) '(1 2 . 3) '(1 . 2) 5 "s" {"a" 1} (range 100) (cons 1 (range 70))))

; a walk that keeps what it gathered, or stops before the end
(define (until x items) (let loop ((l items) (seen '())) (cond ((null? l) (list 'none seen)) ((equal? (car l) x)
(list seen (reverse seen) (length seen))) (else (loop (cdr l) (cons (car l) seen)))))) (list (until 3 '(1 2 3 4))
(until 9 '(1 2)) (until 1 '(1)) (until 1 '()))

; a walk that asks for more than there is
(define (pairs l) (let loop ((l l) (n 0)) (if (empty? l) n (loop (cdr l) (+ n (car (cdr l))))))) (list (try (pairs
'(1 2)) (catch e e)) (let loop ((l '(1 2)) (n 0)) (if (= n 5) n (loop (cdr l) (+ n 1)))))

; a walk in a walk
(define (all a b) (let outer ((l a) (made '())) (if (null? l) made (outer (cdr l) (cons (let inner ((m b) (n 0)) (if
(pair? m) (inner (cdr m) (+ n (* (car l) (car m)))) n)) made))))) (list (all '(1 2 3) '(4 5)) (all '() '(1)) (all '(1)
(cons 1 (cons 2 nil))))

; lambdas whose elements change their kind
(define (f items) (list (map (lambda (x) (* x 2)) items) (filter (lambda (x) (> x 1)) items) (reduce (lambda (a x) (+ a
x)) 0 items) (fold (lambda (x a) (cons x a)) '() items) (fold-right (lambda (x a) (+ x a)) 0 items))) (list (f '(1 2
3)) (f '(1 2.5 600000000 -1)) (try (f '(1 2 "s")) (catch e e)) (f '()) (f '(1.5)) (f (cdr '(1 2 3))))

; a lambda that calls back, fails, or leaves a call to another
(define (down n) (if (= n 0) 0 (down (- n 1)))) (define (f items) (map (lambda (x) (down x)) items)) (define (g
items) (map (lambda (x) (if (= x 2) (error "two" x) (apply max (list x 1)))) items)) (list (f '(1 2 3)) (f '(4 5 6))
(try (g '(0 1 2 3)) (catch e e)) (g '(0 1)) (g '(5 2 7)))

; integers that grow past all that is small
(define (f a b) (list (+ a b) (- a b) (* a b) (+ a 1) (- b 1) (max a b) (quotient a 3) (modulo b 7))) (map (lambda (n) (f
n (- n))) (list 1 536870911 536870912 (expt 2 62) (expt 2 511) (expt 2 512) (expt 2 513) (expt 2 900)))

; a loop that doubles
(define (f n) (let loop ((i 0) (x 1)) (if (= i n) x (loop (+ i 1) (+ x x))))) (list (f 10) (f 600) (string-length
(number->string (f 900))))

; collected arguments
(define (f a . rest) (list a rest)) (define (g . all) (apply + all)) (define (h n) (list (f n) (f n 1) (f n 1 2) (g)
(g n) (g n 1 2.5) (apply f (list n n)))) (list (h 1) (h 2) (h 3) (try (f) (catch e e)) (f))

; keys of small dicts set in place
(define (f d) (list (dict-set d "a" 1) (dict-set d :a 1 :b 2) (dict-set d "a" 1 "a" 2 "c" 3) (dict "x" d :y 1)
(update d "n" (lambda (n) (+ 1 (or n 0)))))) (map f (list {} {"a" 0 "n" 4} nil '() (reduce (lambda (d i) (dict-set d
(number->string i) i)) {} (range 20))))

; texts put together in place
(define (f x) (list (string-append "a" x) (string-append x x "b") (number->string 7) (string-append (number->string 3)
x))) (list (f "s") (f "") (try (f 5) (catch e e)) (try (f nil) (catch e e)))

; cases of names and texts
(define (f x) (case x ((a b) 1) ((:k) 2) (("s") 3) (else (list x)))) (map f (list 'a 'b :k "s" "a" 1 nil '() '(1) {}))

; short procedures in the place of their calls, with other kinds each time
(define (same x) x) (define (let-same x) (let ((y (same x))) (if (let ((z y)) z) (list y) 'no))) (define (f n)
(list (let-same n) (let-same #f) (let-same 2.5) (let-same nil) (let-same (same (same n))) (if (same #f) 1 2)))
(list (f 1) (f "s") (f #f))

; short procedures that fail, in each other and at the end of each other
(define (a x) (car x)) (define (b x) (a (cdr x))) (define (c x) (+ 1 (b x))) (define (d x) (if (null? x) (e x)
(c x))) (define (e x) (undefined-name x)) (define (f x) (list (c x) (d x))) (list (f '(1 2)) (try (f '(1))
(catch e e)) (try (d nil) (catch e e)) (try (c 5) (catch e e)) (f 5))

; the depth limit in short procedures
(define (a x) (+ 1 (b x))) (define (b x) (* 2 (c x))) (define (c x) (if (= x 0) 0 (d (- x 1)))) (define (d x) (a x))
(list (a 5) (a 900)) (a 1000000)

; a short procedure that ends in what leaves calls to others
(define (loop-on n k) (if (= n 0) (k n) (loop-on (- n 1) k))) (define (g n k) (if (< n 0) 'less (loop-on n k)))
(define (f n) (list (g n list) (g (- n) list) (g n (lambda (x) (g -1 x))))) (list (f 3) (f 4) (f 2000))

; a short procedure whose operands change what it reads
(define total 0) (define (add! n) (set! total (+ total n)) total) (define (both a b) (list a b total)) (define (f n)
(both (add! n) (both (add! 1) (add! 2)))) (list (f 1) (f 2) total)

; a list that is walked becomes another variable
(let walk ((l '(1 2 3)) (before '())) (if (null? l) before (walk (cdr l) l)))
(define (f l) (let walk ((l l) (n 0) (all '())) (if (null? l) (list n all) (walk (cdr l) (car l) (cons n
l)))))
(list (f '(1 2 3)) (f (cons 1 (cons 2 '()))))

; a sum or difference that costs a step
(define (f a) (list (- a 1 2 3 4 5 6 7) (+ a 1 2 3 4 5 6 7) (- a 1 2 3 4 5 6 7 8) (+ a 1 2 3 4 5 6))) (f 1)
(define (g a) (list (- a 1.5 2 3 4 5 6 7) (- a a a a a a a a))) (list (g 1) (g (expt 2 61)) (g 2.5))

; a filter that changes its element
(filter (lambda (x) (set! x (list x)) x) '(1 2 3))

; a list that is put together and read more than once
(let loop ((i 0) (m '())) (if (= i 3) (list (eq? m m) (equal? m m)) (loop (+ i 1) (cons i m))))
(let loop ((i 0) (m '())) (if (= i 3) (dotimes (j 9 (eq? m m)) (car m)) (loop (+ i 1) (cons i m))))

; a filter by a constant
(filter (lambda (x) 5) '(1 2 3)) (list (filter (lambda (x) "a") '(1 2)) (filter (lambda (x) nil) '(1 2)))

; a jump whose arguments fail
(define (g a) (list a)) (define (k a) (g a)) (define (z x) (k (min 1 x)))
(list (try (z nil) (catch e 1)) (try (z nil) (catch e 2)) (try (z nil) (catch e 3)))
((lambda () (g 5)))

; a simulation whose text has eval, run by hot code that then meets other numbers
(define sim (dict-set (simulation :initial-state {"n" 0} :step (lambda (s t) s) :max-ticks 2 :observables '(n))
  "source" "(simulation :initial-state {\"n\" 0} :step (lambda (s t) (eval 's)) :max-ticks 2 :observables '(n))"))
(define (run x) (if (equal? x 3) (try (simulate sim) (catch e 0))) (+ 1 x))
(define (down x) (if (equal? x 3) (try (simulate sim) (catch e 0))) (if (< x 0.5) x (+ 1 (down (/ x 2)))))
(list (map (lambda (x) (run x)) (list 1 2 3 2.5 4)) (filter (lambda (x) (< 1 (run x))) (list 1 3 2.5)))
(list (sort (list 5 4 3 2 2.5 3) (lambda (a x) (run x) (< a x))) (down 6) (map down '(1 3 2.5)))

; a simulation whose text has eval, run by a procedure that is called for many values
(define sim (dict-set (simulation :initial-state {"n" 0} :step (lambda (s t) s) :max-ticks 2 :observables '(n))
  "source" "(simulation :initial-state {\"n\" 0} :step (lambda (s t) (eval 's)) :max-ticks 2 :observables '(n))"))
(list
  (map (lambda (x) (if (equal? x 3) (try (simulate sim) (catch e 0))) (+ 1 x)) (list 1 2 3 2.5 4))
  (reduce (lambda (a x) (if (equal? x 3) (try (simulate sim) (catch e 0))) (+ a x)) (list 1 2 3 2.5 4)))

; a simulation whose text has eval, run by a procedure that sorts
(define sim (dict-set (simulation :initial-state {"n" 0} :step (lambda (s t) s) :max-ticks 2 :observables '(n))
  "source" "(simulation :initial-state {\"n\" 0} :step (lambda (s t) (eval 's)) :max-ticks 2 :observables '(n))"))
(sort (list 5 4 3 2 2.5 3) (lambda (a x) (if (equal? x 3) (try (simulate sim) (catch e 0))) (< a x)))

; variables that change, of one kind and of several
(define (f n) (let ((a 0) (b 1.5) (c 0)) (dotimes (i n) (set! a (+ a i)) (set! b (* b a)) (set! c (if (> i 2) b a))) (list a b c)))
(define (g n) (while (> n 1) (set! n (if (even? n) (quotient n 2) (+ 1 (* 3 n))))) n)
(define (h n) (define total 0) (define last 'none) (dotimes (i n) (set! total (+ total 1)) (set! last i)) (list total last))
(define (k n) (let ((x n)) (dotimes (i 4) (set! x (* x x))) x))
(define (m n) (set! n (+ n 0.5)) (set! n (if (> n 2) 'large n)) n)
(list (f 3) (f 6) (g 27) (h 3) (h 5) (k 7) (k 1234567) (k 1.5) (m 1) (m 2) (g 7) (try (g 'a) (catch e (get e "message"))))

; names that stand for plain data, until they do not
(define size 16)
(define word "ab")
(define rate 1.5)
(define (at n) (modulo (* n size) (+ size 1)))
(define (say n) (string-append word (number->string (+ n size))))
(define (grow x) (* x rate))
(define before (list (map at '(1 2 3)) (map say '(1 2 3)) (map grow '(1 2 -0.0))))
(define size 2.5)
(define rate "none")
(list before (map at '(1 2 3)) (try (map grow '(1 2)) (catch e (get e "message"))))

; names that are set
(define count 0)
(define (next) (set! count (+ count 1)) (* count 2))
(list (next) (next) (next) count)

; zeros with a sign beside what is known
(define (add a b) (+ a b))
(define (one a) (+ 0 a))
(define (two a) (+ a 0.0))
(define (near n a) (+ (modulo n 2) a))
(list (map one '(0 -0.0 0.0 1)) (map two '(-0.0 0 0.0)) (map add '(-0.0 0 0.0) '(-0.0 -0.0 -0.0)) (map near '(2 2 3) '(-0.0 0.0 -1.0)))

; numbers that a test has shown
(define (f x) (if (> x 2) (+ x 1) (- x 0.5)))
(define (g x y) (cond ((< x y) (* x y)) ((and (= x y) (> y 1)) (+ x y 1)) (else (list x y))))
(list (map f '(1 2 3 2.5 600000000000)) (g 1 2) (g 2 2) (g 3 1.5) (try (f "a") (catch e (get e "message"))) (try (g 1 'b) (catch e (get e "message"))))

; texts are compared as well, and anything may be equal or not
(define (f x y) (if (> x y) (+ x 1) y))
(define (g x) (if (= x 2) 'two (+ x 1)))
(define (h x) (or (< x 2) (string-length x)))
(list (f 1 2) (f "a" "b") (f 3 2) (g 2) (g 1) (try (f "b" "a") (catch e (get e "message"))) (try (g "b") (catch e (get e "message"))) (h 1) (try (h "b") (catch e (get e "message"))))

; floats that are bounded, and those that are not
(define (wave t) (* 950.0 (+ 1.0 (* 0.3 (sin (/ t 58.0))))))
(define (tiny t) (/ t 1e-308))
(define (huge t) (* 1e300 (* 1e5 (cos (/ t 2.0)))))
(define (low t) (+ -1.0 (cos (* t 0.0))))
(define (chosen t) (let ((x (if (> t 2) 1e200 0.5))) (* x (* x t))))
(define (tried f x) (try (f x) (catch e (get e "message"))))
(list (map wave '(0 1 2)) (tried tiny 1) (tried tiny 0) (tried huge 1) (map low '(0 1)) (map (lambda (t) (tried chosen t)) '(1 2.5 3 4)))

; dicts that are asked more than once
(define (f d) (+ (get d "a") (if (get d "b") (get d "b") 0) (get d 'a)))
(define (g d) (list (get d "a" 7) (get d "b") (get (dict-set d "c" 1) "c") (has-key? d "a")))
(define large (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range 40)))
(list (f {"a" 1 "b" 2}) (f {"a" 1}) (map g (list {"a" 1} '() nil (dict-set large "a" 2))) (try (f '(1 2)) (catch e (get e "message"))))

; texts put together
(define (f a b) (string-append a "-{}%" (if (> (string-length a) 1) "x" b) ", " b))
(define (g a) (string-append (string-upcase a) (string-downcase "\"Ab\\") (number->string (string-length a))))
(define (h a b) (list (string-contains? a b) (string-contains? a "a") (string-upcase "lot") (string-upcase a)))
(list (f "a" "b") (f "ab" "ß") (g "straße") (h "abc" "c") (h "" "") (try (f 1 "b") (catch e (get e "message"))) (try (g 'a) (catch e (get e "message"))) (try (h "a" 1) (catch e (get e "message"))))

; quotients and rounded numbers of unknown kind
(define (q a b) (try (/ a b) (catch e (get e "message"))))
(define (r x) (try (list (floor x) (ceil x) (round x) (truncate x)) (catch e (get e "message"))))
(define (s n) (/ (+ n 1) 2))
(define (t n) (/ 12 (modulo n 5)))
(list (map q '(6 7 -6 0 6 6 1.5 6 #t) '(3 2 3 5 0 -3 0.5 a 2)) (map r '(1 1.5 -2.5 a #t 1e20)) (map s '(1 2 3)) (map t '(1 2 3)) (q (expt 2 300) 4) (q 4 (expt 2 300)) (q 600000000 3))

; sums of lists
(define (f . all) (apply + all))
(define (g a . all) (try (apply + a 1 all) (catch e (get e "message"))))
(list (f) (f 1) (f 1 2 3) (f 1 2.5) (f 1 2 3 4 5 6 7 8 9) (f 600000000 1) (f (expt 2 600) 1) (g 1) (g 'a 2) (g 1 #t) (g -0.0 -0.0))

; lambdas over lists, where they stand
(define (add n l) (map (lambda (x) (+ x n)) l))
(define (big n l) (filter (lambda (x) (and (> x n) x)) l))
(define (odd l) (filter (lambda (x) (odd? x)) l))
(define (out l) (let ((seen 0)) (for-each (lambda (x) (print x)) l) seen))
(define (both l) (map (lambda (x) (map (lambda (y) (list x y)) l)) l))
(define (known x) (if (> x 2) (error "too large" x) x))
(define (calls l) (map (lambda (x) (known x)) l))
(define (calls2 l) (map (lambda (x) (+ 1 (known x))) l))
(define (unknown f l) (map (lambda (x) (f x)) l))
(define (tried f . all) (try (apply f all) (catch e (list (get e "code") (get e "message")))))
(define lists (list '(1 2 3) '() nil (cdr '(0 1 2)) (cons 1 (cons 2 '())) '(1 a) {"a" 1} 5 "ab" '(1 . 2)))
(list (map (lambda (l) (tried add 1 l)) lists) (map (lambda (l) (tried big 1 l)) lists) (map (lambda (l) (tried odd l)) lists)
 (map (lambda (l) (tried out l)) lists) (both '(1 2)) (tried calls '(1 2 3)) (tried calls2 '(1 3)) (tried unknown known '(1 2)) (tried unknown 'a '(1)) (unknown abs '(-1)) (tried unknown list '(1 2)))

; an error in a lambda over a list shows the way
(define (inner l) (filter (lambda (x) (> (+ x 'a) 1)) l))
(define (outer l) (list 1 (inner l)))
(outer '(1 2 3))

; an error behind a tail call in a lambda over a list
(define (fails x) (car x))
(define (outer l) (list (map (lambda (x) (if (> x 1) (fails x) x)) l)))
(outer '(1 1 2))

; a procedure that calls itself in a lambda over a list
(define (count t) (if (list? t) (sum (map (lambda (x) (+ 1 (count x))) t)) 0))
(list (count '(1 (2 3) ((4)))) (count '()))

; a variable that changes, captured by a lambda over a list
(define (f l) (let ((n 0) (made '())) (for-each (lambda (x) (set! n (+ n x)) (set! made (cons x made))) l) (list n made)))
(define (g l) (let ((n 1)) (let ((r (map (lambda (x) (* n x)) l))) (set! n 5) (list r (map (lambda (x) (* n x)) l)))))
(list (f '(1 2 3)) (g '(1 2)) (simulation :initial-state {"n" 0} :step (lambda (s t) {"n" (car (car (g (list (get s "n") t))))}) :max-ticks 3 :observables '(n)))

; update by a lambda that stands there
(define (f d k n) (update d k (lambda (x) (if x (+ x n) n))))
(define (g d) (update d :a (lambda (x) (* x 2))))
(define (h d) (get (update d "a" (lambda (x) (known x))) "a"))
(define (known x) (if (> x 2) (error "too large" x) x))
(define (tried f . all) (try (apply f all) (catch e (list (get e "code") (get e "message")))))
(define large (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range 40)))
(define sixteen (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range 15)))
(list (map (lambda (d) (tried f d "a" 1)) (list {} {"a" 1} nil '() '(1) 5 {"a" "x"})) (tried f {} 5 1) (tried f {} 'a 1) (tried g {"a" 2 "b" 3}) (tried g {})
 (tried h {"a" 2}) (tried h {"a" 3}) (get (f large "a" 1) "a") (length (f large "3" 1)) (length (f (f sixteen "a" 1) "b" 1)))

; an error in an update shows the way
(define (f d) (list (update d "a" (lambda (x) (+ 1 (car x))))))
(define (g d) (f d))
(list (g {"a" '(1)}) (g {"a" 1}))

; variables of loops that their bodies change
(define (f n) (let ((all '())) (dotimes (i n) (set! all (cons (/ i 2) all)) (set! i (+ i 1.5)) (set! all (cons (floor i) all))) all))
(define (g n) (let loop ((i 0) (x 1) (all '())) (if (> i n) all (begin (set! x (* x 1.5)) (loop (+ i 1) (if (> i 3) "text" 3) (cons x all))))))
(define (h n) (let loop ((i 0) (x 1)) (set! x (+ x 1)) (if (> i n) x (loop (+ i 1) (/ x 2)))))
(list (f 6) (try (g 9) (catch e (get e "message"))) (g 2) (h 9))
(dotimes (i 9) (set! i (+ i 0.5)) (print (* i 2)))
(let loop ((i 0) (x 1)) (set! x (+ x 1)) (if (> i 9) x (loop (+ i 1) (/ x 2))))

; questions about types
(define (ask x) (list (list? x) (pair? x) (dict? x) (number? x) (symbol? x) (string? x) (if (list? x) 'l (if (pair? x) 'p 'n))))
(define large (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range 40)))
(map ask (list 1 1.5 #t nil '() '(1) (cdr '(1 2)) (cons 1 (cons 2 '())) '(1 . 2) "a" 'a :a {} {"a" 1} large car ask))

; procedures of many variables, made where they capture, and ones too large to turn hot
(define (make x) (lambda (y) (let* ((a0 x) (a1 x) (a2 x) (a3 x) (a4 x) (a5 x) (a6 x) (a7 x) (a8 x) (a9 x) (a10 x) (a11 x) (a12 x) (a13 x) (a14 x) (a15 x) (a16 x) (a17 x) (a18 x) (a19 x)) (list y a0 x))))
(define (all n) (map (lambda (i) ((make i) 1)) (range n)))
(define (kept n) (let loop ((i 0) (k nil)) (if (< i n) (loop (+ i 1) (cons (make i) k)) (length k))))
(list (all 9) (kept 9))
(define (large x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) (if (> x 1) (+ x 1) x) x)
(list (map large (range 9)) (large 1) (let loop ((i 0)) (if (< i 9) (begin (large i) (loop (+ i 1))) i)))
(define n 0)
(dotimes (i 9) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) )
(let loop ((i 0)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1)) (set! n (+ n 1))  (if (< i 9) (loop (+ i 1)) n))
