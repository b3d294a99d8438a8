(define (tally words)
  (foldl (lambda (acc w) (dict-set acc w 1)) (dict) words))
(tally (list "a" "b"))
