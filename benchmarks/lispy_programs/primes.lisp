; Primes by trial division, and the factors of numbers.
(define (prime? n)
  (let loop ((d 2))
    (cond ((> (* d d) n) #t)
          ((= 0 (modulo n d)) #f)
          (else (loop (+ d 1))))))

(define (factors n d)
  (cond ((= n 1) '())
        ((= 0 (modulo n d)) (cons d (factors (quotient n d) d)))
        (else (factors n (+ d 1)))))

(define (main)
  (list (length (filter prime? (range 2 4000)))
        (map (lambda (n) (factors n 2)) '(5040 30030 9409 7919))))
