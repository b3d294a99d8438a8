(map (lambda (x) (* x 2)] (list 1 2))
