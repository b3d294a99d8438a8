;;; physics.lisp -- what happens to a world by itself, between two heartbeats, if its policy wants that: things decay,
;;; cross thresholds, trend, converge and spread. These are plain functions of data; an echo calls them, and brings what
;;; comes of it by its `delta`, or says it by a `signal`.

(define (decay amounts factor least)
  "Every amount of a dict times a factor; what falls below the least is gone."
  (dict-filter (lambda (name amount) (>= amount least))
               (map-values (lambda (amount) (* amount factor)) amounts)))

(define (half-life-factor half-life passed)
  "What a share decays to in the time passed, if half of it is left after a half-life."
  (expt 0.5 (/ passed half-life)))

(define (crossed before after limit)
  "Which amounts have crossed a limit between two dicts: {\"up\" names \"down\" names}."
  (let* ((names (sort (unique (append (keys before) (keys after)))))
         (was (lambda (name) (>= (get before name 0) limit)))
         (is (lambda (name) (>= (get after name 0) limit))))
    (dict "up" (filter (lambda (name) (and (is name) (not (was name)))) names)
          "down" (filter (lambda (name) (and (was name) (not (is name)))) names))))

(define (trend items what weight n)
  "The n things of which items speak most: what gives an item's thing or nil, weight what it counts; heaviest first."
  (let ((sums (reduce (lambda (sums item)
                        (let ((thing (what item)))
                          (if (nil? thing) sums (dict-set sums thing (+ (get sums thing 0) (weight item))))))
                      (dict) items)))
    (take (sort-by (lambda (entry) (list (- (second entry)) (first entry))) (dict->list sums)) n)))

(define (convergence items on-seed?)
  "The share of items that are on the seed, from 0 to 1; of no items it is 0."
  (if (nil? items) 0 (/ (count on-seed? items) (length items))))

(define (speaks-of? words)
  "A test of texts: does one speak of any of the words, whatever their case?"
  (let ((low (map string-downcase words)))
    (lambda (text) (let ((text (string-downcase text))) (any (lambda (word) (string-contains? text word)) low)))))

(define (phrases text n)
  "The phrases of n words in a text, in lower case, each once."
  (let ((found (regex-match-all "[[:alnum:]'-]+" (string-downcase text))))
    (unique (map (lambda (place) (string-join (take (drop found place) n) " "))
                 (range (max 0 (inc (- (length found) n))))))))

(define (memes items who text n least)
  "Phrases of n words that at least so many authors have used, most authors first: {\"phrase\" \"authors\"}.
   who and text give an item's author and its text; an item that lacks one counts for nothing."
  (let* ((uses (reduce (lambda (uses item)
                         (let ((author (who item)) (said (text item)))
                           (if (or (nil? author) (nil? said))
                               uses
                               (reduce (lambda (uses phrase)
                                         (dict-set uses phrase (dict-set (get uses phrase (dict)) author 1)))
                                       uses (phrases said n)))))
                       (dict) items))
         (spread (filter (lambda (entry) (>= (length (keys (second entry))) least)) (dict->list uses))))
    (map (lambda (entry) (dict "phrase" (first entry) "authors" (sort (keys (second entry)))))
         (sort-by (lambda (entry) (list (- (length (keys (second entry)))) (first entry))) spread))))
