"""The border around plugins' builtins: what goes in, what comes out, what that costs, what is no value."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, LispyError, to_text
from lisppump.lispy.foreign import LentRun
from lisppump.lispy.values import Keyword, Pair, Primitive, Quantity, Symbol, Value, pair_of
from tests.lispy.bordering import FAILED, OWNER, Border, builtin, identity

# -- what goes in


@pytest.mark.parametrize(
    ("program", "got"),
    [
        ("nil", None),
        ("'()", []),
        ("#t", True),
        ("42", 42),
        ("1.5", 1.5),
        ('"caf\u00e9"', "caf\u00e9"),
        ("'a", Symbol("a")),
        (":k", Keyword("k")),
        ("'(1 (2 3))", [1, [2, 3]]),
        ("(cdr '(1 2 3))", [2, 3]),
        ("(cons 0 (cons 1 '(2 3)))", [0, 1, 2, 3]),
        ('{"a" {"b" (list 1)}}', {"a": {"b": [1]}}),
        ("(dict-set (zipmap (range 20) (range 20)) 'a 1)", {**{str(n): n for n in range(20)}, "a": 1}),
        ("frame", {"stats": {"total": 3}, "log": [1, 2]}),
    ],
)  # fmt: skip
def test_what_goes_in_is_plain_python(program: str, got: Any) -> None:
    seen: list[Any] = []
    state = {"stats.json": {"total": 3}, "log.json": [1, 2]}
    border = Border(lambda run, value: seen.append(value), state=state, allow={"state"})
    assert border.run(f"(tide {program})").ok
    assert seen == [got] and plain(seen[0])


def plain(value: Any) -> bool:
    """Whether lists and dicts are Python's own all the way down."""
    if isinstance(value, dict):
        return type(value) is dict and all(map(plain, value.values()))
    if isinstance(value, list):
        return type(value) is list and all(map(plain, value))
    return value is None or type(value) in (bool, int, float, str, Symbol, Keyword)


def test_a_dotted_pair_and_a_quantity_go_in_as_copies() -> None:
    seen: list[Any] = []
    Border(lambda run, *values: seen.extend(values)).run("(tide (cons 1 2) (seconds 5))")
    pair, quantity = seen
    assert type(pair) is Pair and (pair.car, pair.cdr) == (1, 2)
    assert type(quantity) is Quantity and (quantity.amount, quantity.unit) == (5, "seconds")


def test_what_foreign_code_does_to_what_it_got_is_its_own_affair() -> None:
    def spoil(run: LentRun, items: list[Any], table: dict[str, Any], pair: Pair) -> None:
        items[0].append(9)
        items.clear()
        table["a"]["b"] = 9
        del table["a"]
        pair.car = 9

    program = '(define l \'((1) 2)) (define d {"a" {"b" 1}}) (define p (cons 1 2)) (tide l d p) (list l d p)'
    assert Border(spoil).run(program).text == '(((1) 2) {"a" {"b" 1}} (1 . 2))'


def test_it_cannot_change_the_frame() -> None:
    document = {"total": [1]}
    state = {"stats.json": document}
    border = Border(lambda run, frame: frame["stats"]["total"].append(2), state=state, allow={"state"})
    assert border.run("(tide frame) (get-in frame '(stats total))").value == [1]
    assert document == {"total": [1]}


# -- what comes out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"),
        (True, "#t"),
        (7, "7"),
        (-0.5, "-0.5"),
        ("a\nb", '"a\\nb"'),
        (Symbol("s"), "s"),
        (Keyword("k"), ":k"),
        ([], "()"),
        ((1, (2, [3])), "(1 (2 (3)))"),
        ({"a": ({},)}, '{"a" ({})}'),
        (pair_of(1, 2, -1), "(1 . 2)"),
        (pair_of(1, pair_of(2, [3], -1), 77), "(1 2 3)"),  # with wrong sizes
        (pair_of(1, None, 0), "(1)"),
        (Quantity(5, "seconds"), "(seconds 5)"),
    ],
)
def test_what_comes_out_is_a_value(value: Any, text: str) -> None:
    border = Border(lambda run: value)
    assert border.run("(tide)").text == text
    assert border.run("(equal? (tide) (tide))").value is True
    assert border.heard == []


