(regex-match? #"a+" "aa")
