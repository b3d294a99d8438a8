; A tail loop by named let: multiples of 3 and 5 are added up.
(define (main)
  (let loop ((i 0) (total 0))
    (cond ((= i 60000) total)
          ((or (= 0 (modulo i 3)) (= 0 (modulo i 5))) (loop (+ i 1) (+ total i)))
          (else (loop (+ i 1) total)))))
