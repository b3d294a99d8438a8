"""The formatter: where lines begin, what stays as it was, and three laws over programs made up and real."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lisppump.lispy import LispyError, read, to_text
from lisppump.lispy.comments import tokens
from lisppump.lispy.formatter import FORMS as SHAPES
from lisppump.lispy.formatter import MOST, next_column, reindent
from lisppump.lispy.forms import FORMS
from lisppump.lispy.nodes import datum
from tests.cli_support import ROOT

OWN = [
    ROOT / "pump.lisp", *sorted((ROOT / "lisp_lib").glob("*.lisp")),
    *sorted((ROOT / "tests" / "simulations").glob("*.lisp")),
    *sorted((ROOT / "tests" / "thirdparty").rglob("*.lisp")),
]  # fmt: skip

LAID_OUT = [
    """
(define (f a b)
  "What it does."
  (g a)                    ; done first
  (h b))
""",
    """
(define limit              ; a comment is no operand
  10)
(define
    (g x)
  x)
(defun h
    (a b
     c)
  a)
""",
    """
(let ((a 1)
      (b (list 2
               3))
      (list
        4))
  (+ a b))
(let loop ((n 0)
           (out '()))
  (loop (+ n 1) out))
(let loop
    ((n 0))
  n)
""",
    """
(if (< a b)
    (f a)
    (f b))
(if
  a
  b)
(when (f x)
  (g x))
(and (f a)
     (g b))
(set! total
      (+ total 1))
""",
    """
(cond ((< a 1) 'low)
      ((< a 2)
       'middle)
      ((f a) => (lambda (x)
                  x))
      (when (f a)            ; a variable, no form
            b)
      (else
       'high))
(cond
  (a 1)
  (else 2))
(case (f x)
  ((1 2
    3) 'few)
  ((do re
    mi)
   'song)
  (else 'many))
""",
    """
(do ((i 0 (+ i 1))
     (out '()))
    ((= i 9)
     out)
  (f i))
(do ()
    ((f))
  (g))
(do
  (f)
  (g))
(do (f)
  (g))
(dotimes (i 3)
  (f i))
(while (f)
  (g))
""",
    """
(let [a 1
      b (lambda (x)
          x)]
  a)
(loop [n 0]
  (f n))
(loop (f n)
      n)
(for/list ((x xs))
  (f x))
(for/fold ((total 0)
           (list 1))
    ((x xs))
  (f x))
(when-let (x (f))
  (g x))
(receive (a b) (f)
  (g a b))
(flet ((when (a b)
         (+ a b))
       (h () 1))
  (when 1 2))
(case-lambda
  ((a) a)
  ((a b)
   (f a b)))
(match x
  ((list a
         b)
   a)
  (_ nil))
(handler-case (f)
  (error (e)
    (g e)))
(map #'(lambda (x)
         x)
     xs)
""",
    """
(try (f)
  (catch e
    (g e)))
(guard (e ((string? e)
           e)
          (else nil))
  (f))
(begin (f)
  (g))
""",
    """
(f a
   (g b
      c)
   d)
(f
  a
  b)
((compose f g)
 a
 b)
(simulation :initial-state {"n" 0}
            :step (lambda (state tick)
                    state)
            :max-ticks 3)
""",
    """
'("a" 1
  "b" 2)
'(a b
  c)
'(define (f x)
   x)
'((if a
      b)
  c)
(quote (a
        b))
`(when ,test
   ,@body)
#(1
  2)
(list 1 'a
      2 (quasiquote
          (f x)))
""",
    """
{"a" 1
 "b" {"c" 2
      "d" 3}
 :e (f x
       y)}
{
 "a" 1
}
(f
  x
)
[f x
   y]
""",
    """
(pump
  (name w)
  (clock (start "2026-01-01T00:00:00Z")
         (step (hours 1)))
  (delta
    ;; what flows
    (lines
      (fields (author agent)
              (text string))
      (into "lines.jsonl"))))
""",
    """
(define (f #;old x)
  #;(g
      x)
  #| of old
 it was here |# (h x
                   y)
  #;#;a b
  ; the end
)
""",
    """
(f x)   ; one thing
        ; and more of it
(g x)
; and another
""",
    """
(f "日本" (g a
             b))
(f "e\u0301" (g a
          b))
(f\t(g a
           b))
""",
]


def flat(text: str) -> str:
    """A text with all lines at the margin, but for comments that go on."""
    return re.sub(r"^[ \t]+(?=\S)(?!; and more|it was)", "", text, flags=re.M)


@pytest.mark.parametrize("text", LAID_OUT, ids=range(len(LAID_OUT)))
def test_lines_begin_where_they_belong(text: str) -> None:
    text = text.lstrip("\n")
    assert reindent(text) == text
    assert reindent(flat(text)) == text


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_own_files_are_laid_out_so(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert reindent(text, path.name) == text


def test_every_form_with_a_body_is_known() -> None:
    alike = {"and", "or", "->", "->>", "some->", "some->>", "loop"}  # their forms stand under the first
    for name, form in FORMS.items():
        if form.usage.endswith((" form ...)", " ...) ...)")) and name not in alike:
            assert name in SHAPES and (name == "cond" or SHAPES[name].body is not None), name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("  \n \t\n", "\n\n"),
        ("(f x)", "(f x)\n"),
        ("  (f x)  ; y  \n\n\n  \n(g)\t\n", "(f x)  ; y\n\n\n\n(g)\n"),
        ("(f\n\tx)\n", "(f\n  x)\n"),
        ("(f\tx\n\ty)\n", "(f\tx\n        y)\n"),
        ('(f "a  \n  b\t\n")  \n', '(f "a  \n  b\t\n")\n'),
        ('(f "a\nb" (g 1\n2))\n', '(f "a\nb" (g 1\n      2))\n'),
        ("(f\n   #| x  \n      y  |#  \n x)\n", "(f\n  #| x  \n      y  |#\n  x)\n"),
        ("(f\r\n x) ; y \r\n\r\n", "(f\r\n  x) ; y\r\n\r\n"),
        ("(f)\r\n(g)", "(f)\r\n(g)\r\n"),
        ('(f "a \r\n b"\n  c)', '(f "a \r\n b"\n   c)\n'),
        ("\ufeff(f)\n", "(f)\n"),
        ("'\n(a\nb)\n", "'\n(a\n b)\n"),
        ("(f)\n\f\n  \f \n(g\n\f\nx)\n", "(f)\n\f\n\f\n(g\n\f\n  x)\n"),
    ],
)
def test_nothing_else_changes(before: str, after: str) -> None:
    assert reindent(before) == after


@pytest.mark.parametrize(
    ("text", "code"),
    [("(f", "unclosed"), ("(f]", "unexpected-close"), ('"a', "unclosed"), ("{1}", "bad-syntax")],
)
def test_what_does_not_read_is_an_error(text: str, code: str) -> None:
    with pytest.raises(LispyError) as caught:
        reindent(text, "f.lisp")
    assert caught.value.code == code and caught.value.span is not None
    assert caught.value.span.file == "f.lisp"


def test_depth_and_length_are_no_trouble() -> None:
    deep = 20_000
    text = "(" * deep + ")" * deep + "\n"
    assert reindent(text) == text
    stairs = reindent("(f\n" * deep + ")" * deep)
    lines = stairs.split("\n")
    assert lines[1:4] == ["  (f", "    (f", "      (f"] and max(map(len, lines[:deep])) == MOST + 2
    assert reindent(stairs) == stairs
    long = "(f 1)\n" * 100_000
    assert reindent(long) == long


# -- three laws

GAPS = st.sampled_from([
    " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n\t ", "\n        ", " ; a (comment  \n", "; two\n   ; three\n",
    " #| a #| b |#  \n c |# ", "\n#||#\n", " #;x ", " #;(a\n b) ", "\n; one \r\n",
])  # fmt: skip
WORDS = st.sampled_from([
    *SHAPES, "f", "else", "x", ":k", "12", "-1.5", "#t", "nil", '"a"', '"two  \n  lines\t\n"', '"\\""',
    "#\\a", "'x", "`(a ,b)", "()", "...",
])  # fmt: skip


def joined(parts: list[tuple[str, ...]]) -> str:
    """All of them as one text."""
    return "".join("".join(part) for part in parts)


def listed(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Lists of all kinds, with all kinds of space and comments in them."""
    inside = st.lists(st.tuples(GAPS, items), max_size=6).map(joined)
    end = st.sampled_from(["", "\n", "  \n ", " ; end\n"])
    brackets = st.sampled_from(["()", "[]", ("'(", ")"), ("#(", ")"), (",@(", ")"), ("#;(", ") x")])
    pairs = st.lists(st.tuples(GAPS, st.just('"k"'), GAPS, items), max_size=3).map(joined)
    lists = st.builds(lambda b, inner, last: b[0] + inner + last + b[1], brackets, inside, end)
    return lists | pairs.map("{{{}}}".format)


PROGRAMS = st.lists(st.tuples(GAPS, st.recursive(WORDS, listed, max_leaves=25)), max_size=6).map(joined)


def values(text: str) -> list[str]:
    """The data of a text, written exactly."""
    return [to_text(datum(node)) for node in read(text)]


def keep_the_laws(text: str) -> None:
    """Twice is once; comments and pieces stay in order; the value is the same."""
    after = reindent(text)
    assert reindent(after) == after
    assert [token[:2] for token in tokens(after)] == [token[:2] for token in tokens(text)]
    assert values(after) == values(text)
    assert "\n" not in text or after.count("\n") - text.count("\n") in (0, 1)


@given(PROGRAMS)
@example("(let a ; b\n       ; c\n ((x 1)) x)")
@example("(f ;a\n   ;b\n ;c\n)")
def test_the_laws_hold_for_made_up_programs(text: str) -> None:
    keep_the_laws(text)


def test_the_laws_hold_for_posted_programs(shared_data: Path) -> None:
    read_well = 0
    for line in (shared_data / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line)["program"]
        try:
            reindent(text)
        except LispyError:
            with pytest.raises(LispyError):
                read(text)
            continue
        keep_the_laws(text)
        read_well += 1
    assert read_well >= 340


# -- unfinished texts


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0),
        ("(f)", 0),
        ("(define (f x)", 2),
        ("(define (f x)\n  (let ((a 1)", 8),
        ("(define (f x)\n      (if x", 10),
        ("(f a", 3),
        ("(f", 2),
        ("(", 1),
        ('{"a" 1', 1),
        ('(f "a', 0),
        ("(f #| a", 0),
        ("(f ; a", 2),
        ("(f))", 0),
    ],
)
def test_the_next_line_of_an_unfinished_text(text: str, column: int) -> None:
    assert next_column(text) == column
