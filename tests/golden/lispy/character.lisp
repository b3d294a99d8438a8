(string-split "a b" #\spcae)
