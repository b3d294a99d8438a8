; Lists in lists: a tree is built, added up, its depth measured, flattened.
(define (build depth n)
  (if (= depth 0)
      n
      (list (build (- depth 1) (* 2 n)) n (build (- depth 1) (+ 1 (* 2 n))))))

(define (tree-sum tree)
  (cond ((null? tree) 0)
        ((list? tree) (+ (tree-sum (car tree)) (tree-sum (cdr tree))))
        (else tree)))

(define (depth tree)
  (if (list? tree)
      (+ 1 (apply max (map depth tree)))
      0))

(define (main)
  (let ((tree (build 9 1)))
    (list (tree-sum tree) (depth tree) (length (flatten tree)))))
