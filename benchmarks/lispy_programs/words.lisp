; A text is split, counted word by word in a dict, sorted and joined again.
(define text
  (string-join
    (map (lambda (i) (list-ref '("the" "frame" "goes" "in" "a" "dam" "groups" "agents" "Into" "Streams" "AND")
                               (modulo (* i i) 11)))
         (range 4000))
    " "))

(define (count-words counts word)
  (dict-set counts word (+ 1 (get counts word 0))))

(define (main)
  (let* ((words (string-split (string-downcase text) " "))
         (counts (reduce count-words {} words))
         (ranked (sort (entries counts) (lambda (a b) (> (cadr a) (cadr b))))))
    (string-join
      (map (lambda (entry)
             (string-append (string-upcase (car entry)) "=" (number->string (cadr entry))))
           ranked)
      ", ")))
