(let loop ((i 0))
  (cond ((< i 10) (loop (+ i 1)))
        (else)
        ((= i 1) 2)))
