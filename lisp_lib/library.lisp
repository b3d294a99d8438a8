;;; library.lisp -- what agents share: tools, scenarios, prompts. Collections of a delta fill it, so that replay and
;;; rollback hold; programs find it by (rb-tools), (rb-tool name), (use-tool name), (rb-scenario name), (rb-prompt name).
;;;
;;;   (tools     (fields (name string) (agent agent) (doc string) (source lispy))
;;;              (from pipes echoes) (into "tools.json") (by publish))
;;;   (scenarios ...the same into "scenarios.json")
;;;   (prompts   (fields (name string) (agent agent) (doc string) (text string)) ... "prompts.json" ...)
;;;   (uses      (fields (agent agent) (tool string)) (from pipes echoes) (as known-tool) (into "uses.jsonl")
;;;              (count "tools.json" (tool uses)))

(define (publish shelf item)
  "The shelf with an item as the newest version of its name. A name is whose it was first; earlier versions stay."
  (let* ((name (get item "name"))
         (old (get (or shelf {}) name))
         (version (inc (get (or old {}) "version" 0)))
         (body (dissoc item "name" "agent")))
    (when (and old (not (equal? (get old "author") (get item "agent"))))
      (error (string "the name " name " is " (get old "author") "'s; choose another")))
    (when (and old (all? (lambda (key) (equal? (get old key) (get body key))) (keys body)))
      (error (string "version " (get old "version") " of " name " says the same already")))
    (dict-set (or shelf {}) name
              (merge {"author" (get item "agent") "version" version "frame" (inc (rb-frame))
                      "uses" (get (or old {}) "uses" 0)}
                     body
                     {"versions" (if old
                                     (append (get old "versions" '()) (list (dissoc old "author" "uses" "versions")))
                                     '())}))))

(define (known-tool item frame)
  "A use of a tool that is there; one of another is none."
  (if (get-in frame (list "tools" (get item "tool")))
      item
      (error (string "nobody shares a tool " (get item "tool")))))
