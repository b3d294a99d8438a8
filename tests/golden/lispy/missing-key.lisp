(define (month post) (substring (get post "createdAt") 0 7))
(map month (list {"created_at" "2026-04-01"}))
