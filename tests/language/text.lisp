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
