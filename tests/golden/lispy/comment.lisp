(comment (f 1))
