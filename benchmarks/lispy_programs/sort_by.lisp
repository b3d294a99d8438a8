; Records sorted by a key, one way and the other.
(define records
  (map (lambda (i) (list (modulo (* i 613) 1009) (list "agent" i))) (range 1500)))

(define (score record) (- (car record) (cadr (cadr record))))

(define (main)
  (list (car (car (sort-by score records)))
        (car (car (sort-by score records >)))))
