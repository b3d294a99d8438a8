; Lists: an array, a window or a chain, and no operation tells the difference.

(list (car '(1 2 3)) (cdr '(1 2 3)) (cons 1 '(2 3)) (cons 1 nil) (cons 1 2))
;=> (1 (2 3) (1 2 3) (1) (1 . 2))
(cdr (cons 1 '(2)))
;=> (2)
(car '())
;!> out-of-range
(cdr nil)
;!> out-of-range
(car 5)
;!> wrong-type
(list (cadr '(1 2 3)) (caddr '(1 2 3)) (cddr '(1 2 3)) (caar '((1) 2)) (second '(1 2)) (third '(1 2 3)) (last '(1 2 3)))
;=> (2 3 (3) 1 2 3 3)
(second '(1))
;!> out-of-range

; a number and a list, in any order
(list (nth '(a b c) 1) (nth 1 '(a b c)) (take '(1 2 3) 2) (take 2 '(1 2 3)) (drop '(1 2 3) 2) (drop 2 '(1 2 3)))
;=> (b b (1 2) (1 2) (3) (3))
(list (take '(1 2) 9) (drop '(1 2) 9) (take-right '(1 2 3) 2) (drop-right '(1 2 3) 1) (take-last 9 '(1)))
;=> ((1 2) () (2 3) (1 2) (1))
(list (nth '(a b c) 2.0) (nth (cons 1 (cons 2 '(3))) 2))
;=> (c 3)
(nth '(a b c) 0.5)
;!> bad-value
(nth '(a b c) 3)
;!> out-of-range
(nth '(a b c) -1)
;!> out-of-range
(take '(1 2) -1)
;!> out-of-range
(take '(1 2) '(3))
;!> wrong-type
(list (list-tail '(1 2 3) 1) (slice '(1 2 3 4) 1 3) (slice '(1 2) 1 9) (butlast '(1 2 3)))
;=> ((2 3) (2 3) (2) (1 2))
(list-tail '(1 2) 3)
;!> out-of-range

; putting together
(list (append '(1 2) '(3) '() '(4 5)) (append) (append '(1)) (append nil '(1)))
;=> ((1 2 3 4 5) () (1) (1))
(append '(1) 2)
;!> wrong-type
(define base (range 20))
;=> (0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
(define longer (append base '(20)))
;=> (0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
(list (last (append longer '(a))) (last (append longer '(b))) (length longer) (length base))
;=> (a b 21 20)
(list (reverse '(1 2 3)) (length '(1 2)) (length nil) (length {"a" 1}) (length "abc"))
;=> ((3 2 1) 2 0 1 3)
(length 5)
;!> wrong-type
(list (range 3) (range 1 4) (range 5 0 -2) (range 3 3) (range 0 1 0.25) (iota 3) (iota 3 1))
;=> ((0 1 2) (1 2 3) (5 3 1) () (0.0 0.25 0.5 0.75) (0 1 2) (1 2 3))
(range 1000000000)
;!> size-limit
(range 1 2 0)
;!> bad-value
(range "x")
;!> wrong-type
(list (zip '(1 2 3) '(a b)) (flatten '(1 (2 (3 ())) nil)) (list-set '(1 2 3) 1 'b) (make-list 2 0))
;=> (((1 a) (2 b)) (1 2 3 nil) (1 b 3) (0 0))

; map and its kin
(list (map inc '(1 2)) (map + '(1 2) '(10 20 30)) (map '(1 2) inc) (map (lambda (k v) (list k v)) {"a" 1}))
;=> ((2 3) (11 22) (2 3) (("a" 1)))
(map (lambda (p) (cadr p)) {"a" 1 "b" 2})
;=> (1 2)
(list (filter even? '(1 2 3 4)) (filter '(1 2) odd?) (remove even? '(1 2 3)) (filter (lambda (k v) (> v 1)) {"a" 1 "b" 2}))
;=> ((2 4) (1) (1 3) {"b" 2})
(list (reduce + 0 '(1 2 3)) (reduce + '(1 2 3)) (reduce (lambda (acc x) (- acc x)) 10 '(1 2)))
;=> (6 6 7)
(reduce + '())
;!> bad-value
(reduce + '(1 2) 0)
;!> wrong-type
(list (fold cons '() '(1 2 3)) (foldl - 0 '(1 2 3)) (fold-left - 0 '(1 2 3)) (fold-right cons '() '(1 2 3)))
;=> ((3 2 1) 2 -6 (1 2 3))
(list (any even? '(1 2)) (any? even? '(1 3)) (every odd? '(1 3)) (all? odd? '()) (any = '(1 2) '(3 2)))
;=> (#t #f #t #t #t)
(list (find even? '(1 2)) (find even? '(1)) (find-index even? '(1 2)) (find-index even? '(1)))
;=> (2 nil 1 #f)
(list (count even? '(1 2 4)) (count '(1 2)) (count 1 '(1 2 1)))
;=> (2 2 2)
(list (flat-map (lambda (x) (list x x)) '(1 2)) (filter-map (lambda (x) (if (> x 1) (* x x))) '(1 2 3)))
;=> ((1 1 2 2) (4 9))
(list (partition even? '(1 2 3)) (take-while odd? '(1 3 4 5)) (drop-while odd? '(1 3 4 5)))
;=> (((2) (1 3)) (1 3) (4 5))
(map 5 '(1))
;!> wrong-type

; searching
(list (member 2 '(1 2 3)) (member 9 '(1 2 3)) (member? 2 '(1 2)) (contains? '(1 2) 2) (contains? "hello" "ell"))
;=> ((2 3) #f #t #t #t)
(list (contains? {"a" nil} "a") (contains? {"a" 1} :b) (member 1 '(1.0)) (member 'a '("a")))
;=> (#t #f #f #f)
(list (index-of '(a b c) 'b) (index-of '(a) 'z) (index-of "hello" "l"))
;=> (1 #f 2)
(index-of '(1) '(2))
;!> ambiguous
(list (assoc 'b '((a 1) (b 2))) (assoc 'z '((a 1))) (assq 'a '((a . 1))) (assoc-ref '((a . 1)) 'a) (assoc-ref '((a 1)) 'a))
;=> ((b 2) #f (a . 1) 1 1)
(assoc "a" {"a" 1})
;!> ambiguous
(assoc {"a" 1} "b" 2)
;=> {"a" 1 "b" 2}

; sets
(list (unique '(1 2 1 (3) (3) 1.0)) (union '(1 2) '(2 3)) (intersection '(1 2 3) '(2 3 4)) (difference '(1 2 3) '(2)))
;=> ((1 2 (3) 1.0) (1 2 3) (2 3) (1 3))
(unique '(#t 1 "1" 1.0))
;=> (#t 1 "1" 1.0)

; order
(list (sort '(3 1 2)) (sort '("b" "a")) (sort '(3 1 2) >) (sort > '(3 1 2)) (sort '(3 1 2) (lambda (a b) (- a b))))
;=> ((1 2 3) ("a" "b") (3 2 1) (3 2 1) (1 2 3))
(list (sort-by cadr '((a 2) (b 1))) (sort-by '((a 2) (b 1)) cadr) (sort-by cadr '((a 1) (b 2)) >) (sort '((a 2) (b 1)) cadr))
;=> (((b 1) (a 2)) ((b 1) (a 2)) ((b 2) (a 1)) ((b 1) (a 2)))
(sort '((1 "b") (1 "a") (0 "z")))
;=> ((0 "z") (1 "a") (1 "b"))
(sort '(1 "a"))
;!> wrong-type
(sort (list 2 1) (lambda (a b) (error "stop")))
;!> user-error
(list (max-by cadr '((a 1) (b 3))) (min-by cadr '((a 1) (b 3))))
;=> ((b 3) (a 1))
(list (group-by even? '(1 2 3)) (group-by '(1 2) number->string) (frequencies '("a" "b" "a")) (index-by car '(("a" 1) ("a" 2))))
;=> ({"#f" (1 3) "#t" (2)} {"1" (1) "2" (2)} {"a" 2 "b" 1} {"a" ("a" 2)})

; nothing changes in place
(push! '(1) 2)
;!> immutable
(set-car! '(1) 2)
;!> immutable

; names that are met less often
;;; fresh
(list (sequence->list 3) (sequence->list "ab") (sequence->list '(1)) (sequence->list {"a" 1}) (sequence->list 0))
;=> ((0 1 2) ("a" "b") (1) (("a" 1)) ())
(sequence->list car)
;!> wrong-type
(list (caaddr '((1 2 3 4) (5 6 7) (8 9))) (caadr '((1 2 3 4) (5 6 7) (8 9))) (cadadr '((1 2 3 4) (5 6 7) (8 9))) (cadar '((1 2 3 4) (5 6 7) (8 9))) (caddar '((1 2 3 4) (5 6 7) (8 9))))
;=> (8 5 6 2 3)
(list (cadddr '(1 2 3 4)) (cdadr '((1 2 3 4) (5 6 7) (8 9))) (cdar '((1 2 3 4) (5 6 7) (8 9))) (cddar '((1 2 3 4) (5 6 7) (8 9))) (cddddr '(1 2 3 4)) (cdddr '(1 2 3 4)))
;=> (4 (6 7) (2 3 4) (3 4) () (4))
(cadddr '(1 2 3))
;!> out-of-range
(cdadr '(1 2))
;!> wrong-type
(cddddr '(1 2 3))
;!> out-of-range
(list (fourth '(1 2 3 4)) (fifth '(1 2 3 4 5)) (sixth '(1 2 3 4 5 6)) (seventh '(1 2 3 4 5 6 7)) (eighth '(1 2 3 4 5 6 7 8)) (ninth '(1 2 3 4 5 6 7 8 9)))
;=> (4 5 6 7 8 9)
(fourth '(1 2 3))
;!> out-of-range
(ninth nil)
;!> out-of-range
(list (map-indexed list '(a b)) (map-indexed list nil))
;=> (((0 a) (1 b)) ())
(map-indexed car 5)
;!> wrong-type
(list (unique-by car '((a 1) (b 2) (a 3))) (unique-by car nil))
;=> (((a 1) (b 2)) ())
(unique-by car '(1))
;!> wrong-type
