(while #t
  (break))
