"""Records as other Lisps define them: each is a dict with the name of its type under "record"."""

from __future__ import annotations

from typing import NoReturn

from lisppump.lispy.analyser import DEFINING, Analyser, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.builtins import describe_type
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.builtins.versions import ENTRY
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, shown
from lisppump.lispy.run import Run
from lisppump.lispy.values import Primitive, Procedure, Value

TYPE = "record"
WEIGHT = 4  # nodes that making a procedure of a record counts as


class _Record:
    """What defines the procedures of one type."""

    def __init__(self, maker: Maker, name: Node, fields: list[Node]) -> None:
        if name.kind != "symbol":
            raise written(maker.like)
        self.maker = maker
        self.run: Run = maker.analyser.run
        self.type = str(name.name).strip("<>") or str(name.name)
        for field in fields:
            if field.kind != "symbol" or field.name == TYPE:
                raise LispyError("bad-syntax", f"{shown(field)} is no name of a field", span=field.span)
        self.fields = [str(field.name) for field in fields]
        self.definitions: list[Node] = []

    def _define(self, name: str, procedure: Procedure) -> None:
        self.maker.analyser.weigh(WEIGHT)
        self.definitions.append(self.maker.list("define", name, self.maker.quoted(procedure)))

    def constructor(self, name: str, fields: list[str]) -> None:
        """A procedure that takes the values of these fields; the others are nil."""

        def make(*values: Value) -> Value:
            self.run.meter.allocate(ENTRY * (1 + len(self.fields)))
            return {TYPE: self.type, **dict.fromkeys(self.fields), **dict(zip(fields, values, strict=True))}

        self._define(name, Primitive(name, make, len(fields), len(fields), f"Makes a record {self.type}."))

    def predicate(self, name: str) -> None:
        """A procedure that tells the type."""

        def test(value: Value) -> Value:
            return isinstance(value, dict) and TYPE in value and value[TYPE] == self.type

        self._define(name, Primitive(name, test, 1, 1, f"True for a record {self.type}."))

    def accessor(self, name: str, field: str) -> None:
        """A procedure that gives a field."""

        def access(value: Value) -> Value:
            if not isinstance(value, dict) or TYPE not in value or value[TYPE] != self.type:
                got = describe_type(value)
                raise LispyError("wrong-type", f"{name} wants a record {self.type}, got {got}")
            return member_of(value, field, None)

        self._define(name, Primitive(name, access, 1, 1, f"The field {field} of a record {self.type}."))

    def modifier(self, name: str, field: str) -> None:
        """A procedure that promises to change a field, and refuses."""

        def modify(record: Value, value: Value) -> NoReturn:
            raise LispyError("immutable", f"{name} would change data in place, which LisPy does not do",
                             help=f'write (set! r (dict-set r "{field}" value))')  # fmt: skip

        self._define(name, Primitive(name, modify, 2, 2))

    def accessors(self) -> None:
        """Those named after the type, as most Lisps have them."""
        for field in self.fields:
            self.accessor(f"{self.type}-{field}", field)

    def done(self) -> Node:
        """All the definitions."""
        return self.maker.form("begin", *self.definitions)


@rewriting("define-record-type", "(define-record-type name (make field ...) test (field get [set]) ...)",
           "Defines procedures that make, tell and read records, which are dicts; one that sets is an "
           "error, as data never changes.",
           example="(begin (define-record-type point (make-point x y) point? (x point-x) (y point-y)) "
                   "(point-y (make-point 1 2))) ;=> 2")  # fmt: skip
