"""What a policy may not do: change variables that outlive a call. It looks at forms and evaluates nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lisppump.errors import LisppumpError, declare
from lisppump.lispy.nodes import Node

declare(
    "policy", 3,
    top_level_set="A policy changes a variable that outlives the frame it decides about.",
)  # fmt: skip

Names = frozenset[str]
_QUOTING = frozenset({"quote", "quasiquote"})
_LAMBDA = frozenset({"lambda", "fn", "λ"})
_DEFINING = frozenset({"define", "def", "defun", "defn", "define-macro", "defmacro"})


def defined_by(form: Node) -> str | None:
    """The name that a definition binds."""
    if form.head not in _DEFINING or len(form.items) < 2:
        return None
    target = form.items[1]
    while target.kind in ("list", "dotted") and target.items:
        target = target.items[0]
    return target.name


def lasting_changes(forms: list[Node]) -> list[LisppumpError]:
    """Every `set!` of a variable of the top level, or of one that a function kept when the file was loaded.

    What a call binds itself may change, and so may what an expression binds while it is evaluated at load.
    """
    found: list[LisppumpError] = []
    lasting = frozenset(name for form in forms if (name := defined_by(form)) is not None)
    for form in forms:
        for node, called in _changes(form, lasting, frozenset(), False):
            name = node.items[1].name
            if called:
                message = f"this changes `{name}` for good, so that one frame would depend on what ran before"
                help = "give a value back, or read it from the frame"
            else:
                message = "a policy's top level only defines; set! would make the order of its files matter"
                help = "use define with a new name"
            found.append(LisppumpError("top-level-set", message, span=node.span, help=help))
    return found


def _changes(node: Node, lasting: Names, own: Names, called: bool) -> Iterator[tuple[Node, bool]]:
    """Each `set!` that may not be, with whether it stands in a function.

    `own` names are bound by the call, or by the expression evaluated at load; `lasting` ones before it.
    """
    head = node.head
    if node.kind not in ("list", "dict") or head in _QUOTING:
        return
    if head == "set!" and len(node.items) > 1 and (name := node.items[1].name):
        wrong = name in lasting if called else True
        if wrong and name not in own:
            yield node, called
    bound = frozenset(_binds(node))
    if _is_function(node) and not called:
        lasting, own, called = (lasting | own) - bound, bound, True
    elif bound:
        lasting, own = lasting - bound, own | bound
    for item in node.items:
        yield from _changes(item, lasting, own, called)


def _is_function(node: Node) -> bool:
    head = node.head
    return head in _LAMBDA or (head in _DEFINING and len(node.items) > 1 and node.items[1].kind != "symbol")


def _binds(node: Node) -> Iterator[str]:
    """The names that a form binds for what stands in it: parameters, let variables, inner definitions."""
    head = node.head
    if head is None or len(node.items) < 2:
        return
    target = node.items[1]
    if head in _DEFINING and target.kind in ("list", "dotted"):
        yield from (item.name for item in target.items[1:] if item.name)
    elif head == "defun" or head in ("define-macro", "defmacro"):
        yield from (name for item in node.items[2:3] for name in _variables(item))
    elif head in _LAMBDA or head in ("do", "dotimes") or head.startswith("let"):
        yield from _variables(target)
        if target.kind == "symbol" and len(node.items) > 2:  # a named let
            yield from _variables(node.items[2])
    if head in _LAMBDA or head in _DEFINING or head == "begin" or head.startswith("let"):
        yield from (name for item in node.items[2:] if (name := defined_by(item)) is not None)


def _variables(target: Node) -> Iterator[str]:
    """The names in a list of parameters or of bindings."""
    if target.kind == "symbol" and target.name:
        yield target.name
    for item in target.items if target.kind in ("list", "dotted") else ():
        first = item.items[0] if item.kind == "list" and item.items else item
        if first.name:
            yield first.name
