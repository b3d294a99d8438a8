(define d {"a" 1 "b"})
