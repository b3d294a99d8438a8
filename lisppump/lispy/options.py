"""Parameters that a call may leave out: &optional, &key, (name default); or that stand for parts of a value.

Those left out become a rest parameter, those for parts one parameter, and the body binds the names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lisppump.lispy.builtins.check import counted
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, shown
from lisppump.lispy.values import Keyword, Value, elements

if TYPE_CHECKING:
    from lisppump.lispy.analyser import Analyser
    from lisppump.lispy.building import Maker
    from lisppump.lispy.run import Run

REST = ("&rest", "&", "&body")
SOME = ("&optional", "&key")
PATTERNED = ("fn", "defn", "defmacro", "define-macro")  # where a list among parameters stands for parts
FEW = 20  # parameters by name that are looked for one by one, and that an error shows
MORE = "arguments left"  # names that no program can write
GIVEN = "value given"
Option = tuple[Node, Node | None]


def has_options(parameters: Node) -> bool:
    """True where a list of parameters has some that may be left out."""
    if parameters.kind != "list" and parameters.kind != "dotted":
        return False
    for item in parameters.items:
        if item.kind == "symbol":
            if item.value.name in SOME:
                return True
        elif item.kind == "list" or item.kind == "dict":
            return True
    return False


def with_options(
    analyser: Analyser, name: str, parameters: Node, body: tuple[Node, ...], whole: Node
) -> tuple[Node, tuple[Node, ...]]:
    """Plain parameters that mean the same, and the body with the options bound around it.

    What refuses further arguments stands before the body, as a node of the kind check: it is no part of the
    body, since the fault is the caller's.
    """
    from lisppump.lispy.building import Maker
    from lisppump.lispy.destructure import parts

    maker = Maker(analyser, parameters)
    bindings: list[Node] = []
    if whole.head in PATTERNED:
        names = list(parameters.items)
        for place, item in enumerate(names):
            if item.name == "&optional":
                break
            if item.kind in ("list", "dict"):
                names[place] = maker.part(f"argument {place + 1}")
                bindings.extend(maker.list(*pair) for pair in parts(maker, item, names[place]))
        parameters = maker.node(parameters.kind, None, tuple(names))
        if not has_options(parameters):
            return parameters, _around(maker, bindings, body)
    fixed, optional, keys, rest = _sorted(parameters)
    for option, default in optional:
        given = maker.call("pair?", MORE)
        bindings.append(maker.list(option, ("if", given, maker.call("car", MORE), default)))
        bindings.append(maker.list(MORE, ("if", given, maker.call("cdr", MORE), maker.part(()))))
    if rest is not None:
        bindings.append(maker.list(rest, MORE))
    if len(keys) > FEW:
        bindings.append(maker.list(MORE, maker.host(name, partial(_by_name, analyser.run), MORE)))
    for option, default in keys:
        found = maker.host(name, _finder(Keyword(str(option.name)), len(keys) > FEW), MORE)
        chosen = maker.list("if", GIVEN, maker.call("car", GIVEN), default)
        bindings.append(maker.list(option, maker.form("let", maker.list((GIVEN, found)), chosen)))
    more = maker.part(MORE)
    plain = maker.node("dotted", None, (*fixed, more)) if fixed else more
    body = _around(maker, bindings, body)
    if rest is None:
        words = [str(option.name) for option, _ in keys]
        body = (maker.node("check", _checker(words, len(fixed), len(optional))), *body)
    return plain, body


def _around(maker: Maker, bindings: list[Node], body: tuple[Node, ...]) -> tuple[Node, ...]:
    """The body with names bound for it; its docstring stays in front."""
    doc = body[:1] if len(body) > 1 and body[0].kind == "string" else ()
    return (*doc, maker.form("let*", maker.list(*bindings), *body[len(doc) :]))


def _sorted(parameters: Node) -> tuple[list[Node], list[Option], list[Option], Node | None]:
    """The parameters by kind: always given, by place, by name, the rest."""
    fixed: list[Node] = []
    optional: list[Option] = []
    keys: list[Option] = []
    rest: Node | None = None
    items = list(reversed(parameters.items))
    if parameters.kind == "dotted":
        rest = items.pop(0)
    kind = "fixed"
    while items:
        item = items.pop()
        word = item.name
        if word in REST and items and rest is None:
            rest = items.pop()
        elif word in ("&optional", "&key"):
            kind = str(word)
        elif kind == "&key":
            keys.append(_option(item))
        elif kind == "&optional" or item.kind == "list":
            optional.append(_option(item))
        elif optional or rest is not None:
            raise LispyError(
                "bad-syntax", "a parameter that has to be given stands before those that may be left out",
                span=item.span,
            )  # fmt: skip
        else:
            fixed.append(item)
    return fixed, optional, keys, rest


def _option(item: Node) -> Option:
    """A name and its default."""
    if item.kind == "symbol":
        return item, Node("nil", None, (), item.source, item.start, item.end)
    if item.kind != "list" or len(item.items) != 2 or item.items[0].kind != "symbol":
        raise LispyError(
            "bad-syntax", f"a parameter is a name or (name default), not {shown(item)}", span=item.span
        )
    return item.items[0], item.items[1]


def _by_name(run: Run, given: Value) -> Value:
    """The arguments as a dict, the first of each name, each in a list of its own."""
    items = elements(given)
    run.meter.container(len(items))
    named: dict[str, Value] = {}
    for place in range(0, len(items) - 1, 2):
        if items[place].__class__ is Keyword:
            named.setdefault(items[place].name, [items[place + 1]])
    return named


def _finder(key: Keyword, by_name: bool) -> Callable[[Value], Value]:
    """What finds the value after a keyword among arguments: the list that starts with it, or #f."""

    def find(given: Value) -> Value:
        if by_name:
            return given.get(key.name, False)
        items = elements(given)
        for place in range(0, len(items) - 1, 2):
            if items[place].__class__ is Keyword and items[place] == key:
                return items[place + 1 :]
        return False

    return find


def _checker(keys: list[str], fixed: int, optional: int) -> Callable[[str, list[Value]], None]:
    """What refuses arguments, of those after the fixed ones, that no parameter takes."""
    wanted, known = " ".join(f":{key}" for key in keys[:FEW]), frozenset(keys)

    def check(name: str, given: list[Value]) -> None:
        if not keys:
            if len(given) > optional:
                most = counted(fixed + optional, "argument")
                raise LispyError("wrong-arity", f"{name} takes at most {most}, got {fixed + len(given)}")
            return
        named = given[optional:]
        for place in range(0, len(named), 2):
            key = named[place]
            if key.__class__ is not Keyword or key.name not in known or place + 1 == len(named):
                raise LispyError(
                    "wrong-arity", f"{name} takes {wanted}, each with a value, after its other arguments"
                )

    return check
