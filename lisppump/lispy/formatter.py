"""Re-indents LisPy: moves the beginnings of lines and cuts off their empty ends. It changes nothing else.

Strings and `#| |#` comments stay as they are to the last character, and so do the spaces within a line.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from lisppump.lispy.comments import Token, tokens
from lisppump.lispy.limits import Limits
from lisppump.lispy.reader import read

TAB = 8
MOST = 500  # columns that a line is moved in at most, or texts of mere brackets would grow without bound
_ANY = Limits(source=sys.maxsize, string=sys.maxsize, syntax_depth=sys.maxsize, bits=sys.maxsize)
_NO_NAME = re.compile(r"[:#0-9]|[+-]?\.?[0-9]|(?:true|false|nil)\Z")  # how a word begins that is a datum
_OPENING = {"OPEN": 1, "OPEN_SQUARE": 1, "OPEN_CURLY": 1, "OPEN_VECTOR": 2}
_CLOSING = frozenset({"CLOSE", "CLOSE_SQUARE", "CLOSE_CURLY"})


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a list is laid out that takes several lines.

    Elements from `body` on stand two further in than the bracket, those before it four. Without a body they
    stand under the first operand, or `alone` further in where the head is alone on its line; and all of them
    stand under the first element where that is no name, or where the list is `plain` data. `roles` says by
    position what lists in it are, `rest` what the others are; None is code, whose head decides.
    """

    body: int | None = None
    roles: tuple[_Shape | None, ...] = ()
    rest: _Shape | None = None
    alone: int = 2
    plain: bool = False

    def role(self, position: int) -> _Shape | None:
        """What a list in that place is."""
        return self.roles[position] if position < len(self.roles) else self.rest


_CALL = _Shape()
_DATA = _Shape(plain=True)
_QUOTED = _Shape(plain=True)  # data, unless it begins like code with a body
_PAIRS = _Shape(plain=True, rest=_CALL)  # names with their values: `(list 1)` binds list, it calls nothing
_CLAUSE = _Shape(alone=1)
_BEGIN = _Shape(1)
_DO = _Shape(1)
_DO_LOOP = _Shape(3, (None, _PAIRS, _CLAUSE))
_TEST = _Shape(2)
_TWO = _Shape(3)
_DEFINE = _Shape(2, (None, _CALL))
_DEFUN = _Shape(3, (None, None, _DATA))
_LAMBDA = _Shape(2, (None, _DATA))
_CASE_LAMBDA = _Shape(1, rest=_Shape(roles=(_DATA,), alone=1))
_CASE = _Shape(2, rest=_Shape(roles=(_DATA,), alone=1))
_LET = _Shape(2, (None, _PAIRS))
_NAMED_LET = _Shape(3, (None, None, _PAIRS))
_LABELS = _Shape(2, (None, _Shape(plain=True, rest=_LAMBDA)))
_RECEIVE = _Shape(3, (None, _DATA))
_FOLD = _Shape(3, (None, _PAIRS, _DATA))
_LOOP = _Shape()  # what Clojure calls so has its names in [ ]; nearly always it is a procedure

