; format: the directives of Common Lisp, C, Emacs and Python; a place without a value, or a value without one, is an error.

(list (format "~a ~s" "x" "x") (format #f "~a" 1) (format nil "~A" 'b) (format "plain"))
;=> ("x \"x\"" "1" "b" "plain")
(format "~d~%~~" 5)
;=> "5\n~"
(format "~a")
;!> wrong-arity
(format "~a" 1 2)
;!> wrong-arity
(list (format "~,2f" 3.14159) (format "~5d|" 42) (format "~5,'0d" 42) (format "~:d" 1234567) (format "~@d" 5) (format "~8,2f|" 3.14159) (format "~,3f" 2))
;=> ("3.14" "   42|" "00042" "1,234,567" "+5" "    3.14|" "2.000")
(list (format "~10a|" "ab") (format "~10@a|" "ab") (format "~x ~o ~b" 255 8 5) (format "~$" 3.14159))
;=> ("ab        |" "        ab|" "ff 10 101" "3.14")
(list (format "~d file~:p" 1) (format "~d file~:p" 2) (format "~{~a~^, ~}" '(1 2 3)) (format "~{~a=~a ~}" '(a 1 b 2)) (format "~:{<~a ~a>~}" '((1 2) (3 4))) (format "~@{~a-~}" 1 2))
;=> ("1 file" "2 files" "1, 2, 3" "a=1 b=2 " "<1 2><3 4>" "1-2-")
(format "~d" "x")
;!> wrong-type
(format "~q" 1)
;!> bad-value
(format "~{~a" '(1))
;!> bad-value
(format "~{x~}" '(1))
;!> bad-value
(list (format "%s is %d" "x" 5) (format "%.2f%%" 12.345) (format "%5d|%-5d|%05d" 42 42 42) (format "%5.1f|" 3.14159) (format "%x %c %S" 255 "a" "q") (format "%f" 1.5) (format "%+d" 5))
;=> ("x is 5" "12.35%" "   42|42   |00042" "  3.1|" "ff a \"q\"" "1.500000" "+5")
(format "%d" 2.5)
;!> bad-value
(list (format "{} and {}" 1 "b") (format "{:.2f}" 3.14159) (format "{:>5}|{:<5}|{:^5}" 1 2 3) (format "{:,}" 1234567) (format "{:05d}" 42) (format "{{}}"))
;=> ("1 and b" "3.14" "    1|2    |  3  " "1,234,567" "00042" "{}")
(format "{} %s" 1)
;!> ambiguous
(format "{}" 1 2)
;!> wrong-arity
(list (format "100%") (format "50% of {}" 8) (format "~a%" 5))
;=> ("100%" "50% of 8" "5%")
(output-of (lambda () (format #t "a~a" 1) (printf "b~a~n" 2) (fprintf (current-output-port) "c")))
;=> "a1b2\nc"
(format 5 "x")
;!> wrong-type
(guard (e (#t (get e :message))) (error "no ~a here" 'way))
;=> "no way here"
(guard (e (#t (get e :message))) (error "no ~a here"))
;=> "no ~a here"

; names that are met less often
;;; fresh
(list (flush-output) (output-of (lambda () (print 1 2))) (output-of (lambda () (prn "a" 1))) (output-of (lambda () (print))))
;=> (nil "1 2\n" "\"a\" 1\n" "\n")
(flush-output 1 2 3)
;!> wrong-arity
