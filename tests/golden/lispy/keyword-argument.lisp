(defun greet (name &key (greeting "hello")) (string-append greeting " " name))
(greet "ada" :loud #t)
