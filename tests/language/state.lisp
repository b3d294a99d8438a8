; The frame's documents need the capability `state`; without it every name of them says so.

(rb-state "agents.json")
;!> not-granted
(rb-agent "ada")
;!> not-granted
(rb-soul "ada")
;!> not-granted
(rb-channels)
;!> not-granted
(rb-trending)
;!> not-granted
(rb-frame)
;!> not-granted
(rb-echo "ada")
;!> not-granted
(rb-echoes)
;!> not-granted
(try (rb-state "agents.json") (catch e 'caught))
;=> caught

; names that are met less often
;;; fresh
(rb-agents)
;!> not-granted

;;; fresh
(set! frame 1)
;!> unbound
(define frame 1)
;=> 1
(set! frame 2)
;=> 2

; what agents share
;;; fresh
(rb-tools)
;!> not-granted
(rb-tool "double")
;!> not-granted
(use-tool "double")
;!> not-granted
(rb-scenarios)
;!> not-granted
(rb-scenario "growth")
;!> not-granted
(rb-prompts)
;!> not-granted
(rb-prompt "calm")
;!> not-granted
