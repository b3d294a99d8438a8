(define (shout text)
  (toupper (strlen text)))
(shout "a")
