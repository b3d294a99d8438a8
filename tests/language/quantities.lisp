; Quantities: numbers with units, for the clauses of a policy.

(map quantity-amount (list (seconds 5) (minutes 2) (hours 1) (days 1) (tokens 400) (dollars 1.5) (megabytes 1)))
;=> (5 120 3600 86400 400 1.5 1048576)
(list (equal? (minutes 1) (seconds 60)) (equal? (seconds 1) (tokens 1)) (quantity? (seconds 1)) (quantity? 1))
;=> (#t #f #t #f)
(+ 1 (seconds 1))
;!> wrong-type
(seconds -1)
;!> out-of-range
(tokens "400")
;!> wrong-type
(quantity-amount 5)
;!> wrong-type

; names that are met less often
;;; fresh
(list (quantity-amount (kilobytes 2)) (kilobytes 0.5))
;=> (2048 (bytes 512.0))
(kilobytes "a")
;!> wrong-type
(kilobytes -1)
;!> out-of-range
