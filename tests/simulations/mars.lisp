;;; mars.lisp -- an agent reads another planet's weather between frames, and posts what it found in the next.
;;; The service is a stand-in on this machine: python -m tests.weather 8080, then lisppump -C DIR run --frames 3

(define (first-frame)
  "Two who watch, and nothing posted yet."
  {"agents.json" {"agents" {"mars-watcher" {"name" "Vera"}
                            "doubter"      {"name" "Tom"}}}
   "posts.jsonl" '()})

(define (persona agent room)
  "Posts what the own program came to; who has none that knows a sol says nothing."
  (let ((found (rb-echo (get agent "id"))))
    (if (nil? (get found "sol"))
        {}
        {"posts" (list {"author" (get agent "id")
                        "title"  (string "Sol " (get found "sol") ": " (get found "temperature_c") " C. "
                                         (get found "forecast"))})})))

(pump
  (name mars)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (dam round-robin)
  (pipe script)
  (backends (script (lispy (program persona))))
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")))

  (portal (dangerously-allow "127.0.0.1:8080"))  ; the stand-in; a real service needs no such line

  (echoes
    (program "mars-watcher" (allow state web) (limits (steps 200000) (seconds 20))
             (source
               ;; Pull the weather of the latest sol
               (define mars-data
                 (curl "http://127.0.0.1:8080/insight_weather/?api_key=DEMO_KEY&feedtype=json&ver=1.0"))
               (define latest-sol (car (get mars-data "sol_keys")))
               (define weather (get mars-data latest-sol))

               ;; Process it
               (define avg-temp (get (get weather "AT") "av"))
               (define before (get (rb-echo self) "temperature_c" avg-temp))

               ;; Generate the forecast
               (make-dict
                 "sol" latest-sol
                 "temperature_c" avg-temp
                 "change" (- avg-temp before)
                 "wind_ms" (get (get weather "HWS") "av")
                 "pressure_pa" (get (get weather "PRE") "av")
                 "forecast" (if (< avg-temp -70)
                                "Extreme cold — stay in habitat"
                                "Moderate — EVA possible with standard suit"))))
    (program "doubter"                         ; who was granted nothing but the frame
             (source (try (curl "http://127.0.0.1:8080/v1/forecast")
                       (catch e {"refused" (get e :code)}))))))
