; Text: a character is a string of length one.

(list (string-append "ab" "cd") (string-append) (concat "n = " 5) (concat '(1) '(2)) (str 'a 1 "b"))
;=> ("abcd" "" "n = 5" (1 2) "a1b")
(string-append "a" 1)
;!> wrong-type
(list (string-length "") (string-length "héllo") (string-ref "abc" 1) (substring "hello" 1 3) (substring "hello" 1 99) (substring "ab" 2))
;=> (0 5 "b" "el" "ello" "")
(substring "abc" 2 1)
;!> out-of-range
(substring "abc" 0.5 2)
;!> bad-value
(string-ref "abc" 3)
;!> out-of-range
(list (string-split "a,b,,c" ",") (split " a  b ") (words "x y") (lines "a\nb\n"))
;=> (("a" "b" "" "c") ("a" "b") ("x" "y") ("a" "b"))
; a mark between words could be the separator of them; at an end of them it is a text
(list (split ":" "0:") (split "," ",a") (split "-" "--") (split "" "a"))
;=> ((":") (",") ("-") (""))
(split ", " "a, b, c")
;!> ambiguous
(string-split "abc" "")
;!> bad-value
(list (string-join '("a" "b") ", ") (string-join ", " '("a" "b")) (string-join '("a" "b")) (join '() "x"))
;=> ("a, b" "a, b" "a b" "")
(string-join '("a" 1) ",")
;!> wrong-type
(list (string-upcase "aB") (string-downcase "aB") (string-trim "  a ") (trim "\ta\n") (string-replace "a-b-c" "-" "+"))
;=> ("AB" "ab" "a" "a" "a+b+c")
(list (string-contains? "hello" "ell") (string-contains? "hello" "x") (substring? "ell" "hello") (string-contains "hello" "ell"))
;=> (#t #f #t 1)
(list (string-index "hello" "l") (string-find "hello" "z") (string-repeat "ab" 2) (string-pad-left "7" 3 "0") (string-pad-right "a" 3))
;=> (2 #f "abab" "007" "a  ")
(string-repeat "abc" 1000000000)
;!> string-limit
(string-pad-left "x" 1000000000000)
;!> string-limit
(list (string-prefix? "he" "hello") (string-suffix? "lo" "hello") (starts-with? "hello" "he") (ends-with? "hello" "lo"))
;=> (#t #t #t #t)
(list (string->list "abc") (list->string '("a" "b")) (symbol->string 'a) (string->symbol "b") (->string '(1 "a")) (->string "a"))
;=> (("a" "b" "c") "ab" "a" b "(1 \"a\")" "a")
(list (string=? "a" "a") (string<? "a" "b" "c") (string-empty? "") (char-upper-case? "A") (char-numeric? "7") (char->integer "a"))
;=> (#t #t #t #t #t 97)
(list (format "~a is ~s" "x" "x") (format "~,2f and ~d" 1.005 3) (format "{} of {}" 1 2) (format #f "~a~%" 1) (format "100~~"))
;=> ("x is \"x\"" "1.00 and 3" "1 of 2" "1\n" "100~")
(format "~a")
;!> wrong-arity
(format "none" 1)
;!> wrong-arity
(string-length 5)
;!> wrong-type
(string-contains? "abc" 5)
;!> wrong-type

; regular expressions: linear time, pattern first
(list (regex-match "(\\d+)-(\\d+)" "a 10-20") (regex-match "x" "abc") (regex-match "(a)|(b)" "b"))
;=> (("10-20" "10" "20") #f ("b" #f "b"))
(list (regex-match-all "[0-9]+" "a1 b22") (regex-match-all "(\\w)=(\\w)" "a=1 b=2") (regex-replace "[0-9]+" "a1 b22" "#") (regex-split ", *" "a,b, c"))
;=> (("1" "22") (("a=1" "a" "1") ("b=2" "b" "2")) "a# b#" ("a" "b" "c"))
(regex-match "(" "x")
;!> bad-value
(regex-match "(a|aa)+$" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
;=> #f
(regex-match "(?:a{60000}){60000}" "a")
;!> bad-value

; JSON
(list (json-parse "[1, 2.5, \"a\", null, true, {\"k\": []}]") (json-encode '(1 2.5 "a" nil #t {"k" ()})))
;=> ((1 2.5 "a" nil #t {"k" ()}) "[1, 2.5, \"a\", null, true, {\"k\": []}]")
(list (json-encode 'name) (json-encode '(1 . 2)) (json-encode '()) (json-dump {"b" 1 "a" 2}))
;=> ("\"name\"" "{\"car\": 1, \"cdr\": 2}" "[]" "{\"b\": 1, \"a\": 2}")
(json-encode car)
;!> json-error
(json-parse "[1,")
;!> json-error
(json-parse "NaN")
;!> json-error
(json-parse "1e999")
;!> json-error
(json-parse "\"\\ud800\"")
;!> json-error
(json-parse 5)
;!> wrong-type
(list (read-string "(a \"b\" 1)") (write-string '(a "b")) (read-string ""))
;=> ((a "b" 1) "(a \"b\")" nil)

; names that are met less often
;;; fresh
(char->string "a")
;=> "a"
(char->string "ab")
;!> wrong-type
(list (char-alphanumeric? "a") (char-alphanumeric? "1") (char-alphanumeric? "_") (char-lower-case? "a") (char-lower-case? "A") (char-whitespace? " ") (char-whitespace? "\n") (char-whitespace? "a"))
;=> (#t #t #f #t #f #t #t #f)
(char-whitespace? "")
;!> wrong-type
(char-lower-case? 5)
;!> wrong-type
(list (string-blank? " ") (string-blank? "") (string-blank? " a"))
;=> (#t #t #f)
(string-blank? nil)
;=> #t
(list (string-ci=? "Ab" "aB") (string-ci=? "a" "b"))
;=> (#t #f)
(string-ci=? "a" 1)
;!> wrong-type
(list (string<=? "a" "b" "b") (string>=? "b" "b" "a") (string>? "b" "a") (string>? "a" "a") (string<=? "a"))
;=> (#t #t #t #f #t)
(string>? "a" 1)
;!> wrong-type
(list (read-all "1 (a)") (read-all "") (read-all "; nothing"))
;=> ((1 (a)) () ())
(read-all "(a")
;!> unclosed
(list (regex-match? "^a+$" "aaa") (regex-match? "b" "aaa") (regex-quote "a.b") (regex-match? (regex-quote "a.b") "axb") (regex-replace-first "[0-9]+" "a1 b22" "#") (regex-replace-first "x" "abc" "#"))
;=> (#t #f "a\\.b" #f "a# b22" "abc")
(regex-match? "(" "a")
;!> bad-value
(regex-replace-first "a" 5 "b")
;!> wrong-type
(regex-quote 5)
;!> wrong-type
(let ((seen '())) (string-for-each (lambda (c) (set! seen (cons c seen))) "abc") seen)
;=> ("c" "b" "a")
(string-for-each car 5)
;!> wrong-type
(list (string-insert "ac" 1 "b") (string-insert "" 0 "x") (string-insert "a" 1 "b"))
;=> ("abc" "x" "ab")
(string-insert "a" 5 "b")
;!> out-of-range
(string-insert "a" -1 "b")
;!> out-of-range
(list (string-titlecase "a bc") (string-titlecase "") (string-capitalize "aBc dE") (string-capitalize ""))
;=> ("A Bc" "" "Abc de" "")
(string-titlecase 'a)
;!> wrong-type
(list (make-string 3 "*") (make-string 0) (make-string 2))
;=> ("***" "" "  ")
(make-string -1)
;!> out-of-range
(make-string 10000000 "a")
;!> string-limit
(list (string->keyword "a") (get {"a" 1} (string->keyword "a")))
;=> (:a 1)
(string->keyword 5)
;!> wrong-type
(list (string-count "banana" "an") (string-count "" "a") (string-rindex "hello" "l") (string-rindex "hello" "z"))
;=> (2 0 3 #f)
(string-count "a" "")
;!> bad-value
(string-rindex 1 "a")
;!> wrong-type
(list (string-trim-left "  a ") (string-trim-right " a  ") (string-trim-left "xxa" "x") (string-trim-right "axy" "xy"))
;=> ("a " " a" "a" "a")
(string-trim-left 5)
;!> wrong-type
