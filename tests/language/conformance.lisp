; The language's page, sentence by sentence: each group stands under the heading it comes from.

; ---- Values ----
(list 1 1.5 #t #f true false "s" 'sym :pop '(1 2) {"k" 1} nil)
;=> (1 1.5 #t #f #t #f "s" sym :pop (1 2) {"k" 1} nil)
(list (number? #t) (integer? #t) (equal? #t 1) (= #t 1))
;=> (#f #f #f #f)
(+ #t 1)
;!> wrong-type
1e400
;!> not-a-number
(* 1e308 10)
;!> not-a-number
(if 0 'true 'false)
;=> #t
(if "" 'true 'false)
;=> #t
(if '() 'true 'false)
;=> #f
(list (not nil) (not '()) (not #f) (not 0) (not "") (not {}))
;=> (#t #t #t #f #f #f)

; nil has two spellings and one meaning
(list (null? nil) (null? '()) (equal? nil '()) (eq? nil '()) (= nil '()) (list? nil) (empty? nil) (length nil) (append nil '(1)) (cons 1 nil))
;=> (#t #t #t #t #t #t #t 0 (1) (1))
(list (member nil '(())) (assoc nil '((() 1))) (case nil ((()) 'found)) (unique (list nil '())) (contains? (list '()) nil))
;=> ((()) (() 1) found (nil) #t)
(json-encode (list nil '() (list) (filter even? '(1)) (map inc nil) (append) (append nil nil) (append nil) (reverse nil) (sort nil) (cdr '(1)) (keys {}) (values nil) (range 0) (drop '(1) 3) (take nil 1)))
;=> "[null, [], [], [], [], [], [], [], [], [], [], [], [], [], [], []]"
(json-encode (list (unique nil) (flatten nil) (zip) (zip nil nil) (union) (entries nil) (string-split "") (slice nil 0) (take-while even? nil) (remove even? nil) (list-copy nil) (flat-map list nil) (words "") (string->list "")))
;=> "[[], [], [], [], [], [], [], [], [], [], [], [], [], []]"
(json-encode (json-parse "[null, []]"))
;=> "[null, []]"
(begin (write nil) (write '()))
;=> nil

; lists and dicts are immutable; names that promise mutation are errors
(let ((d {"a" 1})) (dict-set d "b" 2) d)
;=> {"a" 1}
(hash-set! {} "a" 1)
;!> immutable
(list-set! '(1) 0 2)
;!> immutable
(set-car! '(1) 2)
;!> immutable
(set-cdr! '(1) 2)
;!> immutable
(append! '(1) '(2))
;!> immutable
(push! 1 '())
;!> immutable
(vector-set! '(1) 0 2)
;!> immutable
(try (hash-set! {} "a" 1) (catch e (get e :code)))
;=> "immutable"
(let ((d {"a" 1})) (set! d (dict-set d "b" 2)) d)
;=> {"a" 1 "b" 2}
(set! nobody-defined-this 5)
;!> unbound

; one list type to every operation; dotted pairs
(list (cons 1 2) '(1 . 2) '(1 2 . 3) (cons 1 '(2)) (car '(1 . 2)) (cdr '(1 . 2)) (list? '(1 . 2)) (pair? '(1 . 2)))
;=> ((1 . 2) (1 . 2) (1 2 . 3) (1 2) 1 2 #f #t)
(list (equal? (cons 1 (cons 2 nil)) '(1 2)) (equal? (cdr '(0 1 2)) (list 1 2)) (equal? (cons 1 (cdr '(0 2))) '(1 2)))
;=> (#t #t #t)

; dict keys
(let ((s {"pop" 5})) (list (get s :pop) (get s "pop") (get s 'pop)))
;=> (5 5 5)
{"k" (+ 1 2) :b 2 c 3}
;=> {"k" 3 "b" 2 "c" 3}
(get {"1" 2} 1)
;!> wrong-type

; = and equal?
(list (= 1 1.0) (= '(1 (2.0)) '(1.0 (2))) (= {"a" 1 "b" 2} {"b" 2.0 "a" 1}) (= car 5) (= "a" 'a) (= nil #f))
;=> (#t #t #t #f #f #f)
(list (equal? 1 1.0) (equal? #t 1) (equal? 'x "x") (equal? '(1) '(1)) (eqv? '(1) '(1)) (eq? "a" "a") (equal? {"a" 1 "b" 2} {"b" 2 "a" 1}))
;=> (#f #f #f #t #t #t #t)
(list (equal? car car) (let ((f (lambda (x) x))) (equal? f f)) (equal? (lambda (x) x) (lambda (x) x)))
;=> (#t #t #f)
(list (member 1.0 '(1 2)) (index-of '(1 2) 1.0) (unique '(1 1.0 #t "1" 1)) (assoc 1.0 '((1 a))) (case 1.0 ((1) 'integer) ((1.0) 'float)))
;=> (#f #f (1 1.0 #t "1") #f float)

; JSON and printing
(json-encode (list 'sym :kw (cons 1 2) '(1 2)))
;=> "[\"sym\", \"kw\", {\"car\": 1, \"cdr\": 2}, [1, 2]]"
(json-encode car)
;!> json-error
(list (->string "raw") (->string '("quoted" b)) (->string #t) (->string nil) (->string '(#f nil)))
;=> ("raw" "(\"quoted\" b)" "#t" "nil" "(#f nil)")
(list (write-string "a\"b\n") (write-string '(quote x)) (write-string '(1 . 2)))
;=> ("\"a\\\"b\\n\"" "'x" "(1 . 2)")
(equal? (read-string (write-string '(a "b\n" :c 1.5 #t nil {"k" (1 . 2)}))) '(a "b\n" :c 1.5 #t nil {"k" (1 . 2)}))
;=> #t

; numbers
(list (/ 6 3) (/ 1 2) (/ 6.0 3) (floor 2.5) (ceil 2.5) (round 2.5) (truncate -2.5))
;=> (2 0.5 2.0 2 3 2 -2)
(list (nth '(a b c) 1.0) (substring "hello" 1.0 3.0) (get '(a b) 1.0) (list-ref '(a b) 1.0))
;=> (b "el" b b)
(nth '(1 2 3) 2.5)
;!> bad-value
(substring "hello" 1.5)
;!> bad-value
(get '(1 2 3) 2.5)
;!> bad-value
(list-set '(1 2) 0.5 1)
;!> bad-value
(try (nth '(1 2 3) 2.5) (catch e (get e :message)))
;=> "nth wants an integer as its 2nd argument, got 2.5"
(list (clamp 5 0 3) (clamp -1 0 3) (clamp 2 0 3) (string->number "x") (string->number "12") (string->number "1.5"))
;=> (3 0 2 #f 12 1.5)

; not found
(list (index-of '(1 2) 3) (member 3 '(1 2)) (regex-match "x" "abc") (string-index "abc" "z") (find-index even? '(1)) (assoc 'z '((a 1))))
;=> (#f #f #f #f #f #f)
(list (find even? '(1 3)) (get {"a" 1} "b") (get nil "k") (get nil "k" 7) (get '(1) 5) (get '(1) 5 'd))
;=> (nil nil nil 7 nil d)
(list (take '(1 2) 5) (drop '(1 2) 5) (take-right '(1 2) 5) (substring "hello" 1 99))
;=> ((1 2) () (1 2) "ello")
(car '())
;!> out-of-range
(first nil)
;!> out-of-range
(nth '(1 2) 2)
;!> out-of-range
(nth '(1 2) -1)
;!> out-of-range
(second '(1))
;!> out-of-range
(last nil)
;!> out-of-range

; ---- Forms ----
(list 'a `(1 ,(+ 1 1) ,@(list 3 4)) '(quasiquote (unquote x)))
;=> (a (1 2 3 4) `,x)
(list (if #f 1) (cond (#f 1) (else 2)) (cond ((assoc 'b '((a 1) (b 2))) => cadr) (else 0)) (cond (5)) (cond (#f 1)))
;=> (nil 2 2 5 nil)
(list (case "a" (("a" "b") 1) (else 2)) (case '(1) (((1)) 'list)) (case :k ((:k) 'keyword)) (case 2 ((2) => (lambda (k) (* k 10)))) (case 9 ((1) 2)))
;=> (1 list keyword 20 nil)
(list (when #t 1 2) (when #f 1) (unless #f 1 2) (unless #t 1) (and) (or) (and 1 2) (or #f 2) (and nil 1) (not 1))
;=> (2 nil 2 nil #t #f 2 2 nil #f)
(define x 5)
;=> 5
(define (documented a) "What it does." a)
;=> #<procedure documented>
(list (documented 1) (string-contains? (describe documented) "What it does."))
;=> (1 #t)
(define (only-text) "the value")
;=> #<procedure only-text>
(only-text)
;=> "the value"
(define square-of (lambda (n) (* n n)))
;=> #<procedure square-of>
(list (begin (define later 7)) (set! x 6) x)
;=> (7 6 6)
(list ((lambda (a b) (list a b)) 1 2) ((lambda (a . rest) (list a rest)) 1 2 3) ((lambda args args) 1 2) ((fn (a) a) 1) ((λ (a) a) 2))
;=> ((1 2) (1 (2 3)) (1 2) 1 2)
(list (let ((a 1) (b 2)) (+ a b)) (let loop ((i 0)) (if (< i 5) (loop (+ i 1)) i)) (let* ((a 1) (b (+ a 1))) b) (letrec ((f (lambda (n) (if (= n 0) 'done (f (- n 1)))))) (f 3)))
;=> (3 5 2 done)
(letrec ((a b) (b 2)) a)
;!> unbound
(list (begin 1 2 3) (begin))
;=> (3 nil)

; do iterates when its first operand is bindings and its second a non-empty list; otherwise it is begin
(list (do ((i 0 (+ i 1)) (acc '() (cons i acc))) ((= i 3) acc)) (do () (#t 'once)) (do 1 2 3) (do (+ 1 1) (+ 2 2)) (do) (do () 5))
;=> ((2 1 0) once 3 4 nil 5)
(define-macro (swap! a b) (let ((t (gensym))) `(let ((,t ,a)) (set! ,a ,b) (set! ,b ,t))))
;=> swap!
(let ((t 1) (u 2)) (swap! t u) (list t u))
;=> (2 1)
(defmacro twice-of body `(begin ,@body ,@body))
;=> twice-of
(let ((n 0)) (twice-of (set! n (+ n 1))) n)
;=> 2
(defun add-two (a b) (+ a b))
;=> #<procedure add-two>
(add-two 1 2)
;=> 3
(let ((n 0)) (while (< n 3) (set! n (+ n 1))) n)
;=> 3
(let ((seen '())) (dotimes (i 3) (set! seen (cons i seen))) seen)
;=> (2 1 0)
(list (-> 10 (- 3) inc) (->> '(1 2 3) (map inc) (filter even?)) (-> {"a" {"b" 1}} (get "a") (get "b")))
;=> (8 (2 4) 1)
(try (error "boom" 1 "x") (catch e (list (get e :code) (get e :message) (get e :category) (get e :data))))
;=> ("user-error" "boom 1 \"x\"" "user" (1 "x"))
(try (raise 'oops) (catch e (get e :data)))
;=> oops
(try (raise {"why" 1}) (catch e (get e :data)))
;=> {"why" 1}
(try (assert (= 1 2)) (catch e (list (get e :code) (get e :message))))
;=> ("assertion" "this does not hold: (= 1 2)")
(assert (= 1 2) "sums are off")
;!> assertion
(keys (try (car nil) (catch e e)))
;=> ("code" "message" "category" "data")
(try (try (/ 1 0) (catch e (raise e))) (catch e (get e :code)))
;=> "division-by-zero"
(guard (e ((equal? (get e :category) "user") 'mine) ((get e :data) => identity)) (error "no"))
;=> mine
(guard (e ((equal? (get e :category) "user") 'mine)) (car nil))
;!> out-of-range
[list 1 [+ 1 1]]
;=> (1 2)
(list #\newline #\a #\space '#(1 2) #(3 4))
;=> ("\n" "a" " " (1 2) (3 4))
(list 1 #| a #| nested |# comment |# 2 #;(not read) 3)
;=> (1 2 3)
(pipe 5 inc (lambda (n) (* n 10)))
;=> 60
(list (eval '(+ 1 2)) (eval "(* 2 3)") (eval "(define from-eval 5) from-eval"))
;=> (3 6 5)
from-eval
;=> 5
(let ((hidden 1)) (eval 'hidden))
;!> unbound
(define (spin) (spin))
;=> #<procedure spin>
(eval "(spin)")
;!> step-limit
(try (eval '(spin)) (catch e 'caught))
;!> step-limit

; left-to-right evaluation
(let ((seen '())) ((begin (set! seen (cons 'f seen)) list) (set! seen (cons 'a seen)) (set! seen (cons 'b seen))) (reverse seen))
;=> (f a b)
(let ((seen '())) (let ((a (set! seen (cons 1 seen))) (b (set! seen (cons 2 seen)))) seen))
;=> (2 1)

; every tail call is a jump
(define (count-down n) (cond ((= n 0) 'done) (else (and #t (or #f (when #t (begin (let ((m (- n 1))) (count-down m)))))))))
;=> #<procedure count-down>
(count-down 30000)
;=> done
(define (is-even n) (if (= n 0) #t (apply is-odd (list (- n 1)))))
;=> #<procedure is-even>
(define (is-odd n) (if (= n 0) #f (case 1 ((1) (is-even (- n 1))))))
;=> #<procedure is-odd>
(is-even 20000)
;=> #t
(let loop ((i 0)) (if (< i 1000000) (loop (+ i 1)) i))
;=> 1000000
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
;=> #<procedure deep>
(deep 10000)
;=> 10000
(define (deep-map n) (if (= n 0) 0 (+ 1 (car (map deep-map (list (- n 1)))))))
;=> #<procedure deep-map>
(deep-map 10000)
;=> 10000
(define (deep-apply n) (if (= n 0) 0 (+ 1 (apply deep-apply (list (- n 1))))))
;=> #<procedure deep-apply>
(deep-apply 10000)
;=> 10000
(deep 100000)
;!> depth-limit
(try (deep 100000) (catch e 'caught))
;!> depth-limit

; a program may bind any name but five and the literals
(define if 1)
;!> bad-syntax
(let ((quote 1)) 2)
;!> bad-syntax
(lambda (set!) 1)
;!> bad-syntax
(define nil 1)
;!> bad-syntax
(define true 1)
;!> bad-syntax
(let ((list +) (when *)) (list 1 (when 2 3)))
;=> 7
;;; fresh
(define (filter . anything) 'mine)
;=> #<procedure filter>
(list (filter even? '(1 2)) (partition even? '(1 2)) (chunk 2 '(1 2 3)))
;=> (mine ((2) (1)) ((1 2) (3)))
;;; fresh
(define (unless a b) (list 'procedure a b))
;=> #<procedure unless>
(unless 1 2)
;=> (procedure 1 2)
(define map 5)
;=> 5
(list map (flat-map list '(1 2)) (sliding 2 '(1 2 3)))
;=> (5 (1 2) ((1 2) (2 3)))

; ---- Argument orders ----
;;; fresh
(list (take '(1 2 3) 2) (take 2 '(1 2 3)) (drop '(1 2 3) 2) (drop 2 '(1 2 3)) (take-right '(1 2 3) 1) (take-right 1 '(1 2 3)) (drop-right '(1 2 3) 1) (drop-right 1 '(1 2 3)) (nth '(a b) 1) (nth 1 '(a b)) (list-ref '(a b) 1) (list-ref 1 '(a b)))
;=> ((1 2) (1 2) (3) (3) (3) (3) (1 2) (1 2) b b b b)
(take 2 3)
;!> wrong-type
(take '(1) '(2))
;!> wrong-type
(take "abc" 2)
;!> wrong-type
(list (reduce - 10 '(1 2)) (reduce - '(10 1 2)) (reduce (lambda (acc x) (cons x acc)) '() '(1 2)) (fold-left - 10 '(1 2)) (fold-left - '(10 1 2)))
;=> (7 7 (2 1) 7 7)
(reduce + '())
;!> bad-value
(fold-left + '())
;!> bad-value
(reduce + '(1 2) 0)
;!> wrong-type
(list (fold cons '() '(1 2 3)) (foldl cons '() '(1 2 3)) (fold (lambda (x acc) (- acc x)) 10 '(1 2)) (fold-right cons '() '(1 2)))
;=> ((3 2 1) (3 2 1) 7 (1 2))
(list (sort '(3 1 2)) (sort < '(3 1 2)) (sort '(3 1 2) >) (sort '("b" "a")) (sort '(3 1 2) (lambda (a b) (- a b))) (sort '(3 1 2) (lambda (a b) (- b a))))
;=> ((1 2 3) (1 2 3) (3 2 1) ("a" "b") (1 2 3) (3 2 1))
(sort '(1 "a"))
;!> wrong-type
(list (sort-by car '((2 a) (1 b))) (sort-by '((2 a) (1 b)) car) (sort-by car '((2 a) (1 b)) >))
;=> (((1 b) (2 a)) ((1 b) (2 a)) ((2 a) (1 b)))
(list (group-by even? '(1 2 3)) (group-by '(1 2 3) even?) (group-by identity '(1 1.5 #t "a")) (partition even? '(1 2 3)) (partition '(1 2 3) even?))
;=> ({"#f" (1 3) "#t" (2)} {"#f" (1 3) "#t" (2)} {"1" (1) "1.5" (1.5) "#t" (#t) "a" ("a")} ((2) (1 3)) ((2) (1 3)))
(list (assoc 'b '((a 1) (b 2))) (assoc {"a" 1} "b" 2) (assoc nil "a" 1))
;=> ((b 2) {"a" 1 "b" 2} {"a" 1})
(assoc {"a" 1} "a")
;!> ambiguous
(assoc "a" {"a" 1})
;!> ambiguous
(list (member 2 '(1 2 3)) (member 9 '(1)) (member? 2 '(1 2 3)) (member? 9 '(1)) (contains? '(1 2 3) 2) (contains? {"a" 1} :a) (contains? "abc" "b"))
;=> ((2 3) #f #t #f #t #t #t)
(member '(1 2) 1)
;!> wrong-type
(list (map inc '(1 2)) (map '(1 2) inc) (filter even? '(1 2)) (filter '(1 2) even?) (map + '(1 2) '(10 20 30)))
;=> ((2 3) (2 3) (2) (2) (11 22))
(list (map (lambda (k v) (list v k)) {"a" 1}) (map (lambda (pair) pair) {"a" 1}) (filter (lambda (k v) (> v 1)) {"a" 1 "b" 2}))
;=> (((1 "a")) (("a" 1)) {"b" 2})
(let ((seen '())) (for-each '(1 2) (lambda (n) (set! seen (cons n seen)))) seen)
;=> (2 1)
(map 5 '(1))
;!> wrong-type
(map inc "abc")
;!> wrong-type
(list (update {"a" 1} "a" 5) (update {"a" 1} "b" 2 "c" 3) (update {"a" 1} "a" inc))
;=> ({"a" 5} {"a" 1 "b" 2 "c" 3} {"a" 2})
(update {"a" 1} "a" + 5)
;!> ambiguous
(list (string-join '("a" "b")) (string-join '("a" "b") "-") (string-join "-" '("a" "b")) (join '("a" "b") ", ") (split "a b") (split "a,b" ","))
;=> ("a b" "a-b" "a-b" "a, b" ("a" "b") ("a" "b"))
(split "abc" "")
;!> bad-value
(split "," "a,b")
;!> ambiguous
(list (string-prefix? "he" "hello") (string-suffix? "lo" "hello") (starts-with? "hello" "he") (ends-with? "hello" "lo"))
;=> (#t #t #t #t)
(list (get {"a" nil} "a" 5) (get {} "a" 5) (get '(a b) 0) (get-in {"a" (list 1 {"b" nil})} '("a" 1 "b") 5) (get-in {} '("a" "b") 5))
;=> (nil 5 a nil 5)
(get "abc" 1)
;!> wrong-type
(get :a {"a" 1})
;!> wrong-type

; ---- Library ----
(list (sum '(1 2 3)) (product '(2 3)) (mean '(1 2)) (median '(3 1 2)) (gcd 12 18) (lcm 4 6) (expt 2 10) (// -7 2) (mod -7 3) (remainder -7 3) (quotient -7 2))
;=> (6 6 1.5 2 6 12 1024 -4 2 -1 -3)
(list (slice '(1 2 3 4) 1 3) (iota 3) (zip '(1 2) '(a b)) (flatten '(1 (2 (3)))) (flat-map list '(1 2)) (filter-map string->number '("1" "x")) (count even? '(1 2)))
;=> ((2 3) (0 1 2) ((1 a) (2 b)) (1 2 3) (1 2) (1) 1)
(list (union '(1) '(2)) (intersection '(1 2) '(2)) (difference '(1 2) '(2)) (list->set '(1 1)) (frequencies '("a" "a")) (take-while odd? '(1 2)) (drop-while odd? '(1 2)))
;=> ((1 2) (2) (1) (1) {"a" 2} (1) (2))
(list (regex-match "(a)(b)?" "ac") (regex-match-all "a." "abac") (regex-replace "a" "banana" "o"))
;=> (("a" "a" #f) ("ab" "ac") "bonono")
(regex-match "(?=a)" "x")
;!> bad-value
(list (type-of 1) (type-of 1.5) (type-of "a") (type-of 'a) (type-of :a) (type-of #t) (type-of car) (type-of {}) (type-of '()) (type-of nil) (type-of '(1 . 2)))
;=> (integer float string symbol keyword boolean procedure dict list nil pair)
(list (now-iso) (= (begin (set-random-seed! 42) (random)) (begin (set-random-seed! 42) (random))))
;=> ("1970-01-01T00:00:00Z" #t)
(rb-state "stats.json")
;!> not-granted
(try (rb-state "stats.json") (catch e (list (get e :code) (get e :category))))
;=> ("not-granted" "capability")
frame
;!> not-granted
(try agents (catch e 'caught))
;=> caught

; ---- Limits and errors ----
(try (spin-forever) (catch e (get e :message)))
;=> "spin-forever has no value"
(define (spin) (spin))
;=> #<procedure spin>
(try (spin) (catch e 'caught))
;!> step-limit
(try (range 200000) (catch e 'caught))
;!> size-limit
(try (string-repeat "abc" 1000000) (catch e 'caught))
;!> string-limit
(try (expt 2 20000) (catch e 'caught))
;!> integer-limit
(try (let loop ((f nil)) (loop (lambda () f))) (catch e 'caught))
;!> allocation-limit
(try (let loop ((x '()) (i 0)) (if (< i 300) (loop (list x) (+ i 1)) (write-string x))) (catch e 'caught))
;!> data-depth-limit
(length (let loop ((x '()) (i 0)) (if (< i 1000) (loop (cons i x) (+ i 1)) (read-string (write-string x)))))
;=> 1000
(try (eval (string-append (string-repeat "(list " 200) (string-repeat ")" 200))) (catch e 'caught))
;!> syntax-depth-limit
(try (eval (string-repeat " " 300000)) (catch e 'caught))
;!> source-limit
(try (let loop () (display (string-repeat "a" 1000)) (loop)) (catch e 'caught))
;!> output-limit
(try (apply spin '()) (catch e 'caught))
;!> step-limit
(try (sort '(2 1 3) (lambda (a b) (spin))) (catch e 'caught))
;!> step-limit
(try (map (lambda (x) (spin)) '(1)) (catch e 'caught))
;!> step-limit
(guard (e (#t 'caught)) (spin))
;!> step-limit
;;; fresh
(list pi e (try (car nil) (catch e (get e :code))))
;=> (3.141592653589793 2.718281828459045 "out-of-range")
(define seen '())
;=> ()
(define (note x) (lambda () (set! seen (cons x seen)) x))
;=> #<procedure note>
(list (dynamic-wind (note 'in) (note 'body) (note 'out)) seen)
;=> (body (out body in))
(dynamic-wind (note 'in) (lambda () (car nil)) (note 'late))
;!> out-of-range
seen
;=> (late in out body in)

; a definition that fails hides nothing
;;; fresh
(define quote 1)
;!> bad-syntax
(define (when x) (car nil) (missing-here)) (car nil)
;!> out-of-range
(list 'a (when 1 2 3))
;!> wrong-arity
;;; fresh
(define when (car nil))
;!> out-of-range
(car nil) (define (unless a) a)
;!> out-of-range
(list (when 1 2) (unless nil 3))
;=> (2 3)

; ---- What the page says and no group above shows ----
;;; fresh
; values
(list (integer? (expt 2 13999)) (string->number "inf") (string->number "nan") (string->number "1e999"))
;=> (#t #f #f #f)
(expt 2 14000)
;!> integer-limit
(json-parse "NaN")
;!> json-error
(json-parse "[Infinity]")
;!> json-error
(json-parse "1e999")
;!> json-error
(sqrt -1)
;!> not-a-number
(exact->inexact (expt 10 400))
;!> not-a-number
(let ((l '(3 1)) (d {"b" 1 "a" 2})) (sort l) (append l '(9)) (reverse l) (dict-set d "b" 5) (dissoc d "a") (update d "a" inc) (list l d))
;=> ((3 1) {"b" 1 "a" 2})
(list (cons 1 "a") (cons 1 {}) (cons 1 'x) (cons 1 nil) (cons 1 #f))
;=> ((1 . "a") (1 . {}) (1 . x) (1) (1 . #f))
(equal? {"a" 1 "b" (list 1)} {"b" (list 1) "a" 1})
;=> #t
(list (= {"a" 1} {"a" 1.0}) (equal? {"a" 1} {"a" 1.0}) (= 'a "a") (= car car) (= :a 'a) (= "1" 1) (= '(1) 1))
;=> (#t #f #f #t #f #f #f)
(list (member '(1) '((1) 2)) (case '(1 2) (((1 2)) 'yes) (else 'no)) (unique '({"a" 1} {"a" 1})) (index-of '(:a b) 'b))
;=> (((1) 2) yes ({"a" 1}) 1)
(list (output-of (lambda () (display "a\"b") (display '("a\"b")))) (output-of (lambda () (print "a") (println "b") (write "a\"b"))))
;=> ("a\"b(\"a\\\"b\")" "a\nb\n\"a\\\"b\"")
(output-of (lambda () (print #t #f nil '() 1.0 'a :k {"a" #t} car)))
;=> "#t #f nil () 1.0 a :k {\"a\" #t} #<procedure car>\n"
(json-encode {"a" nil "b" '() "c" #t "d" 1.5})
;=> "{\"a\": null, \"b\": [], \"c\": true, \"d\": 1.5}"
; an index may be a whole float; one that is not names quotient
(list (take '(1 2 3) 2.0) (drop '(1 2 3) 1.0) (list-tail '(1 2 3) 1.0) (slice '(1 2 3) 1.0 2.0) (string-ref "abc" 1.0) (list-set '(1 2) 1.0 9) (string-repeat "a" 2.0) (get-in '((1 2)) '(0.0 1.0)))
;=> ((1 2) (2 3) (2 3) (2) "b" (1 9) "aa" 2)
(map (lambda (f) (try (f '(1 2 3) 2.5) (catch e (get e :code)))) (list nth list-ref get take drop take-right drop-right list-tail slice))
;=> ("bad-value" "bad-value" "bad-value" "bad-value" "bad-value" "bad-value" "bad-value" "bad-value" "bad-value")
(map (lambda (f) (try (f "abc" 0.5) (catch e (get e :code)))) (list substring string-ref string-repeat))
;=> ("bad-value" "bad-value" "bad-value")
(get-in '(1 2) '(0.5))
;!> bad-value
; forms
(define lambda 1)
;!> bad-syntax
(define define 1)
;!> bad-syntax
(define set! 1)
;!> bad-syntax
(define false 1)
;!> bad-syntax
(let ((nil 1)) 1)
;!> bad-syntax
(lambda (#t) 1)
;!> bad-syntax
(let ((cond list)) (cond 1 2))
;=> (1 2)
(let ((and list) (+ -)) (and (+ 3 1)))
;=> (2)
(let ((map (lambda (x) (list 'mine x)))) (list (map 1) (flat-map list '(1)) (pluck "a" '({"a" 1}))))
;=> ((mine 1) (1) (1))
(map (lambda (program) (try (eval program) (catch e (get e :category)))) '("(" nobody (car 1) (car) (car nil) frame (error "x")))
;=> ("syntax" "unbound" "type" "arity" "value" "capability" "user")
(eval "(define (spin-here) (spin-here)) (spin-here)")
;!> step-limit
; argument orders
(map (lambda (f) (try (f 2 2) (catch e (get e :code)))) (list take drop take-right drop-right nth list-ref))
;=> ("wrong-type" "wrong-type" "wrong-type" "wrong-type" "wrong-type" "wrong-type")
(map (lambda (f) (try (f '(1) '(2)) (catch e (get e :code)))) (list take drop take-right drop-right nth list-ref))
;=> ("wrong-type" "wrong-type" "wrong-type" "wrong-type" "wrong-type" "wrong-type")
(list (sort '((2 "b") (1 "a") (1 "b"))) (sort '(3 1) <) (sort-by '((2 a) (1 b)) car >))
;=> (((1 "a") (1 "b") (2 "b")) (1 3) ((2 a) (1 b)))
(sort '("b" 1))
;!> wrong-type
(sort-by > car '((2 a) (1 b)))
;!> wrong-type
(group-by '(1 2) (lambda (x) (list x)))
;!> wrong-type
(list (assoc {"a" 1} "b" 2 "c" 3) (group-by '(1 2) (lambda (x) nil)))
;=> ({"a" 1 "b" 2 "c" 3} {"nil" (1 2)})
(assoc {"a" 1} "b" 2 "c")
;!> wrong-arity
(let ((seen '())) (for-each (lambda (k v) (set! seen (cons (list k v) seen))) {"a" 1}) (list seen (filter (lambda (p) (= (cadr p) 1)) {"a" 1 "b" 2})))
;=> ((("a" 1)) {"a" 1})
(map '(1 2) '(3 4))
;!> wrong-type
(map car car)
;!> wrong-type
(filter '(1 2) '(1 2))
;!> wrong-type
(list (map + '(1 2) '(10)) (update {"a" {"b" 1}} "a" {"b" 2}))
;=> ((11) {"a" {"b" 2}})
(update {"a" 1} "a")
;!> wrong-arity
(list (get {"a" #f} "a" 5) (get-in {"a" #f} '("a") 5) (get '((a 1)) 'a))
;=> (#f #f 1)
(get-in {"a" 1} '("a" "b") 5)
;!> wrong-type
(get '(1 2) "a")
;!> wrong-type
(string-join "a" "b")
;!> wrong-type
; no form that catches has a limit
(ignore-errors (range 1000000))
;!> size-limit
(handler-case (range 1000000) (error (e) 1))
;!> size-limit
(condition-case e (range 1000000) (error 1))
;!> size-limit
(with-handlers ((error? (lambda (e) 1))) (range 1000000))
;!> size-limit
(with-exception-handler (lambda (e) 1) (lambda () (range 1000000)))
;!> size-limit
(call/cc (lambda (k) (with-exception-handler (lambda (e) (k 1)) (lambda () (range 1000000)))))
;!> size-limit
(unwind-protect (range 1000000) 5)
;!> size-limit
(dynamic-wind void (lambda () (range 1000000)) (lambda () 5))
;!> size-limit
(try (range 1000000) (catch e 1) (finally 2))
;!> size-limit
(try (simulation :initial-state {"n" 0} :step (lambda (s t) (range 1000000)) :max-ticks 1 :observables '(n)) (catch e 1))
;!> size-limit
(eval '(try (range 1000000) (catch e 1)))
;!> size-limit
(try (json-parse (string-append (string-repeat "[" 300) (string-repeat "]" 300))) (catch e 1))
;!> data-depth-limit
; they all have the others, a missing grant among them
(list (ignore-errors frame) (handler-case frame (error (e) 1)) (condition-case e frame (error 2)) (with-handlers ((error? (lambda (e) 3))) frame) (guard (e (#t 4)) frame) (try frame (catch e 5) (finally 6)) (call/cc (lambda (k) (with-exception-handler (lambda (e) (k 7)) (lambda () frame)))))
;=> (nil 1 2 3 4 5 7)
; nothing is reachable that was not put in
(load "x")
;!> unbound
(pump (seed 1))
;!> unbound
(import os)
;!> bad-syntax
(open "/etc/passwd")
;!> unbound
car.x
;!> unbound
(get (limits) "depth")
;=> 12000
