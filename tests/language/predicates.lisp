; Questions about values.

(list (null? '()) (null? nil) (nil? 0) (null? "") (empty? "") (empty? '()) (empty? {}) (empty? '(1)))
;=> (#t #t #f #f #t #t #t #f)
(list (pair? '(1)) (pair? '()) (pair? (cons 1 2)) (list? '()) (list? nil) (list? (cons 1 2)) (list? {}))
;=> (#t #f #t #t #t #f #f)
(list (dict? {}) (string? "a") (symbol? 'a) (symbol? :a) (keyword? :a) (boolean? #f) (boolean? nil))
;=> (#t #t #t #f #t #t #f)
(list (number? 1.5) (number? #t) (procedure? car) (procedure? (lambda (x) x)) (procedure? 'car))
;=> (#t #f #t #t #f)
(list (not #f) (not nil) (not '()) (not 0) (not ""))
;=> (#t #t #t #f #f)
(list (equal? 1 1.0) (equal? #t 1) (equal? 'x "x") (equal? '(1 (2)) '(1 (2))) (equal? nil '()) (equal? :a 'a))
;=> (#f #f #f #t #t #f)
(list (eq? "ab" "ab") (eq? '(1) '(1)) (eqv? 2 2) (equal? car car) (equal? car cdr))
;=> (#t #t #t #t #f)
(define (same-shape f) (equal? f f))
(equal? same-shape (lambda (f) f))
;=> #f
(list (type-of 1) (type-of 1.0) (type-of "a") (type-of 'a) (type-of :a) (type-of nil) (type-of '()) (type-of {}) (type-of car) (type-of (cons 1 2)))
;=> (integer float string symbol keyword nil list dict procedure pair)
(list (char? "a") (char? "ab") (not= 1 2) (subset? '(1) '(1 2)))
;=> (#t #f #t #t)

; names that are met less often
;;; fresh
(list (->boolean 0) (->boolean nil) (atom? 1) (atom? '(1)) (atom? nil) (exact? 3) (exact? 3.0) (not-empty? '(1)) (not-empty? "") (not-empty? {}))
;=> (#t #f #t #f #t #t #f #t #f #f)
(exact? "a")
;=> #f
(not-empty? 5)
;=> #t
(list (some-value? 0) (some-value? nil) (some-value? #f) (true? 0) (true? nil) (true? #t))
;=> (#t #f #t #t #f #t)
