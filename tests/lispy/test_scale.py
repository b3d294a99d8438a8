"""Large and deep: a million tail calls, deep recursion and data on a small stack, what is never copied.

What must not grow is counted: steps, bytes of the meter, bytes of the host, identities. Nothing is timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from lisppump.lispy import Limits, LispyError, Runtime
from lisppump.lispy.builtins.versions import SMALL, Version, with_key
from lisppump.lispy.values import Slice, pair_of, slice_of
from tests.conftest import ROOT

STACK = 256 * 1024  # bytes: what a thread has elsewhere is twice as much

# -- tail calls

# Every procedure hands on to the next in a tail position of another form, a million times in all.
RING = """
(define (a n) (if (= n 0) 'done (b (- n 1))))
(define (b n) (cond ((= n 0) 'done) (else (c (- n 1)))))
(define (c n) (and #t (d (- n 1))))
(define (d n) (or #f (e (- n 1))))
(define (e n) (case 2 ((1) 'no) ((2) (f (- n 1))) (else 'no)))
(define (f n) (when #t (g (- n 1))))
(define (g n) (unless #f (h (- n 1))))
(define (h n) (let ((m (- n 1))) (let* ((k m)) (letrec ((j k)) (i j)))))
(define (i n) (begin 1 (apply j (list (- n 1)))))
(define (j n) (let loop ((k 1)) (if (= k 0) (a (- n 1)) (loop (- k 1)))))
(a 1000000)
"""
LOOP = "(let loop ((i 0)) (if (= i 1000000) i (loop (+ i 1))))"
MUTUAL = """
(define (even-one? n) (if (= n 0) #t (odd-one? (- n 1))))
(define (odd-one? n) (if (= n 0) #f (even-one? (- n 1))))
(even-one? 1000000)
"""


@pytest.mark.parametrize(("program", "wanted"), [(RING, "done"), (LOOP, "1000000"), (MUTUAL, "#t")])
def test_a_million_tail_calls_are_one_level_deep(program: str, wanted: str) -> None:
    result = Runtime(limits=Limits(depth=20)).run(program)
    assert result.error is None and result.text == wanted
    assert 1_000_000 < result.usage["steps"] < 2_000_000  # a tenth of them are calls of `apply`


TAILS = {
    "a closure in a variable": "(define (f g n) (if (= n 0) 0 (g g (- n 1)))) (f f 30000)",
    "what an expression gives": "(define (f n) (if (= n 0) 0 ((if #t f g) (- n 1)))) (define g 1) (f 30000)",
    "rest arguments": "(define (f n . more) (if (= n 0) 0 (f (- n 1) n n))) (f 30000)",
    "seven arguments": "(define (f n a b c d e g) (if (= n 0) 0 (f (- n 1) a b c d e g)))"
    " (f 30000 1 2 3 4 5 6)",
    "apply with two": "(define (f a n) (if (= n 0) 0 (apply f a (list (- n 1))))) (f 1 30000)",
    "a handler": "(define (f n) (if (= n 0) 0 (try (error n) (catch e (f (- n 1)))))) (f 30000)",
    "cond of cond": "(define (f n) (cond ((= n 0) 0) (#t (cond (#f 1) (else (f (- n 1))))))) (f 30000)",
    "a do loop": "(define (f n) (do ((i n (- i 1))) ((= i 0) 0))) (f 30000)",
    "an internal definition": "(define (f n) (define m (- n 1)) (if (< m 0) 0 (f m))) (f 30000)",
    "continuations": "(define (f n k) (if (= n 0) (k 0) (f (- n 1) (lambda (x) (k x))))) (f 30000 identity)",
    "macros": "(define-macro (go n) `(f (- ,n 1))) (define (f n) (if (= n 0) 0 (go n))) (f 30000)",
    "a threaded call": "(define (f n) (if (= n 0) 0 (-> n (- 1) (f)))) (f 30000)",
    "assigned arguments": "(define (f n) (set! n (- n 1)) (if (< n 0) 0 (f n))) (f 30000)",
    "captured arguments": "(define (f n) (let ((g (lambda () (- n 1)))) (if (= n 0) 0 (f (g))))) (f 30000)",
}


@pytest.mark.parametrize("name", TAILS)
def test_a_tail_call_is_a_jump(name: str) -> None:
    result = Runtime(limits=Limits(depth=30)).run(TAILS[name])
    assert (result.error, result.text) == (None, "0")


# -- recursion

# By what the recursion goes through: a procedure f that goes n deep and gives n.


def down(step: str) -> str:
    """A procedure f of a number n that is 0 at the end and else a step further down."""
    return f"(define (f n) (if (= n 0) 0 {step}))"


DIRECT = {
    "an operand": down("(+ 1 (f (- n 1)))"),
    "two procedures": down("(+ 1 (g (- n 1))))) (define (g n) (if (= n 0) 0 (inc (f (- n 1)))"),
    "let": down("(let ((r (f (- n 1)))) (+ r 1))"),
    "cond =>": "(define (f n) (cond ((= n 0) 0) ((f (- n 1)) => (lambda (r) (+ r 1)))))",
    "and": down("(+ 0 (and (f (- n 1)) n))"),
    "a case key": down("(case (f (- n 1)) ((-1) 0) (else n))"),
    "named let": "(define (f n) (let loop ((i n)) (if (= i 0) 0 (+ 1 (loop (- i 1))))))",
    "while": down("(let ((r #f)) (while (not r) (set! r (+ 1 (f (- n 1))))) r)"),
    "try": down("(+ 1 (try (f (- n 1)) (catch e 0)))"),
    "a handler": down('(+ 1 (try (error "x") (catch e (f (- n 1)))))'),
    "quasiquote": down("(+ 1 (car `(,(f (- n 1)))))"),
    "rest arguments": "(define (f n . more) (if (= n 0) 0 (+ 1 (f (- n 1) 1 2 3))))",
    "a closure": down("((lambda (g) (+ 1 (g (- n 1)))) f)"),
    "continuations": "(define (g n k) (if (= n 0) (k 0) (g (- n 1) (lambda (x) (+ 1 (k x))))))"
    " (define (f n) (g n identity))",
}  # fmt: skip
THROUGH = {
    "map": down("(+ 1 (car (map f (list (- n 1)))))"),
    "map of two": "(define (f n . m) (if (= n 0) 0 (+ 1 (car (map f (list (- n 1)) '(1))))))",
    "map of four": "(define (f n a b c) (if (= n 0) 0 (+ 1 (car (map f (list (- n 1)) '(1) '(2) '(3))))))",
    "for-each": down("(begin (for-each f (list (- n 1))) n)"),
    "filter": down("(begin (filter f (list (- n 1))) n)"),
    "any": down("(begin (any f (list (- n 1))) n)"),
    "every": down("(begin (every f (list (- n 1))) n)"),
    "find": down("(begin (find f (list (- n 1))) n)"),
    "count": down("(begin (count f (list (- n 1))) n)"),
    "reduce": down("(reduce (lambda (a x) (+ 1 (f x))) 0 (list (- n 1)))"),
    "fold-right": down("(fold-right (lambda (x a) (+ 1 (f x))) 0 (list (- n 1)))"),
    "flat-map": down("(begin (flat-map (lambda (m) (list (f m))) (list (- n 1))) n)"),
    "group-by": down("(begin (group-by f (list (- n 1))) n)"),
    "partition": down("(begin (partition f (list (- n 1))) n)"),
    "a comparator": down("(begin (sort '(1 2) (lambda (a b) (f (- n 1)) (< a b))) n)"),
    "a sort's key": down("(begin (sort-by f (list (- n 1))) n)"),
    "max-by": down("(begin (max-by f (list (- n 1))) n)"),
    "dict-map": down('(begin (dict-map (lambda (k v) (f v)) {"a" (- n 1)}) n)'),
    "update": down('(+ 1 (get (update {"a" (- n 1)} "a" f) "a"))'),
    "apply": down("(+ 1 (apply f (list (- n 1))))"),
    "pipe": down("(pipe (- n 1) f inc)"),
    "compose": "(define (f n) ((reduce (lambda (g i) (compose inc g)) identity (range n)) 0))",
    "partial": down("(+ 1 ((partial f (- n 1))))"),
    "complement": down("(begin ((complement f) (- n 1)) n)"),
    "memoize": "(define f (memoize (lambda (n) (if (= n 0) 0 (+ 1 (f (- n 1)))))))",
    "eval": down("(+ 1 (eval (list 'f (- n 1))))"),
}  # fmt: skip


def outcome(program: str) -> str:
    """The text that a program comes to, or the code of its error; never anything else."""
    result = Runtime().run(program)
    return result.text if result.error is None else result.error.code


def deep(name: str, depth: int) -> str:
    """The outcome of a recursion so many levels deep."""
    definition = DIRECT.get(name) or THROUGH[name]
    call = f"(f {depth} 1 1 1)" if name == "map of four" else f"(f {depth})"
    return outcome(f"{definition} {call}")


@pytest.mark.parametrize("name", DIRECT)
def test_recursion_ten_thousand_deep_is_an_answer(name: str) -> None:
    assert deep(name, 10_000) == "10000"


@pytest.mark.parametrize("name", THROUGH)
def test_recursion_through_builtins_is_an_answer_or_the_limit(name: str) -> None:
    assert deep(name, 400) == "400"
    assert deep(name, 10_000) in ("10000", "depth-limit")


# -- data that is deep, or long

CHAIN = "(fold cons '() (range 100000))"
NESTED = "(reduce (lambda (d i) (list d)) 1 (range 50000))"
DICTS = '(reduce (lambda (d i) {"a" d}) 1 (range 50000))'
DOTTED = "(fold cons 1 (range 99999))"
CARS = "(reduce (lambda (d i) (cons d 1)) 1 (range 50000))"
BOTH = "(reduce (lambda (d i) (cons d (list d))) 1 (range 45))"  # 2^45 parts in 90 cells


def twice(data: str, use: str) -> str:
    """A program that makes data two times, as `a` and `b`, and uses it."""
    return f"(define a {data}) (define b {data}) {use}"


DATA = {
    "chains are equal": (twice(CHAIN, "(list (equal? a b) (equal? a (cons 1 (cdr b))))"), "(#t #f)"),
    "nested lists are equal": (twice(NESTED, "(list (equal? a b) (equal? a (list b)))"), "(#t #f)"),
    "nested dicts are equal": (twice(DICTS, '(list (equal? a b) (equal? a {"a" b}))'), "(#t #f)"),
    "dotted chains are equal": (twice(DOTTED, "(list (equal? a b) (equal? a (cons 1 b)))"), "(#t #f)"),
    "pairs in cars are equal": (twice(CARS, "(list (equal? a b) (equal? a (cons b 1)))"), "(#t #f)"),
    "nested lists in order": (twice(NESTED, "(length (sort (list a b a)))"), "3"),
    "chains in order": (twice(CHAIN, "(length (sort (list a b a)))"), "3"),
    "nested lists as a set": (twice(NESTED, "(length (unique (list a b a)))"), "1"),
    "nested dicts as a set": (twice(DICTS, "(length (unique (list a b a)))"), "1"),
    "nested lists are found": (twice(NESTED, "(length (member a (list 1 b)))"), "1"),
    "nested lists are keys": (twice(NESTED, "(length (assoc a (list (list b 1))))"), "2"),
    "nested lists are remembered": (twice(NESTED, "(define f (memoize length)) (list (f a) (f b))"), "(1 1)"),
    "a case by nested lists": (twice(NESTED, "(case a ((1) 1) ((((2))) 2) (else 3))"), "3"),
    "a chain is written": (twice(CHAIN, "(string-length (write-string a))"), "588891"),
    "a dotted chain is written": (twice(DOTTED, "(string-length (write-string a))"), "588889"),
    "a chain as JSON": (twice(CHAIN, "(string-length (json-encode a))"), "688890"),
    "a chain comes back from JSON": (twice(CHAIN, "(equal? a (json-parse (json-encode b)))"), "#t"),
    "nested lists are not written": (NESTED, "data-depth-limit"),
    "nested dicts are not written": (DICTS, "data-depth-limit"),
    "pairs in cars are not written": (f"(display {CARS})", "data-depth-limit"),
    "nested lists are no JSON": (f"(json-encode {NESTED})", "data-depth-limit"),
    "nested dicts are no JSON": (f"(json-encode {DICTS})", "data-depth-limit"),
    "a dotted chain is no JSON": (f"(json-encode {DOTTED})", "data-depth-limit"),
    "nested lists are not flattened": (f"(flatten {NESTED})", "data-depth-limit"),
    "nested lists are no program": (f"(eval {NESTED})", "syntax-depth-limit"),
    "nested lists in an error": (twice(NESTED, '(try (car (string-append "x" a)) (catch e (get e "code")))'),
                                 '"wrong-type"'),
    "nested lists are formatted": (f'(format "~a" {NESTED})', "data-depth-limit"),
    "a chain is sorted": (twice(CHAIN, "(list (car (sort a)) (car (sort a >)) (car (sort-by - a)))"),
                          "(0 99999 99999)"),
    "a chain is grouped": (twice(CHAIN, "(map length (values (group-by even? a)))"), "(50000 50000)"),
    "a chain is counted": (f"(length (frequencies (map (lambda (x) (modulo x 7)) {CHAIN})))", "7"),
    "a chain is applied": (twice(CHAIN, "(list (apply + a) (apply max a))"), "(4999950000 99999)"),
    "a chain and its end": (twice(CHAIN, "(list (length a) (last a) (nth a 99999) (length (reverse a)))"),
                            "(100000 0 0 100000)"),
    "a longer chain is refused": (f"(cons 1 {CHAIN})", "size-limit"),
    "a longer list is refused": ("(append (range 100000) '(1))", "size-limit"),
}  # fmt: skip


DEEP = [name for name in DATA if CHAIN not in DATA[name][0]]


@pytest.mark.parametrize("name", DATA)
def test_deep_and_long_data(name: str) -> None:
    program, wanted = DATA[name]
    assert outcome(program) == wanted


def test_shared_data_is_compared_part_by_part_but_never_with_itself() -> None:
    runtime = Runtime(limits=Limits(steps=100_000))
    assert runtime.run(twice(BOTH, "(equal? a a)")).text == "#t"
    result = runtime.run(twice(BOTH, "(equal? a b)"))
    assert result.error is not None and result.error.code == "step-limit"


IN_A_THREAD = """
import json, sys, threading
from tests.lispy import test_scale as scale

def work():
    for name in [*scale.DIRECT, *scale.THROUGH]:
        found[name] = scale.deep(name, 30_000)
    for name in scale.DEEP:
        found[name] = scale.outcome(scale.DATA[name][0])

found = {}
threading.stack_size(scale.STACK)
thread = threading.Thread(target=work)
thread.start()
thread.join()
json.dump(found, sys.stdout)
"""


def test_what_is_deep_in_a_thread_with_a_small_stack() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_THREAD], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert {name: found[name] for name in DEEP} == {name: DATA[name][1] for name in DEEP}
    assert [name for name in [*DIRECT, *THROUGH] if found[name] != "depth-limit"] == []


# -- what is never copied


def procedure(program: str, runtime: Runtime) -> Any:
    """The procedure that a program comes to."""
    return runtime.evaluate(program)


def most_bytes(work: Callable[[], object]) -> int:
    """The most bytes that some work held at a time, beyond what there was."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WALK = "(lambda (l) (let loop ((l l) (sum 0)) (if (null? l) sum (loop (cdr l) (+ sum (car l))))))"


def chain(size: int) -> Any:
    """A list as cons makes it."""
    made: Any = [size - 1]
    for number in range(size - 2, -1, -1):
        made = pair_of(number, made, size - number)
    return made


@pytest.mark.parametrize("shape", ["array", "window", "chain"])
def test_walking_a_long_list_takes_a_step_an_element_and_no_room(shape: str) -> None:
    size = 100_000
    made = {
        "array": lambda: list(range(size)),
        "window": lambda: slice_of(list(range(-1, size + 1)), 1, size + 1),
        "chain": lambda: chain(size),
    }
    items = made[shape]()
    runtime = Runtime()
    walk = procedure(WALK, runtime)
    assert runtime.call(walk, [items]) == sum(range(size))
    assert runtime.call(walk, [items], limits=Limits(steps=size + 10, allocation=1000)) == sum(range(size))
    assert most_bytes(lambda: runtime.call(walk, [items])) < 50_000  # a copy has 800,000


def test_steps_of_a_walk_do_not_depend_on_how_a_list_lies_in_memory() -> None:
    makings = ("(range 50000)", "(cdr (range -1 50000))", "(fold cons '() (range 50000))")
    walked, made = (
        [Runtime().run(f"(define l {making}) {use}").usage["steps"] for making in makings]
        for use in (f"({WALK} l)", "(length l)")
    )
    costs = {walk - length for walk, length in zip(walked, made, strict=True)}
    assert len(costs) == 1
    assert 50_000 <= costs.pop() <= 50_010


def test_a_frames_list_is_filtered_without_a_copy() -> None:
    size = 1_000_000
    alive, gone = {"hp": 3}, {"hp": 0}
    log: list[Any] = [gone] * (size - 2) + [alive, alive]
    runtime = Runtime()

    def asked(program: str) -> Any:
        """What a program over the frame gives, called with a million entries in it."""
        given = {"log.json": log}
        limits = Limits(steps=3 * size)
        return runtime.call(procedure(program, runtime), state=given, allow={"state"}, limits=limits)

    found = asked('(lambda () (filter (lambda (e) (> (get e "hp") 0)) (get frame "log")))')
    assert len(found) == 2 and all(entry is alive for entry in found)
    assert asked('(lambda () (get frame "log"))') is log
    rest = asked('(lambda () (cdr (rb-state "log")))')
    assert rest.__class__ is Slice and rest.base is log
    assert asked('(lambda () (take-right (drop (get frame "log") 5) 3))').base is log
    assert asked('(lambda () (nth (get frame "log") 999999))') is alive
    assert len(log) == size and log[0] is gone


def test_filtering_a_frames_list_holds_what_it_keeps_and_no_more() -> None:
    log = list(range(1_000_000))
    runtime = Runtime()
    keep = procedure("(lambda (l) (filter (lambda (x) (< x 10)) l))", runtime)
    assert runtime.call(keep, [log[:1000]]) == list(range(10))
    most = most_bytes(lambda: runtime.call(keep, [log], limits=Limits(steps=3_000_000)))
    assert most < 200_000  # a copy has 8,000,000


# -- dicts


BUILD = "(lambda (n) (reduce (lambda (d i) (dict-set d (number->string i) i)) {} (range n)))"


def test_a_dict_built_key_by_key_is_one_dict_all_the_way() -> None:
    run = Runtime().context
    made: dict[str, Any] = {}
    stores = set()
    for number in range(10_000):
        made = with_key(run, made, str(number), number)
        if isinstance(made, Version):
            stores.add(id(made.data))
    assert len(stores) == 1
    assert len(made) == 10_000 and list(made) == [str(number) for number in range(10_000)]


@pytest.mark.parametrize(
    "look", ["(get d k)", '(get d "0")', "(has-key? d k)", "(length d)", "(get-in d (list k))", "(empty? d)"]
)
def test_looking_at_a_dict_does_not_make_the_next_key_dearer(look: str) -> None:
    program = (
        "(lambda (n) (length (reduce (lambda (d i) (let* ((k (number->string i)) (x "
        + look
        + ")) (dict-set d k i))) {} (range n))))"
    )
    runtime = Runtime()
    build = procedure(program, runtime)
    small, large = (most_bytes(lambda n=n: runtime.call(build, [n])) for n in (1000, 10_000))  # type: ignore[misc]
    assert large < 15 * small
    costs = [Runtime().run(f"({program} {n})").usage for n in (1000, 2000, 3000)]
    for what in ("steps", "bytes"):
        first, second, third = (cost[what] for cost in costs)
        assert abs((third - second) - (second - first)) < 2000  # one more key costs what the last one did


def test_every_version_of_a_dict_stays_what_it_was() -> None:
    run = Runtime().context
    base: dict[str, Any] = {str(number): number for number in range(2 * SMALL)}
    versions = [base]
    for number in range(200):
        key = str((number * 7) % 50)
        versions.append(with_key(run, versions[-1], key, -number))
    plain = dict(base)
    wanted = [dict(plain)]
    for number in range(200):
        plain = {**plain, str((number * 7) % 50): -number}
        wanted.append(dict(plain))
    for place in (150, 3, 77, 200, 0, 199, 8, 150):
        assert dict(versions[place].items()) == wanted[place]
        assert list(versions[place]) == list(wanted[place])
    branch = with_key(run, versions[100], "branch", 1)
    assert "branch" not in versions[101] and branch["branch"] == 1
    assert dict(versions[200].items()) == wanted[200]


def test_a_large_dict_of_a_frame_is_copied_once_and_left_alone() -> None:
    agents = {f"agent-{number}": {"hp": number} for number in range(5000)}
    runtime = Runtime()
    healed = '(lambda (all k) (dict-set all k (update (get all k) "hp" inc)))'
    heal = procedure(f"(lambda (agents) (reduce {healed} agents (keys agents)))", runtime)
    after = runtime.call(heal, [agents])
    assert after["agent-4999"] == {"hp": 5000} and agents["agent-4999"] == {"hp": 4999}
    assert len(after) == len(agents) == 5000
    with pytest.raises(LispyError) as caught:
        runtime.call(heal, [agents], limits=Limits(allocation=5000 * 32))
    assert caught.value.code == "allocation-limit"
    assert agents["agent-0"] == {"hp": 0}
