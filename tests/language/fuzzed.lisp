; What the fuzzers found: `python -m tests.fuzzing`. Each of them once broke a promise of the language.

; the help spoke of brackets or did not, by how the list was made
((let loop ((i 0) (found ())) (if (> i 4) found (loop (+ i 1) (cons first found)))))
;!> wrong-type