def test_what_comes_out_is_nobody_elses() -> None:
    kept: list[Any] = [[1], {"a": 1}]
    border = Border(lambda run: kept)
    assert border.run("(define l (tide))").ok
    kept[0].append(2)
    kept[1]["b"] = 2
    kept.append(3)
    assert border.run("l").text == '((1) {"a" 1})'


def test_a_list_that_comes_out_in_cells_is_as_good_as_any() -> None:
    border = Border(lambda run: pair_of(3, pair_of(1, [2], -1), -1))
    program = "(list (sort (tide)) (length (tide)) (append (tide) '(9)) (nth (tide) 2))"
    assert border.run(program).text == "((1 2 3) 3 (3 1 2 9) 2)"


def test_a_symbol_made_by_hand_is_the_symbol_of_that_name() -> None:
    forged = object.__new__(Symbol)
    forged.name = "tide"
    assert Border(lambda run: forged).run("(eq? (tide) 'tide)").value is True


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from([Symbol("s"), Keyword("k")])
)  # fmt: skip
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.builds(pair_of, inner, ATOMS.filter(lambda tail: tail is not None), st.just(-1))
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_value_comes_back_equal_and_not_the_same(value: Value) -> None:
    border = Border(identity)
    border.runtime.define("x", value)
    result = border.runtime.run("(define y (tide x)) (equal? x y)")
    assert result.value is True, result.error
    back = border.runtime.evaluate("y")
    assert to_text(back) == to_text(value)
    assert not mutable(value) & mutable(back)


def mutable(value: Value) -> set[int]:
    """The identities of everything in a value that Python could change."""
    if isinstance(value, dict):
        return {id(value)}.union(*map(mutable, value.values()))
    if isinstance(value, list):
        return {id(value)}.union(*map(mutable, value))
    if isinstance(value, Pair):
        return {id(value)} | mutable(value.car) | mutable(value.cdr)
    return set()


# -- what it costs


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ("", 1),
        ("nil 1 2.5 'a :k #t", 1),
        ('"a long text costs nothing on its way in"', 1),
        ("(seconds 5)", 1),
        ("car (lambda (x) x)", 1),
        ("'()", 1 + 1),
        ("'(1 2 3)", 1 + 4),
        ("(cdr '(0 1 2 3))", 1 + 4),
        ("(cons 1 (cons 2 '(3)))", 1 + 4),
        ("'((1) (2))", 1 + 3 + 2 + 2),
        ('{"a" 1 "b" (list 2)}', 1 + 3 + 2),
        ("(cons 1 2)", 1 + 1),
        ("(cons 1 (cons 2 3))", 1 + 2),
    ],
)
def test_steps_of_what_goes_in(values: str, steps: int) -> None:
    border = Border(lambda run, *arguments: None)
    assert border.steps(f"(tide {values})") - border.steps(f"(void {values})") == steps


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (None, 1),
        (3, 1),
        ("x" * 15, 1),
        ("x" * 160, 1 + 10),
        (1 << 600, 1 + 2),
        ([], 1 + 1),
        ([1, 2, 3], 1 + 4),
        ((1, (2,)), 1 + 3 + 2),
        ({"a": 1, "b" * 32: [2]}, 1 + 3 + 2 + 2),
        (pair_of(1, 2, -1), 1 + 1),
    ],
)
def test_steps_of_what_comes_out(value: Any, steps: int) -> None:
    border = Border(lambda run: value)
    assert border.steps("(void (tide))") - border.steps("(void (void))") == steps


def test_steps_of_calls_back_and_of_its_own() -> None:
    def each(run: LentRun, function: Callable[..., Any], items: list[Any]) -> list[Any]:
        run.charge(100)
        return [function(item) for item in items]

    border = Border(each)
    back = 1 + (1 + 1)  # the procedure's step, and the list that it gives on its way into foreign hands
    assert border.steps("(void (tide (lambda (x) (list x)) '(1 2 3)))") - border.steps("(void (void))") == (
        1 + (1 + 3) + 100 + 3 * back + (1 + 3) + 3 * (1 + 1)
    )


