(define name "ada)
(display name)
