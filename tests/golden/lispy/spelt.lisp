(map (lambda (x) (stringLength x)) (list "a"))
