; Six queens on a board: lists, recursion, backtracking.
(define (safe? queen distance others)
  (cond ((null? others) #t)
        ((or (= queen (car others))
             (= queen (+ (car others) distance))
             (= queen (- (car others) distance)))
         #f)
        (else (safe? queen (+ distance 1) (cdr others)))))

(define (place row size board)
  (if (= row size)
      1
      (let loop ((column 0) (found 0))
        (if (= column size)
            found
            (loop (+ column 1)
                  (if (safe? column 1 board)
                      (+ found (place (+ row 1) size (cons column board)))
                      found))))))

(define (main) (place 0 6 '()))
