; Forms of the program's own: unless-zero, swap, a counting loop; what they expand to runs many times.
(define-macro (unless-zero x . body)
  `(if (= 0 ,x) 0 (begin ,@body)))

(define-macro (swap! a b)
  (let ((kept (gensym)))
    `(let ((,kept ,a))
       (set! ,a ,b)
       (set! ,b ,kept))))

(define-macro (for var from to . body)
  (let ((loop (gensym)))
    `(let ,loop ((,var ,from))
       (when (< ,var ,to)
         ,@body
         (,loop (+ ,var 1))))))

(define (main)
  (let ((a 0) (b 1) (total 0))
    (for i 0 10000
      (set! total (+ total (unless-zero (modulo i 3) (modulo b 7))))
      (set! a (modulo (+ a b) 1000))
      (swap! a b))
    (list a b total)))
