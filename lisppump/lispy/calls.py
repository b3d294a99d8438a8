"""Procedures and what it takes to call them: arity, depth, tail calls. It knows nothing of syntax.

Calls go from Python function to Python function only, so a program's recursion never deepens the C stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.callfaults import blame, no_procedure, rename, too_deep, usage_help, wrong_arity
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, datum, usage_of
from lisppump.lispy.run import Run
from lisppump.lispy.values import Function, Primitive, Procedure, Value

Frame = list[Any]
Code = Callable[[Frame], Value]
TAIL: Any = type("_Tail", (), {"__slots__": ()})()  # "call run.tail_body with run.tail_frame"
APPLY = 5  # steps of `apply` beside those for the arguments
MADE = 3  # steps of calling a procedure that a builtin made
CLOSURE_BYTES = 160  # what making a procedure is charged, with the function it has once it is hot
FEW_LOCALS = 16  # of a procedure, which making it is not charged for


class Template:
    """What all closures of one lambda share."""

    __slots__ = (
        "arity", "body", "check", "doc", "entry", "factory", "free", "heat", "kinds", "locals", "missing",
        "name", "node", "rest", "run", "tree", "turning", "warm",
    )  # fmt: skip

    def __init__(
        self, name: str, arity: int, rest: bool, doc: str | None, node: Node | None, run: Run, locals: int
    ) -> None:
        self.name = name
        self.arity = arity
        self.rest = rest
        self.doc = doc
        self.node = node
        self.run = run
        self.locals = locals
        self.body: Code
        self.check: Callable[[str, list[Value]], None] | None = None  # refuses arguments
        # Of the second tier: see heat.py.
        self.heat = 0
        self.factory: Any = None
        self.entry: Any = None
        self.free = 0  # how many values it captures
        self.turning: dict[str, Any] = {}
        self.kinds: dict[Any, str] = {}
        self.tree: Any = None
        self.missing: Any = None
        self.warm: Any = None


class Closure(Procedure):
    """A procedure written in LisPy. `arity` is -1 where it collects arguments; `fast` is its hot code."""

    __slots__ = ("__weakref__", "arity", "fast", "tail", "template")
    template: Template
    tail: Frame
    fast: Any
    arity: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """What it was defined as."""
        return self.template.name

    @property
    def call(self) -> Function:  # type: ignore[override]
        """A Python function that runs it to its end."""
        return enter(self.template.run, self)

    @property
    def low(self) -> int:  # type: ignore[override]
        """The fewest arguments it takes."""
        return self.template.arity

    @property
    def high(self) -> int | None:  # type: ignore[override]
        """The most arguments it takes."""
        return None if self.template.rest else self.template.arity

    @property
    def doc(self) -> str | None:  # type: ignore[override]
        """Its docstring."""
        return self.template.doc

    @property
    def source(self) -> Value:
        """The form that made it, as data."""
        node = self.template.node
        return None if node is None else datum(node)


def closure_bytes(captured: int, locals: int) -> int:
    """What making a procedure is charged: one that captures anything carries room for its locals."""
    return CLOSURE_BYTES + 16 * captured + (8 * locals if captured and locals > FEW_LOCALS else 0)


def closure_of(template: Template, tail: Frame) -> Closure:
    """A procedure of a template that has captured what begins its tail."""
    made = Closure()
    made.template = template
    made.tail = tail
    made.fast = None
    made.arity = -1 if template.rest else template.arity
    return made


class Builtin(Primitive):
    """A procedure of the language, bound to one run.

    Code that calls one by its name calls its `function`; `made` is what all others call, once somebody did.
    """

    __slots__ = ("function", "made", "run", "spec")

    def __init__(self, run: Run, spec: BuiltinSpec, name: str) -> None:
        self.name, self.low, self.high, self.doc, self.source = name, spec.low, spec.high, spec.doc, None
        self.run = run
        self.spec = spec
        self.function = spec.function
        self.made: Function | None = None

    @property
    def call(self) -> Function:  # type: ignore[override]
        """A Python function that runs it to its end."""
        if self.made is None:
            self.made = _function_of(self.run, self.spec, self.name)
        return self.made


def _function_of(run: Run, spec: BuiltinSpec, name: str) -> Function:
    """What calls a builtin that a program knows by a name, with any arguments."""
    function = spec.function
    low, high = spec.low, spec.high

    def call(*arguments: Value) -> Value:
        count = len(arguments)
        if count < low or (high is not None and count > high):
            raise wrong_arity(name, low, high, count, spec.usage_as(name))
        run.depth += 1
        if run.depth > run.limits.depth:
            raise too_deep(run)
        try:
            if count == 1:
                value = function(run, arguments[0])
            elif count == 2:
                value = function(run, arguments[0], arguments[1])
            elif count == 3:
                value = function(run, arguments[0], arguments[1], arguments[2])
            else:
                value = function(run, *arguments)
        except LispyError as error:
            rename(error, spec, name)
            raise
        run.depth -= 1
        return value

    return call


def frame_of(closure: Closure, arguments: Frame) -> Frame:
    """The frame of a call, whatever the closure takes."""
    template = closure.template
    count = template.arity
    got = len(arguments)
    if not template.rest:
        if got != count:
            raise wrong_arity(template.name, count, count, got, usage_of(template.name, template.node))
        return [*arguments, *closure.tail]
    if got < count:
        raise wrong_arity(template.name, count, None, got, usage_of(template.name, template.node))
    if template.check is not None:
        try:
            template.check(template.name, arguments[count:])
        except LispyError as error:
            error.help = usage_help(usage_of(template.name, template.node))
            raise
    template.run.meter.container(got - count)
    return [*arguments[:count], arguments[count:], *closure.tail]


def invoke(run: Run, procedure: Value, arguments: Frame, span: Span | None) -> Value:
    """The value of any call, the long way."""
    if procedure.__class__ is Closure:
        try:
            frame = frame_of(procedure, arguments)
        except LispyError as error:
            blame(error, span)
            raise
        depth = run.depth = run.depth + 1
        meter = run.meter
        if depth > run.limits.depth:
            raise too_deep(run)
        meter.steps += 1
        if meter.steps > meter.next_look:
            meter.look()
        try:
            value = procedure.template.body(frame)
            if value is TAIL:
                value = land(run)
        except LispyError as error:
            blame(error, span, procedure.template.name)
            raise
        run.depth = depth - 1
        return value
    try:
        if not isinstance(procedure, Procedure):
            raise no_procedure(procedure)
        if procedure.__class__ is Builtin:
            return spread(procedure.made or procedure.call, arguments, len(arguments))
        return _counted_call(run, procedure, arguments)
    except LispyError as error:
        blame(error, span)
        raise


def land(run: Run) -> Value:
    """Run tail calls until there is a value."""
    depth = run.depth
    value = land_deeper(run, depth - 1)
    run.depth = depth
    return value


def land_deeper(run: Run, depth: int) -> Value:
    """The value of tail calls that code of this depth waits for."""
    meter = run.meter
    while True:
        fast = run.tail_fast
        if fast is None:
            run.depth = depth + 1
            meter.steps += 1
            if meter.steps > meter.next_look:
                meter.look()
            value = run.tail_body(run.tail_frame)  # type: ignore[misc, arg-type]
        else:  # hot code counts depth and steps itself
            arguments = run.tail_args
            run.tail_fast = None
            try:
                count = len(arguments)
                if count == 1:
                    value = fast(arguments[0], depth)
                elif count == 2:
                    value = fast(arguments[0], arguments[1], depth)
                elif count == 3:
                    value = fast(arguments[0], arguments[1], arguments[2], depth)
                else:
                    value = spread_at(fast, arguments, count, depth)
            except LispyError as error:
                error.fresh = False  # who waits for the value is the caller
                raise
        if value is not TAIL:
            return value


def spread_at(fast: Callable[..., Value], values: Any, count: int, depth: int) -> Value:
    """Hot code called with the first `count` values; up to six do not deepen the C stack."""
    if count == 1:
        return fast(values[0], depth)
    if count == 2:
        return fast(values[0], values[1], depth)
    if count == 3:
        return fast(values[0], values[1], values[2], depth)
    if count == 0:
        return fast(depth)
    if count == 4:
        return fast(values[0], values[1], values[2], values[3], depth)
    if count == 5:
        return fast(values[0], values[1], values[2], values[3], values[4], depth)
    return fast(values[0], values[1], values[2], values[3], values[4], values[5], depth)


def spread(fast: Callable[..., Value], values: Any, count: int) -> Value:
    """A function called with the first `count` values; up to six do not deepen the C stack."""
    if count == 1:
        return fast(values[0])
    if count == 2:
        return fast(values[0], values[1])
    if count == 3:
        return fast(values[0], values[1], values[2])
    if count == 0:
        return fast()
    if count == 4:
        return fast(values[0], values[1], values[2], values[3])
    if count == 5:
        return fast(values[0], values[1], values[2], values[3], values[4])
    if count == 6:
        return fast(values[0], values[1], values[2], values[3], values[4], values[5])
    return fast(*values[:count])


def jump(run: Run, procedure: Value, arguments: Frame, span: Span | None) -> Value:
    """A call in tail position, the long way: TAIL for a closure, else the value."""
    if procedure.__class__ is Closure:
        try:
            run.tail_frame = frame_of(procedure, arguments)
        except LispyError as error:
            blame(error, span)
            raise
        run.tail_body = procedure.template.body
        return TAIL
    return invoke(run, procedure, arguments, span)


def enter(run: Run, procedure: Procedure, count: int | None = None) -> Function:
    """A Python function that calls a procedure to its end, for builtins; `count`: always with so many."""
    if procedure.__class__ is Builtin:
        return procedure.call
    if procedure.__class__ is not Closure:
        return lambda *arguments: _counted_call(run, procedure, arguments)
    if count == procedure.arity and count in (1, 2):
        if procedure.template.entry:
            return run.heat.callback(procedure, None)  # type: ignore[no-any-return]
        return _short_entry(run, procedure, _slow_entry(run, procedure), count)
    return _entry(run, procedure, _slow_entry(run, procedure))


def _slow_entry(run: Run, closure: Closure) -> Callable[[tuple[Value, ...]], Value]:
    """Calls a procedure in the first tier."""
    template, tail, arity = closure.template, closure.tail, closure.arity

    def slowly(arguments: tuple[Value, ...]) -> Value:
        frame = [*arguments, *tail] if len(arguments) == arity else frame_of(closure, [*arguments])
        depth = run.depth = run.depth + 1
        if depth > run.limits.depth:
            raise too_deep(run)
        meter = run.meter
        meter.steps += 1
        if meter.steps > meter.next_look:
            meter.look()
        try:
            value = template.body(frame)
            if value is TAIL:
                value = land(run)
        except LispyError as error:
            blame(error, None, template.name)
            raise
        run.depth = depth - 1
        return value

    return slowly


def _short_entry(
    run: Run, closure: Closure, slowly: Callable[[tuple[Value, ...]], Value], count: int
) -> Function:
    """Calls a procedure of one argument or two, in the second tier where it is hot."""
    template, heat = closure.template, run.heat
    entry: Any = None

    def one(a: Value) -> Value:
        nonlocal entry
        if entry is not None:
            return entry(a)
        if template.entry is None and template.heat >= heat.after - 1:
            entry = heat.callback(closure, (a,))
            return one(a)
        return slowly((a,)) if template.factory is None else _through(run, closure, (a,))

    def two(a: Value, b: Value) -> Value:
        nonlocal entry
        if entry is not None:
            return entry(a, b)
        if template.entry is None and template.heat >= heat.after - 1:
            entry = heat.callback(closure, (a, b))
            return two(a, b)
        return slowly((a, b)) if template.factory is None else _through(run, closure, (a, b))

    return one if count == 1 else two


def _entry(run: Run, closure: Closure, slowly: Callable[[tuple[Value, ...]], Value]) -> Function:
    """Calls a procedure of any arguments, in the second tier where it is hot."""
    template, arity = closure.template, closure.arity
    entry = run.heat.callback(closure, None) if template.entry else None

    def call(*arguments: Value) -> Value:
        if entry is not None and len(arguments) == arity:
            return spread(entry, arguments, arity)
        if template.factory is None or len(arguments) != arity:
            return slowly(arguments)
        return _through(run, closure, arguments)

    return call


def _through(run: Run, closure: Closure, arguments: tuple[Value, ...]) -> Value:
    """Calls hot code from outside of it."""
    depth = run.depth
    try:
        value = spread_at(closure.fast or run.heat.ready(closure), arguments, len(arguments), depth)
        if value is TAIL:
            value = land_deeper(run, depth)
    except LispyError as error:
        blame(error, None, closure.template.name)
        raise
    run.depth = depth
    return value


def _counted_call(run: Run, procedure: Procedure, arguments: Sequence[Value]) -> Value:
    """A procedure a builtin made: a call counts two levels, as spreading arguments deepens the C stack."""
    count, high = len(arguments), procedure.high
    if count < procedure.low or (high is not None and count > high):
        raise wrong_arity(procedure.name, procedure.low, high, count)
    depth = run.depth
    run.depth = depth + 2
    if depth + 2 > run.limits.depth:
        raise too_deep(run)
    meter = run.meter
    meter.steps += MADE
    if meter.steps > meter.next_look:
        meter.look()
    function = procedure.call
    value = function(arguments[0]) if count == 1 else spread(function, arguments, count)
    run.depth = depth
    return value
