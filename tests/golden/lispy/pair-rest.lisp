(define tags (zip (list "code") (list "Code")))
(map (lambda (pair) (string-downcase (cdr pair))) tags)
