(define cache {"posts" (list 1 2)})
(define (posts-of cache) (cdr (assoc "posts" cache)))
(length (posts-of cache))
