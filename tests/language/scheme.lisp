; What programs bring from Scheme: several values, continuations, records, promises, its list and string libraries.

(let-values (((a b) (values 1 2)) ((c) (values 3)) (all (values 4 5))) (list a b c all))
;=> (1 2 3 (4 5))
(let-values (((a . rest) (values 1 2 3))) (list a rest))
;=> (1 (2 3))
(let ((a 1)) (let-values (((a) 2) ((b) a)) (list a b)))
;=> (2 1)
(let*-values (((a b) (values 1 2)) ((c) (+ a b))) c)
;=> 3
(let-values (((a b) (values 1 2 3))) a)
;!> bad-value
(let-values (((a b) 5)) a)
;!> wrong-type
(receive (first . more) (values 1 2 3) more)
;=> (2 3)
(define-values (q r) (floor/ 7 2))
;=> 1
(list q r (call-with-values (lambda () (truncate/ -7 2)) list))
;=> (3 1 (-3 -1))
(define (f) (define-values (x y) (values 1 2)) (+ x y))
;=> #<procedure f>
(f)
;=> 3
(list (call-with-values (lambda () (values 1 2)) +) (call-with-values (lambda () 5) list) (call-with-values (lambda () '(1 2)) car))
;=> (3 (5) 1)
(list (values 5) (values {"a" 1}) (filter values '(1 #f 2)))
;=> (5 (1) (1 2))
((case-lambda ((a) (list 'one a)) ((a b) (list 'two a b)) ((a b . more) (list 'more more))) 1 2 3)
;=> (more (3))
((case-lambda ((a) a)) 1 2)
;!> wrong-arity
(list (call/cc (lambda (k) (+ 1 (k 5)))) (call/cc (lambda (k) 7)) (let/cc return (for-each (lambda (x) (when (> x 1) (return x))) '(1 2 3)) 0))
;=> (5 7 2)
(define saved nil)
;=> nil
(call/cc (lambda (k) (set! saved k) 1))
;=> 1
(saved 2)
;!> bad-value
(call/cc (lambda (outer) (call/cc (lambda (inner) (outer 'out))) 'in))
;=> out
(try (call/cc (lambda (k) (try (k 'left) (catch e 'caught)))) (catch e 'caught))
;=> left
(let ((n 0)) (list (call/cc (lambda (k) (dynamic-wind void (lambda () (k 'left)) (lambda () (set! n 1))))) n))
;=> (left 1)
(call/cc (lambda (k) (with-exception-handler (lambda (e) (k (get e :code))) (lambda () (car '())))))
;=> "out-of-range"
(with-exception-handler (lambda (e) 0) (lambda () (car '())))
;!> out-of-range
(list (error-object? 5) (guard (e ((error-object? e) (list (error-object-message e) (error-object-irritants e)))) (error "bad:" 1 "x")))
;=> (#f ("bad: 1 \"x\"" (1 "x")))
(guard (e (#t (get e :message))) (error 'who "bad ~a of ~s" 1 "x"))
;=> "who: bad 1 of \"x\""
(define-record-type <point> (make-point x y) point? (x point-x) (y point-y set-point-y!))
;=> #<procedure set-point-y!>
(let ((p (make-point 1 2))) (list p (point? p) (point? 5) (point-x p) (get p :y) (equal? p (make-point 1 2))))
;=> ({"record" "point" "x" 1 "y" 2} #t #f 1 2 #t)
(set-point-y! (make-point 1 2) 5)
;!> immutable
(point-x {"x" 1})
;!> wrong-type
(define (inside) (define-record-type cell (make-cell-of v) cell? (v cell-v)) (cell-v (make-cell-of 9)))
;=> #<procedure inside>
(inside)
;=> 9
(let ((n 0)) (let ((p (delay (begin (set! n (+ n 1)) n)))) (list (force p) (force p) (force 5))))
;=> (1 1 5)
(define (from n) (cons-stream n (from (+ n 1))))
;=> #<procedure from>
(list (stream-take (from 1) 3) (stream-car (stream-cdr (from 5))))
;=> ((1 2 3) 6)
(define ((adder n) x) (+ n x))
;=> #<procedure adder>
((adder 2) 3)
;=> 5
(list (cons* 1 2 '(3)) (list* 1 '()) (last-pair '(1 2 3)) (list-head '(1 2 3) 2) (list-tabulate 3 (lambda (i) (* i i))))
;=> ((1 2 3) (1) (3) (1 2) (0 1 4))
(list (span odd? '(1 3 4 5)) (break even? '(1 3 4)) (split-at '(1 2 3) 1) (delete 2 '(1 2 3)) (assq 'b '((a 1) (b 2))) (assv 2 '((1 a) (2 b))))
;=> (((1 3) (4 5)) ((1 3) (4)) ((1) (2 3)) (1 3) (b 2) (2 b))
(list (member 2.0 '(1 2 3) =) (assoc 2.0 '((1 a) (2 b)) =) (member 9 '(1) <))
;=> ((2 3) (2 b) #f)
(list (reduce-left - 0 '(1 2 3)) (fold-right list 'z '(1 2)) (append-map list '(1 2)) (filter-map (lambda (x) (and (odd? x) x)) '(1 2 3)) (delete-duplicates '(1 2 1)) (delete-duplicates '(1 3 2 4) (lambda (a b) (= (modulo a 2) (modulo b 2)))))
;=> (-6 (1 (2 z)) (1 2) (1 3) (1 2) (1 2))
(list (list-index even? '(1 2)) (any odd? '(2 3)) (every odd? '(1 3)) (first '(1 2)) (tenth (range 10)))
;=> (1 #t #t 1 9)
(list (string-index "hello" "l") (string-search-forward "l" "hello" 3) (string-search-forward "z" "hello" 0) (string-contains "hello" "ll"))
;=> (2 3 #f 2)
(list (string-take "hello" 2) (string-drop "hello" 2) (string-take-right "hello" 2) (string-drop-right "hello" 2) (string-head "abc" 9))
;=> ("he" "llo" "lo" "hel" "abc")
(list (string-map char-upcase "abc") (string-filter char-numeric? "a1b2") (string-any char-numeric? "a1") (string-every char-alphabetic? "ab") (string-copy "hello" 1 3) (string-null? ""))
;=> ("ABC" "12" #t #t "el" #t)
(list (char->integer #\A) (integer->char 97) (char-upcase #\a) (char=? #\a #\a) (char<? #\a #\b) (char->digit #\7))
;=> (65 "a" "A" #t #t 7)
(list #\space #\newline #\x41 #\nul (string #\a #\b) (list->string (list #\a #\b)) (string->list "ab"))
;=> (" " "\n" "A" "\u0000" "ab" "ab" ("a" "b"))
(list (vector 1 2) #(1 2) (vector-ref #(1 2 3) 1) (vector-length #(1 2)) (vector->list #(1 2)) (make-vector 2 0) (vector-map inc #(1 2)) (vector-append #(1) #(2)) (vector-copy #(1 2 3) 1))
;=> ((1 2) (1 2) 2 2 (1 2) (0 0) (2 3) (1 2) (2 3))
(list (exact->inexact 1/4) (exact (floor 2.5)) (number->string 10 2) (string->number "ff" 16) (exact-round 2.6) (square 5) (truncate-quotient -7 2) (floor-remainder -7 2) (boolean=? #t #t) (symbol-append 'a 'b))
;=> (0.25 2 "1010" 255 3 25 -3 1 #t ab)
(list (bitwise-and 12 10) (bitwise-or 12 10) (bitwise-xor 12 10) (arithmetic-shift 1 10) (arithmetic-shift 1024 -3) (bitwise-not 0))
;=> (8 14 6 1024 128 -1)
(arithmetic-shift 1 100000)
;!> integer-limit
(let ((port (open-output-string))) (write 'a port) (display "b" port) (newline port) (get-output-string port))
;=> "ab\n"
(call-with-output-string (lambda (port) (display "x" port) (write "y" port)))
;=> "x\"y\""
(with-output-to-string (lambda () (display 1) (display "two")))
;=> "1two"
(display 1 2 (current-output-port))
;=> nil

; a let does not see its own names, unless nothing else has them
(let ((a 1) (b a)) (+ a b))
;=> 2
(let ((n (length '(1 2 3))) (half (/ n 2))) (list n half))
;=> (3 1.5)
(let ((f (lambda (x) (* 2 x))) (y (f 4))) y)
;!> wrong-arity
(let ((x 1) (g (lambda () x))) (g))
;=> 1
(define outer 10)
;=> 10
(let ((outer 1) (b outer)) (list outer b))
;=> (1 10)
(let ((first-of car) (x (first-of '(1 2)))) x)
;=> 1
(let ((words '("a")) (n (length words))) n)
;!> wrong-type
(let ((b a) (a 1)) b)
;!> unbound
(let loop ((s "abc") (n (string-length s))) (if (> n 3) (list s n) (loop (string-append s "!") (+ n 1))))
;=> ("abc!" 4)
(let loop ((n (string-length s)) (s "abc")) n)
;!> unbound
(define (late) (let ((gone 1) (here gone)) here))
;=> #<procedure late>
(late)
;=> 1
(define gone 5)
;=> 5
(late)
;=> 5

; syntax that is not here says what to write
(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))
;!> bad-syntax
(import (scheme base))
;!> bad-syntax
(parameterize ((p 1)) p)
;!> bad-syntax
(set! (car '(1)) 2)
;!> immutable
(define-values (whole part) (values (list 1 2) 3))
;=> 3
(let ((x 'outer)) (let loop ((x 'inner) (y x)) (list x y)))
;=> (inner outer)
(guard (e ((symbol? e) 1)) (raise 'boom))
;!> user-error
(guard (e ((symbol? (get e :data)) 1)) (raise 'boom))
;=> 1
