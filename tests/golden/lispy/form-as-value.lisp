(map when (list 1 2))
