"""Control: calling and combining procedures, printing, raising errors, remembering results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.calling import once
from lisppump.lispy.builtins.check import call, walk, wrong
from lisppump.lispy.callfaults import blame
from lisppump.lispy.calls import APPLY, Builtin, spread
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Primitive, Procedure, Symbol, Value, is_list, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


CHAINED = 6  # steps for each procedure that a composition calls


@builtin("apply", "(apply f x ... list)", "Calls f with the arguments, the last of them a list of more.",
         example="(apply + 1 '(2 3)) ;=> 6", cost="5 + n, and the call")  # fmt: skip
def apply(run: Run, procedure: Value, first: Value, *others: Value) -> Value:
    last = others[-1] if others else first
    if procedure.__class__ is Builtin and last.__class__ is list:
        meter = run.meter
        meter.steps += APPLY + len(last)
        if meter.steps > meter.next_look:
            meter.look()
        given = [first, *others[:-1], *last] if others else last
        try:
            return spread(procedure.made or procedure.call, given, len(given))
        except LispyError as error:
            blame(error, None)
            raise
    if not isinstance(procedure, Procedure):
        raise wrong("apply", "a procedure", procedure, 1)
    if not is_list(last):
        raise wrong("apply", "a list", last, len(others) + 2)
    run.meter.charge(APPLY)
    items = walk(run, "apply", last)
    return run.apply(procedure, [first, *others[:-1], *items] if others else [*items])


MADE_BYTES = 1024  # what making a procedure out of others is charged
WORDS = {word: Symbol(word) for word in ("compose", "partial", "constantly", "complement", "memoize")}


def _made(
    run: Run, name: str, function: Callable[..., Value], low: int, high: int | None, *parts: Value
) -> Procedure:
    """A procedure that a call of `name` with these parts makes; that call is its source."""
    run.meter.allocate(MADE_BYTES)
    return Primitive(name, function, low, high, source=[WORDS[name], *parts])


def _chain(run: Run, name: str, procedures: list[Value]) -> Callable[..., Value]:
    """A function that calls the first procedure with its arguments, each other one with the result before."""
    count = None
    functions = []
    for place, procedure in enumerate(procedures, 1):
        functions.append(call(run, name, procedure, place, count))
        count = 1  # all but the first get what the one before gave
    steps = CHAINED * len(functions)
    first, *others = functions

    def chained(*values: Value) -> Value:
        meter = run.meter
        meter.steps += steps
        if meter.steps > meter.next_look:
            meter.look()
        result = first(values[0]) if len(values) == 1 else spread(first, values, len(values))
        for function in others:
            result = function(result)
        return result

    return chained


@builtin("compose", "(compose f ... g)",
         "A procedure that calls the last one, then the one before it with the result, ...",
         example="((compose inc abs) -3) ;=> 4", cost="6 x procedures at each call",
         aliases=("comp",))  # fmt: skip
def compose(run: Run, *procedures: Value) -> Value:
    if not procedures:
        return _made(run, "compose", lambda value: value, 1, 1)
    last = procedures[-1]
    function = _chain(run, "compose", list(reversed(procedures)))
    return _made(run, "compose", function, last.low, last.high, *procedures)


@builtin("funcall", "(funcall f x ...)", "Calls f with the arguments.", example="(funcall + 1 2) ;=> 3",
         cost="3 + the call")  # fmt: skip
def funcall(run: Run, procedure: Value, *values: Value) -> Value:
    run.meter.charge(3)
    if not isinstance(procedure, Procedure):
        raise wrong("funcall", "a procedure", procedure, 1)
    return run.apply(procedure, list(values))


@builtin("call-with-values", "(call-with-values f g)",
         "Calls g with the values that f gives: the elements of a list, or the one value that is no list.",
         example="(call-with-values (lambda () (values 1 2)) +) ;=> 3", cost="6 + the calls")  # fmt: skip
def call_with_values(run: Run, producer: Value, consumer: Value) -> Value:
    run.meter.charge(6)
    if not isinstance(producer, Procedure):
        raise wrong("call-with-values", "a procedure", producer, 1)
    if not isinstance(consumer, Procedure):
        raise wrong("call-with-values", "a procedure", consumer, 2)
    value = run.apply(producer, [])
    if not is_list(value) or consumer.high == 1:
        return run.apply(consumer, [value])
    return run.apply(consumer, list(walk(run, "call-with-values", value)))


@builtin("force", "(force x)", "The value of a promise that delay made; of anything else that itself.",
         example="(force (delay 5)) ;=> 5", cost="the call")  # fmt: skip
def force(run: Run, value: Value) -> Value:
    promise = isinstance(value, Procedure) and value.low == 0 and value.high == 0
    return run.function(value)() if promise else value


@builtin("pipe", "(pipe x f ...)", "The value put through each procedure in turn: (pipe x f g) is (g (f x)).",
         example="(pipe -3 abs inc) ;=> 4", cost="procedures, and the calls")  # fmt: skip
def pipe(run: Run, value: Value, *procedures: Value) -> Value:
    run.meter.charge(len(procedures))
    for place, procedure in enumerate(procedures, 2):
        if not isinstance(procedure, Procedure):
            help = "(->> x (f 1) (g 2)) puts a value through calls, each as the last argument"
            raise wrong("pipe", "a procedure", procedure, place, help)
        value = once(run, procedure, value)
    return value


@builtin("partial", "(partial f x ...)", "A procedure that calls f with these arguments before its own.",
         example="((partial + 10) 5) ;=> 15", cost="1 + arguments at each call",
         aliases=("curry",))  # fmt: skip
def partial(run: Run, procedure: Value, *values: Value) -> Value:
    fixed = isinstance(procedure, Procedure) and len(values) <= procedure.low == procedure.high
    function = call(run, "partial", procedure, 1, procedure.low if fixed else None)

    count = len(values)

    def applied(*others: Value) -> Value:
        meter = run.meter
        meter.steps += 1 + count + len(others)
        if meter.steps > meter.next_look:
            meter.look()
        if count == 1 and len(others) == 1:
            return function(values[0], others[0])
        return spread(function, (*values, *others), count + len(others))

    low = max(0, procedure.low - len(values))
    high = None if procedure.high is None else max(0, procedure.high - len(values))
    return _made(run, "partial", applied, low, high, procedure, *values)


@builtin("identity", "(identity x)", "The argument.", example="(identity 5) ;=> 5", aliases=("id-function",))
def identity(run: Run, value: Value) -> Value:
    return value


@builtin("constantly", "(constantly x)", "A procedure that always gives x.",
         example="((constantly 5) 1 2) ;=> 5", aliases=("const",))  # fmt: skip
def constantly(run: Run, value: Value) -> Value:
    return _made(run, "constantly", lambda *values: value, 0, None, value)


@builtin("complement", "(complement f)", "A procedure that is true where f is false.", cost="6 at each call",
         example="((complement even?) 3) ;=> #t", aliases=("negate",))  # fmt: skip
def complement(run: Run, procedure: Value) -> Value:
    function = call(run, "complement", procedure)

    def turned(*values: Value) -> Value:
        run.meter.charge(6)
        return not is_true(spread(function, values, len(values)))

    return _made(run, "complement", turned, procedure.low, procedure.high, procedure)


def _memory_key(value: Value) -> Any:
    """What an argument is remembered by: atoms by value and type, anything else by being the same one."""
    kind = value.__class__
    if kind in (int, float, str, bool):
        return kind, value
    return id(value)


@builtin("memoize", "(memoize f)",
         "A procedure that remembers, for this run, what f gave for its arguments; texts, numbers and "
         "names count as " "the same by value, lists and dicts when they are the very same.",
         example="((memoize inc) 1) ;=> 2", cost="20 + 3 at each call")  # fmt: skip
def memoize(run: Run, procedure: Value) -> Value:
    run.meter.charge(20)
    function = call(run, "memoize", procedure)
    token = object()

    def remembered(*values: Value) -> Value:
        run.meter.charge(3)
        known = run.memo.setdefault(token, {})
        key = tuple([_memory_key(value) for value in values])
        if key not in known:
            result = spread(function, values, len(values))
            run.meter.allocate(600)
            known[key] = (values, result)  # the arguments stay alive, so that no other gets their identity
        return known[key][1]

    made = _made(run, "memoize", remembered, procedure.low, procedure.high, procedure)
    made.name = procedure.name
    return made


@builtin("eval", "(eval program)",
         "The value of a text or of quoted data, in the program's top level and on its budget.",
         example="(eval '(+ 1 2)) ;=> 3", cost="what it does", aliases=("eval-string",))  # fmt: skip
def eval_(run: Run, program: Value) -> Value:
    return run.evaluate(program)


@builtin("gensym", "(gensym [prefix])", "A symbol that no program has.",
         cost="14", example="(equal? (gensym) (gensym)) ;=> #f")
def gensym(run: Run, prefix: Value = None) -> Value:
    run.meter.charge(14)
    return run.gensym()


@builtin("void", "(void x ...)", "nil, whatever the arguments.", example="(void 1 2) ;=> nil")
def void(run: Run, *values: Value) -> Value:
    return None
