; What programs bring from Common Lisp and Emacs Lisp: setq, defstruct, lambda lists, conditions, their list functions.

(defvar *limit* 5 "How many.")
;=> 5
(defparameter *rate* 2)
;=> 2
(list *limit* *rate*)
;=> (5 2)
(setq a 1 b (+ a 1))
;=> 2
(list a b)
;=> (1 2)
(defun bump () (setq a (+ a 10)) a)
;=> #<procedure bump>
(bump)
;=> 11
(let ((n 5)) (list (incf n) (incf n 10) (decf n) n))
;=> (6 16 15 15)
(setf a 9)
;=> 9
(setf (gethash "k" {}) 1)
;!> immutable
(incf (car '(1)))
;!> immutable
(defun f (x &optional (y 10) z) (list x y z))
;=> #<procedure f>
(list (f 1) (f 1 2) (f 1 2 3))
;=> ((1 10 nil) (1 2 nil) (1 2 3))
(f 1 2 3 4)
;!> wrong-arity
(defun g (x &key (size 1) color) (list x size color))
;=> #<procedure g>
(list (g 0) (g 0 :color "red") (g 0 :color "red" :size 5))
;=> ((0 1 nil) (0 1 "red") (0 5 "red"))
(g 0 :weight 1)
;!> wrong-arity
(g 0 :size)
;!> wrong-arity
(defun h (x &rest more) (list x more))
;=> #<procedure h>
(h 1 2 3)
;=> (1 (2 3))
(defstruct ship name (fuel 10))
;=> #<procedure copy-ship>
(let ((s (make-ship :name "a"))) (list (ship-name s) (ship-fuel s) (ship-p s) (ship-p 5) (copy-ship s)))
;=> ("a" 10 #t #f {"record" "ship" "name" "a" "fuel" 10})
(make-ship :speed 1)
;!> wrong-arity
(cond ((> 1 2) 'a) (t 'b))
;=> b
(case 5 ((1 2) 'low) (otherwise 'high))
;=> high
(case 5 (1 'low) (t 'high))
;=> high
t
;!> unbound
(list (mapcar #'1+ '(1 2)) (funcall #'+ 1 2) (apply #'max '(1 2)) (remove-if #'evenp '(1 2 3)) (remove-if-not #'evenp '(1 2 3)) (find-if #'oddp '(2 3)) (count-if #'plusp '(1 -1)) (mapcan #'list '(1 2)))
;=> ((2 3) 3 2 (1 3) (2) 3 1 (1 2))
(mapcar 'car '((1)))
;!> wrong-type
(list (null '()) (null 1) null (consp '(1)) (listp '()) (stringp "a") (numberp 1) (zerop 0) (eql 1 1) (symbolp 'a))
;=> (#t #f nil #t #t #t #t #t #t #t)
(let ((n 0)) (list (dolist (x '(1 2 3) n) (setq n (+ n x))) (dolist (x '(1)) x)))
;=> (6 nil)
(let ((n 0)) (dotimes (i 4 n) (setq n (+ n i))))
;=> 6
(prog1 1 2)
;=> 1
(labels ((even (n) (if (= n 0) #t (odd (- n 1)))) (odd (n) (if (= n 0) #f (even (- n 1))))) (even 10))
;=> #t
(flet ((twice (x) (* 2 x))) (twice 4))
;=> 8
(multiple-value-bind (q r) (floor/ 7 2) (list q r))
;=> (3 1)
(multiple-value-list (values 1 2))
;=> (1 2)
(destructuring-bind (a (b c) . rest) '(1 (2 3) 4 5) (list a b c rest))
;=> (1 2 3 (4 5))
(destructuring-bind (a b) '(1) a)
;!> bad-value
(handler-case (/ 1 0) (division-by-zero () 'zero) (error (e) (get e :code)))
;=> zero
(handler-case (car 5) (error (e) (get e :code)))
;=> "wrong-type"
(handler-case (error "x") (type-error (e) 'type))
;!> user-error
(condition-case err (error "bad %s" 5) (error (get err :message)))
;=> "bad 5"
(condition-case nil (car 5) (wrong-type-argument 'type))
;=> type
(let ((n 0)) (list (ignore-errors (unwind-protect (car 5) (setq n 1))) n))
;=> (nil 1)
(unwind-protect 1 2)
;=> 1
(list (gethash "a" {"a" 1}) (gethash "b" {} 0) (make-hash-table :test 'equal) (getf '(:a 1 :b 2) :b) (plist-get '(a 1) 'z))
;=> (1 0 {} 2 nil)
(let ((sum 0)) (maphash (lambda (k v) (setq sum (+ sum v))) {"a" 1 "b" 2}) sum)
;=> 3
(list (concatenate 'string "a" "b") (concatenate 'list '(1) '(2)) (subseq "hello" 1 3) (subseq '(1 2 3) 1) (coerce "ab" 'list) (string= "a" "a") (string< "a" "b") (string-equal "A" "a") (parse-integer "42") (parse-integer "4x") (princ-to-string 'a) (prin1-to-string "a") (symbol-name 'a))
;=> ("ab" (1 2) "el" (2 3) ("a" "b") #t #t #t 42 #f "a" "\"a\"" "a")
(list (nthcdr 1 '(1 2)) (nth 1 '(a b)) (elt '(a b) 0) (acons 'a 1 '()) (reverse '(1 2)) (nreverse '(1 2)) (every #'oddp '(1 3)) (some #'oddp '(2 3)) (notany #'oddp '(2)) (notevery #'oddp '(1 2)) (reduce #'+ '(1 2 3)))
;=> ((2) b a ((a . 1)) (2 1) (2 1) #t #t #t #t 6)
(list (alist-get 'a '((a . 1))) (assoc-ref '((a . 1)) 'a) (alist-get 'z '((a . 1)) 'none) (number-to-string 5) (string-to-number "5") (mapconcat #'identity '("a" "b") "-") (number-sequence 1 3) (split-string "a b") (string-empty-p "") (truncate 2.7) (1- 5) (ash 1 3) (logand 6 3))
;=> (1 1 none "5" 5 "a-b" (1 2 3) ("a" "b") #t 2 4 8 2)
(loop for x in '(1 2) collect x)
;!> bad-syntax
(push 1 '(2))
;!> immutable
(nconc '(1) '(2))
;!> immutable
(rplaca '(1) 2)
;!> immutable
(defclass point () (x))
;!> bad-syntax
(block nil (return 1))
;!> bad-syntax
(with-output-to-string (s) (princ "a" s) (format s "~a!" 1))
;=> "a1!"
(defmacro with-twice ((name value) &body body) `(let ((,name (* 2 ,value))) ,@body))
;=> with-twice
(with-twice (x 4) (list x x))
;=> (8 8)