def test_bytes_are_counted_and_never_given_back() -> None:
    border = Border(identity, limits=Limits(allocation=100_000))
    assert border.code("(define l (range 100)) (dotimes (i 100) (tide l))") == "allocation-limit"
    runs = [border.run(f"(define l '(1 2)) ({name} l) nil") for name in ("tide", "void")]
    assert runs[0].usage["bytes"] - runs[1].usage["bytes"] == 2 * (64 + 2 * 8)


# -- what is more than may be


def knot() -> Pair:
    """A chain of pairs that never ends."""
    pair = pair_of(1, None, -1)
    pair.cdr = pair
    return pair


def doubled(times: int) -> list[Any]:
    """Few lists with very many elements."""
    items: list[Any] = [1]
    for _ in range(times):
        items = [items, items]
    return items


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: "x" * 2_000_000, "string-limit"),
        (lambda: {"x" * 2_000_000: 1}, "string-limit"),
        (lambda: [0] * 100_001, "size-limit"),
        (lambda: dict.fromkeys(map(str, range(100_001))), "size-limit"),
        (lambda: 1 << 20_000, "integer-limit"),
        (lambda: [-(1 << 20_000)], "integer-limit"),
        (lambda: doubled(40), "step-limit"),
        (knot, "step-limit"),
        (lambda: float("nan"), "not-a-number"),
        (lambda: [float("-inf")], "not-a-number"),
    ],
    ids=["text", "key", "list", "dict", "integer", "negative", "shared", "knot", "nan", "inf"],
)
def test_what_is_more_than_may_be_ends_in_its_error(make: Callable[[], Any], code: str) -> None:
    border = Border(lambda run: make(), limits=Limits(steps=200_000))
    assert border.code("(tide)") == code
    assert border.heard == []


def test_a_frames_own_lists_may_be_larger() -> None:
    state = {"log.json": [0] * 100_001}
    border = Border(lambda run, items: len(items), state=state, allow={"state"})
    assert border.run("(tide (get frame 'log))").value == 100_001


def test_what_is_shared_is_counted_as_often_as_it_is_handed_over() -> None:
    border = Border(lambda run, value: None, limits=Limits(steps=200_000))
    assert border.code("(define d (list 1)) (dotimes (i 40) (set! d (list d d))) (tide d)") == "step-limit"


def test_data_that_is_too_deep() -> None:
    border = Border(identity)
    deep = "(define d 1) (dotimes (i {}) (set! d (list d))) (tide d)"
    assert border.run(deep.format(256)).ok
    assert border.code(deep.format(257)) == "data-depth-limit"
    pairs = "(define d 1) (dotimes (i 300) (set! d (cons (cons d 2) 3))) (tide d)"
    assert border.code(pairs) == "data-depth-limit"
    assert border.heard == []


def cyclic_list() -> list[Any]:
    """A list that holds itself, more than once."""
    items: list[Any] = [1, 2]
    items.extend([items, items])
    return items


def cyclic_dict() -> dict[str, Any]:
    """A dict that holds itself in a list."""
    table: dict[str, Any] = {}
    table["a"] = [table]
    return table


@pytest.mark.parametrize("make", [cyclic_list, cyclic_dict, lambda: doubled(300)])
def test_data_that_foreign_code_made_too_deep_is_its_fault(make: Callable[[], Any]) -> None:
    border = Border(lambda run: make())
    assert border.code("(tide)") == "builtin-failed"
    assert "gave data nested more than 256 deep, or data that holds itself" in border.heard[0]


# -- what is no value


class Text(str):
    """No str, though it says so."""

    def __str__(self) -> str:
        return "/secret/path"


class Level(IntEnum):
    """Nearly an int."""

    HIGH = 3


class Items(list[Any]):
    """A list that ends the process when it is looked at."""

    def __len__(self) -> int:
        raise SystemExit("length")


