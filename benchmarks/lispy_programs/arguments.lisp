; Procedures of any number of arguments, apply, compose and partial application.
(define (total . numbers) (apply + numbers))

(define (average first . others)
  (/ (apply + first others) (+ 1 (length others))))

(define increase-and-double (compose (lambda (x) (* 2 x)) inc))

(define (main)
  (let loop ((i 0) (sum 0))
    (if (= i 2500)
        sum
        (loop (+ i 1)
              (+ sum (total i 1 2 3) (floor (average i 1 2)) (increase-and-double i))))))
