(format "~a of ~a" 1)
