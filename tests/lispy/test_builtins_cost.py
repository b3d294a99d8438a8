"""What builtins charge and refuse: before the work, by size, whatever the representation."""

from __future__ import annotations

import tracemalloc

import pytest

from lisppump.lispy import Limits, Runtime
from lisppump.lispy.limits import Meter


def steps(program: str) -> int:
    result = Runtime().run(program)
    assert result.ok, result.error
    return int(result.usage["steps"])


def code(program: str, limits: Limits | None = None) -> str | None:
    result = Runtime(limits=limits or Limits()).run(program)
    return None if result.ok else result.error.code


SHARED = "(define d (list 1)) (dotimes (i 45) (set! d (list d d)))"  # 2^45 elements in 46 lists


@pytest.mark.parametrize(
    ("program", "limit"),
    [
        ("(define x 3) (dotimes (i 60) (set! x (* x x)))", "integer-limit"),
        ("(define x (expt 7 3000)) (apply * (make-list 20000 x))", "integer-limit"),
        ('(json-parse (string-repeat "9" 30000))', "integer-limit"),
        ("(define l (list 1)) (dotimes (i 60) (set! l (append l l)))", "size-limit"),
        ('(define s "ab") (dotimes (i 60) (set! s (string-append s s)))', "string-limit"),
        ('(string-replace (string-repeat "a" 100000) "a" (string-repeat "b" 100))', "string-limit"),
        ('(json-parse (string-repeat "[" 999))', "data-depth-limit"),
        ("(define d 1) (dotimes (i 300) (set! d (list d))) (json-encode d)", "data-depth-limit"),
        ("(define r (range 9000)) (dotimes (i 900) (zip r r r r))", "step-limit"),
        (
            '(define d (zipmap (range 2000) (range 2000))) (dotimes (i 9000) (dict-set d "x" i))',
            "allocation-limit",
        ),
        (f"{SHARED} (json-encode d)", "step-limit"),
        (f"{SHARED} (flatten d)", "step-limit"),
        ("(define f not) (dotimes (i 40) (set! f (compose f f))) (f #t)", "step-limit"),
    ],
)
def test_what_grows_too_much_ends_in_its_limit(program: str, limit: str) -> None:
    assert code(program, Limits(steps=1_000_000)) == limit


def test_json_that_is_never_closed_is_looked_through_once() -> None:
    """From every quote in it, it would take an hour."""
    program = '(json-parse (string-append "\\"" (string-repeat "\\\\\\"" 400000)))'
    assert code(program, Limits()) == "json-error"


@pytest.mark.parametrize("leaf", ["'()", "nil", "{}", "1", '""', "(list (list))"])
@pytest.mark.parametrize("made", ['(dict "a" d "b" d)', "(list d d)", "(cons d d)"])
@pytest.mark.parametrize("use", ["(->string d)", "(display d)", "(json-encode d)", "d"])
def test_shared_data_is_shown_only_as_far_as_a_text_goes(leaf: str, made: str, use: str) -> None:
    """Also where it ends in what has no text of its own but brackets."""
    program = f"(define d {leaf}) (dotimes (i 45) (set! d {made})) {use}"
    assert code(program) in ("string-limit", "step-limit", "allocation-limit", "data-depth-limit")


@pytest.mark.parametrize("name", ["string-trim", "string-trim-left", "string-trim-right"])
def test_what_is_trimmed_away_may_be_a_long_text(name: str) -> None:
    """Looking through it for each character would take for ever."""
    gone = '(string-append (string-join (map char->string (map integer->char (range 4000 9000))) "") "a")'
    assert steps(f'({name} (string-repeat "a" 1000000) {gone})') > 500_000
    ends = {"string-trim": "b", "string-trim-left": "ba", "string-trim-right": "ab"}
    assert Runtime().run(f'({name} "aba" {gone})').value == ends[name]


def test_shared_data_compares_with_itself_at_once() -> None:
    assert steps(f"{SHARED} (equal? d d)") < 1000


def test_setting_a_key_costs_the_key_not_the_dict() -> None:
    small = "(define d (list->dict (map (lambda (i) (list i i)) (range 10))))"
    large = "(define d (list->dict (map (lambda (i) (list i i)) (range 1000))))"
    for made in (small, large):
        assert steps(f'{made} (length (dict-set d "x" 1))') - steps(f"{made} (length d)") == 2


def test_a_dict_of_ten_thousand_keys_is_no_trouble() -> None:
    program = "(length (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range 10000)))"
    result = Runtime().run(program)
    assert result.value == 10_000
    assert result.usage["steps"] < 100_000


def test_cost_does_not_depend_on_how_a_list_lies_in_memory() -> None:
    array = "(define l (range 100))"
    chain = "(define l (reduce (lambda (acc i) (cons i acc)) '() (range 100)))"
    window = "(define l (cdr (range -1 100)))"
    for use in (
        "(nth l 50)",
        "(map inc l)",
        "(append l '(1))",
        "(sort l)",
        "(member 3 (sort l))",
        "(reverse l)",
    ):
        costs = {steps(f"{made} {use} nil") - steps(f"{made} nil") for made in (array, chain, window)}
        assert len(costs) == 1, use


