; What programs bring from Racket: for and its family, match, structs, hashes with a procedure as default.

(for/list ((x '(1 2 3)) (y '(10 20 30))) (+ x y))
;=> (11 22 33)
(for*/list ((x '(1 2)) (y '(10 20))) (+ x y))
;=> (11 21 12 22)
(for/list ((x '(1 2 3 4)) #:when (even? x)) (* x x))
;=> (4 16)
(for/list ((i 3)) i)
;=> (0 1 2)
(for/list ((c "ab") (i (in-range 5))) (list c i))
;=> (("a" 0) ("b" 1))
(for/list (((k v) {"a" 1 "b" 2})) (list v k))
;=> ((1 "a") (2 "b"))
(for*/list ((x '(1 2 3)) #:unless (= x 2) (y (range x))) (list x y))
;=> ((1 0) (3 0) (3 1) (3 2))
(list (for/sum ((x '(1 2 3))) (* x x)) (for/product ((x '(1 2 3))) x) (for/and ((x '(1 2))) (> x 0)) (for/or ((x '(1 2 3))) (and (> x 1) x)) (for/first ((x '(1 2 3)) #:when (even? x)) x) (for/first ((x '())) x))
;=> (14 6 #t 2 2 #f)
(for/fold ((total 0)) ((x '(1 2 3))) (+ total x))
;=> 6
(for/fold ((sum 0) (n 0)) ((x '(5 6)) #:when (> x 5)) (values (+ sum x) (+ n 1)))
;=> (6 1)
(for*/fold ((acc '())) ((x '(1 2)) (y '(a b))) (cons (list x y) acc))
;=> ((2 b) (2 a) (1 b) (1 a))
(let ((seen '())) (list (for ((x '(1 2)) (y '(a b))) (set! seen (cons (list x y) seen))) seen))
;=> (nil ((2 b) (1 a)))
(for/list ((x '(1 2)) (< x 2)) x)
;!> bad-syntax
(for x in '(1 2) x)
;!> bad-syntax
(define (shape x) (match x (0 "zero") ((list _ _) "pair") ((list h . t) (list h t)) ((? string? s) s) (n (list 'other n))))
;=> #<procedure shape>
(map shape (list 0 '(1 2) '(9 8 7) "hi" 'x))
;=> ("zero" "pair" (9 (8 7)) "hi" (other x))
(match '(1 (2 3)) ((list a (list b c)) (+ a b c)))
;=> 6
(match '(1 2 3) ((list a rest ...) rest))
;=> (2 3)
(match '(1 . 2) ((cons a b) (list a b)))
;=> (1 2)
(match '(add 1 2) (`(sub ,a ,b) (- a b)) (`(add ,a ,b) (+ a b)))
;=> 3
(match {"kind" "a" "n" 5} ({"kind" "b"} 0) ({"kind" "a" "n" n} n))
;=> 5
(match 5 ((? even?) 'even) ((and n (? odd?)) (list 'odd n)))
;=> (odd 5)
(match '(1 1) ((list a a) 'same) (_ 'other))
;=> same
(list (match 'b ((or 'a 'b) 'ab) (_ 'none)) (match "x" ((not "y") 'not-y)) (match 7 (n #:when (> n 5) 'big) (_ 'small)) (match '() ((list) 'empty)))
;=> (ab not-y big empty)
(match 5 (6 'six))
;!> bad-value
(match 5 ((x y) 1))
;!> bad-syntax
(struct point (x y))
;=> #<procedure point-y>
(let ((p (point 1 2))) (list (point? p) (point-x p) (point-y p)))
;=> (#t 1 2)
(define-struct ship (name))
;=> #<procedure ship-name>
(ship-name (make-ship "a"))
;=> "a"
(list (hash-ref {"a" 1} "b" (lambda () 0)) (hash-ref {"a" 1} "b" 5) (hash-ref {"a" nil} "a" 5) (dict-ref {} "x" (lambda () 'none)))
;=> (0 5 nil none)
(list (hash-update {"n" 1} "n" inc) (hash-update {} "n" inc 0) (hash-update {} "n" inc (lambda () 5)) (hash-set {"a" 1} "b" 2))
;=> ({"n" 2} {"n" 1} {"n" 6} {"a" 1 "b" 2})
(list (hash-map {"a" 1} (lambda (k v) (list k v))) (hash->list {"a" 1}) (hash-keys {"a" 1}) (hash-values {"a" 1}) (hash-count {"a" 1}) (hash-has-key? {"a" 1} "a"))
;=> ((("a" 1)) (("a" . 1)) ("a") (1) 1 #t)
(let ((n 0)) (hash-for-each {"a" 1 "b" 2} (lambda (k v) (set! n (+ n v)))) n)
;=> 3
(list (make-hash) (make-hash '(("a" . 1))) (make-immutable-hash '(("a" . 1))) (hash "a" 1) (hash-empty? {}))
;=> ({} {"a" 1} {"a" 1} {"a" 1} #t)
(with-handlers ((exn:fail? (lambda (e) (exn-message e)))) (error "bad"))
;=> "bad"
(with-handlers ((string? identity)) (error "bad"))
;!> user-error
(begin0 1 2 3)
;=> 1
(list (build-list 3 inc) (add-between '(1 2 3) 'x) (remove-duplicates '(1 1 2)) (filter-not even? '(1 2 3)) (argmax abs '(-5 3)) (andmap odd? '(1 3)) (ormap even? '(1 3)) (range 2 5) (combinations '(a b c) 2) (take '(1 2 3) 2) (string-split "a b"))
;=> ((1 2 3) (1 x 2 x 3) (1 2) (1 3) -5 #t #f (2 3 4) ((a b) (a c) (b c)) (1 2) ("a" "b"))
(list (~a "n" 1 'x) (real->decimal-string 3.14159 3) (real->decimal-string 2) (exact-floor 2.7) (regexp-replace "a" "banana" "o") (regexp-match? "an+" "banana") (regexp-split "," "a,b") (regexp-quote "a.b"))
;=> ("n1x" "3.142" "2.00" 2 "bonana" #t ("a" "b") "a\\.b")
(list (set-union '(1 2) '(2 3)) (set-member? '(1 2) 2) (set-add '(1) 2) (set-remove '(1 2) 1) (set-count '(1 2)))
;=> ((1 2 3) #t (1 2) (2) 2)
(define (greet name (greeting "hello")) (string-append greeting " " name))
;=> #<procedure greet>
(list (greet "ada") (greet "bob" "hi"))
;=> ("hello ada" "hi bob")
(greet)
;!> wrong-arity
(greet "a" "b" "c")
;!> wrong-arity
(define-syntax-rule (f a) a)
;!> bad-syntax