def define_record_type(analyser: Analyser, node: Node) -> Node:
    items = node.items
    if len(items) < 4:
        raise written(node)
    maker = Maker(analyser, node)
    fields = [item.items[0] if item.kind == "list" and item.items else item for item in items[4:]]
    name = items[1].items[0] if items[1].kind == "list" and items[1].items else items[1]
    record = _Record(maker, name, fields)
    make, test = items[2], items[3]
    if make.kind == "symbol":
        record.constructor(str(make.name), record.fields)
    elif make.kind == "list" and make.items and all(item.kind == "symbol" for item in make.items):
        given = [str(item.name) for item in make.items]
        for item in make.items[1:]:
            if item.name not in record.fields:
                raise LispyError(
                    "bad-syntax",
                    f"{shown(item)} is a field of the constructor, but none of the record",
                    span=item.span,
                    help=f"write ({item.name} {record.type}-{item.name}) among its fields",
                )
        record.constructor(given[0], given[1:])
    elif make.kind != "boolean":
        raise written(node)
    if test.kind == "symbol":
        record.predicate(str(test.name))
    for item in items[4:]:
        if item.kind != "list":
            continue
        words = [str(part.name) for part in item.items]
        if not 1 <= len(words) <= 3 or any(part.kind != "symbol" for part in item.items):
            raise LispyError("bad-syntax", "a field is (name get [set])", span=item.span)
        if len(words) > 1:
            record.accessor(words[1], words[0])
        if len(words) > 2:
            record.modifier(words[2], words[0])
    return record.done()


@rewriting("defstruct", "(defstruct name field ...)",
           "Defines make-name, which takes :field value ..., name-p, copy-name and name-field; a field "
           "may be (field default). Records are dicts.",
           example="(begin (defstruct ship name (fuel 10)) (ship-fuel (make-ship :name \"a\"))) ;=> 10",
           aliases=("cl-defstruct",))  # fmt: skip
def defstruct(analyser: Analyser, node: Node) -> Node:
    items = [item for item in node.items[1:] if item.kind != "string"]
    if not items:
        raise written(node)
    maker = Maker(analyser, node)
    fields = [item.items[0] if item.kind == "list" and item.items else item for item in items[1:]]
    record = _Record(maker, items[0], fields)
    options: list[Node] = [maker.part("&key")]
    options.extend(
        maker.list(*item.items[:2]) if item.kind == "list" and len(item.items) > 1 else field
        for item, field in zip(items[1:], fields, strict=True)
    )
    pairs: list[Node] = [maker.text(TYPE), maker.text(record.type)]
    for field in fields:
        pairs.extend((maker.text(str(field.name)), field))
    call = maker.list(f"make-{record.type}", *(options if fields else ()))
    record.definitions.append(maker.list("define", call, maker.call("dict", *pairs)))
    record.predicate(f"{record.type}-p")
    record.accessors()
    record.definitions.append(maker.list("define", (f"copy-{record.type}", "it"), "it"))
    return record.done()


@rewriting("struct", "(struct name (field ...))",
           "Defines name, which makes a record, name? and name-field. Records are dicts.",
           example="(begin (struct point (x y)) (point-x (point 3 4))) ;=> 3")  # fmt: skip
def struct(analyser: Analyser, node: Node) -> Node:
    return _struct(analyser, node, "")


@rewriting("define-struct", "(define-struct name (field ...))",
           "Defines make-name, name? and name-field. Records are dicts.",
           example="(begin (define-struct point (x y)) (point? (make-point 3 4))) ;=> #t")  # fmt: skip
def define_struct(analyser: Analyser, node: Node) -> Node:
    return _struct(analyser, node, "make-")


def _struct(analyser: Analyser, node: Node, prefix: str) -> Node:
    if len(node.items) < 3 or node.items[2].kind not in ("list", "nil"):
        raise written(node)
    fields = [item.items[0] if item.kind == "list" and item.items else item for item in node.items[2].items]
    record = _Record(Maker(analyser, node), node.items[1], fields)
    record.constructor(f"{prefix}{record.type}", record.fields)
    record.predicate(f"{record.type}?")
    record.accessors()
    return record.done()


@rewriting("defrecord", "(defrecord Name [field ...])",
           "Defines ->Name, which makes a record, a dict, and map->Name, which makes one of a dict.",
           example="(begin (defrecord Point [x y]) (:y (->Point 1 2))) ;=> 2")  # fmt: skip
def defrecord(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 3 or node.items[2].kind not in ("list", "nil"):
        raise written(node)
    maker = Maker(analyser, node)
    record = _Record(maker, node.items[1], list(node.items[2].items))
    record.constructor(f"->{record.type}", record.fields)
    whole = maker.call("dict-merge", maker.quoted({TYPE: record.type, **dict.fromkeys(record.fields)}), "it")
    record.definitions.append(maker.list("define", (f"map->{record.type}", "it"), whole))
    return record.done()


DEFINING.update(("define-record-type", "defstruct", "struct", "define-struct", "defrecord"))
