(chunk '(1 2 3))
