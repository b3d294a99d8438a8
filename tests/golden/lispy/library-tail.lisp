(define people '(("ada" 3) ("bob" 5)))
(transpose (dict "ada" 3))
