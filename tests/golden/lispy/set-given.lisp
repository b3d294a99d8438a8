(set! frame 1)
