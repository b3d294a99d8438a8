; The Mandelbrot set on a small grid: floats, a loop in a loop in a loop.
(define (escape cr ci)
  (let loop ((zr 0.0) (zi 0.0) (n 0))
    (let ((rr (* zr zr)) (ii (* zi zi)))
      (if (or (= n 40) (> (+ rr ii) 4.0))
          n
          (loop (+ (- rr ii) cr) (+ (* 2.0 zr zi) ci) (+ n 1))))))

(define (row y)
  (map (lambda (x) (escape (- (/ x 12.0) 2.0) (- (/ y 8.0) 1.0))) (range 36)))

(define (main) (map sum (map row (range 16))))
