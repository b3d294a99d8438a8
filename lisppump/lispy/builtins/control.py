"""Control: calling and combining procedures, printing, raising errors, remembering results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from lisppump.errors import CODES
from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import call, walk, wrong
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import display_text, write_text
from lisppump.lispy.values import Keyword, Procedure, Symbol, Value, is_list, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("apply", "(apply f x ... list)", "Calls f with the arguments, the last of them a list of more.",
         example="(apply + 1 '(2 3)) ;=> 6", cost="n, and the call")  # fmt: skip
def apply(run: Run, procedure: Value, first: Value, *others: Value) -> Value:
    if not isinstance(procedure, Procedure):
        raise wrong("apply", "a procedure", procedure, 1)
    values = (first, *others)
    if not is_list(values[-1]):
        raise wrong("apply", "a list", values[-1], len(values) + 1)
    return run.apply(procedure, [*values[:-1], *walk(run, "apply", values[-1])])


def _made(run: Run, name: str, function: Callable[..., Value], low: int, high: int | None) -> Procedure:
    run.meter.allocate(160)
    return Procedure(name, function, low, high)


def _chain(run: Run, name: str, procedures: list[Value]) -> Callable[..., Value]:
    """A function that calls the first procedure with its arguments, each other one with the result before."""
    functions = [call(run, name, procedure, place) for place, procedure in enumerate(procedures, 1)]

    def chained(*values: Value) -> Value:
        run.meter.charge(len(functions))
        result = functions[0](*values)
        for function in functions[1:]:
            result = function(result)
        return result

    return chained


@builtin("compose", "(compose f ... g)",
         "A procedure that calls the last one, then the one before it with the result, ...",
         example="((compose inc abs) -3) ;=> 4", cost="procedures at each call",
         aliases=("comp",))  # fmt: skip
def compose(run: Run, *procedures: Value) -> Value:
    if not procedures:
        return _made(run, "compose", lambda value: value, 1, 1)
    last = procedures[-1]
    function = _chain(run, "compose", list(reversed(procedures)))
    return _made(run, "compose", function, last.low, last.high)


@builtin("pipe", "(pipe x f ...)", "The value put through each procedure in turn: (pipe x f g) is (g (f x)).",
         example="(pipe -3 abs inc) ;=> 4", cost="procedures, and the calls")  # fmt: skip
def pipe(run: Run, value: Value, *procedures: Value) -> Value:
    run.meter.charge(len(procedures))
    for place, procedure in enumerate(procedures, 2):
        value = call(run, "pipe", procedure, place)(value)
    return value


@builtin("partial", "(partial f x ...)", "A procedure that calls f with these arguments before its own.",
         example="((partial + 10) 5) ;=> 15", cost="1 at each call", aliases=("curry",))  # fmt: skip
def partial(run: Run, procedure: Value, *values: Value) -> Value:
    function = call(run, "partial", procedure)

    def applied(*others: Value) -> Value:
        run.meter.charge(1 + len(values))
        return function(*values, *others)

    low = max(0, procedure.low - len(values))
    high = None if procedure.high is None else max(0, procedure.high - len(values))
    return _made(run, "partial", applied, low, high)


@builtin("identity", "(identity x)", "The argument.", example="(identity 5) ;=> 5", aliases=("id-function",))
def identity(run: Run, value: Value) -> Value:
    return value


@builtin("constantly", "(constantly x)", "A procedure that always gives x.",
         example="((constantly 5) 1 2) ;=> 5", aliases=("const",))  # fmt: skip
def constantly(run: Run, value: Value) -> Value:
    return _made(run, "constantly", lambda *values: value, 0, None)


@builtin("complement", "(complement f)", "A procedure that is true where f is false.", cost="1 at each call",
         example="((complement even?) 3) ;=> #t", aliases=("negate",))  # fmt: skip
def complement(run: Run, procedure: Value) -> Value:
    function = call(run, "complement", procedure)

    def turned(*values: Value) -> Value:
        run.meter.charge(1)
        return not is_true(function(*values))

    return _made(run, "complement", turned, procedure.low, procedure.high)


def _memory_key(value: Value) -> Any:
    """What an argument is remembered by: atoms by value and type, anything else by being the same one."""
    kind = value.__class__
    if kind in (int, float, str, bool):
        return kind, value
    return id(value)


@builtin("memoize", "(memoize f)",
         "A procedure that remembers, for this run, what f gave for its arguments; texts, numbers and "
         "names count as " "the same by value, lists and dicts when they are the very same.",
         example="((memoize inc) 1) ;=> 2", cost="1 at each call")  # fmt: skip
def memoize(run: Run, procedure: Value) -> Value:
    function = call(run, "memoize", procedure)
    token = object()

    def remembered(*values: Value) -> Value:
        run.meter.charge(1)
        known = run.memo.setdefault(token, {})
        key = tuple([_memory_key(value) for value in values])
        if key not in known:
            result = function(*values)
            run.meter.allocate(200)
            known[key] = (values, result)  # the arguments stay alive, so that no other gets their identity
        return known[key][1]

    return _made(run, procedure.name, remembered, procedure.low, procedure.high)


@builtin("eval", "(eval program)",
         "The value of a text or of quoted data, in the program's top level and on its budget.",
         example="(eval '(+ 1 2)) ;=> 3", cost="what it does", aliases=("eval-string",))  # fmt: skip
def eval_(run: Run, program: Value) -> Value:
    return run.evaluate(program)


@builtin("display", "(display x ...)", "Prints values raw: strings as they are, strings inside lists quoted.",
         example="(display \"a\") ;=> nil", cost="length / 16", aliases=("princ",))  # fmt: skip
def display(run: Run, *values: Value) -> Value:
    for value in values:
        run.write(display_text(run, value))


@builtin("print", "(print x ...)", "Prints values raw with spaces between them, then a new line.",
         example="(print 1 2) ;=> nil", cost="length / 16",
         aliases=("println", "displayln", "display-line", "display*", "say", "print-line"))  # fmt: skip
def print_(run: Run, *values: Value) -> Value:
    for place, value in enumerate(values):
        if place:
            run.write(" ")
        run.write(display_text(run, value))
    run.write("\n")


@builtin("newline", "(newline)", "Prints the end of a line.", example="(newline) ;=> nil",
         aliases=("terpri",))  # fmt: skip
def newline(run: Run) -> Value:
    run.write("\n")


@builtin("write", "(write x ...)", "Prints values so that they read back: strings quoted.",
         example="(write \"a\") ;=> nil", cost="length / 16", aliases=("prin1",))  # fmt: skip
def write(run: Run, *values: Value) -> Value:
    for value in values:
        run.write(write_text(run, value))


@builtin("error", "(error message x ...)", "Ends the program with an error of its own; `try` catches it.",
         example="(try (error \"no\" 5) (catch e (get e \"message\"))) ;=> \"no 5\"")  # fmt: skip
def error(run: Run, message: Value = "error", *values: Value) -> NoReturn:
    parts = [display_text(run, message)]
    if message.__class__ in (Symbol, Keyword) and values and values[0].__class__ is str:
        parts = [f"{display_text(run, message)}: {values[0]}"]
        shown = values[1:]
    else:
        shown = values
    parts.extend(write_text(run, value) for value in shown)
    raise LispyError("user-error", " ".join(parts), data=list(values) if values else None)


@builtin("raise", "(raise x)",
         "Ends the program with a value as its error; a caught error goes on as it was.",
         example="(try (raise 'oops) (catch e (get e \"data\"))) ;=> oops", aliases=("throw",))  # fmt: skip
def raise_(run: Run, value: Value) -> NoReturn:
    if isinstance(value, dict) and "code" in value and value.get("message").__class__ is str:
        code = value["code"]
        known = CODES.get(code) if code.__class__ is str else None
        if known is not None and known.category not in ("limit", "capability"):
            raise LispyError(code, value["message"], data=value.get("data"))
    raise LispyError("user-error", display_text(run, value), data=value)


@builtin("gensym", "(gensym)", "A symbol that no program has.", example="(equal? (gensym) (gensym)) ;=> #f")
def gensym(run: Run, prefix: Value = None) -> Value:
    return run.gensym()


@builtin("void", "(void x ...)", "nil, whatever the arguments.", example="(void 1 2) ;=> nil")
def void(run: Run, *values: Value) -> Value:
    return None
