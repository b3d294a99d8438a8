(match 5 ((x y) x))
