"""Room on the host's stack, for programs that may go deep or call very often. It runs what it is given, once.

CPython keeps frames in pieces of 16 KB that it asks the system for, and gives back as soon as they are empty.
Calls that go to and fro over the end of a piece pay for that each time, more than for themselves. A function
that claims much of the stack gets a larger piece, and what it calls lies behind it in the same. What is
claimed is never touched, and so takes up no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING

from lisppump.lispy.tree import DefineGlobal, Lambda, Tree
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

CLAIM = 1 << 19  # words; as pieces are powers of two, as much is left for what is called

_keeping: set[int] = set()  # threads that have room as long as they do

Outcome = tuple[Value, BaseException | None]


def with_room(run: Run, work: Callable[[], Value]) -> Value:
    """What work comes to that has room, and need not ask for it again; its error is raised."""
    run.roomy = True
    try:
        return work() if get_ident() in _keeping else _with_claim(work)
    finally:
        run.roomy = False


def keep_room(work: Callable[[], None]) -> None:
    """Do what this thread is there for: all that it runs meanwhile has room."""
    _keeping.add(get_ident())
    try:
        _with_claim(work)
    finally:
        _keeping.discard(get_ident())


def is_definition(tree: Tree) -> bool:
    """Whether a form does nothing but give a procedure its name."""
    return isinstance(tree, DefineGlobal) and isinstance(tree.value, Lambda)


def _with_claim(work: Callable[[], Value]) -> Value:
    value, error = _claiming(work)
    if error is None:
        return value
    try:
        raise error
    finally:
        del error  # it knows this frame


def _claiming(work: Callable[[], Value]) -> Outcome:
    return _caught(work)


def _caught(work: Callable[[], Value]) -> Outcome:
    """An error is handed over, as what passes the large frame would have it copied."""
    try:
        return work(), None
    except BaseException as error:
        return None, error


_claiming.__code__ = _claiming.__code__.replace(co_stacksize=CLAIM)
