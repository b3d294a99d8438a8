; What text means.

(list 1 -1 +1 0.5 .5 1. 1e3 -1.5e-2 1/2 4/2 #xff #b101 #o17)
;=> (1 -1 1 0.5 0.5 1.0 1000.0 -0.015 0.5 2 255 5 15)
(list #t #f true false #true #false nil)
;=> (#t #f #t #f #t #f nil)
"a\n\t\"\\ \u00e9 \x41; \d"
;=> "a\n\t\"\\ é A \\d"
(list #\a #\newline #\space #\( #\x41)
;=> ("a" "\n" " " "(" "A")
'(a . b)
;=> (a . b)
'(a b . (c d))
;=> (a b c d)
''a
;=> 'a
'(quote a b)
;=> (quote a b)
'[1 2 {:a 1 "b" (2)}]
;=> (1 2 {"a" 1 "b" (2)})
#(1 2 x)
;=> (1 2 x)
:key
;=> :key
'(+ - ... -> a.b 1+ x->y?)
;=> (+ - ... -> a.b 1+ x->y?)
#| a block #| in a block |# |# 1 ; a line
;=> 1
(list 1 #;(not this) 2 #;#;a b 3)
;=> (1 2 3)
'(1 #;2)
;=> (1)
(
;!> unclosed
(list 1]
;!> unexpected-close
1)
;!> unexpected-close
"abc
;!> unclosed
#| abc
;!> unclosed
'
;!> bad-token
#foo
;!> bad-token
(a . b c)
;!> bad-token
{"a"}
;!> bad-syntax
{1 2}
;!> bad-syntax
1e999
;!> not-a-number
#\nonsense
;!> bad-token
"\ud800"
;!> bad-token
"\ud83d\ude00"
;=> "😀"
'|x y|
;!> bad-token
'|>
;=> |>