class Table(dict[str, Any]):
    """A dict that ends the process when it is looked at."""

    def items(self) -> Any:
        raise SystemExit("items")


class Liar:
    """Says that it is an int, and fights whoever looks closer."""

    @property
    def __class__(self) -> Any:
        return int

    @__class__.setter
    def __class__(self, kind: Any) -> None: ...

    def _fight(self, *arguments: object) -> Any:
        raise SystemExit("touched")

    __eq__ = __str__ = __repr__ = __format__ = __bool__ = __len__ = __iter__ = __call__ = _fight

    def __hash__(self) -> int:
        return 1


class Hostile(type):
    """The class of classes that fight, too."""

    def __eq__(cls, other: object) -> bool:
        raise SystemExit("compared")

    __hash__ = type.__hash__


class Trap(metaclass=Hostile):
    """What any question ends the process with."""


Place = namedtuple("Place", "x y")
NONE: dict[str, Any] = {
    "an object": object(),
    "a tests.lispy.test_foreign.Text": Text("x"),
    "a tests.lispy.test_foreign.Level": Level.HIGH,
    "a tests.lispy.test_foreign.Items": Items(),
    "a tests.lispy.test_foreign.Table": Table(),
    "a tests.lispy.test_foreign.Place": Place(1, 2),
    "a tests.lispy.test_foreign.Liar": Liar(),
    "a tests.lispy.test_foreign.Trap": Trap(),
    "a collections.OrderedDict": OrderedDict(a=1),
    "a decimal.Decimal": Decimal(1),
    "a complex": 1j,
    "a bytes": b"x",
    "a set": {1},
    "a range": range(3),
    "a generator": (n for n in "ab"),
    "a function": identity,
    "a type": int,
    "a ValueError": ValueError("x"),
    "a procedure that it made itself": Primitive("f", lambda: 1),
    "a lisppump.lispy.values.Quantity": Quantity("5", "seconds"),  # type: ignore[arg-type]
    "an int as a text": Quantity(5, 6),  # type: ignore[arg-type]
    "an int as a key": {1: "a"},
    "a NoneType as a key": {None: "a"},
    "a tests.lispy.test_foreign.Text as a key": {Text("a"): 1},
    "a tests.lispy.test_foreign.Liar as a key": {Liar(): 1},
    "raised AttributeError": object.__new__(Pair),
    "has no attribute 'name'": object.__new__(Symbol),
    "a str with half a character in it": "\ud800",
    "half a character": Symbol("\ud800"),
    "(a lone surrogate)": {"\udfff": 1},
}


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: ({"k": [x]},)], ids=["bare", "inside"])
@pytest.mark.parametrize("told", NONE)
def test_what_is_no_value_does_not_get_in(told: str, wrap: Callable[[Any], Any]) -> None:
    border = Border(lambda run: wrap(NONE[told]))
    error = border.run("(tide)").error
    assert error is not None and (error.code, error.message) == ("builtin-failed", FAILED)
    assert error.exit_code == 4 and error.span is not None
    (sentence,) = border.heard
    assert sentence.startswith(f"builtin `tide` of plugin {OWNER} ") and told in sentence
    assert f"({builtin.__code__.co_filename}:" in sentence


def test_a_program_may_catch_the_failure_and_learns_nothing_else() -> None:
    border = Border(lambda run: object())
    caught = border.run("(try (tide) (catch e e))").value
    assert caught == {"code": "builtin-failed", "message": FAILED, "category": "plugin", "data": None}


def test_a_missing_grant_is_an_error_that_foreign_code_may_meet() -> None:
    def careful(run: LentRun, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except LispyError as error:
            return error.code

    program = "(tide (lambda () (rb-agents)))"
    assert Border(careful).run(program).value == "not-granted"
    assert Border(lambda run, function: function()).code(program) == "not-granted"
    refused = Border(identity, capability="tides", allow={"state"})
    assert refused.run("(try (tide 2) (catch e (get e :code)))").value == "not-granted"
