"""What to write instead of a name that nothing has: by what it means elsewhere, or by its letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import cut

if TYPE_CHECKING:
    from lisppump.lispy.names import Namespace

MEANT = {
    "the true value is #t": ("t", "True", "#!true"),
    "the false value is #f": ("False", "#!false"),
    "nil is the value that stands for none": ("None", "undefined", "none", "#!void", "null-value"),
    "else stands in a clause of cond or case": ("else", "otherwise", "elif", "elseif", "else-if"),
    "a procedure gives the value of its last form; (let/cc return form ...) can be left early": ("return",),
    "a program ends where its text ends; (let/cc return form ...) can be left early": (
        "exit", "quit", "halt",
    ),
    "a variable changes with set!: (define n 0), then (set! n (+ n 1))": (
        "box", "unbox", "atom", "deref", "ref", "volatile!", "make-cell", "make-parameter",
    ),
    "there are no files; (rb-state document) reads a document of the frame": (
        "load", "include", "open", "open-input-file", "open-output-file", "call-with-input-file",
        "call-with-output-file", "with-open-file", "read-file", "file->string", "file->lines", "slurp",
        "spit", "load-file", "load-json", "write-file", "open-file", "file-exists?",
    ),
    "there is no input; (read-string text) reads data from a text": (
        "read", "read-line", "read-char", "peek-char", "input", "current-input-port", "eof-object?",
    ),
    "(lines text), (words text) and (read-string text) take a text apart": (
        "open-input-string", "with-input-from-string", "call-with-input-string",
    ),
    "a program reaches nothing outside of its run": (
        "system", "shell", "getenv", "exec", "run-shell-command",
    ),
    "(curl url) reads a page, where the capability web is granted": (
        "fetch", "http-get", "http-request", "wget", "fetch-url", "url-get", "get-url",
    ),
    "a program only reads; what it wants done it gives as its value": (
        "rb-post", "rb-comment", "rb-react", "rb-run", "rb-vote", "curl-post", "http-post", "git-commit",
    ),
    "there is no Python here; (apropos \"text\") searches the library": (
        "py-import", "py-call", "py-attr", "py-dir", "py-eval", "python",
    ),
    "no time passes within a run": ("sleep", "wait", "sit-for"),
    "a run goes on step by step, nothing beside it": (
        "future", "async", "await", "go", "spawn", "make-thread",
    ),
    "(now) is the frame's time in seconds, (now-iso) the same as text": (
        "get-universal-time", "current-date", "current-datetime", "get-time", "today", "current-time-string",
        "real-time", "runtime", "time-now", "unix-time", "float-time", "date-now", "get-internal-real-time",
    ),
    "(/ (- (now) (iso->seconds text)) 3600) is the hours since then": (
        "hours-since", "age-hours", "days-since", "minutes-since", "seconds-since", "time-since", "hours-ago",
    ),
    "(rb-frame) is the number of the frame": (
        "current-frame", "frame-number", "current-tick", "frame-num", "get-frame", "frame-count",
        "tick-number",
    ),
    "agents is the list of all agents": (
        "all-agents", "list-agents", "get-agents", "rb-all-agents", "agent-list", "load-agents", "agent-ids",
    ),
    "(rb-state document key ...) reads a document of the frame": (
        "get-state", "read-state", "load-state", "state-ref", "state-get",
    ),
    "(regex-match? pattern text) is #t or #f, (regex-match pattern text) the match with its groups": (
        "string-match", "string-match?", "string-matches?", "regex-test", "regex-test?", "re-find",
        "re-matches", "regex-find", "regexp-exec", "matches?", "regex?", "re-match?", "string-matches",
    ),
    "(regex-match-all pattern text) is the list of all matches": (
        "regex-extract", "regex-extract-all", "regexp-extract", "string-scan", "regex-scan",
        "find-all-matches", "re-extract", "extract-matches", "string-match-all", "regex-findall",
    ),
    "(regex-replace pattern text new)": ("replace-regexp-in-string", "re-sub", "regex-sub", "gsub"),
    "(round x digits) gives a number, (format \"~,2f\" x) a text": (
        "round-to", "round-decimal", "round-decimals", "to-precision", "format-number", "number-format",
        "roundto", "format-float", "round-n", "fixed",
    ),
    "(length (words text))": ("word-count", "count-words", "num-words"),
    "(assert (equal? a b))": (
        "check-equal?", "assert-equal", "assert-equals", "assert-eq", "assert-equal?", "check-eq?",
        "test-equal", "expect", "assert-true", "check-true", "assert=",
    ),
    "(map-indexed f list) calls f with each position and element": (
        "map-with-index", "each-with-index", "for-each-with-index", "for-each-indexed", "for-each-index",
        "map-index", "indexed-map", "vector-map-index", "imap",
    ),
    "(index-of list x) or (find-index f list)": (
        "position", "index", "elem-index", "find-position", "list-position",
    ),
    "(filter f list)": ("select", "find-all", "where", "filter-list", "filter-by", "seq-filter"),
    "(find f list)": ("detect", "find-one", "seq-find", "lookup-by"),
    "(map f list)": ("collect", "transform", "seq-map", "map-list", "map*", "maplist"),
    "(reduce f init list)": (
        "inject", "cl-reduce", "seq-reduce", "accumulate", "fold1", "foldl1", "reduce1", "foldr1",
        "aggregate",
    ),
    "(sort-by key list >) or (sort list >)": (
        "sort-with", "sort-on", "order-by", "sort-desc", "sort-descending", "sort-asc", "sorted",
        "sort-by-desc", "list-sort-by", "sort-numbers", "rank-by",
    ),
    "(reverse list)": ("reversed", "list-reverse", "rev"),
    "(max list) and (min list) take a list, too": (
        "list-max", "list-min", "max-val", "min-val", "maximum", "minimum", "max-list", "min-list", "max-of",
        "max-in-list",
    ),
    "(sum list)": ("sum-list", "list-sum", "add-all", "sum-all", "total-of"),
    "(take list n)": ("first-n", "take-n", "head-n", "top-n", "limit"),
    "(take-right list n)": ("tail-n", "last-few"),
    "(append (take l n) (drop l (+ n 1))) is the list without its element at n, (remove x l) without x": (
        "remove-nth", "delete-nth", "remove-at", "list-remove", "list-delete", "remove-item", "without",
        "delete-at",
    ),
    "(append (take l n) (list x) (drop l n))": ("list-insert", "insert-at", "insert", "insert-nth"),
    "(set! l (union l (list x)))": ("pushnew", "cl-pushnew", "add-to-list", "adjoin"),
    "(unique list) is a list as a set, (union a b) puts two together": (
        "set", "make-set", "hashset", "ordered-set",
    ),
    "(union a b), (intersection a b) and (difference a b) compare with equal?": (
        "lset-union", "lset-intersection", "lset-difference", "lset-adjoin", "set-symmetric-difference",
    ),
    "(count f list) counts in a list, (string-count text part) in a text": (
        "count-matches", "count-where", "count-by-predicate", "count-hits", "count-true", "num-matching",
    ),
    "'() is the empty list, (empty? x) tests for it": (
        "empty", "empty-list", "is-empty?", "is-null?", "isnull",
    ),
    "(type-of x)": ("type", "typeof", "class-of", "isinstance", "type?", "type->string"),
    "(error message x ...)": (
        "fail", "abort", "panic", "throw-error", "raise-error", "raise-user-error", "raise-argument-error",
        "signal", "die",
    ),
    "(print x ...)": (
        "puts", "echo", "prints", "console.log", "write-line", "printline", "output", "log-message",
    ),
    "(printf template x ...)": ("message", "format-print", "print-format"),
    "(write x) prints data, (write-string x) is its text": ("write-char", "write-json", "write-u8"),
    "(string-append text ...)": ("string-concat", "str-append", "str-concat", "string-add", "concat-strings"),
    "(apply string-append list), or (string-join list \"\")": (
        "string-append*", "concat-list", "string-join*",
    ),
    "(string-length text)": ("strlen", "string-size", "str-len", "str-length", "string-len"),
    "(substring text start end)": (
        "substr", "str-sub", "string-sub", "sub-string", "str-slice", "string-substring",
    ),
    "(string-index text part) is where it stands, or #f": (
        "index-of-string", "strpos", "str-index", "indexOf", "string-position", "str-find", "search",
        "find-substring",
    ),
    "(string-upcase text) and (string-downcase text)": (
        "toupper", "tolower", "to-upper", "to-lower", "to-upper-case", "to-lower-case",
        "string-upper-case", "string-lower-case", "str-upper",
        "str-lower", "to-uppercase", "to-lowercase",
    ),
    "(string->list text) is the list of characters": (
        "chars", "string-characters", "string->chars", "characters",
    ),
    "(words text) or (string-split text separator)": ("string->words", "split-words", "tokenize-string"),
    "(string-trim text)": ("str-trim", "strip-string", "trim-string"),
    "(number->string n)": (
        "num->string", "num->str", "number->str", "int->string", "integer->string", "float->string",
        "num-to-string", "number-string",
    ),
    "(string->number text)": ("string->num", "string->float", "str->num", "string-to-num", "to-number"),
    "(->string x)": (
        "tostring", "toString", "stringify", "any->string", "bool->string", "boolean->string", "as-string",
    ),
    "(not= a b)": ("neq?", "not-eq?", "not-equal?", "neq", "<>"),
    "(contains? collection x)": (
        "in", "list-has?", "has?", "contains", "include?", "list-contains", "has-element?",
    ),
    "(entries dict) is the list of (key value)": ("items", "dict->pairs", "hash-items", "key-values"),
    "(lambda (x) ...), or (partial f a)": ("cut", "cute", "curried"),
    "(-> x form ...) and (->> x form ...)": ("~>", "~>>", "|>", "thread-first", "thread-last"),
    "(define (f a &optional (b 1)) ...)": ("define*", "lambda*", "define-optional"),
    "lists are finite here: (range n), (make-list n x), (iterate n f x)": (
        "cycle", "lazy-seq", "in-naturals", "infinite", "repeat-forever",
    ),
    "(make-list n x) makes a list, (list-set list n x) a new one with an element changed": (
        "make-array", "make-strvector",
    ),
    "(get dict key)": ("lookup", "dict-lookup", "hash-lookup", "fetch-key", "get-key", "getkey", "val"),
    "(while (not test) form ...)": ("until", "do-until", "loop-until"),
    "(dotimes (i n) form ...)": ("repeat-times", "times", "do-times", "for-range", "loop-times"),
    "(let loop ((i 0)) (if (< i n) (loop (+ i 1)) i))": ("cl-loop", "goto", "tagbody", "iter"),
    "(and (not (and a b)) (or a b))": ("xor",),
    "a loop ends by its test; (let/cc next form ...) in it is a turn that (next nil) leaves": (
        "continue", "next-iteration",
    ),
    "#; before a form leaves it out": ("comment",),
    "(get (usage) :steps) before and after a form says what it costs": ("time", "with-timing", "benchmark"),
    "(print x) shows a value on its way": ("trace", "untrace", "tap>", "spy"),
    "a macro is a procedure on forms: define it as one, and (print (name '(a b))) shows what it makes": (
        "macroexpand", "macroexpand-1", "macroexpand-all",
    ),
    "(or a b)": ("||",),
    "(and a b)": ("&&",),
    "(for-each f list) calls f for what it does": ("dorun", "run!"),
    "(match x (pattern form ...) ...)": ("pcase", "match-case", "core.match"),
    "(defun name (a &key b) form ...)": ("cl-defun", "defun*"),
}  # fmt: skip
WORDS = {name: help for help, names in MEANT.items() for name in names}
_FORM = re.compile(r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
PREFIXES = (
    "cl-", "seq-", "string/", "clojure.string/", "list-", "vector-", "str-", "lst-", "array-", "math/",
    "Math/", "math.", "Math.",
)  # fmt: skip


_BASED = re.compile(r"0([xXoObB])([0-9a-fA-F]+)")
LONGEST = 60  # letters of a name that others are compared with


def meant(name: str) -> str | None:
    """What there is here for a name of another language, None if that is not known."""
    help = WORDS.get(name)
    return f"write {help}" if help is not None and _FORM.fullmatch(help) else help


def instead(name: str, own: set[str], language: set[str]) -> str | None:
    """One thing to do about a name without a value; `own` are the names of the program."""
    if len(name) > LONGEST:
        return None
    spelt = _spelt(name, own)
    if spelt is None and name in WORDS:
        return meant(name)
    if spelt is None:
        spelt = _spelt(name, language)
    if spelt is None and name.startswith("rb-"):
        return "(rb-state document key ...) reads any document of the frame; (apropos \"rb-\") shows others"
    if spelt is None and name.startswith("#:"):
        return "keywords of Racket are none here: arguments go by their places, or by &key parameters"
    for prefix in PREFIXES:
        rest = name.removeprefix(prefix)
        if spelt is None and rest != name and rest in language:
            spelt = rest
    if spelt is None and (other := _notation(name, own, language)) is not None:
        return other
    close = spelt or _close(name, own, 3) or _close(name, language, 4)
    return f"did you mean `{close}`?" if close else None


def _notation(name: str, own: set[str], language: set[str]) -> str | None:
    """What there is for a word that another language marks by a character in it."""
    based = _BASED.fullmatch(name)
    if based is not None:
        return f"write #{based[1].lower()}{based[2]}"
    if name.startswith("@") and len(name) > 1:
        return f"nothing stands in a box here: {name[1:]} is the value itself, and set! changes it"
    if name.startswith(".") and len(name) > 1:
        base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name[1:]).lower()
        known = instead(name[1:], own, language) or meant(base)
        return known or "values have no methods: a call begins with a procedure, (f x)"
    return None


def _spelt(name: str, known: set[str]) -> str | None:
    """The name in LisPy's spelling: string_length and stringLength as string-length, evenp as even?."""
    dashed = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower().replace("_", "-")
    base = dashed.removeprefix("is-").rstrip("?!")
    asked = [dashed.removesuffix("-p") + "?", dashed.removesuffix("p") + "?"]
    ways = [dashed, f"{dashed}?", f"{base}?", base, *asked]
    return next((way for way in ways if way != name and way in known), None)