FORMS: dict[str, _Shape] = {
    "begin": _BEGIN, "progn": _BEGIN, "try": _BEGIN, "pump": _BEGIN, "do": _DO, "ignore-errors": _BEGIN,
    "with-output-to-string": _BEGIN,
    "when": _TEST, "unless": _TEST, "when-not": _TEST, "while": _TEST, "catch": _TEST, "block": _TEST,
    "prog1": _TEST, "begin0": _TEST, "unwind-protect": _TEST, "let/cc": _TEST, "let/ec": _TEST,
    "cond->": _TEST, "cond->>": _TEST, "as->": _TWO, "condp": _TWO,
    "define": _DEFINE, "def": _DEFINE, "define-macro": _DEFINE, "define-values": _LAMBDA,
    "defvar": _DEFINE, "defparameter": _DEFINE, "defconstant": _DEFINE, "defconst": _DEFINE,
    "define-record-type": _DEFINE, "defstruct": _DEFINE, "cl-defstruct": _DEFINE, "struct": _LAMBDA,
    "define-struct": _LAMBDA, "defrecord": _LAMBDA, "define-syntax": _DEFINE,
    "defun": _DEFUN, "defn": _DEFUN, "defmacro": _DEFUN,
    "lambda": _LAMBDA, "fn": _LAMBDA, "λ": _LAMBDA, "case-lambda": _CASE_LAMBDA,
    "dotimes": _LAMBDA, "dolist": _LAMBDA, "doseq": _LAMBDA, "for": _LAMBDA, "for*": _LAMBDA, "loop": _LOOP,
    **{f"for{star}/{what}": _LAMBDA for star in ("", "*") for what in (
        "list", "vector", "sum", "product", "and", "or", "first",
    )},
    "for/fold": _FOLD, "for*/fold": _FOLD,
    "let": _LET, "let*": _LET, "letrec": _LET, "letrec*": _LET, "let-values": _LET, "let*-values": _LET,
    "and-let*": _LET, "with-handlers": _LET, "parameterize": _LET, "fluid-let": _LET,
    "when-let": _DEFINE, "when-let*": _DEFINE, "when-some": _DEFINE,
    "if-let": _DEFINE, "if-let*": _DEFINE, "if-some": _DEFINE,
    "labels": _LABELS, "letfn": _LABELS, "flet": _LABELS, "cl-labels": _LABELS, "cl-flet": _LABELS,
    "receive": _RECEIVE, "multiple-value-bind": _RECEIVE, "cl-multiple-value-bind": _RECEIVE,
    "destructuring-bind": _RECEIVE, "cl-destructuring-bind": _RECEIVE,
    "cond": _Shape(rest=_CLAUSE), "case": _CASE, "match": _Shape(2, rest=_CLAUSE),
    "guard": _Shape(2, (None, _Shape(rest=_CLAUSE))),
    "handler-case": _Shape(2, rest=_LAMBDA), "condition-case": _Shape(3, rest=_CLAUSE),
    "quote": _Shape(rest=_QUOTED),
}  # fmt: skip
"""The words whose lists are laid out in a way of their own."""


class _List:
    """A bracket that is open, and what its elements have told so far."""

    __slots__ = ("anchor", "column", "discards", "head_line", "position", "prefix", "role", "shape", "width")

    def __init__(self, column: int, width: int, role: _Shape | None) -> None:
        self.column = column
        self.width = width
        self.role = role
        self.shape = role or _CALL
        self.position = 0  # how many elements have begun
        self.anchor: int | None = None  # the column of what the elements stand under
        self.head_line = -1
        self.prefix = ""  # a quote whose datum has not begun
        self.discards = 0  # data to come that are no elements

    def next_column(self) -> int:
        """Where a line begins whose first thing is the next element, or a comment."""
        if self.position == 0:
            return self.column + self.width
        body = self.shape.body
        if body is not None:
            return self.column + (2 if self.position >= body else 4)
        return self.column + self.shape.alone if self.anchor is None else self.anchor


