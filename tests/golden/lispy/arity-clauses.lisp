(define area
  (case-lambda ((side) (* side side))
               ((width height) (* width height))))
(list (area 1) (area))
