; Square roots by Newton's method: floats in a tail loop.
(define (root x)
  (let loop ((guess (/ x 2.0)))
    (let ((next (* 0.5 (+ guess (/ x guess)))))
      (if (< (abs (- next guess)) 0.000001)
          next
          (loop next)))))

(define (main)
  (let loop ((n 1) (total 0.0))
    (if (> n 1500)
        total
        (loop (+ n 1) (+ total (root n))))))
