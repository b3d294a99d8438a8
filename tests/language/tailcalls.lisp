; Every tail call is a jump; a deep recursion is an answer.

(let loop ((i 0)) (if (< i 1000000) (loop (+ i 1)) i))
;=> 1000000
(define (even n) (cond ((= n 0) #t) (else (odd (- n 1)))))
;=> #<procedure even>
(define (odd n) (and (not (= n 0)) (begin (even (- n 1)))))
;=> #<procedure odd>
(even 100000)
;=> #t
(define (a n) (if (= n 0) 'done (let ((m (- n 1))) (when #t (b m)))))
;=> #<procedure a>
(define (b n) (or #f (case 1 ((1) (let* ((k n)) (a k))))))
;=> #<procedure b>
(a 30000)
;=> done
(define (c n) (if (= n 0) 'done (apply c (list (- n 1)))))
;=> #<procedure c>
(c 30000)
;=> done
(define (d n) (if (= n 0) 'done (try (error "x") (catch e (d (- n 1))))))
;=> #<procedure d>
(d 20000)
;=> done
(define (e n) (cond ((= n 0) 'done) (#t (do ((i 0 (+ i 1))) ((= i 1) (e (- n 1)))))))
;=> #<procedure e>
(e 30000)
;=> done
(define (sum n) (if (= n 0) 0 (+ n (sum (- n 1)))))
;=> #<procedure sum>
(sum 10000)
;=> 50005000
(sum 12001)
;!> depth-limit
(sum 100)
;=> 5050
(define (count-down n) (if (= n 0) 0 (+ 1 (first (map count-down (list (- n 1)))))))
;=> #<procedure count-down>
(count-down 5000)
;=> 5000
(define f inc)
;=> #<procedure inc>
(dotimes (i 5000) (set! f (compose f inc)))
;=> nil
(f 0)
;=> 5001
(dotimes (i 20000) (set! f (compose f inc)))
;=> nil
(f 0)
;!> depth-limit
(define chain nil)
;=> nil
(dotimes (i 50000) (set! chain (let ((c chain)) (lambda () c))))
;=> nil