def test_nth_on_a_long_chain_walks_it_once() -> None:
    program = """
        (define p nil)
        (for-each (lambda (i) (set! p (cons i p))) (range 5000))
        (for-each (lambda (i) (nth p 4999)) (range 9000))
        (list (nth p 0) (nth p 4999) (nth (cdr p) 0) (length p))"""
    assert Runtime().run(program).value == [4999, 0, 4998, 5000]


def test_appending_never_changes_what_was_there() -> None:
    program = """
        (define base (append (range 20) '(20)))
        (define one (append base '(a)))
        (define two (append base '(b)))
        (define three (append one '(c)))
        (list (length base) (drop one 20) (drop two 20) (drop three 20))"""
    assert Runtime().run(program).text == "(21 (20 a) (20 b) (20 a c))"


def test_a_frames_list_is_never_appended_to() -> None:
    log = list(range(30))
    runtime = Runtime(state={"log": log}, allow={"state"})
    program = """
        (define l (cdr (get frame "log")))
        (append l l) (append (get frame "log") (list 9)) (append l (list 1))"""
    assert runtime.run(program).ok
    assert log == list(range(30))


def test_memory_of_a_memoized_procedure_ends_with_the_run() -> None:
    runtime = Runtime()
    program = "(define n 0) (define f (memoize (lambda (x) (set! n (+ n 1)) n))) (list (f 1) (f 1))"
    assert runtime.run(program).value == [1, 1]
    assert runtime.run(program).value == [1, 1]


@pytest.mark.parametrize(
    "program",
    [
        '(regex-match-all "(?s)c.*d|c" (string-repeat "c" 90000))',
        '(regex-match-all "c(.*d)?" (string-repeat "c" 90000))',
        '(regex-replace "a" (string-repeat "a" 1000000) "")',
        '(regex-split "a" (string-repeat "a" 1000000))',
        '(let ((p (string-append "(" (string-repeat "a?" 400) "){1,9}"))) (while #t (regex-match p "a")))',
        '(dotimes (i 9999) (regex-match "((a{9}){9}){9}" "a"))',
    ],
)
def test_a_search_that_takes_long_is_charged_for(program: str) -> None:
    assert code(program, Limits(steps=2_000_000)) == "step-limit"


def test_more_matches_than_a_list_may_have_are_not_looked_for() -> None:
    program = '(regex-match-all "." (string-repeat "a" 1000000))'
    result = Runtime(limits=Limits(elements=2000)).run(program)
    assert result.error is not None and result.error.code == "size-limit"
    assert result.usage["steps"] < 1_200_000


def test_usual_patterns_cost_their_text() -> None:
    for pattern in ("[0-9]{4}-[0-9]{2}-[0-9]{2}", "(a|b)+", "cat|dog", "\\\\p{L}+"):
        once, twice = (steps(f'(regex-match "{pattern}" "x")' * times) for times in (1, 2))
        assert once <= 160
        assert twice - once <= 40


@pytest.mark.parametrize(
    "program",
    [
        "(sort (map (lambda (i) (list (- i))) (range 100000)))",
        "(sort-by list (range 100000))",
        "(sort (range 100000) (lambda (a b) (list)))",
        '(string-any not (string-repeat "a" 1000000))',
        '(string-filter not (string-repeat "a" 1000000))',
        '(string-map identity (string-repeat "a" 1000000))',
        '(json-parse (string-append "[" (string-repeat "[]," 200000) "[]]"))',
    ],
)
def test_what_takes_long_looks_at_the_clock_meanwhile(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    look = Meter.look
    monkeypatch.setattr(Meter, "look", lambda meter: looks.append(meter.steps) or look(meter))
    Runtime().run(program)
    assert len(looks) > 10


@pytest.mark.parametrize(
    "program",
    [
        "(define f +) (dotimes (i 1000) (set! f (partial f 1))) (dotimes (i 9) (f))",
        "(define f even?) (dotimes (i 400) (set! f (complement f))) (dotimes (i 900) (f 1))",
        "(dotimes (i 60000) (string->symbol (number->string i)))",
        '(dotimes (i 9000) (regex-match (number->string i) "x"))',
        '(dotimes (i 5000) (regex-match-all "." "abcdefgh"))',
        '(read-all (string-repeat "(a) " 60000))',
        "(dotimes (i 5000) (eval '(lambda () 1)))",
    ],
)
def test_what_takes_long_takes_steps(program: str) -> None:
    assert code(program, Limits(steps=1_000_000)) == "step-limit"


def test_a_list_that_grows_in_front_is_not_copied_in_every_turn() -> None:
    grown = "(lambda (i) (set! p (cons i p)) (drop p (quotient i 2)))"
    program = f"(define p nil) (define k (map {grown} (range 99)))"
    tails = "(list (map length k) (map first k) (map last k) p (cons 'x t) (cons 'y t) t)"
    kept = list(range(98, -1, -1))
    assert Runtime().run(f"{program} (define t (nth k 9)) {tails}").value == [
        [i + 1 - i // 2 for i in range(99)], [i - i // 2 for i in range(99)], [0] * 99, kept,
        ["x", 5, 4, 3, 2, 1, 0], ["y", 5, 4, 3, 2, 1, 0], [5, 4, 3, 2, 1, 0],
    ]  # fmt: skip
    tracemalloc.start()
    Runtime().run(program.replace("99", "9000"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * 1024 * 1024  # a copy in every turn is 320 MB
