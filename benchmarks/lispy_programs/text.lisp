; Text is built piece by piece: string-append, format, number->string, join, replace.
(define (line i)
  (string-append "agent-" (number->string i) ": " (if (even? i) "online" "away") ", " (string-upcase "ok")))

(define (main)
  (let* ((lines (map line (range 1500)))
         (page (string-join lines "\n"))
         (text (reduce (lambda (text i) (string-append text (format "~a;" (* i i)))) "" (range 500))))
    (list (string-length page)
          (string-length (string-replace page "agent" "a"))
          (substring text 100 130)
          (length (filter (lambda (l) (string-contains? l "away")) lines)))))
