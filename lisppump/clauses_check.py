"""Holds the nodes of `(pump ...)` to the clause table and collects every error. It raises nothing.

By name it knows only the clauses that others build on: `backends`, `limits` and `isolate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lisppump.clauses import INSIDE
from lisppump.clauses_parts import Checked, Code, StageChoice, Stages
from lisppump.clauses_shape import Clause, Position, clause_of, usage, written
from lisppump.clauses_types import TYPES, plain, said
from lisppump.delta import Usage
from lisppump.errors import LisppumpError, Span, suggest
from lisppump.lispy.capabilities import CAPABILITIES
from lisppump.lispy.foreign import Later
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut
from lisppump.lispy.reader import read
from lisppump.lispy.values import Quantity, Value
from lisppump.plugin import Offer
from lisppump.stages import KINDS, REQUIRED, Option
from lisppump.workers.rule import APART, DEADLINE, NONE, WORKER, Isolation

_ABSENT: Any = object()
ALLOW = "it stands in the clause of an echo: (echoes (agents-programs (allow state web)))"


class Checker:
    """One check of one file, which lies in `root`: `errors` grows, nothing is raised."""

    def __init__(self, code: Code, stages: Stages, root: Path | None = None) -> None:
        self.code = code
        self.stages = stages
        self.root = root or Path()
        self.errors: list[LisppumpError] = []
        self.aliases: dict[str, StageChoice | None] = {}
        self.limits = Limits()
        self.isolation = APART
        self.recorded = False  # frames of it stand in the record: their backends are not asked again

    def error(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        """Take an error down."""
        self.errors.append(LisppumpError(code, message, span=span, help=help))

    def clause(self, node: Node, clause: Clause, label: str | None = None) -> Checked:
        """A clause with everything in it; what is wrong stands in `errors` and is left out."""
        label = label or f"({clause.name} ...)"
        checked = Checked(clause, node)
        waiting = list(clause.positions)
        chosen: list[tuple[Clause, Node]] = []
        meant: set[str | None] = set()
        for item in node.items[1:]:
            option = clause.option(item.head) if item.head else None
            if option is not None:
                chosen.append((option, item))
            elif (position := self._next(waiting, item, clause)) is not None:
                self._place(checked, position, item, label)
            elif clause.members is not None and item.head and not self._misspelt(item, clause):
                checked.members.append(self.clause(item, clause.members, f"({item.head} ...)"))
            else:
                meant.add(self._surplus(item, clause, label))
        for position in waiting:
            if not position.optional and position.name not in checked.nodes:
                self.error(
                    "missing-clause",
                    f"{label} lacks its {position.name}",
                    node.span,
                    f"write it as in {clause.example}" if clause.name.isupper() else f"write {usage(clause)}",
                )
        self._options(checked, chosen, meant, label)
        return checked

    def _options(
        self, checked: Checked, chosen: list[tuple[Clause, Node]], meant: set[str | None], label: str
    ) -> None:
        """Options in the table's order, so that those that name things come before those that use them.

        An option that was `meant` by a misspelt one is not said to be missing.
        """
        for option in checked.clause.options:
            given = [node for found, node in chosen if found is option]
            if not option.repeatable:
                for node in given[1:]:
                    line = given[0].span.line
                    self.error(
                        "duplicate-clause",
                        f"`{option.name}` is there twice, first on line {line}",
                        node.span,
                        "remove one of them",
                    )
                given = given[:1]
            if not given and option.default is not None:
                given = read(option.default, "<default>")
            if not given and option.required and option.name not in meant:
                self.error(
                    "missing-clause",
                    f"{label} needs ({option.name} ...)",
                    checked.node.items[0].span if checked.node.items else checked.node.span,
                    f"add {option.example}",
                )
            if given:
                self._enter(checked, option, given)

    def _enter(self, checked: Checked, option: Clause, given: list[Node]) -> None:
        found = [self.clause(node, option) for node in given]
        checked.options[option.name] = found
        if option.name == "backends":
            self._name_aliases(found[0])
        elif option.name == "limits" and checked.clause.name == "pump":
            self.limits = limits_of(found[0], self.limits)
        elif option.name == "isolate" and checked.clause.name == "pump":
            self._isolate(found[0])

    def _isolate(self, checked: Checked) -> None:
        self.isolation = Isolation(checked.first(WORKER), float(checked.of("deadline", DEADLINE)))
        for item in checked.node.items[1:]:
            if item.head == "deadline" and self.isolation.where == NONE:
                self.error(
                    "bad-clause",
                    "(isolate none) holds nobody to a deadline: nothing ends what runs in the pump's process",
                    item.span,
                    "remove it and give the echo (limits (seconds ...)), or write (isolate worker ...)",
                )

    def _name_aliases(self, backends: Checked) -> None:
        for member in backends.members:
            if member.head in self.aliases:
                self.error(
                    "duplicate-clause", f"`{member.head}` names two backends", member.node.items[0].span,
                    "give each a name of its own",
                )  # fmt: skip
            self.aliases[member.head] = member.first()

    def _next(self, waiting: list[Position], item: Node, clause: Clause) -> Position | None:
        """The place that an item stands in; a place that is filled is taken off the list."""
        while waiting:
            position = waiting[0]
            if self._fits(position, item, clause):
                return position if position.many else waiting.pop(0)
            if not (position.optional or position.many):
                return None
            if position.many and any(p.kind != "path" for p in waiting[1:]):
                return None
            waiting.pop(0)
        return None

    def _fits(self, position: Position, item: Node, clause: Clause) -> bool:
        """Whether an item may be meant for a place; a list with the head of a misspelt option is not."""
        if item.kind != "list" or position.kind in ("raw", "source"):
            return True
        if position.kind in ("name", "capability"):
            return not (clause.options or clause.members or position.optional)
        if position.kind == "path":
            return not clause.options
        head = item.head
        if not clause.options or head is None:
            return True
        if position.kind == "stage":
            known = {*self.aliases, *self.stages.names(position.stage or "")}
            return head in known or suggest(head, [o.name for o in clause.options]) is None
        return self.code.knows(head) or (not position.optional and head == "lambda")

    def _misspelt(self, item: Node, clause: Clause) -> bool:
        """Whether what looks like a member was meant to be an option: members hold nothing but lists."""
        if (
            clause.members is None
            or clause.members.positions
            or all(part.kind == "list" for part in item.items[1:])
        ):
            return False
        return suggest(item.head or "", [option.name for option in clause.options]) is not None

    def _surplus(self, item: Node, clause: Clause, label: str) -> str | None:
        """Say that something has no place; the option that was likely meant."""
        known = [option.name for option in clause.options]
        if item.head is None or not (known or clause.members):
            way = "a clause is a list, as in (seed 7)" if clause.name == "pump" else f"write {usage(clause)}"
            self.error("bad-clause", f"{label} has no place for {cut(item.text)}", item.span, way)
            return None
        near = suggest(item.head, known)
        if item.head == "allow":
            self.error("unknown-clause", f"{label} has no place for (allow ...)", item.items[0].span, ALLOW)
            return None
        what = "there is no clause" if clause.name == "pump" else f"{label} has no option"
        options = f"its options: {', '.join(known)}"
        self.error(
            "unknown-clause",
            f"{what} `{item.head}`",
            item.items[0].span,
            f"did you mean `{near}`?"
            if near
            else (f"known: {', '.join(known)}" if clause.name == "pump" else options),
        )
        return near

    def _place(self, checked: Checked, position: Position, item: Node, label: str) -> None:
        """Put what an item means into its place; an error without a better help shows how it is written."""
        before = len(self.errors)
        self._put(checked, position, item, label)
        for error in self.errors[before:]:
            error.help = error.help or f"write it as in {checked.clause.example}"

    def _put(self, checked: Checked, position: Position, item: Node, label: str) -> None:
        checked.nodes.setdefault(position.name, []).append(item)
        if position.kind == "path":
            found: Any = self._path(item, label)
        elif position.kind == "name":
            found = self._name(item, position, label)
        elif position.kind == "capability":
            found = self._capability(item, position, label)
        elif position.kind == "stage":
            found = self.stage(item, position.stage or "")
        elif position.kind in ("raw", "source"):
            found = item
        else:
            found = self._evaluated(item, position, label)
        if position.many:
            before = checked.values.get(position.name, ())
            more = () if found is _ABSENT else found if position.kind == "path" else (found,)
            checked.values[position.name] = (*before, *more)
        elif found is not _ABSENT:
            checked.values[position.name] = found

    def _name(self, item: Node, position: Position, label: str) -> Any:
        name = item.name
        if name is None:
            self.error("wrong-kind", f"{label} wants a name here, got {cut(item.text)}", item.span,
                       "write it as one word, without quotes or brackets")  # fmt: skip
            return _ABSENT
        if position.choices and name not in position.choices:
            near = suggest(name, list(position.choices))
            self.error(
                "bad-clause",
                f"{label} takes {' or '.join(position.choices)}, got `{name}`",
                item.span,
                f"did you mean `{near}`?" if near else None,
            )
            return _ABSENT
        return name

    def _capability(self, item: Node, position: Position, label: str) -> Any:
        """A capability that something here gives: the host's own, or that of a plugin's builtin."""
        name = self._name(item, position, label)
        if name is _ABSENT or name in CAPABILITIES:
            return name
        brought = {spec.capability for spec in self.stages.builtins().values() if spec.capability}
        if name not in brought:
            known = sorted({*CAPABILITIES, *brought})
            near = suggest(name, known)
            what = f"there is no capability `{name}`, which {label} should grant"
            help = f"did you mean `{near}`?" if near else f"known: {', '.join(known)}"
            self.error("bad-clause", what, item.span, help)
            return _ABSENT
        return name

    def _path(self, item: Node, label: str) -> Any:
        parts = item.items if item.kind == "list" else (item,)
        if not all(part.kind in ("symbol", "string") for part in parts):
            self.error("wrong-kind", f"{label} wants names of keys here, got {cut(item.text)}", item.span)
            return _ABSENT
        return tuple(str(part.value) if part.kind == "string" else str(part.name) for part in parts)

    def _evaluated(self, item: Node, position: Position, label: str) -> Any:
        """A value or a function, as the place wants it."""
        try:
            value = self.code.value(item)
        except LisppumpError as error:
            self.errors.append(error.located(item.span))
            return _ABSENT
        wanted = position.kind
        if wanted in ("function", "value-or-function"):
            try:
                found = self.code.function(item, value, position.arity)
            except LisppumpError as error:
                error.message = f"{label} {error.message}"
                self.errors.append(error.located(item.span))
                return _ABSENT
            if found is not None:
                return found
            if wanted == "function":
                self.error(
                    "wrong-kind",
                    f"{label} wants a function here, got {said(value)}",
                    item.span,
                    "name a function of this file, or write (lambda ...)",
                )
                return _ABSENT
        return self._measured(item, value, position, label)

    def _measured(self, item: Node, value: Value, position: Position, label: str) -> Any:
        """A value without its unit, held to the type of its place."""
        unit = value.unit if isinstance(value, Quantity) else None
        if unit != position.unit:
            self.error("wrong-unit", *_unit_help(item, value, position, label))
            return _ABSENT
        amount = value.amount if isinstance(value, Quantity) else value
        wish = TYPES.get(position.type)
        if wish is not None:
            whole = isinstance(amount, float) and amount.is_integer() and wish.whole
            amount = int(amount) if whole else amount
            if not wish.holds(amount):
                self.error(
                    "wrong-kind" if amount.__class__ not in wish.classes else "bad-clause",
                    f"{label} wants {wish.words}, got {said(value)}",
                    item.span,
                    wish.help,
                )
                return _ABSENT
        try:
            data = plain(amount)
        except LisppumpError as error:
            self.errors.append(error.located(item.span))
            return _ABSENT
        if position.choices and data not in position.choices:
            self.error(
                "bad-clause", f"{label} takes {' or '.join(position.choices)}, got {said(value)}", item.span
            )
            return _ABSENT
        return data

    def stage(self, item: Node, kind: str) -> StageChoice | None:
        """An alias of the file or a stage of the registry, with its options; None when it is neither."""
        head = item.items[0] if item.kind == "list" and item.items else item
        name = head.name
        if kind == "echo" and name == "allow":
            self.error("unknown-clause", "(echoes ...) has no place for (allow ...)", head.span, ALLOW)
            return None
        if name is None:
            self.error(
                "wrong-kind",
                f"a {kind} is wanted here, got {cut(item.text)}",
                item.span,
                f"write its name, or (name (option ...) ...); known: {', '.join(self.stages.names(kind))}",
            )
            return None
        if kind == "backend" and name in self.aliases:
            if item.kind == "list":
                self.error("bad-clause", f"`{name}` is a name from (backends ...)", item.span,
                           "write its options there")  # fmt: skip
            return self.aliases[name]
        try:
            offer = self.stages.find(kind, name)
        except LisppumpError as error:
            if kind == "backend" and self.recorded:
                return StageChoice.gone(name, item.span)
            near = suggest(name, [*self.aliases, *self.stages.names(kind)]) if kind == "backend" else None
            error.help = f"did you mean `{near}`?" if near else error.help
            self.errors.append(error.located(head.span))
            return None
        return self._chosen(item, kind, name, offer)

    def _chosen(self, item: Node, kind: str, name: str, offer: Offer) -> StageChoice:
        table: tuple[Option, ...] = getattr(offer.factory, "options", ())
        clause = clause_of(name, table, INSIDE)
        form = item if item.kind == "list" else Node("list", None, (item,), item.source, item.start, item.end)
        checked = self.clause(form, clause, f"{KINDS[kind].name} `{name}`")
        options: dict[str, Any] = {}
        for option in table:
            keyword = option.name.replace("-", "_")
            value = self._taken(checked, option)
            if value is not _ABSENT:
                options[keyword] = value
            elif option.default is not REQUIRED:
                options[keyword] = option.default
        return StageChoice(kind, name, options, item.span, offer)

    def _taken(self, checked: Checked, option: Option) -> Any:
        """What a stage's option was given in pump.lisp, or is given by the registry."""
        if option.kind == "builtins":
            return Later(lambda: self.stages.builtins())
        if option.kind == "isolation":
            return self.isolation
        name = written(option.name)
        if option.positional:
            return checked.values.get(name, _ABSENT)
        found = checked.option(name)
        if option.kind == "source":
            return _ABSENT if found is None else text_of(found.values.get(name, ()))
        if option.kind == "limits":
            return limits_of(found, self.limits) if found is not None else self.limits
        if option.kind == "assume":
            return _ABSENT if found is None else assumed_of(found)
        if option.kind == "folder":
            name = option.default if found is None else found.values.get(name, _ABSENT)
            return str(self.root.absolute() / name) if isinstance(name, str) else _ABSENT
        return found.values.get(name, _ABSENT) if found is not None else _ABSENT


