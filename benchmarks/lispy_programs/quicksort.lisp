; The quicksort of textbooks: filter and append.
(define (quicksort items)
  (if (null? items)
      '()
      (let ((pivot (car items)) (others (cdr items)))
        (append (quicksort (filter (lambda (x) (< x pivot)) others))
                (list pivot)
                (quicksort (filter (lambda (x) (>= x pivot)) others))))))

(define numbers (map (lambda (i) (modulo (* i 7919) 1009)) (range 1000)))

(define (main) (nth (quicksort numbers) 500))
