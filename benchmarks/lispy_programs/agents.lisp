; Two hundred agents for twenty ticks: each is a dict, each tick makes new ones.
(define agents
  (map (lambda (i) {"id" i "energy" (+ 50 (modulo (* i 17) 50)) "mood" "calm" "posts" 0}) (range 200)))

(define (act agent tick)
  (let* ((energy (get agent "energy"))
         (posts? (and (> energy 40) (= 0 (modulo (+ tick (get agent "id")) 3)))))
    (-> agent
        (dict-set "energy" (if posts? (- energy 10) (+ energy 2)))
        (dict-set "mood" (cond ((< energy 30) "tired") ((> energy 80) "lively") (else "calm")))
        (update "posts" (lambda (n) (if posts? (+ n 1) n))))))

(define (main)
  (let ((after (reduce (lambda (world tick) (map (lambda (agent) (act agent tick)) world))
                       agents
                       (range 20))))
    (list (sum (map (lambda (a) (get a "posts")) after))
          (length (filter (lambda (a) (equal? (get a "mood") "calm")) after)))))