class _Layout:
    """Takes one token after the other and knows where a line would begin."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._top = _List(0, 0, _DATA)
        self._lists = [self._top]
        self._line = 0

    def column(self, closing: bool = False) -> int:
        """Where a line begins that comes now, `closing` if it begins with the bracket that closes a list."""
        innermost = self._lists[-1]
        if innermost is self._top:
            return 0
        return innermost.column if closing else innermost.next_column()

    def pass_over(self, text: str) -> None:
        """Go on behind a stretch of the text."""
        self._line += text.count("\n")

    def take(self, index: int, column: int) -> None:
        """Note the token of that number, which stands in that column."""
        kind = self._tokens[index].kind
        innermost = self._lists[-1]
        if kind in _CLOSING:
            if innermost is not self._top:
                self._lists.pop()
        elif kind == "DISCARD":
            innermost.discards += 1
            self._anchor(innermost, column)
        elif kind not in ("LINE", "BLOCK"):
            role = self._element(innermost, index, column)
            if kind in _OPENING:
                if kind in ("OPEN_CURLY", "OPEN_VECTOR") or (kind == "OPEN_SQUARE" and role is _PAIRS):
                    role = _DATA  # the names in [a 1 b 2] stand without brackets of their own
                self._lists.append(_List(column, _OPENING[kind], role))
        self.pass_over(self._tokens[index].text)

    def _element(self, parent: _List, index: int, column: int) -> _Shape | None:
        """Note what may be an element; the answer is what it is, should it be a list."""
        token = self._tokens[index]
        before, parent.prefix = parent.prefix, token.text if token.kind == "PREFIX" else ""
        if before:  # its element began there
            return _QUOTED if before == "'" else None
        if parent.discards:
            parent.discards -= 1
            return None
        if parent.position == 0:
            self._head(parent, token, column)
        elif parent.position == 1:
            self._anchor(parent, column)
            self._settle(parent, index)
        role = parent.shape.role(parent.position)
        parent.position += 1
        return role

    def _head(self, parent: _List, token: Token, column: int) -> None:
        """Settle the shape of a list by its first element."""
        name = token.text if token.kind == "ATOM" and not _NO_NAME.match(token.text) else None
        if name is not None and parent.role is None:
            parent.shape = FORMS.get(name, _CALL)
        elif name is not None and parent.role is _QUOTED and name in FORMS and FORMS[name].body is not None:
            parent.shape = FORMS[name]
        if name is None or parent.shape.plain:
            parent.anchor = column
        else:
            parent.head_line = self._line

    def _anchor(self, parent: _List, column: int) -> None:
        """Let what follows stand under this if it is the first thing behind the head, and on its line."""
        if parent.anchor is None and parent.head_line == self._line:
            parent.anchor = column

    def _settle(self, parent: _List, index: int) -> None:
        """Tell by the first operand which of its two shapes a form has."""
        kind = self._tokens[index].kind
        if parent.shape is _LET and kind == "ATOM":
            parent.shape = _NAMED_LET
        elif parent.shape is _LOOP and kind == "OPEN_SQUARE":
            parent.shape = _LAMBDA
        elif parent.shape is _DO and kind == "OPEN":
            inner = self._tokens[index + 1].kind if index + 1 < len(self._tokens) else None
            if inner in ("OPEN", "OPEN_SQUARE", "CLOSE"):
                parent.shape = _DO_LOOP


def reindent(text: str, name: str = "<text>") -> str:
    """The text with each line where it belongs; what does not read is an error at its place.

    A last line without an end gets one. Lines keep the ends that they have, LF or CR LF.
    """
    read(text, name, _ANY)
    found = list(tokens(text))
    layout = _Layout(found)
    out: list[str] = []
    end = was = column = 0  # the column before and after
    comment: tuple[int, int] | None = None  # those of the comment that ended the line before
    for index, token in enumerate(found):
        gap = text[end : token.start]
        was = _advance(was, gap)
        layout.pass_over(gap)
        if index == 0 or "\n" in gap:
            column = min(layout.column(token.kind in _CLOSING), MOST)
            if token.kind == "LINE" and comment and comment[0] == was and gap.count("\n") == 1:
                column = comment[1]  # it goes on with what that comment says
            out.append(_line_ends(gap) + " " * column)
        else:
            out.append(gap)
            column = _advance(column, gap)
        comment = (was, column) if token.kind == "LINE" else None
        layout.take(index, column)
        out.append(token.text)
        was, column = _advance(was, token.text), _advance(column, token.text)
        end = token.end
    ends = _line_ends(text[end:])
    if found and not ends:
        ends = "\r\n" if text.rpartition("\n")[0].endswith("\r") else "\n"
    return "".join([*out, ends])


def next_column(text: str) -> int:
    """Where the line behind an unfinished text begins; 0 within a string or a comment."""
    found = list(tokens(text))
    layout = _Layout(found)
    end = column = 0
    for index, token in enumerate(found):
        if token.kind == "UNKNOWN":
            return 0
        gap = text[end : token.start]
        layout.pass_over(gap)
        column = _advance(column, gap)
        layout.take(index, column)
        column = _advance(column, token.text)
        end = token.end
    return layout.column()


def _line_ends(gap: str) -> str:
    """The ends of the lines that a stretch of space ends; a form feed parts pages, as in Emacs, and stays."""
    return "".join(
        ("\f" if "\f" in line else "") + ("\r\n" if line.endswith("\r") else "\n")
        for line in gap.split("\n")[:-1]
    )


def _advance(column: int, text: str) -> int:
    """The column behind a text that begins in a column."""
    line = text.rfind("\n")
    if line >= 0:
        column, text = 0, text[line + 1 :]
    first, *rest = text.split("\t")
    column += _width(first)
    for part in rest:
        column += TAB - column % TAB + _width(part)
    return column


def _width(text: str) -> int:
    """How many columns of a screen a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
