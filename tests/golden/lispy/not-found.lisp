(define (after text mark)
  (substring text (+ 1 (string-index text mark))))
(after "a-b" "#")
