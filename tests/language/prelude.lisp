; The part of the library that is written in LisPy.

(list (pluck "n" (list {"n" 1} {"n" 2})) (sum-by cadr '((a 1) (b 2))) (mean-by cadr '((a 1) (b 2))))
;=> ((1 2) 3 1.5)
(list (count-by even? '(1 2 3)) (tally '("a" "b" "b")) (enumerate '(a b)))
;=> ({"#f" 2 "#t" 1} (("b" 2) ("a" 1)) ((0 a) (1 b)))
(list (chunk 2 '(1 2 3)) (sliding 2 '(1 2 3)) (sliding 4 '(1 2)) (interpose 0 '(1 2 3)) (interleave '(1 2) '(a b c)))
;=> (((1 2) (3)) ((1 2) (2 3)) () (1 0 2 0 3) (1 a 2 b))
(chunk 0 '(1))
;!> assertion
(list (cartesian '(1 2) '(a b)) (iterate 3 inc 0) ((juxt first last) '(1 2 3)) ((flip -) 1 10) (invert {"a" "x"}))
;=> (((1 a) (1 b) (2 a) (2 b)) 3 (1 3) 9 {"x" "a"})
(list (random-weighted '(a b) '(0 1)) (random-weighted '(a) '(5)))
;=> (b a)
(list (string? (describe 'pluck)) (member? 'pluck (apropos "pluck")))
;=> (#t #t)