def text_of(forms: Sequence[Node]) -> str:
    """Forms as they are written, with the comments between them."""
    return forms[0].source.text[forms[0].start : forms[-1].end] if forms else ""


def limits_of(checked: Checked, base: Limits) -> Limits:
    """The limits that a `(limits ...)` clause gives, where `base` holds for what it leaves out."""
    options = [name for name in checked.options if checked.of(name) is not None]
    given = {name.replace("-", "_"): checked.of(name) for name in options}
    if "megabytes" in given:
        given["allocation"] = given.pop("megabytes") * 1024 * 1024
    return replace(base, **given)


def assumed_of(checked: Checked) -> Usage:
    """What an `(assume ...)` clause says that one call counts as."""
    dollars = checked.of("dollars")
    price = None if dollars is None else float(dollars)
    return Usage(output=checked.of("tokens", 0), dollars=price, assumed=True)


def _unit_help(item: Node, value: Value, position: Position, label: str) -> tuple[str, Span, str | None]:
    """The sentence for a quantity without its unit, with another one, or where none belongs."""
    unit = position.unit
    if unit is None:
        return f"{label} wants a plain value, got {said(value)}", item.span, "write the number alone"
    shown = cut(item.text) if not isinstance(value, Quantity) else f"{value.amount}"
    ways = f"(seconds {shown}) or (minutes {shown})" if unit == "seconds" else f"({unit} {shown})"
    what = (
        "the bare number " + shown
        if isinstance(value, int | float) and not isinstance(value, bool)
        else said(value)
    )
    return f"{label} wants an amount of {unit}, got {what}", item.span, f"write {ways}"
