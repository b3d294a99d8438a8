; What goes wrong has a code; what a program cannot be trusted with has a limit.

(foo)
;!> unbound
(+ 1 "a")
;!> wrong-type
(car '())
;!> out-of-range
(error "mine")
;!> user-error
(raise {"a" 1})
;!> user-error
(/ 1 0)
;!> division-by-zero
(frame)
;!> not-granted
frame
;!> not-granted
(try frame (catch e 1))
;=> 1
(curl "https://example.org")
;!> not-granted
(curl 5)
;!> wrong-type
(try (curl "https://example.org") (catch e (get e :data)))
;=> "web"
; a caught error that is raised again is the same; one of the host's cannot be made up
(try (rb-state "stats") (catch e (raise e)))
;!> not-granted
(guard (e ((equal? (get e :category) "user") 1)) frame)
;!> not-granted
(let ((n 0)) (try (dynamic-wind void (lambda () frame) (lambda () (set! n 5))) (catch e (list n (get e :data)))))
;=> (5 "state")
(raise {"code" "defect" "message" "mine"})
;!> user-error
(raise {"code" "step-limit" "message" "mine"})
;!> user-error
(rb-state "stats")
;!> not-granted
(let loop () (loop))
;!> step-limit
(while #t 1)
;!> step-limit
(dotimes (i 100000000) i)
;!> step-limit
(range 1000000)
;!> size-limit
(define (deep n) (+ 1 (deep n)))
;=> #<procedure deep>
(deep 1)
;!> depth-limit
(let loop ((f nil)) (loop (lambda () f)))
;!> allocation-limit
(let loop ((s "x")) (loop (string-append s s)))
;!> string-limit
(let loop ((n 2)) (loop (* n n)))
;!> integer-limit
(let loop () (display "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") (loop))
;!> output-limit
(let loop ((x '()) (i 0)) (if (< i 300) (loop (list x) (+ i 1)) x))
;!> data-depth-limit
(let loop ((x '(1)) (i 0)) (if (< i 60) (loop (list x x) (+ i 1)) x))
;!> string-limit
(eval (let loop ((x 1) (i 0)) (if (< i 200) (loop (list 'list x) (+ i 1)) x)))
;!> syntax-depth-limit
(define (again) (eval '(again)))
;=> #<procedure again>
(+ 1 (again))
;!> depth-limit

; every name that promises to change data in place
;;; fresh
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list dict-set! hash-set! hash-set*! hash-table-set! hash-put! hash-table-put! hash-table/put! dict-put! puthash put! assoc! assq-set!)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list assoc-set! set-in! dict-remove! dict-delete! hash-remove! hash-delete! hash-table-delete! hash-table-remove! remhash dissoc! hash-clear! hash-table-clear!)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list clrhash dict-clear! dict-update! hash-update! hash-table-update! hash-table-update!/default update! hash-table-modify! hash-ref! dict-ref! hash-table-ref! hash-append!)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list hash-push! dict-append! dict-merge! merge! hash-union! list-set! vector-set! set-nth! string-set! aset set-car! rplaca)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list setcar set-cdr! rplacd setcdr push! append! conj! vector-push! add! list-append! insert! nconc)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list vector-push vector-push-extend list-push! enqueue! push cons! prepend! pop! pop dequeue! reverse! sort!)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list sort-by! vector-sort! shuffle! filter! remove! delete! map! vector-map! vector-fill! swap! alter vswap!)))
;=> ("immutable")
(unique (map (lambda (f) (try (f nil nil nil) (catch e (get e :code)))) (list box-swap! reset! set-box! vreset! inc! increment! add1! dec! decrement! sub1! string-append! string-concat!)))
;=> ("immutable")
