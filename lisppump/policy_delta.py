"""The `(delta ...)` clause: checked collections become a Schema whose rules name only fields that exist."""

from __future__ import annotations

import re
from dataclasses import replace

from lisppump.clauses_check import Checker
from lisppump.clauses_collection import RULES
from lisppump.clauses_parts import Checked
from lisppump.delta import FILE_KEYS, PIPES, Collection, Field, Numbering, Schema, Target
from lisppump.errors import suggest
from lisppump.frame import FrameFunction
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut
from lisppump.policy_fields import field_type
from lisppump.steering import NUDGES

_KEYED = ("put", "sum", "union", "max", "min", "last-writer")  # rules that work on an object
_PRESENCE = ("optional", "required-here")
_HOLE = re.compile(r"\{([^{}]*)\}")


def schema_of(delta: Checked, checker: Checker) -> Schema:
    """The schema of a checked `(delta ...)`; what is wrong in it goes to the checker's errors."""
    collections: list[Collection] = []
    known = [member.head for member in delta.members]
    for member in delta.members:
        head = member.node.items[0]
        if member.head in {collection.name for collection in collections}:
            checker.error("duplicate-clause", f"the collection `{member.head}` is there twice", head.span,
                          "make one of both")  # fmt: skip
        if member.head in FILE_KEYS:
            checker.error("bad-clause",
                          f"a collection cannot be called `{member.head}`: every delta has a part of "
                          "that name", head.span, "give it another name")  # fmt: skip
        collections.append(_Reader(member, checker, known).collection())
    _tell_apart(delta, checker, known)
    return Schema(tuple(collections), _otherwise(delta, checker))


def _tell_apart(delta: Checked, checker: Checker, known: list[str]) -> None:
    """No key of a delta may mean two collections, nor what the pump itself says of a delta."""
    taken = {*known, *FILE_KEYS}
    for member in delta.members:
        clause = member.option("also")
        for node in clause.nodes.get("key", []) if clause else []:
            if node.name in taken:
                what = "a part of every delta" if node.name in FILE_KEYS else "another collection"
                said = f"`{member.head}` is also read as `{node.name}`, but that is {what}"
                checker.error("duplicate-clause", said, node.span, "remove it here")
            taken.add(node.name or "")


def _otherwise(delta: Checked, checker: Checker) -> Collection | None:
    clause = delta.option("otherwise")
    rule = clause.first() if clause else None
    if clause is None or rule is None:
        return None
    document = clause.values.get("document")
    if rule == "append" and document is not None:
        return Collection("otherwise", into=Target(document), mode="append")
    if rule == "append" and "document" not in clause.nodes:
        checker.error("missing-clause", "(otherwise append ...) needs a document", clause.node.span,
                      'write (otherwise append "observations.jsonl")')  # fmt: skip
    elif rule == "refuse" and "document" in clause.nodes:
        checker.error("bad-clause", "(otherwise refuse) keeps nothing, so it has no document",
                      clause.nodes["document"][0].span, "remove it, or write append")  # fmt: skip
    return Collection("otherwise", mode="refuse")


