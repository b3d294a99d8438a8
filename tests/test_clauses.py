"""The clause table: every entry documented, every example right, every kind of mistake one located error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lisppump import clauses
from lisppump.clauses import CLAUSES, PUMP
from lisppump.clauses_check import Checker
from lisppump.clauses_shape import Clause, usage
from lisppump.errors import CODES, LisppumpError
from lisppump.lispy.reader import read
from lisppump.policy_code import PolicyCode
from tests.policy_support import REGISTRY, WORLD, changed, errors_of, load


def every(clause: Clause, path: str = "") -> Iterator[tuple[str, Clause]]:
    """A clause and everything in it, by path."""
    own = f"{path} {clause.name}".strip()
    yield own, clause
    for part in (*clause.options, *([clause.members] if clause.members else [])):
        yield from every(part, own)


ALL = dict(every(PUMP))


@pytest.mark.parametrize("path", ALL)
def test_every_clause_has_a_doc_and_an_example_that_checks(path: str) -> None:
    clause = ALL[path]
    assert clause.doc.endswith(".") and "\n" not in clause.doc
    for text in (clause.example, *([clause.default] if clause.default else [])):
        (node,) = read(text)
        checker = Checker(PolicyCode({}), REGISTRY)
        checker.clause(node, clause)
        assert [error.diagnostic() for error in checker.errors] == []
        assert node.head == clause.name or clause.name.isupper()


@pytest.mark.parametrize("path", ALL)
def test_every_clause_can_be_described(path: str) -> None:
    text = clauses.describe(path)
    assert ALL[path].doc in text
    assert ALL[path].example in text


def test_describe_says_usage_default_and_options() -> None:
    assert clauses.describe("state") == (
        "(state [FOLDER] [(keep ...)])\n"
        "  The folder of the documents.\n"
        "  default: (state)\n"
        '  example: (state "state" (keep 50))\n'
        "  (keep ...)  How many frames stay whole; older ones are rebuilt from deltas. Default: (keep 50)."
    )
    with pytest.raises(LisppumpError, match="there is no clause `strems`") as caught:
        clauses.describe("strems")
    assert caught.value.help == "did you mean `streams`?"


def test_usage_shows_what_may_be_left_out() -> None:
    assert usage(CLAUSES["clock"]) == "(clock [wall] [(start ...)] [(step ...)])"
    assert usage(CLAUSES["pipe"]) == (
        "(pipe BACKEND ... [(deadline ...)] [(passes ...)] [(stagger ...)] [(warm ...)] [(tools ...)])"
    )


MISTAKES = {
    "unknown-clause": [
        changed("(streams how-many)", "(strems how-many)"),
        changed("(keep 50)", "(kep 50)"),
        changed('(state "state" (keep 50))', "(state (folder 50))"),
        changed("(room-size 3)", "(romm-size 3)"),
        changed("(deadline (minutes 5))", "(deadlin (minutes 5))"),
        changed("(where awake?)", "(wher awake?)"),
    ],
    "bad-clause": [
        changed("(bad 1/2)", "(bad 3/2)"),
        changed("(seed 7)", "(seed 7 8)"),
        changed('(start "2026-04-09T00:00:00Z")', '(start "yesterday")'),
        changed('"state" (keep', '"../state" (keep'),
        changed('"votes.jsonl"', '"votes.csv"'),
        changed('(into "moods.json")', '(into "moods.jsonl")'),
        changed("(profile agentic)", "(profile agentc)"),
        changed("(each 10", "(each 0"),
        changed("(clock (start", "(clock wall (start"),
        changed("(pipe bright script", "(pipe (bright) script"),
        changed("(seed 7)", "(seed 7) 8"),
        changed("(votes\n", "(agents\n"),
        changed("(last-writer)", "(last-writer 1)"),
        changed('append "observations.jsonl"', 'refuse "observations.jsonl"'),
    ],
    "missing-clause": [
        changed("  (name agora)\n", ""),
        changed("(score chemistry) ", ""),
        changed("(pipe bright script none", "(pipe"),
        changed("(seed 7)", "(seed)"),
        changed('(otherwise append "observations.jsonl")', "(otherwise append)"),
        changed("(title string)", "(title)"),
        changed('(into "moods.json") ', ""),
    ],
    "duplicate-clause": [
        changed("(seed 7)", "(seed 7) (seed 8)"),
        changed("(pipe bright script", "(pipe bright bright"),
        changed("(last-writer)", "(last-writer) (append)"),
        changed("(hands (", "(bright ("),
        changed("(memories (fields", "(moods (fields"),
        changed("(voter agent) ", "(voter agent) (voter agent) "),
    ],
    "wrong-kind": [
        changed("(name agora)", '(name "agora")'),
        changed("(order wake-order)", "(order 5)"),
        changed("(at-most 22)", '(at-most "22")'),
        changed("(at-most 22)", "(at-most 2.5)"),
        changed("(room-size 3)", '(room-size "3")'),
        changed("(affinity (score chemistry) (room-size 3) (never-twice 20))", '"x"'),
        changed("(mood number)", "(mood nubmer)"),
        changed('(one-of "bio" "mood")', "(one-of bio mood)"),
        changed("(moods (fields", "(moods (actor mood) (fields"),
    ],
    "wrong-unit": [
        changed("(every (minutes 45))", "(every 45)"),
        changed("(every (minutes 45))", "(every (tokens 45))"),
        changed("(seed 7)", "(seed (seconds 7))"),
        changed("(max-tokens 4000)", "(patience 4000)"),
    ],
    "wrong-function": [
        changed("(order wake-order)", "(order chemistry)"),
        changed("(score chemistry)", "(score (lambda (a) 1))"),
        changed("(streams how-many)", "(streams tidy)"),
    ],
    "unknown-field": [
        changed("(once-per voter post type)", "(once-per voter pots type)"),
        changed("(agents author post_count)", "(agents auther post_count)"),
        changed("(sum agent mood)", "(sum agent moood)"),
        changed('"memory/{agent}.md"', '"memory/{agnet}.md"'),
        changed("(ref posts_created)", "(ref posts_craeted)"),
        changed("(moods (fields", "(moods (actor agnet) (fields"),
    ],
    "unknown-stage": [
        changed("(merger dream-catcher)", "(merger dream-cacher)"),
        changed("script none", "scirpt none"),
    ],
    "unbound": [
        changed("(streams how-many)", "(streams how-mny)"),
        changed("(bond a b)", "(bnod a b)"),
        changed("(define (tidy) 1)", "(define-macro (m x) (list 'bnod x)) (define (tidy) (m 1))"),
    ],
    "bad-load": [
        changed("(load helpers)", "(load helprs)"),
        changed("(load helpers)", '(load "../helpers")'),
    ],
    "no-pump-form": [
        changed("(pump\n", "(pmup\n"),
        WORLD + "(define late 1)",
        WORLD[: WORLD.index("(pump")],
        "",
        changed("(load helpers)", "(pump)(load helpers)"),
    ],
    "top-level-set": [
        changed("(load helpers)", "(load helpers)(set! seed 1)"),
        changed("(load helpers)", "(load helpers)(begin (define y 1) (set! y 2))"),
        changed("(define (tidy) 1)", "(define n 0) (define (tidy) (set! n (+ n 1)))"),
        changed("(define (tidy) 1)", "(define tidy (let ((n 0)) (lambda () (set! n (+ n 1)) n)))"),
        changed("(define (tidy) 1)", "(define n 0) (define (tidy) (map (lambda (x) (set! n x)) '(1)))"),
        changed("(by tidy)\n", "(by (lambda () (set! tidy 1)))\n"),
    ],
    "not-text": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"),
    [(code, text) for code, texts in MISTAKES.items() for text in texts],
    ids=lambda each: each[:20],
)
def test_each_mistake_is_one_located_error(code: str, text: str) -> None:
    errors = errors_of(text)
    assert code in [error.code for error in errors.errors], errors.diagnostic()
    assert len(errors.errors) == 1, errors.diagnostic()
    assert all(error.span is not None and error.help for error in errors.errors)
    assert errors.exit_code == 3
    assert errors.category == "policy"


def test_every_code_of_a_policy_is_raised_by_some_test() -> None:
    declared = {code for code, entry in CODES.items() if (entry.category, entry.exit) == ("policy", 3)}
    by_terms = {"unknown-usage", "unknown-price"}  # of a backend that was made: test_spending
    assert declared - by_terms <= set(MISTAKES)


def test_a_bare_number_shows_how_it_is_written() -> None:
    (error,) = errors_of(changed("(every (minutes 45))", "(every 45)")).errors
    assert error.message == "(every ...) wants an amount of seconds, got the bare number 45"
    assert error.help == "write (seconds 45) or (minutes 45)"


def test_variables_of_a_function_may_change() -> None:
    for count in (
        "(define n 0) (define (tidy) (let ((n 0)) (set! n (+ n 1)) n)) (define (also n) (set! n 2))",
        "(define tidy (lambda () (define n 0) (dotimes (i 3) (set! n (+ n i))) n))",
        "(define n 0) (define tidy (let ((k 1)) (lambda () (let loop ((n k)) (if (< n 9) (set! n 1))))))",
        "(define (tidy) (let ((n 0)) (for-each (lambda (x) (set! n (+ n x))) '(1 2)) n))",
        "(define n (let ((k 0)) (dotimes (i 3) (set! k (+ k i))) k)) (define (tidy) n)",
    ):
        assert load(changed("(define (tidy) 1)", count)).name == "agora"


@pytest.mark.parametrize(
    ("old", "new"),
    [("(score chem", "(scor chem"), ("(agents ", "(agent "), ("(fields (post", "(field (post")],
)
def test_a_misspelt_option_is_not_missing_as_well(old: str, new: str) -> None:
    (error,) = errors_of(WORLD.replace(old, new, 1)).errors
    assert error.code == "unknown-clause"


def test_a_misspelt_option_is_no_member() -> None:
    (error,) = errors_of(changed("(otherwise append", "(otherwize append")).errors
    assert (error.code, error.help) == ("unknown-clause", "did you mean `otherwise`?")


def test_the_world_of_these_tests_is_right() -> None:
    assert load(WORLD).name == "agora"
