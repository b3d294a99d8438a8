"""The shape of clauses: places, options, members, how one is written. It names no clause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lisppump.stages import GIVEN, REQUIRED, Option


@dataclass(frozen=True, slots=True)
class Position:
    """One place of a clause.

    `kind`: name (as written), value (evaluated once, of `type`), function (of `arity`), value-or-function,
    stage (of the kind `stage`), path (names, which may stand in one list), capability (a name of one), raw or
    source (the node). A `many` place takes all that is left.
    """

    name: str
    kind: str
    doc: str = ""
    type: str = "any"
    unit: str | None = None
    arity: int | None = None
    stage: str | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause or option: its places and options; `default` is the clause that stands where it is absent.

    `members` is the shape of children with heads of their own (collections, fields, aliases).
    """

    name: str
    doc: str
    example: str
    positions: tuple[Position, ...] = ()
    options: tuple[Clause, ...] = ()
    required: bool = False
    repeatable: bool = False
    default: str | None = None
    members: Clause | None = None

    def option(self, name: str) -> Clause | None:
        """The option of that name."""
        return next((option for option in self.options if option.name == name), None)


def clause(name: str, doc: str, example: str, *parts: Position | Clause, **more: Any) -> Clause:
    """A clause from its places and options; `more` are its other attributes."""
    positions = tuple(part for part in parts if isinstance(part, Position))
    options = tuple(part for part in parts if isinstance(part, Clause))
    return Clause(name, doc, example, positions, options, **more)


def value(
    name: str, type: str, unit: str | None = None, *, many: bool = False, optional: bool = False
) -> Position:
    """A place for a value of a type, or for a quantity of a unit."""
    return Position(name, "value", type=type, unit=unit, many=many, optional=optional)


def name(what: str, *choices: str, optional: bool = False) -> Position:
    """A place for a word as it is written."""
    return Position(what, "name", choices=choices, optional=optional)


def names(what: str, *choices: str) -> Position:
    """A place for several words."""
    return Position(what, "name", many=True, choices=choices)


def path(*, optional: bool = False) -> Position:
    """A place for the keys that lead into a document."""
    return Position("path", "path", many=True, optional=optional)


def function(*arguments: str) -> Position:
    """A place for a function of these arguments."""
    return Position("function", "function", doc=f"of ({' '.join(arguments)})", arity=len(arguments))


def choice(type: str) -> Position:
    """A place for a number, or for a function of the last frame that gives it."""
    return Position("n", "value-or-function", doc="of (frame)", type=type, arity=1)


def stage(kind: str, *, many: bool = False, optional: bool = False) -> Position:
    """A place for a stage."""
    return Position(kind, "stage", stage=kind, many=many, optional=optional)


def clause_of(word: str, options: tuple[Option, ...], inside: Mapping[str, tuple[Clause, ...]]) -> Clause:
    """The clause that a stage's option table stands for; `inside` are the clauses in options of some kinds.

    Those that nobody writes are left out.
    """
    options = tuple(option for option in options if option.kind not in GIVEN)
    positional = [option for option in options if option.positional]
    return Clause(
        word,
        f"The stage {word}.",
        f"({word})",
        positions=tuple(_position_of(option) for option in positional),
        options=tuple(
            Clause(
                written(option.name),
                option.doc,
                _example_of(option),
                positions=() if option.kind in inside else (_position_of(option),),
                options=inside.get(option.kind, ()),
                required=option.default is REQUIRED,
            )
            for option in options
            if not option.positional
        ),
    )


def _example_of(option: Option) -> str:
    """How an option of a stage is written: with its default, or with the kind of thing it takes."""
    default = option.default
    if default.__class__ is tuple and default and option.kind in ("name", "capability"):
        shown = " ".join(default)
    elif option.kind == "source":
        shown = "(curl \"https://example.org\")"
    elif option.kind == "assume":
        shown = "(tokens 2000)"
    elif default.__class__ in (int, float, str):
        quoted = default.__class__ is str and option.kind in ("value", "folder")
        shown = f'"{default}"' if quoted else f"{default}"
        shown = f"({option.unit} {shown})" if option.unit else shown
    else:
        shown = option.choices[0] if option.choices else option.kind.upper()
    return f"({written(option.name)} {shown})"


def written(word: str) -> str:
    """An option's name as pump.lisp spells it."""
    return word.replace("_", "-")


def _position_of(option: Option) -> Position:
    optional = option.positional and option.default is not REQUIRED
    return Position(
        written(option.name),
        "value" if option.kind == "folder" else option.kind,
        option.doc,
        type=option.type or ("folder" if option.kind == "folder" else _type_of(option.default)),
        unit=option.unit,
        arity=option.arity,
        choices=option.choices,
        many=option.many or option.kind == "source",
        optional=optional,
    )


def _type_of(default: Any) -> str:
    """An option that has a default wants a value like it."""
    return {bool: "boolean", int: "integer", float: "number", str: "string"}.get(default.__class__, "any")


def usage(clause: Clause) -> str:
    """How a clause is written: `(state FOLDER [(keep ...)])`."""
    parts = [clause.name]
    for position in clause.positions:
        word = "|".join(position.choices) or position.name.upper()
        word += " ..." if position.many else ""
        parts.append(f"[{word}]" if position.optional else word)
    if clause.members is not None:
        parts.append(f"({clause.members.name} ...) ...")
    for option in clause.options:
        word = (
            f"({option.name} ...)"
            if option.positions or option.options or option.members
            else f"({option.name})"
        )
        parts.append(word if option.required else f"[{word}]")
    return f"({' '.join(parts)})"