class _Reader:
    """Reads one collection."""

    def __init__(self, checked: Checked, checker: Checker, known: list[str]) -> None:
        self.checked = checked
        self.checker = checker
        self.known = known
        self.fields = self._fields()
        self.names = [field.name for field in self.fields]

    def collection(self) -> Collection:
        """The collection, with every rule held to its fields."""
        checked = self.checked
        mode, keys, function = self._rule()
        shape = checked.of("as")
        return Collection(
            name=checked.head,
            fields=self.fields,
            actor=self._actor(),
            once_per=self._named("once-per"),
            number=self._numbering(),
            into=self._into(),
            mode=mode,
            makers=tuple(checked.of("from", (PIPES,))),
            keys=keys,
            function=function,
            shape=shape,
            also=self._also(),
            evaluate=self._evaluate(),
            about=self._frames("about"),
            cites=self._frames("cites"),
            counts=tuple(target for count in checked.all("count") if (target := self._count(count))),
        )

    def _fields(self) -> tuple[Field, ...]:
        clause = self.checked.option("fields")
        found: dict[str, Field] = {}
        for member in clause.members if clause else ():
            if member.head in found:
                self.checker.error("duplicate-clause", f"the field `{member.head}` is there twice",
                                   member.node.items[0].span, "remove one of them")  # fmt: skip
            field = self._field(member)
            found[member.head] = field or Field(member.head, "any", optional=True)
        return tuple(found.values())

    def _also(self) -> tuple[str, ...]:
        clause = self.checked.option("also")
        return tuple(node.name for node in clause.nodes.get("key", []) if node.name) if clause else ()

    def _field(self, member: Checked) -> Field | None:
        parts = member.nodes.get("type", [])
        if not parts:  # said already
            return None
        words: list[str] = []
        also: tuple[str, ...] = ()
        for part in parts[1:]:
            if part.name in _PRESENCE and not words:
                words.append(part.name)
            elif part.head == "also" and not also and all(node.name for node in part.items):
                also = self._names_of(member, part)
            else:
                near = suggest(part.name or part.head or "", [*_PRESENCE, "also"])
                self.checker.error(
                    "bad-clause",
                    "after its type a field may only say `optional` or `required-here`, and its other names "
                    f"as (also NAME ...); got {cut(part.text)}",
                    part.span,
                    f"did you mean `{near}`?" if near and near != part.name else "remove it",
                )
        field = field_type(self.checker, self.known, member.head, parts[0])
        if field is None:
            return None
        return replace(field, optional="optional" in words, here="required-here" in words, also=also)

    def _names_of(self, member: Checked, part: Node) -> tuple[str, ...]:
        """Other names of a field; none may be that of another field of its collection."""
        clause = self.checked.option("fields")
        fields = {field.head for field in clause.members} if clause else set()
        for node in part.items[1:]:
            if node.name in fields:
                said = f"`{member.head}` is also read as `{node.name}`, but that is a field of its own"
                self.checker.error("duplicate-clause", said, node.span, "remove it here")
        return tuple(node.name for node in part.items[1:] if node.name)

    def _known(self, name: str, node: Node) -> bool:
        """Whether the collection has a field; one that declares none takes any."""
        if name in self.names or not self.names:
            return True
        near = suggest(name, self.names)
        self.checker.error(
            "unknown-field",
            f"`{self.checked.head}` has no field `{name}`",
            node.span,
            f"did you mean `{near}`?" if near else f"its fields: {', '.join(self.names)}",
        )
        return False

    def _named(self, option: str) -> tuple[str, ...]:
        """The fields that an option lists; unknown ones are errors."""
        clause = self.checked.option(option)
        if clause is None:
            return ()
        nodes = clause.nodes.get("field", [])
        return tuple(node.name for node in nodes if node.name and self._known(node.name, node))

    def _actor(self) -> str | None:
        clause = self.checked.option("actor")
        if clause is None:
            return None
        named = self._named("actor")
        field = next((field for field in self.fields if field.name in named), None)
        if field is not None and field.type not in ("agent", "any"):
            self.checker.error("wrong-kind",
                               f"(actor {field.name}) wants a field of type agent, that one is {field.type}",
                               clause.node.span, f"write ({field.name} agent) in its fields")  # fmt: skip
        return field.name if field else None

    def _evaluate(self) -> int | None:
        """The steps of one proposal; its collection has a field with a program, and one with an agent."""
        clause = self.checked.option("evaluate")
        if clause is None:
            return None
        types = [field.type for field in self.fields]
        if types.count("lispy") != 1 or "agent" not in types:
            what = "(evaluate) wants one field of type lispy, and one of type agent"
            help = "write (source lispy) and (agent agent) in its fields"
            self.checker.error("wrong-kind", what, clause.node.span, help)
        return int(clause.of("steps"))

    def _frames(self, option: str) -> str | None:
        """The field of (about FIELD), or of the (cites FIELD) in it."""
        about = self.checked.option("about")
        clause = about if about is None or option == "about" else about.option(option)
        if clause is None:
            return None
        named = (node.name for node in clause.nodes.get("field", []) if node.name)
        found = next((name for name in named if self._known(name, clause.node)), None)
        field = next((field for field in self.fields if field.name == found), None)
        fits = ("integer",) if option == "about" else ("integer", "any")
        if field is not None and field.type not in fits:
            wants = f"({option} {found}) wants a field of type {' or '.join(fits)}, that one is {field.type}"
            self.checker.error("wrong-kind", wants, clause.node.span, f"write ({found} {fits[-1]})")
        return found

    def _numbering(self) -> Numbering | None:
        clause = self.checked.option("number")
        name = clause.first() if clause else None
        if clause is None or name is None:
            return None
        above = clause.option("above")
        return Numbering(name, tuple(above.values.get("document", ())) if above else ())

    def _into(self) -> Target | None:
        clause = self.checked.option("into")
        document = clause.first() if clause else None
        if clause is None or document is None:
            return None
        node = clause.nodes["document"][0]
        self._holes(document, node)
        if document == NUDGES:
            what = f"{NUDGES} holds what operators ask for by `lisppump steer`; no collection goes there"
            self.checker.error("bad-clause", what, node.span, "steering.json is for what echoes ask for")
        return Target(document, tuple(clause.values.get("path", ())))

    def _count(self, clause: Checked) -> Target | None:
        """A counter's place; names of fields in its path become `{field}`, a list of names must hold one."""
        document = clause.first()
        if document is None:
            return None
        self._holes(document, clause.nodes["document"][0])
        path: tuple[str, ...] = tuple(clause.values.get("path", ()))
        for node in clause.nodes.get("path", []):
            if node.kind != "list" or not self.names or any(item.name in self.names for item in node.items):
                continue
            words = [item.name for item in node.items if item.name]
            wrong, near = next(
                ((word, near) for word in words if (near := suggest(word, self.names))), (None, None)
            )
            self.checker.error(
                "unknown-field",
                f"no name in {cut(node.text)} is a field of `{self.checked.head}`",
                next((item for item in node.items if item.name == wrong), node).span if wrong else node.span,
                f"did you mean `{near}`?" if near else f"its fields: {', '.join(self.names)}",
            )
        return Target(document, tuple(f"{{{name}}}" if name in self.names else name for name in path))

    def _holes(self, document: str, node: Node) -> None:
        for name in _HOLE.findall(document):
            self._known(name, node)

    def _rule(self) -> tuple[str, tuple[str, ...], FrameFunction | None]:
        """The one rule of the collection: mode, keys, function."""
        given = [clause for rule in RULES if (clause := self.checked.option(rule))]
        for clause in given[1:]:
            self.checker.error(
                "duplicate-clause",
                f"`{self.checked.head}` has two rules, ({given[0].head} ...) and ({clause.head} ...)",
                clause.node.span,
                "keep one of them",
            )
        into = self.checked.option("into")
        rule = given[0] if given else None
        if rule is None:
            return ("append" if into else "refuse"), (), None
        if into is None and rule.head != "refuse":
            self.checker.error("missing-clause", f"({rule.head} ...) needs a place where the items go",
                               rule.node.span,
                               'add (into "document.json" path)')  # fmt: skip
        if into is not None and rule.head == "refuse":
            self.checker.error("bad-clause", "a collection that is refused goes nowhere", rule.node.span,
                               "remove (refuse) or (into ...)")  # fmt: skip
        if rule.head == "by":
            return "function", (), rule.first()
        document = into.first() if into else None
        if into is not None and document and rule.head in _KEYED and not document.endswith(".json"):
            said = f"({rule.head} ...) keeps members of an object, which {document} cannot hold"
            self.checker.error("bad-clause", said, into.node.span, "name a document that ends in .json")
        if rule.head == "put":  # its field is added to the collection's when it is not there
            return "put", (rule.first("id"),), None
        keys = self._named(rule.head) if rule.clause.positions else ()
        return rule.head, keys, None
