;;; prelude.lisp -- the part of LisPy's library that is written in LisPy. Each definition starts in column one
;;; and is read when a program first names it; its docstring ends with an example, which is tested.

(define pi "The circumference of a circle over its diameter.

Example: (round pi 4) ;=> 3.1416" 3.141592653589793)

(define e "The base of the natural logarithm.

Example: (round e 4) ;=> 2.7183" 2.718281828459045)

(define (pluck key dicts)
  "What every dict of a list has for a key.

Example: (pluck \"n\" (list {\"n\" 1} {\"n\" 2})) ;=> (1 2)"
  (map (lambda (d) (get d key)) dicts))

(define (sum-by f items)
  "The sum of what f gives for each element.

Example: (sum-by length '((1 2) (3))) ;=> 3"
  (sum (map f items)))

(define (mean-by f items)
  "The mean of what f gives for each element.

Example: (mean-by length '((1 2) ())) ;=> 1"
  (mean (map f items)))

(define (count-by f items)
  "A dict from each result of f, as text, to how many elements gave it.

Example: (count-by even? '(1 2 3)) ;=> {\"#f\" 2 \"#t\" 1}"
  (map-values length (group-by f items)))

(define (tally items)
  "The elements with how often each is there, the most frequent first.

Example: (tally '(\"a\" \"b\" \"a\")) ;=> ((\"a\" 2) (\"b\" 1))"
  (sort-by cadr (entries (frequencies items)) >))

(define (enumerate items)
  "Each element with its position before it.

Example: (enumerate '(a b)) ;=> ((0 a) (1 b))"
  (map-indexed list items))

(define (chunk n items)
  "The list in lists of n, the last one with what is left.

Example: (chunk 2 '(1 2 3)) ;=> ((1 2) (3))"
  (assert (> n 0) "chunk wants a size above 0")
  (let loop ((left items) (out '()))
    (if (null? left)
        (reverse out)
        (loop (drop left n) (cons (take left n) out)))))

(define (sliding n items)
  "Every stretch of n neighbours.

Example: (sliding 2 '(1 2 3)) ;=> ((1 2) (2 3))"
  (map (lambda (i) (slice items i (+ i n)))
       (range (max 0 (+ 1 (- (length items) n))))))

(define (interpose x items)
  "The elements with x between them.

Example: (interpose 0 '(1 2)) ;=> (1 0 2)"
  (if (null? items)
      '()
      (cdr (flat-map (lambda (item) (list x item)) items))))

(define (interleave a b)
  "The elements of two lists in turn, as far as the shorter goes.

Example: (interleave '(1 2) '(a b)) ;=> (1 a 2 b)"
  (flat-map identity (zip a b)))

(define (cartesian a b)
  "Every pair of an element of a and one of b.

Example: (cartesian '(1 2) '(a)) ;=> ((1 a) (2 a))"
  (flat-map (lambda (x) (map (lambda (y) (list x y)) b)) a))

(define (iterate n f x)
  "f of f of ... x, n times.

Example: (iterate 3 (lambda (x) (* 2 x)) 1) ;=> 8"
  (if (<= n 0) x (iterate (- n 1) f (f x))))

(define (juxt . procedures)
  "A procedure that gives the list of what all the procedures give for its arguments.

Example: ((juxt min max) 1 2) ;=> (1 2)"
  (lambda arguments
    (map (lambda (f) (apply f arguments)) procedures)))

(define (flip f)
  "f with its two arguments changed about.

Example: ((flip -) 1 10) ;=> 9"
  (lambda (a b) (f b a)))

(define (invert d)
  "A dict from each value, as text, to its key.

Example: (invert {\"a\" \"b\"}) ;=> {\"b\" \"a\"}"
  (list->dict (map reverse (entries d))))

(define (random-weighted items weights)
  "One element of a list; a weight says how likely its element is among all.

Example: (random-weighted '(a b) '(1 0)) ;=> a"
  (let loop ((left items) (weight weights) (throw (* (random) (sum weights))))
    (if (or (null? (cdr left)) (< throw (car weight)))
        (car left)
        (loop (cdr left) (cdr weight) (- throw (car weight))))))

(define null "Nil, under its name in JSON and in other Lisps.

Example: (list null (null? null)) ;=> (nil #t)" nil)

(define (list-tabulate n f)
  "The list of what f gives for 0, 1, ... below n.

Example: (list-tabulate 3 (lambda (i) (* i i))) ;=> (0 1 4)"
  (map f (range n)))

(define (build-list n f)
  "The list of what f gives for 0, 1, ... below n.

Example: (build-list 3 inc) ;=> (1 2 3)"
  (map f (range n)))

(define (repeatedly n f)
  "The list of what n calls of f give.

Example: (repeatedly 2 (lambda () 5)) ;=> (5 5)"
  (map (lambda (i) (f)) (range n)))

(define (reductions f start . lists)
  "Every total on the way of (reduce f start list), the start among them; of a list alone from its first element.

Example: (reductions + 0 '(1 2 3)) ;=> (0 1 3 6)"
  (let ((items (if (null? lists) (cdr start) (car lists)))
        (first (if (null? lists) (car start) start)))
    (reverse (reduce (lambda (totals x) (cons (f (car totals) x) totals)) (list first) items))))

(define (span f items)
  "Two lists: the elements before the first for which f is false, and the others.

Example: (span odd? '(1 3 4 5)) ;=> ((1 3) (4 5))"
  (list (take-while f items) (drop-while f items)))

(define (break f items)
  "Two lists: the elements before the first for which f is true, and the others.

Example: (break even? '(1 3 4 5)) ;=> ((1 3) (4 5))"
  (span (complement f) items))

(define (split-with f items)
  "The same as span.

Example: (split-with odd? '(1 2)) ;=> ((1) (2))"
  (span f items))

(define (partition-by f items)
  "The elements in lists of neighbours for which f gives the same.

Example: (partition-by even? '(2 4 1 3 6)) ;=> ((2 4) (1 3) (6))"
  (if (null? items)
      '()
      (let loop ((left (cdr items)) (key (f (car items))) (group (list (car items))) (out '()))
        (if (null? left)
            (reverse (cons (reverse group) out))
            (let ((next (f (car left))))
              (if (equal? next key)
                  (loop (cdr left) key (cons (car left) group) out)
                  (loop (cdr left) next (list (car left)) (cons (reverse group) out))))))))

(define (partition-all n items)
  "The same as chunk.

Example: (partition-all 2 '(1 2 3)) ;=> ((1 2) (3))"
  (chunk n items))

(define (combinations items n)
  "Every choice of n elements, in their order.

Example: (combinations '(a b c) 2) ;=> ((a b) (a c) (b c))"
  (cond ((= n 0) (list '()))
        ((null? items) '())
        (else (append (map (lambda (more) (cons (car items) more)) (combinations (cdr items) (- n 1)))
                      (combinations (cdr items) n)))))

(define (permutations items)
  "Every order of the elements.

Example: (permutations '(1 2 3)) ;=> ((1 2 3) (1 3 2) (2 1 3) (2 3 1) (3 1 2) (3 2 1))"
  (if (null? items)
      (list '())
      (flat-map (lambda (i)
                  (map (lambda (more) (cons (nth items i) more))
                       (permutations (append (take items i) (drop items (+ i 1))))))
                (range (length items)))))

(define (transpose rows)
  "The columns of a list of rows.

Example: (transpose '((1 2) (3 4))) ;=> ((1 3) (2 4))"
  (apply zip rows))

(define (add-between items x)
  "The elements with x between them.

Example: (add-between '(1 2 3) 0) ;=> (1 0 2 0 3)"
  (interpose x items))

(define (keep-indexed f items)
  "The results of f, called with each position and element, that are not nil.

Example: (keep-indexed (lambda (i x) (if (odd? i) x nil)) '(a b c d)) ;=> (b d)"
  (filter some-value? (map-indexed f items)))

(define (acons key value pairs)
  "A list of pairs with one more in front.

Example: (acons 'a 1 '((b . 2))) ;=> ((a . 1) (b . 2))"
  (cons (cons key value) pairs))

(define (alist-cons key value pairs)
  "The same as acons.

Example: (alist-cons 'a 1 '()) ;=> ((a . 1))"
  (cons (cons key value) pairs))

(define (alist-delete key pairs)
  "A list of pairs without those that have the key.

Example: (alist-delete 'a '((a . 1) (b . 2))) ;=> ((b . 2))"
  (remove (lambda (pair) (equal? (car pair) key)) pairs))

(define (not-any? f items)
  "True when f is true for no element.

Example: (not-any? even? '(1 3)) ;=> #t"
  (not (any f items)))

(define (notany f items)
  "The same as not-any?.

Example: (notany even? '(1 2)) ;=> #f"
  (not (any f items)))

(define (none? f items)
  "The same as not-any?.

Example: (none? even? '(1 3)) ;=> #t"
  (not (any f items)))

(define (not-every? f items)
  "True when f is not true for all elements.

Example: (not-every? even? '(1 2)) ;=> #t"
  (not (every f items)))

(define (notevery f items)
  "The same as not-every?.

Example: (notevery even? '(2)) ;=> #f"
  (not (every f items)))

(define (not-empty x)
  "The list, text or dict, or nil if there is nothing in it.

Example: (list (not-empty '()) (not-empty '(1))) ;=> (nil (1))"
  (if (empty? x) nil x))

(define (every-pred . tests)
  "A procedure that is true where all of the tests are.

Example: ((every-pred odd? positive?) 3) ;=> #t"
  (lambda (x) (every (lambda (test) (test x)) tests)))

(define (some-fn . tests)
  "A procedure that gives the first true result of the tests.

Example: ((some-fn even? negative?) 2) ;=> #t"
  (lambda (x) (any (lambda (test) (test x)) tests)))

(define (fnil f default)
  "A procedure like f that takes a default where its first argument is nil.

Example: ((fnil inc 0) nil) ;=> 1"
  (lambda (x . more) (apply f (if (nil? x) default x) more)))

(define (max-key f x . more)
  "The argument for which f gives most; the last of equals.

Example: (max-key length '(1) '(1 2)) ;=> (1 2)"
  (max-by f (reverse (cons x more))))

(define (min-key f x . more)
  "The argument for which f gives least; the last of equals.

Example: (min-key length '(1) '(1 2)) ;=> (1)"
  (min-by f (reverse (cons x more))))

(define (update-keys f d)
  "A dict of the same values with f of each key; in any order.

Example: (update-keys string-upcase {\"a\" 1}) ;=> {\"A\" 1}"
  (if (dict? f)
      (update-keys d f)
      (list->dict (map (lambda (entry) (list (f (car entry)) (cadr entry))) (entries d)))))

(define (rand . bound)
  "A float from 0 up to 1, or below a bound.

Example: (<= 0 (rand 5) 5) ;=> #t"
  (* (random) (if (null? bound) 1 (car bound))))

(define (current-milliseconds)
  "The frame's time in thousandths of a second since 1970.

Example: (= (current-milliseconds) (* 1000 (now))) ;=> #t"
  (* 1000 (now)))

(define (current-inexact-milliseconds)
  "The frame's time in thousandths of a second since 1970, as a float.

Example: (float? (current-inexact-milliseconds)) ;=> #t"
  (exact->inexact (* 1000 (now))))

(define the-empty-stream "The stream without elements: the empty list.

Example: (stream-null? the-empty-stream) ;=> #t" '())

(define (stream-car s)
  "The first element of what cons-stream made.

Example: (stream-car (cons-stream 1 '())) ;=> 1"
  (car s))

(define (stream-cdr s)
  "What follows the first element of what cons-stream made.

Example: (stream-cdr (cons-stream 1 '())) ;=> ()"
  (force (cdr s)))

(define (stream-null? s)
  "True for the stream without elements.

Example: (stream-null? (cons-stream 1 '())) ;=> #f"
  (null? s))

(define (stream-take s n)
  "The first n elements of what cons-stream made, or all there are, as a list.

Example: (let loop ((i 0)) (stream-take (cons-stream i (cons-stream 5 '())) 2)) ;=> (0 5)"
  (if (or (<= n 0) (null? s))
      '()
      (cons (stream-car s) (stream-take (stream-cdr s) (- n 1)))))

(define (set-add items x)
  "The list with x in it, once: at its end, if it was not there.

Example: (set-add '(1 2) 3) ;=> (1 2 3)"
  (union items (list x)))

(define (set-remove items x)
  "The list without x.

Example: (set-remove '(1 2) 1) ;=> (2)"
  (remove (lambda (item) (equal? item x)) items))

(define (->number x)
  "A number as it is, of a text the number it spells, or #f.

Example: (->number \"42\") ;=> 42"
  (if (number? x) x (string->number x)))
