;;; prelude.lisp -- the part of LisPy's library that is written in LisPy. Each definition starts in column one
;;; and is read when a program first names it.

(define pi "The circumference of a circle over its diameter." 3.141592653589793)

(define e "The base of the natural logarithm." 2.718281828459045)

(define (pluck key dicts)
  "What every dict of a list has for a key: (pluck \"name\" agents)."
  (map (lambda (d) (get d key)) dicts))

(define (sum-by f items)
  "The sum of what f gives for each element."
  (sum (map f items)))

(define (mean-by f items)
  "The mean of what f gives for each element."
  (mean (map f items)))

(define (count-by f items)
  "A dict from each result of f, as text, to how many elements gave it."
  (map-values length (group-by f items)))

(define (tally items)
  "The elements with how often each is there, the most frequent first: ((\"a\" 3) (\"b\" 1))."
  (sort-by cadr (entries (frequencies items)) >))

(define (enumerate items)
  "Each element with its position before it: ((0 a) (1 b))."
  (map-indexed list items))

(define (chunk n items)
  "The list in lists of n, the last one with what is left."
  (assert (> n 0) "chunk wants a size above 0")
  (let loop ((left items) (out '()))
    (if (null? left)
        (reverse out)
        (loop (drop left n) (cons (take left n) out)))))

(define (sliding n items)
  "Every stretch of n neighbours: (sliding 2 '(1 2 3)) is ((1 2) (2 3))."
  (map (lambda (i) (slice items i (+ i n)))
       (range (max 0 (+ 1 (- (length items) n))))))

(define (interpose x items)
  "The elements with x between them."
  (if (null? items)
      '()
      (cdr (flat-map (lambda (item) (list x item)) items))))

(define (interleave a b)
  "The elements of two lists in turn, as far as the shorter goes."
  (flat-map identity (zip a b)))

(define (cartesian a b)
  "Every pair of an element of a and one of b."
  (flat-map (lambda (x) (map (lambda (y) (list x y)) b)) a))

(define (iterate n f x)
  "f of f of ... x, n times."
  (if (<= n 0) x (iterate (- n 1) f (f x))))

(define (juxt . procedures)
  "A procedure that gives the list of what all the procedures give for its arguments."
  (lambda arguments
    (map (lambda (f) (apply f arguments)) procedures)))

(define (flip f)
  "f with its two arguments changed about."
  (lambda (a b) (f b a)))

(define (invert d)
  "A dict from each value, as text, to its key."
  (list->dict (map reverse (entries d))))

(define (random-weighted items weights)
  "One element of a list; a weight says how likely its element is among all."
  (let loop ((left items) (weight weights) (throw (* (random) (sum weights))))
    (if (or (null? (cdr left)) (< throw (car weight)))
        (car left)
        (loop (cdr left) (cdr weight) (- throw (car weight))))))

(define (dynamic-wind before body after)
  "What body gives; before is called ahead of it, after behind it, even when it ends in an error."
  (before)
  (let ((value (guard (problem ((begin (after) #f) nil)) (body))))
    (after)
    value))
