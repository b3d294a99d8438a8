(while #t
  (continue))
