; Matrices as lists of lists: transposed by apply map, multiplied by map over several lists.
(define (transpose m) (apply map list m))

(define (dot a b) (apply + (map * a b)))

(define (multiply a b)
  (let ((columns (transpose b)))
    (map (lambda (row) (map (lambda (column) (dot row column)) columns)) a)))

(define m (map (lambda (i) (map (lambda (j) (modulo (+ (* i j) j) 10)) (range 16))) (range 16)))

(define (main) (apply + (map (lambda (row) (apply + row)) (multiply m (multiply m m)))))
