; Lists of pairs and dicts by any name: keys by their letters, a pair's value by its shape, one reading or an error.

(list (get '((a . 1) ("b" . 2)) :a) (get '((a . 1)) "a") (get '((a 1) (b 2)) 'b) (get '((a . 1)) 'z 0))
;=> (1 1 2 0)
(get (list (cons "a" 1) (cons "all" '(1 2 3))) "all")
;=> (1 2 3)
(get (list (cons "a" 1) (cons "all" '(1))) "all")
;!> ambiguous
(get '((a 1 2) (b 3 4)) 'a)
;!> wrong-type
(get (list {"a" 1}) "a")
;!> wrong-type
(get '("a" 1) "a")
;!> wrong-type
(list (assoc-ref '((a . 1) (b 2)) 'b) (assoc-ref 'a '((a . 1))) (assoc-ref {"a" 1} "a") (assoc-get "a" {"a" 1}) (assoc-get {} "a" 0) (assoc-ref '((a . 1)) 'z) (assq-ref '((a 1 2)) 'a))
;=> (2 1 1 1 0 #f (1 2))
(list (assoc-set '() "a" 1) (assoc-set '((a . 1) (b . 2)) 'a 9) (assoc-set {"a" 1} "b" 2))
;=> ((("a" . 1)) ((a . 9) (b . 2)) {"a" 1 "b" 2})
(list (alist-delete 'a '((a . 1) (b . 2))) (alist-cons 'a 1 '()) (hash->list {"a" 1}) (entries {"a" 1}) (dict->list {"a" 1}) (list->dict '((a . 1) ("b" 2))))
;=> (((b . 2)) ((a . 1)) (("a" . 1)) (("a" 1)) (("a" 1)) {"a" 1 "b" 2})
(let ((words '("a" "b" "a"))) (reduce (lambda (acc w) (dict-set acc w (+ 1 (get acc w 0)))) {} words))
;=> {"a" 2 "b" 1}
(let ((words '("a" "b" "a"))) (sort (reduce (lambda (acc w) (assoc-set acc w (+ 1 (or (assoc-get w acc) 0)))) '() words) (lambda (a b) (> (cdr a) (cdr b)))))
;=> (("a" . 2) ("b" . 1))
(list (put {"a" 1} "b" 2) (update-keys string-upcase {"a" 1}) (dict-for-each list {"a" 1}) (hash-table-ref/default {} "a" 0) (dict-length {"a" 1}))
;=> ({"a" 1 "b" 2} {"A" 1} nil 0 1)
(hash-set! {} "a" 1)
;!> immutable
(hash-update! {} "a" inc)
;!> immutable
(hash-ref! {} "a" 1)
;!> immutable
(hash-table-set! {} "a" 1)
;!> immutable
(remhash "a" {})
;!> immutable
(hash-clear! {})
;!> immutable
(reset! 'x 1)
;!> immutable
(inc! 1)
;!> immutable
(string-append! "a" "b")
;!> immutable
(list (nth '(1 2) 5 'none) (nth '(1 2) 1 'none) (json-parse {"a" 1}) (json-parse '(1 2)) (->number "4.5") (->number 5))
;=> (none 2 {"a" 1} (1 2) 4.5 5)
(nth '(1 2) 5)
;!> out-of-range
(string-replace "old" "new" "a text with old in it")
;!> ambiguous
(regex-replace "[0-9]" "#" "a1 b22")
;!> ambiguous
(list (string-replace "abc" "x" "") (regex-replace "\\s+" "abc" " "))
;=> ("abc" "abc")
(pipe 5 (+ 3))
;!> wrong-type
