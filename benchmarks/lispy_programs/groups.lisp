; Reports over records: group-by, filter, averages, an association list of names.
(define titles '(("core" "Core") ("guest" "Guest") ("bot" "Bot")))

(define records
  (map (lambda (i)
         {"id" i
          "kind" (car (nth titles (modulo (* i 5) 3)))
          "karma" (modulo (* i 37) 101)
          "active" (= 0 (modulo i 2))})
       (range 1500)))

(define (report kind members)
  (list (cadr (assoc kind titles))
        (length members)
        (mean (map (lambda (r) (get r "karma")) members))
        (length (filter (lambda (r) (and (get r "active") (> (get r "karma") 50))) members))))

(define (main)
  (let ((groups (group-by (lambda (r) (get r "kind")) records)))
    (map (lambda (kind) (report kind (get groups kind)))
         (sort (keys groups)))))
