; Counters and accumulators: procedures that keep a variable of their own.
(define (make-counter step)
  (let ((count 0))
    (lambda ()
      (set! count (+ count step))
      count)))

(define (make-adder n)
  (lambda (x) (+ x n)))

(define (main)
  (let ((counters (map make-counter (range 10)))
        (adders (map make-adder (range 100))))
    (dotimes (i 500)
      (for-each (lambda (counter) (counter)) counters))
    (list (map (lambda (counter) (counter)) counters)
          (reduce (lambda (x adder) (adder x)) 0 (apply append (map (lambda (i) adders) (range 50)))))))
