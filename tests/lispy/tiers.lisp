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
