; A procedure that calls itself in tail position, with an accumulator: Euclid, many times.
(define (divisor a b)
  (if (= b 0)
      a
      (divisor b (remainder a b))))

(define (total n sum)
  (if (= n 0)
      sum
      (total (- n 1) (+ sum (divisor n 5040)))))

(define (main) (total 6000 0))
