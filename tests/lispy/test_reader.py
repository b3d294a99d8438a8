"""The reader: kinds and places of nodes, data and back, limits, and where the blame for a bracket falls."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.lispy import Limits, LispyError, read, to_text
from lisppump.lispy.limits import Meter
from lisppump.lispy.nodes import Node, datum, node_of
from lisppump.lispy.reader import parse_values

ATOMS = (
    st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
DATA = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('abc :"\\', max_size=4), inner, max_size=3)
    ),
    max_leaves=20,
)


def error(text: str, **limits: int) -> LispyError:
    with pytest.raises(LispyError) as caught:
        read(text, limits=Limits(**limits))
    return caught.value


def place(text: str) -> tuple[str, int, int]:
    """Code, line and column of the error of a text."""
    found = error(text)
    assert found.span is not None
    return found.code, found.span.line, found.span.column


@given(DATA)
def test_what_is_written_reads_back(value: object) -> None:
    assert parse_values(to_text(value)) == [value]


@given(DATA)
def test_data_as_a_program_is_the_same_data(value: object) -> None:
    like = read("x")[0]
    assert datum(node_of(value, like, Meter(Limits()))) == value


@given(st.text("()[]{}\"'`,@;#|\\ \nab1.:-", max_size=40))
def test_any_text_is_read_or_refused_at_a_place(text: str) -> None:
    try:
        nodes = read(text)
    except LispyError as refused:
        assert refused.category in ("syntax", "value")
        assert refused.span is not None
    else:
        assert all(isinstance(node, Node) for node in nodes)


def test_nodes_know_their_place_and_text() -> None:
    define, quoted = read('(define x "a b")  \'(1 . :k)', "file.lisp")
    assert define.head == "define"
    assert [item.kind for item in define.items] == ["symbol", "symbol", "string"]
    assert define.items[2].text == '"a b"'
    assert (define.items[1].span.line, define.items[1].span.column, define.span.file) == (1, 9, "file.lisp")
    assert quoted.text == "'(1 . :k)"
    assert quoted.items[1].kind == "dotted"
    assert [item.kind for item in quoted.items[1].items] == ["integer", "keyword"]


def test_a_dict_has_its_keys_and_values_as_items() -> None:
    (node,) = read('{"a" 1 :b (c)}')
    assert node.kind == "dict"
    assert [item.text for item in node.items] == ['"a"', "1", ":b", "(c)"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(a", ("unclosed", 1, 1)),
        ("(define (f x)\n  (let ((y 1)\n    (+ x y)))\n", ("unclosed", 2, 8)),
        ("(define (f x)\n  (g x)\n\n(define (h x)\n  x)\n", ("unclosed", 1, 1)),
        ("(a\n  [b)\n  c)", ("unexpected-close", 2, 5)),
        ("a)\n", ("unexpected-close", 1, 2)),
        ('(display "abc)\n', ("unclosed", 1, 10)),
        ("x #| y", ("unclosed", 1, 3)),
        ('(a #\\( ; (\n "(" ', ("unclosed", 1, 1)),
    ],
)
def test_brackets_are_blamed_where_they_went_wrong(text: str, wanted: tuple[str, int, int]) -> None:
    assert place(text) == wanted


def test_a_mismatch_names_both_brackets() -> None:
    found = error("(a\n [b)")
    assert "cannot close the [ of line 2, column 2" in found.message
    assert found.help == "write ]"


def test_limits_of_a_text() -> None:
    assert error("(" * 101 + ")" * 101).code == "syntax-depth-limit"
    assert error("'" * 101 + "a").code == "syntax-depth-limit"
    assert error("(" * 100_000).code == "unclosed"
    assert error("a" * 300_000).code == "source-limit"
    assert error("é" * 140_000).code == "source-limit"
    assert error("1" * 5000).code == "integer-limit"
    assert error("9" * 4290).code == "integer-limit"
    assert error('"aaaa"', string=3).code == "string-limit"
    assert read("(" * 100 + ")" * 100)[0].depth == 100


def test_the_grammar_is_loaded_when_a_text_has_a_mistake() -> None:
    script = (
        "import sys; from lisppump.lispy import LispyError, reader; reader.read('(a \"b\" . c)');"
        "assert 'lark' not in sys.modules and 'lisppump.lispy.grammar' not in sys.modules\n"
        "for text in '(', ')':\n"
        "    try: reader.read(text)\n"
        "    except LispyError: from lisppump.lispy import grammar\n"
        "    first = grammar._parser if text == '(' else first\n"
        "assert grammar._parser is first is not None"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
