(define row (list (cons "votes" 3) (cons "agents" (list "ada"))))
(list (get row "votes") (get row "agents"))
