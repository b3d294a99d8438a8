(loop for x in (list 1 2) collect (* x x))
