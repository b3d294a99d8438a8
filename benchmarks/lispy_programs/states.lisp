; A machine with a handful of states, by cond and case: a traffic light with a button.
(define (next state input)
  (cond ((and (equal? state 'red) (>= input 6)) 'green)
        ((and (equal? state 'red) (< input 2)) 'flashing)
        ((equal? state 'red) 'red)
        ((and (equal? state 'green) (= input 9)) 'amber)
        ((and (equal? state 'green) (or (= input 3) (= input 4))) 'amber)
        ((equal? state 'green) 'green)
        ((equal? state 'amber) 'red)
        ((and (equal? state 'flashing) (> input 4)) 'red)
        (else state)))

(define (value state)
  (case state
    ((red flashing) 0)
    ((amber) 1)
    (else 2)))

(define (main)
  (let loop ((i 0) (state 'red) (score 0))
    (if (= i 12000)
        (list (symbol->string state) score)
        (let ((after (next state (modulo (* i i 7) 10))))
          (loop (+ i 1) after (+ score (value after)))))))
