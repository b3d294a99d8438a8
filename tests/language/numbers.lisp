; Numbers: exact integers, finite floats, no booleans among them.

(+ 1 2 3)
;=> 6
(+)
;=> 0
(- 5)
;=> -5
(* 2 1.5)
;=> 3.0
(list (/ 6 3) (/ 1 2) (/ 2) (/ 7.5 2))
;=> (2 0.5 0.5 3.75)
(/ 1 0)
;!> division-by-zero
(/ 1.0 0)
;!> division-by-zero
(* 1e200 1e200)
;!> not-a-number
(+ 1 #t)
;!> wrong-type
(+ 1 "2")
;!> wrong-type
(- '())
;!> wrong-type
(* 99999999999999999999 99999999999999999999)
;=> 9999999999999999999800000000000000000001
(expt 10 1000000000)
;!> integer-limit
(expt 9 (expt 9 (expt 9 9)))
;!> integer-limit
(list (expt 2 10) (expt 2 -1) (expt 2.0 3) (expt -1 1000000000001) (expt 1 (expt 7 100)))
;=> (1024 0.5 8.0 -1 1)
(expt 0 -1)
;!> division-by-zero
(expt -8 0.5)
;!> not-a-number
(expt 10.0 400)
;!> not-a-number
(+ 1.5 (expt 10 400))
;!> not-a-number

; rounding gives integers, halves go to the even one
(list (floor 2.7) (ceil 2.1) (round 2.5) (round 3.5) (truncate -2.7) (floor -2.5))
;=> (2 3 2 4 -2 -3)
(list (round 2.567 2) (round 7 2))
;=> (2.57 7)
(list (quotient -7 2) (remainder -7 2) (modulo -7 2) (% 7 -2) (// -7 2) (// 7.5 2))
;=> (-3 -1 1 -1 -4 3)
(% 1 0)
;!> division-by-zero
(list (sqrt 16) (sqrt 2.25) (sqrt 0))
;=> (4 1.5 0)
(sqrt -1)
;!> not-a-number
(log 0)
;!> not-a-number
(list (min 3 1 2) (max 3 1 2) (max '(3 1 2)) (max 1 2.5))
;=> (1 3 3 2.5)
(min)
;!> wrong-arity
(max 1 "a")
;!> wrong-type
(list (clamp 12 0 10) (clamp -1 0 10) (clamp 5 0 10))
;=> (10 0 5)
(clamp 1 5 0)
;!> bad-value
(list (gcd 12 18) (lcm 4 6) (gcd))
;=> (6 12 0)
(list (abs -3) (inc 4) (dec 4) (add1 1) (sub1 1))
;=> (3 5 3 2 0)
(list (even? 4) (odd? 4) (even? 4.0) (zero? 0.0) (positive? 1) (negative? 1))
;=> (#t #f #t #t #t #f)
(even? 2.5)
;!> bad-value

; sums and means
(list (sum '(1 2 3)) (sum '()) (product '(2 3 4)) (mean '(1 2 6)) (mean '(1 2)) (median '(3 1 2)) (median '(1 2 3 4)))
;=> (6 0 24 3 1.5 2 2.5)
(mean '())
;!> bad-value
(sum '(1 "2"))
;!> wrong-type
(sum '(0.1 0.2 0.3))
;=> 0.6

; comparison
(list (< 1 2 3) (< 1 3 2) (>= 3 3 1) (< "a" "b") (= 1 1.0) (= 1 2))
;=> (#t #f #t #t #t #f)
(< 1 "a")
;!> wrong-type
(< "a" 1)
;!> wrong-type
(list (= '(1 2) '(1.0 2)) (equal? '(1 2) '(1.0 2)) (= 1 "1") (= 1 #t) (= "a" "a") (= nil '()))
;=> (#t #f #f #f #t #t)

; texts of numbers
(list (number->string 42) (number->string 1.5) (number->string 255 16))
;=> ("42" "1.5" "ff")
(list (string->number "42") (string->number "-1.5e3") (string->number "x") (string->number "") (string->number "1_0"))
;=> (42 -1500.0 #f #f #f)
(string->number "ff" 16)
;=> 255
(list (number? 1) (number? #t) (number? "1") (integer? 2.0) (integer? 2.5))
;=> (#t #f #f #t #f)
(list (exact->inexact 1) (inexact->exact 2.0))
;=> (1.0 2)
(inexact->exact 2.5)
;!> bad-value

; names that are met less often
;;; fresh
(list (bit-shift-right 20 2) (bit-shift-right -5 1) (bit-shift-right 1 100))
;=> (5 -3 0)
(bit-shift-right 1 -1)
;!> out-of-range
(bit-shift-right 1.5 1)
;!> bad-value
(list (signum -3.5) (signum 0) (signum 0.0) (signum 7))
;=> (-1 0 0 1)
(signum "a")
;!> wrong-type
(list (acos 1) (asin 0) (atan 0) (cos 0) (exp 0) (sin 0) (tan 0) (tanh 0) (log2 8) (log10 1000) (exact-integer-sqrt 17))
;=> (0.0 0.0 0.0 1.0 1.0 0.0 0.0 0.0 3.0 3.0 4)
(list (round (atan 1 1) 4) (round (atan -1 -1) 4) (round (* 4 (atan 1)) 4) (atan 0 -1))
;=> (0.7854 -2.3562 3.1416 3.141592653589793)
(acos 2)
;!> not-a-number
(asin "a")
;!> wrong-type
(exp 1000)
;!> not-a-number
(log2 0)
;!> not-a-number
(log10 -1)
;!> not-a-number
(tan nil)
;!> wrong-type
(sin (expt 10 400))
;!> not-a-number
(exact-integer-sqrt -1)
;!> not-a-number
(exact-integer-sqrt 1.5)
;!> bad-value
(list (stddev '(1 3)) (variance '(1 2 3 4)) (variance '(5)))
;=> (1.0 1.25 0.0)
(variance nil)
;!> bad-value
(stddev '("a"))
;!> wrong-type
