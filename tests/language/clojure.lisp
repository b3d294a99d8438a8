; What programs bring from Clojure: bindings in turn, destructuring, loop and recur, threading, keywords as keys.

(let [x 1 y (+ x 1)] (list x y))
;=> (1 2)
(let [[a b & more] '(1 2 3 4) {:keys [name age] :or {age 7}} {"name" "ada"}] (list a b more name age))
;=> (1 2 (3 4) "ada" 7)
(let ([a 1] [b 2]) (list a b))
;=> (1 2)
(let (x 1 y 2) x)
;!> bad-syntax
(defn area [w h] (* w h))
;=> #<procedure area>
(area 2 3)
;=> 6
(defn greet "Says hello." [name] (str "hello " name))
;=> #<procedure greet>
(greet "ada")
;=> "hello ada"
(defn both ([x] (list 'one x)) ([x y] (list 'two x y)))
;=> #<procedure both>
(list (both 1) (both 1 2))
;=> ((one 1) (two 1 2))
(map (fn [[k v]] (list v k)) {"a" 1})
;=> ((1 "a"))
((fn fact [n] (if (= n 0) 1 (* n (fact (- n 1))))) 5)
;=> 120
(loop [i 0 acc '()] (if (< i 3) (recur (+ i 1) (cons i acc)) acc))
;=> (2 1 0)
(defn count-down [n] (if (> n 0) (recur (dec n)) 'done))
;=> #<procedure count-down>
(count-down 30000)
;=> done
(recur 1)
;!> bad-syntax
(for [x '(1 2 3) :when (odd? x) y '(a b)] (list x y))
;=> ((1 a) (1 b) (3 a) (3 b))
(for [x '(1 2) :let [y (* x 10)]] (+ x y))
;=> (11 22)
(let ((seen '())) (doseq [x '(1 2) y '(a b)] (set! seen (cons (list x y) seen))) seen)
;=> ((2 b) (2 a) (1 b) (1 a))
(cond (= 1 2) "a" :else "b")
;=> "b"
(cond (zero? 1) (list 1))
;!> ambiguous
(cond (zero? 1) 'zero (pos? 1) 'positive)
;!> ambiguous
(case 2 1 "one" 2 "two" "many")
;=> "two"
(case 9 1 "one" 2 "two" "many")
;=> "many"
(case 9 1 "one")
;=> nil
(condp = 2 1 "one" 2 "two" "many")
;=> "two"
(condp > 5 9 'small)
;=> small
(list (if-let [x (get {"a" 1} :a)] (+ x 1) 0) (if-let [x nil] 1 2) (when-let [x 3] (* x 2)) (when-let [x #f] 1) (if-some [x #f] (list x) 0) (when-some [x nil] 1))
;=> (2 2 6 nil (#f) nil)
(list (when-not #f 1) (if-not #f 1 2) (some-> {"a" 1} (get :b) (+ 1)) (some->> '(1 2) (map inc)) (cond-> 1 (> 2 1) (+ 10) #f (* 5)) (as-> 5 x (+ x 1) (list x)))
;=> (1 1 nil (2 3) 11 (6))
(list (-> {"a" {"b" 1}} (get :a) (get :b)) (->> '(1 2 3) (filter odd?) (map inc)))
;=> (1 (2 4))
(list (:a {"a" 1}) (:b {"a" 1} 'none))
;=> (1 none)
(map :a (list {"a" 1}))
;!> wrong-type
(list [1 2 (+ 1 2)] ["a" []] [:a :b])
;=> ((1 2 3) ("a" ()) (:a :b))
(list (assoc {"a" 1} :b 2) (dissoc {"a" 1} :a) (get-in {"a" {"b" 1}} [:a :b]) (update-in {"a" {"b" 1}} '(a b) inc) (merge-with + {"a" 1} {"a" 2}) (select-keys {"a" 1 "b" 2} '("a")) (into {} '(("a" 1))) (conj {} '("a" 1)) (reduce-kv (lambda (acc k v) (+ acc v)) 0 {"a" 1}))
;=> ({"a" 1 "b" 2} {} 1 {"a" {"b" 2}} {"a" 3} {"a" 1} {"a" 1} {"a" 1} 1)
(conj '(1) 2)
;!> ambiguous
(into [] '(1))
;!> ambiguous
(list (first '(1 2)) (rest '(1 2)) (nth '(a b) 1) (last '(1 2)) (butlast '(1 2)) (partition-all 2 '(1 2 3)) (partition-by odd? '(1 3 2)) (interleave '(1 2) '(a b)) (frequencies '("a" "a")) (reductions + '(1 2 3)) (mapcat list '(1 2)) (keep-indexed (lambda (i x) (and (odd? i) x)) '(a b)) (split-with odd? '(1 2)) (repeat 2 'x) (not-any? odd? '(2)) (not-every? odd? '(1 2)) (not-empty '()))
;=> (1 (2) b 2 (1) ((1 2) (3)) ((1 3) (2)) (1 a 2 b) {"a" 2} (1 3 6) (1 2) (#f b) ((1) (2)) (x x) #t #t nil)
(partition 2 '(1 2 3 4))
;!> wrong-type
(list ((comp inc inc) 1) ((partial + 1) 2) ((complement odd?) 1) ((juxt inc dec) 1) ((fnil inc 0) nil) ((every-pred odd? pos?) 3) ((some-fn odd? pos?) 2) (apply max-key length '((1) (1 2))) (some odd? '(1)) (some? 0))
;=> (3 3 #f (2 0) 1 #t #t (1 2) #t #t)
(list (str/join ", " '("a" "b")) (str/upper-case "a") (str/includes? "abc" "b") (str/split "a,b" ",") (str/trim " a ") (str/replace "aa" "a" "b") (subs "hello" 1 3) (str 1 :a nil))
;=> ("a, b" "A" #t ("a" "b") "a" "bb" "el" "1:anil")
(try (error "x") (catch Exception e (get e :message)))
;=> "x"
(let ((n 0)) (list (try (car '()) (catch e 'caught) (finally (set! n 1))) n))
;=> (caught 1)
(let ((n 0)) (list (try 5 (finally (set! n 1))) n))
;=> (5 1)
(defrecord Point [x y])
;=> #<procedure map->Point>
(list (:x (->Point 1 2)) (map->Point {"x" 5}))
;=> (1 {"record" "Point" "x" 5 "y" nil})
(swap! 1 inc)
;!> immutable
(atom 1)
;!> unbound
(ns my.app)
;!> bad-syntax
(try (throw (ex-info "bad" {:x 1})) (catch e (list (ex-message e) (ex-data e))))
;=> ("bad" {"x" 1})
(guard (e ((equal? (get (ex-data e) :x) 1) (get e :category))) (raise (ex-info "bad" {:x 1})))
;=> "user"
(throw (ex-info "bad" nil))
;!> user-error
(defmulti area :shape)
;!> bad-syntax
(unique (map (lambda (word) (string-contains? (describe word) "apropos")) '(comment time trace macroexpand-1 dorun pcase cl-defun)))
;=> (#f)