def _close(name: str, known: set[str], short: int) -> str | None:
    """The known name that differs by a slip of the keyboard: one letter, two in a longer name.

    A name that is no longer than `short` has to have the same letters, in another order or twice.
    """
    most = 0 if len(name) < 3 else 1 if len(name) < 8 else 2
    letters = set(name)
    found: list[tuple[int, int, str]] = []
    for word in known if most else ():
        far = abs(len(word) - len(name)) > most or len(letters.symmetric_difference(word)) > 2 * most
        if far or word == name:
            continue
        distance = _distance(name, word, most)
        if distance <= most and (len(name) > short or letters == set(word)):
            apart = next((i for i, (a, b) in enumerate(zip(name, word, strict=False)) if a != b), len(name))
            found.append((distance, -apart, word))
    return min(found)[2] if found else None


def _distance(left: str, right: str, most: int) -> int:
    """How many letters have to be added, left out, changed, or exchanged with the next, up to `most`."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        following = [i]
        for j, other in enumerate(right, 1):
            best = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                best = min(best, before[j - 2] + 1)
            following.append(best)
        before, row = row, following
        if min(row) > most:
            break
    return row[-1]


def unbound(namespace: Namespace, name: str, local: Callable[[], Iterable[str]]) -> LispyError:
    """The error for a name without a value; what was likely meant is looked for when it is read."""

    def help() -> str | None:
        from lisppump.lispy import library
        from lisppump.lispy.analyser import FORMS
        from lisppump.lispy.builtins import BUILTINS

        cells, bound = namespace.cells.items(), namespace.bound
        names = [word for word, cell in cells if word in bound or cell.builtin]
        own = {*names, *local(), *namespace.macros} - {name}
        return instead(name, own, {*BUILTINS, *FORMS, *library.names()})

    return LispyError("unbound", f"{cut(name)} has no value", help=help)
