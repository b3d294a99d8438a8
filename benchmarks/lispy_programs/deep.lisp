; Recursion 10,000 deep, that builds a list and adds it up.
(define (build n)
  (if (= n 0)
      '()
      (cons n (build (- n 1)))))

(define (total items)
  (if (null? items)
      0
      (+ (car items) (total (cdr items)))))

(define (main) (total (build 10000)))
