; Conway's Life on a torus of 16 by 16: positions, nested maps, sums.
(define size 16)

(define (cell world x y)
  (nth (nth world (modulo y size)) (modulo x size)))

(define (neighbours world x y)
  (+ (cell world (- x 1) (- y 1)) (cell world x (- y 1)) (cell world (+ x 1) (- y 1))
     (cell world (- x 1) y) (cell world (+ x 1) y)
     (cell world (- x 1) (+ y 1)) (cell world x (+ y 1)) (cell world (+ x 1) (+ y 1))))

(define (live alive n)
  (cond ((= n 3) 1)
        ((and (= alive 1) (= n 2)) 1)
        (else 0)))

(define (tick world)
  (map (lambda (y)
         (map (lambda (x) (live (cell world x y) (neighbours world x y))) (range size)))
       (range size)))

(define start
  (map (lambda (y) (map (lambda (x) (if (< (modulo (+ (* x 7) (* y y 3)) 11) 4) 1 0)) (range size)))
       (range size)))

(define (main)
  (let loop ((n 0) (world start))
    (if (= n 4)
        (sum (map sum world))
        (loop (+ n 1) (tick world)))))
