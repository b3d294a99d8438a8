; Dicts: string keys, in the order they came; keywords and symbols mean their names.

(list (dict "a" 1 :b 2 'c 3) (dict) {"a" {"b" (+ 1 2)}})
;=> ({"a" 1 "b" 2 "c" 3} {} {"a" {"b" 3}})
(list (get {"pop" 1} "pop") (get {"pop" 1} :pop) (get {"pop" 1} 'pop))
;=> (1 1 1)
(list (get {"a" nil} "a" 5) (get {} "a" 5) (get {} "a") (get nil "a" 7) (get '(a b) 1) (get '(a b) 9 0))
;=> (nil 5 nil 7 b 0)
(get 5 "a")
;!> wrong-type
(get car "__globals__")
;!> wrong-type
(get {"1" 2} 1)
;!> wrong-type
(list (get-in {"a" {"b" (list 1 2)}} '("a" "b" 1)) (get-in {"a" 1} '("x" "y") 0) (get-in {"a" nil} '(a)))
;=> (2 0 nil)
(define d {"a" 1})
;=> {"a" 1}
(list (dict-set d "b" 2) (dict-set d "a" 9 "c" 3) d (dict-set nil "x" 1))
;=> ({"a" 1 "b" 2} {"a" 9 "c" 3} {"a" 1} {"x" 1})
(dict-set d (list 1) 2)
;!> wrong-type
(dict "a")
;!> wrong-arity
(list (dissoc {"a" 1 "b" 2} "a" "z") (assoc-in {} '(a b) 1) (update-in {"a" {"b" 1}} '(a b) inc))
;=> ({"b" 2} {"a" {"b" 1}} {"a" {"b" 2}})
(list (update {"n" 1} "n" inc) (update {"n" 1} "n" 5 "m" 6))
;=> ({"n" 2} {"n" 5 "m" 6})
(update {"n" 1} "n" + 1)
;!> ambiguous
(list (merge {"a" 1} {"a" 2 "b" 3}) (merge nil {"a" 1}) (dict-merge))
;=> ({"a" 2 "b" 3} {"a" 1} {})
(list (keys {"a" 1 "b" 2}) (values {"a" 1 "b" 2}) (entries {"a" 1}) (dict->list {"a" 1}))
;=> (("a" "b") (1 2) (("a" 1)) (("a" 1)))
(list (has-key? {"a" nil} "a") (has-key? {} "a") (dict? {}) (dict? nil) (empty? {}))
;=> (#t #f #t #f #t)
(list (dict-map (lambda (k v) (* v 2)) {"a" 1}) (dict-filter (lambda (k v) (> v 1)) {"a" 1 "b" 2}))
;=> ({"a" 2} {"b" 2})
(dict-map inc {"a" 1})
;!> wrong-arity
(list (list->dict '(("a" 1) ("b" . 2))) (zipmap '("a" "b") '(1 2)) (select-keys {"a" 1 "b" 2} '(b z)))
;=> ({"a" 1 "b" 2} {"a" 1 "b" 2} {"b" 2})
(list->dict '((1 2 3)))
;!> bad-value
(update-each (list {"hp" 1}) "hp" inc)
;=> ({"hp" 2})
(list (equal? {"a" 1 "b" 2} {"b" 2 "a" 1}) (equal? {"a" 1} {"a" 1.0}) (= {"a" 1} {"a" 1.0}))
;=> (#t #f #t)

; a dict made step by step stays what it was at each step
(define steps (reduce (lambda (acc i) (cons (dict-set (car acc) (number->string i) i) acc)) (list {}) (range 40)))
(map length (take steps 3))
;=> (40 39 38)
(list (get (nth steps 10) "29") (get (nth steps 10) "30") (length (nth steps 30)) (keys (nth steps 38)))
;=> (29 nil 10 ("0" "1"))
(define over (dict-set (car steps) "5" 'new))
(list (get over "5") (get (car steps) "5") (equal? over (car steps)) (equal? (dict-set over "5" 5) (car steps)))
;=> (new 5 #f #t)

; nothing changes in place
(hash-set! d "a" 2)
;!> immutable

; names that are met less often
;;; fresh
(list (map-values inc {"a" 1}) (map-values inc {}) (map-values inc nil))
;=> ({"a" 2} {} {})
(map-values inc '(1))
;!> wrong-type
(list (dict-size {"a" 1}) (dict-size {}) (dict-size nil))
;=> (1 0 0)
(dict-size '(1 2))
;!> wrong-type
(list (vals {"a" 1 "b" 2}) (vals {}))
;=> ((1 2) ())
(vals '(1))
;!> wrong-type
