"""The contract check for a stage's table of options: pump.lisp can say them, and the class takes them."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lisppump import canon
from lisppump.clauses import INSIDE
from lisppump.clauses_check import Checker
from lisppump.clauses_parts import StageChoice
from lisppump.clauses_shape import clause_of, usage, written
from lisppump.errors import LisppumpError
from lisppump.hookspecs import hookimpl
from lisppump.lispy.limits import Limits
from lisppump.lispy.reader import read
from lisppump.plugin_checks import check_stage
from lisppump.policy_code import PolicyCode
from lisppump.registry import Registry
from lisppump.stages import GIVEN, KINDS, REQUIRED, Kind, Option
from lisppump.testing.breach import breach, require

UNITS = {"seconds": "seconds", "tokens": "tokens", "dollars": "dollars", "bytes": "kilobytes"}


def check_stage_options(factory: type, example: str | None = None) -> None:
    """Hold a stage class to its table of options, and make it as pump.lisp would: with few of them, and all.

    Where an option may be anything, nobody can guess what it likes: then `example` is the stage as one would
    write it in pump.lisp, like `(tides (harbour "Kiel"))`.
    """
    kind = _kind_of(factory)
    check_stage(kind, factory.__name__, factory, factory.__module__)
    require_options(f"{kind.name} `{factory.__name__}`", factory)
    examples = [example] if example is not None else examples_of(factory)
    if examples is None:
        shape = usage(clause_of(factory.__name__.lower(), table_of(factory), INSIDE))
        raise breach(
            f"{kind.name} `{factory.__name__}` needs an option that may be anything; nobody can guess one",
            f"give the check one: {shape}",
        )
    require_construction(kind, factory, examples)


def table_of(factory: type) -> tuple[Option, ...]:
    """The options of a stage class."""
    options: tuple[Option, ...] = getattr(factory, "options", ())
    return options


def _kind_of(factory: Any) -> Kind:
    if not inspect.isclass(factory):
        raise breach(f"a stage class is wanted here, got the {type(factory).__name__} {factory!r:.60}")
    for kind in KINDS.values():
        if all(callable(getattr(factory, method, None)) for method in kind.methods):
            return kind
    raise breach(f"{factory.__name__} has the methods of no kind of stage", f"kinds: {', '.join(KINDS)}")


def require_options(whose: str, factory: type) -> None:
    """Refuse what loading a plugin lets pass: odd units and places, and a default that stands in two ways."""
    arguments = inspect.signature(factory).parameters
    absent: str | None = None
    for option in table_of(factory):
        what = f"{whose} has the option `{option.name}`"
        units = f"{what} with the unit `{option.unit}`; units: {', '.join(UNITS)}"
        require(option.unit is None or option.unit in UNITS, units)
        given = option.default is not REQUIRED
        if option.positional:
            require(given or absent is None, f"{what} behind `{absent}`, which may be left out")
            absent = option.name if given else absent
        own = arguments.get(option.name.replace("-", "_"))
        if own is not None and own.default is not own.empty and given:
            twice = f"{what} with the default {option.default!r}, its constructor says {own.default!r}"
            require(bool(own.default == option.default), twice, "give both the same")


def require_construction(kind: Kind, factory: type, examples: list[str]) -> None:
    """Make a stage of each clause, by the way that a policy takes."""
    for text in examples:
        choice = _chosen(kind, factory, text)
        try:
            with tempfile.TemporaryDirectory() as folder:
                choice.make(*([Path(folder) / "state"] if kind.name == "reservoir" else []))
        except LisppumpError as error:
            whose = f"{kind.name} `{factory.__name__}`"
            raise breach(f"{whose} should be made of {text}, but: {error.message}") from error


def _chosen(kind: Kind, factory: type, text: str) -> StageChoice:
    """What a policy makes of a clause for this stage."""
    node = read(text, "<example>")[0]
    name = str(node.head or node.name)
    registry = Registry()
    offer = hookimpl(lambda: {name: factory})
    registry.register(SimpleNamespace(**{kind.hook: offer}), factory.__module__)
    code = PolicyCode({})
    code.settle(7, Limits(), lambda frame: dict(frame.documents))
    checker = Checker(code, registry)
    choice = checker.stage(node, kind.name)
    if choice is None or checker.errors:
        reasons: Mapping[str, str | None] = {error.message: error.help for error in checker.errors}
        said = f"{kind.name} `{factory.__name__}` cannot be chosen by {text}: {'; '.join(reasons)}"
        raise breach(said, next(iter(reasons.values()), None))
    return choice


def examples_of(factory: type) -> list[str] | None:
    """The shortest clause and the longest that its options allow; None where one may be anything."""
    known: list[tuple[Option, str]] = []
    for option in table_of(factory):
        if option.kind in GIVEN:
            continue
        text = _text(option)
        if text is not None:
            known.append((option, text))
        elif option.default is REQUIRED:
            return None
    needed = [(option, text) for option, text in known if option.default is REQUIRED]
    return [_clause(needed), _clause(known)]


def _clause(parts: list[tuple[Option, str]]) -> str:
    places = [text for option, text in parts if option.positional]
    named = [f"({written(option.name)} {text})" for option, text in parts if not option.positional]
    return f"({' '.join(['example', *places, *named])})".replace(" )", ")")


def _text(option: Option) -> str | None:
    """How pump.lisp would give it something: its default, a choice, a function; None where anything goes."""
    if option.kind == "limits":
        return ""
    if option.kind == "assume":
        return "(tokens 2000)"
    if option.kind == "source":
        return "(+ 1 2)"
    if option.kind == "function":
        named = [f"a{number}" for number in range(option.arity or 0)]
        return f"(lambda {'rest' if option.arity is None else '(' + ' '.join(named) + ')'} 1)"
    default = None if option.default is REQUIRED else option.default
    values = default if option.many and isinstance(default, tuple) else (default,)
    if option.choices and default is None:
        values = option.choices[:1]
    texts = [_literal(value, option) for value in values]
    if texts and all(text is not None for text in texts):
        return " ".join(map(str, texts))
    if option.unit:
        return f"({UNITS[option.unit]} 1)"
    return {"name": "example", "capability": "state"}.get(option.kind)


def _literal(value: Any, option: Option) -> str | None:
    """A value as one writes it; None for what has no plain form."""
    if isinstance(value, bool):
        return "#t" if value else "#f"
    if not isinstance(value, int | float | str):
        return None
    if option.kind in ("name", "capability"):
        return str(value)
    if option.unit == "bytes" and not isinstance(value, str):
        value /= 1024
    shown = canon.line(value).decode()
    return f"({UNITS[option.unit]} {shown})" if option.unit else shown
