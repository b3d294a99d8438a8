(define if 1)
