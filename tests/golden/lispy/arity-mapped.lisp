(define pairs '((1 2) (3 4)))
(map car pairs pairs)
