; A text character by character: Caesar's cipher and palindromes.
(define alphabet "abcdefghijklmnopqrstuvwxyz")

(define (shift c by)
  (let ((place (string-index alphabet c)))
    (if place
        (string-ref alphabet (modulo (+ place by) 26))
        c)))

(define (cipher text by)
  (apply string-append (map (lambda (c) (shift c by)) (string->list text))))

(define (palindrome? text)
  (let loop ((i 0) (j (- (string-length text) 1)))
    (cond ((>= i j) #t)
          ((equal? (string-ref text i) (string-ref text j)) (loop (+ i 1) (- j 1)))
          (else #f))))

(define message (string-repeat "a man a plan a canal " 40))

(define (main)
  (let ((secret (cipher message 3)))
    (list (substring secret 0 21)
          (equal? (cipher secret 23) message)
          (palindrome? (string-append message (string-reverse message))))))
