; Errors raised and caught, a handler that goes on.
(define (parse text)
  (try (let ((n (string->number text)))
         (if n n (error "no number" text)))
       (catch e -1)))

(define (main)
  (sum (map (lambda (i) (parse (if (= 0 (modulo i 10)) "x" "7"))) (range 1500))))
