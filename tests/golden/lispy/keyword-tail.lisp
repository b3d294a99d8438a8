(defun greet (name &key (greeting "hello")) (string-append greeting " " name))
(define (morning name)
  (greet name :loud #t))
(list (morning "ada"))
