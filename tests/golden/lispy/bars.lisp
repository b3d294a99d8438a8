(list '|x y|)
