; Every form of the language, and what its corners come to.

(if nil 1)
;=> nil
(list (if 0 "t" "f") (if "" "t" "f") (if '() "t" "f") (if nil "t" "f"))
;=> ("t" "t" "f" "f")
(cond (#f 1))
;=> nil
(cond ((+ 1 1)))
;=> 2
(cond ((assoc 'b '((a 1) (b 2))) => cadr) (else 'none))
;=> 2
(list (case 1 ((1.0) 'float) ((1) 'integer)) (case "a" ((a) 'symbol) (("a") 'string)) (case nil ((()) 'nil)))
;=> (integer string nil)
(case '(1 2) (((1 2)) 'pair) (else 'none))
;=> pair
(list (when #f 1) (unless #t 1) (when 1 2 3) (unless nil))
;=> (nil nil 3 nil)
(list (and) (or) (and 1 nil 2) (or nil #f))
;=> (#t #f nil #f)
(begin)
;=> nil
(define x 5)
;=> 5
(define (f a) "The doc." (* a 2))
;=> #<procedure f>
(f x)
;=> 10
(define (only-a-string) "not a docstring")
;=> #<procedure only-a-string>
(only-a-string)
;=> "not a docstring"
(set! x (+ x 1))
;=> 6
(list ((lambda all all) 1 2) ((lambda (a . rest) rest) 1) ((fn (a &rest r) r) 1 2) ((λ (x) x) 3))
;=> ((1 2) () (2) 3)
(let ((a 1) (b 2)) (let ((a b) (b a)) (list a b)))
;=> (2 1)
(let* ((a 1) (a (+ a 1))) a)
;=> 2
(letrec ((even (lambda (n) (if (= n 0) #t (odd (- n 1))))) (odd (lambda (n) (if (= n 0) #f (even (- n 1)))))) (even 7))
;=> #f
(let loop ((i 0) (acc '())) (if (= i 3) acc (loop (+ i 1) (cons i acc))))
;=> (2 1 0)
(let walk ((tree '(1 (2 3) ((4))))) (if (list? tree) (reduce + 0 (map walk tree)) tree))
;=> 10
(let outer ((i 0) (n 0)) (if (= i 4) n (let inner ((j 0) (n n)) (if (= j i) (outer (+ i 1) n) (inner (+ j 1) (+ n 1))))))
;=> 6
(do ((i 0 (+ i 1)) (acc '() (cons i acc))) ((= i 3) acc))
;=> (2 1 0)
(do ((i 0 (+ i 1))) ((= i 3)))
;=> nil
(do (+ 1 2) (+ 3 4))
;=> 7
(let ((n 0)) (while (< n 5) (set! n (+ n 2))) n)
;=> 6
(let ((acc '())) (dotimes (i 3 acc) (set! acc (cons i acc))))
;=> (2 1 0)
(-> '(3 1 2) sort first)
;=> 1
(->> '(1 2 3) (filter odd?) (map (lambda (x) (* x x))))
;=> (1 9)

; closures keep the turn they were made in
(map (lambda (p) (p)) (let loop ((i 0) (acc '())) (if (= i 3) acc (loop (+ i 1) (cons (lambda () i) acc)))))
;=> (2 1 0)
(let ((acc '())) (dotimes (i 3) (set! acc (cons (lambda () i) acc))) (map (lambda (p) (p)) acc))
;=> (2 1 0)
(map (lambda (p) (p) (p)) (let loop ((i 0) (acc '())) (if (= i 2) acc (loop (+ i 1) (cons (lambda () (set! i (+ i 10)) i) acc)))))
;=> (21 20)
(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
;=> #<procedure counter>
(let ((a (counter)) (b (counter))) (a) (a) (list (a) (b)))
;=> (3 1)

; internal definitions
(define (g) (define a 1) (define (h) (+ a b)) (define b 2) (h))
;=> #<procedure g>
(g)
;=> 3
(let () (define x 100) x)
;=> 100
x
;=> 6
((lambda (n) (when (> n 0) (define m (* n 2))) m) 4)
;=> 8
((lambda (n) (when (> n 0) (define m (* n 2))) m) -4)
;!> unbound
((lambda (n) (define m 0) (when (> n 0) (set! m (* n 2))) m) 4)
;=> 8

; data
`(1 ,(+ 1 1) ,@(list 3 4) . 5)
;=> (1 2 3 4 . 5)
`(1 `(2 ,(3 ,(+ 1 3))))
;=> (1 `(2 ,(3 4)))
`{"a" ,(+ 1 2) :b (x ,@'(1 2))}
;=> {"a" 3 "b" (x 1 2)}
{"a" (+ 1 2) :b 'c}
;=> {"a" 3 "b" c}
[list 1 2]
;=> (1 2)
()
;=> ()

; errors
(try (error "no" 1) (catch e (list (get e :code) (get e :message) (get e :category) (get e :data))))
;=> ("user-error" "no 1" "user" (1))
(try (car nil) (catch e (get e :category)))
;=> "value"
(try 1 2 (catch e 3))
;=> 2
(try (let loop () (+ 1 (loop))) (catch e 'caught))
;!> depth-limit
(try (let loop () (loop)) (catch e 'caught))
;!> step-limit
(assert (= 1 1))
;=> #t
(assert (= 1 2))
;!> assertion
(try (assert #f "so it goes") (catch e (get e :message)))
;=> "so it goes"

; macros
(define-macro (my-or a b) (let ((t (gensym))) `(let ((,t ,a)) (if ,t ,t ,b))))
;=> my-or
(let ((t 5)) (my-or #f t))
;=> 5
(defmacro twice body `(begin ,@body ,@body))
;=> twice
(let ((n 0)) (twice (set! n (+ n 1))) n)
;=> 2
(define-macro (forever x) `(forever ,x))
;=> forever
(forever 1)
;!> syntax-depth-limit
my-or
;!> bad-syntax

; a program's names hide forms and builtins
(let ((when list)) (when 1 2))
;=> (1 2)
(define (assert x) (list 'mine x))
;=> #<procedure assert>
(assert 1)
;=> (mine 1)
((lambda (list) (list 1)) inc)
;=> 2
(define (car x) 'my-car)
;=> #<procedure car>
(list (car '(1 2)) (first '(1 2)) (map car '((1))))
;=> (my-car 1 (my-car))
(let ((if 1)) if)
;!> bad-syntax
(define set! 1)
;!> bad-syntax

; eval runs at the top level
(let ((hidden 1)) (eval '(begin (define shown 7) (list shown x))))
;=> (7 6)
shown
;=> 7
(let ((hidden 1)) (eval 'hidden))
;!> unbound

;;; fresh
x
;!> unbound
(set! x 1)
;!> unbound
if
;!> bad-syntax
(if)
;!> bad-syntax
(let ((a)) a)
;!> bad-syntax
(let ((a 1) (a 2)) a)
;!> bad-syntax
(lambda (a a) a)
;!> bad-syntax
(unquote x)
;!> bad-syntax
(letrec ((a b) (b 1)) a)
;!> unbound
((lambda (x) x))
;!> wrong-arity
(5 1)
;!> wrong-type
({"a" 1} :a)
;!> wrong-type

; a program that is data means what its text means
;;; fresh
(define texts '((let-values (((a (b c) d) (values 1 (list 2 3) 4))) (list a b c d)) (loop ((i 0)) (if (< i 4) (recur (+ i 1)) i)) (for/list ((x '(1 2 3)) #:when (odd? x)) x) (match '(1 2) ((list a b) #:when (< a b) (- b a))) (let-values (((_ a) (values 1 2)) ((_ b) (values 3 4))) (list a b))))
;=> ((let-values (((a (b c) d) (values 1 (list 2 3) 4))) (list a b c d)) (loop ((i 0)) (if (< i 4) (recur (+ i 1)) i)) (for/list ((x '(1 2 3)) #:when (odd? x)) x) (match '(1 2) ((list a b) #:when (< a b) (- b a))) (let-values (((_ a) (values 1 2)) ((_ b) (values 3 4))) (list a b)))
(map eval texts)
;=> ((1 2 3 4) 4 (1 3) 1 (2 4))
(equal? (map eval texts) (map (lambda (text) (eval (write-string text))) texts))
;=> #t
(define-macro (same x) (list 'let-values (list (list '(a (b c) d) x)) '(list a b c d)))
;=> same
(same (values 1 (list 2 3) 4))
;=> (1 2 3 4)
(map (lambda (text) (try (eval text) (catch e (get e :message)))) '((setf (car x) 1) (assert (= 1 2)) (let ((5 1)) 1) (let loop ((5 1)) 1)))
;=> ("setf of (car x) would change data in place, which LisPy does not do" "this does not hold: (= 1 2)" "a name is wanted here, got 5" "a name is wanted here, got 5")
(let loop ((5 1)) 1)
;!> bad-syntax
(source (case-lambda ((a) a) ((a b) (+ a b))))
;=> (case-lambda ((a) a) ((a b) (+ a b)))

; names that are met less often
;;; fresh
(list (for*/and ((x '(1 2)) (y '(1 2))) (> (+ x y) 1)) (for*/and ((x '(1 2))) (> x 1)) (for*/and ((x nil)) x))
;=> (#t #f #t)
(list (for*/first ((x '(1 2 3)) #:when (even? x)) x) (for*/first ((x '(1 3)) #:when (even? x)) x) (for*/or ((x '(1 2)) (y '(3 4))) (and (= (* x y) 6) (list x y))) (for*/or ((x nil)) x))
;=> (2 #f (2 3) #f)
(list (for*/product ((x '(1 2 3)) (y '(1 2))) y) (for*/product ((x nil)) x) (for*/sum ((x '(1 2 3)) (y '(1 2))) (* x y)) (for*/sum ((x nil)) x))
;=> (8 1 18 0)
(for*/sum ((x '("a"))) x)
;!> wrong-type
(for*/product (x '(1)))
;!> bad-syntax
(for*/first ((x 5 6)) x)
;!> bad-syntax
(defgeneric area)
;!> bad-syntax
(defmethod area ((s square)) 1)
;!> bad-syntax
(defprotocol P)
;!> bad-syntax
(fluid-let ((x 1)) x)
;!> bad-syntax
(in-package :cl-user)
;!> bad-syntax
(let-syntax ((m 1)) 1)
;!> bad-syntax
(letrec-syntax ((m 1)) 1)
;!> bad-syntax
(provide f)
;!> bad-syntax
(require 'racket)
;!> bad-syntax
(return-from nil 5)
;!> bad-syntax
(use-modules (ice-9))
;!> bad-syntax
; patterns and parameters of many parts are gone through once
(match '(1 2 3 4) (`(1 ,a . ,rest) (list a rest)))
;=> (2 (3 4))
(match '(1 2) (`(1 2 3) 'three) (`(1 ,_) 'two))
;=> two
(match '(1 (2 x)) (`(,a (2 ,b)) (list a b)))
;=> (1 x)
(match '(1 2) ((list a (and b (not 3))) (list a b)))
;=> (1 2)
(define (f &key a b c d e g h i j k l m n o p q r s t (u 5) v) (list a v u)) (list (f) (f :v 1 :a 2) (f :a 1 :a 2 :u 3))
;=> ((nil nil 5) (2 1 5) (1 nil 3))
(f :w 1)
;!> wrong-arity
(f :a)
;!> wrong-arity
(define (f x &optional y &key a b c d e g h i j k l m n o p q r s t u v) (list x y v)) (f 1 2 :v 3)
;=> (1 2 3)
