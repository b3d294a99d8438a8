"""Printing: to the run's captured output, or to a port, which collects text. It reaches no file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import call, wrong
from lisppump.lispy.builtins.format import filled
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import display_text, write_text
from lisppump.lispy.values import Primitive, Procedure, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def _no_call(*values: Value) -> NoReturn:
    raise LispyError("wrong-type", "a port is printed to, it cannot be called")


class Port(Primitive):
    """Where to print: a text that grows, or with `parts` None the run's own output.

    `sealed` is the number of the simulation in which it was made; from those inside, nothing gets out by it.
    """

    __slots__ = ("parts", "sealed", "size")

    def __init__(self, parts: list[str] | None, sealed: int = 0) -> None:
        super().__init__("port", _no_call)
        self.parts = parts
        self.sealed = sealed
        self.size = 0

    def put(self, run: Run, text: str) -> None:
        """Add to it."""
        if self.parts is None:
            run.write(text)
            return
        if run.sealed > self.sealed:
            run.outside("nothing can be printed to a port from outside")
        self.size += len(text)
        if self.size > run.limits.string:
            run.meter.text(self.size)
        run.meter.text(len(text))
        self.parts.append(text)


def _printer(run: Run, values: tuple[Value, ...]) -> tuple[Callable[[str], None], tuple[Value, ...]]:
    """What prints, and what is to be printed: a port may stand behind it."""
    if values and values[-1].__class__ is Port:
        port = values[-1]
        return lambda text: port.put(run, text), values[:-1]
    return run.write, values


@builtin("display", "(display x ... [port])",
         "Prints values raw: strings as they are, strings inside lists quoted.",
         example="(display \"a\") ;=> nil", cost="length / 16", aliases=("princ",))  # fmt: skip
def display(run: Run, *values: Value) -> Value:
    if len(values) == 1 and values[0].__class__ is not Port:
        run.write(display_text(run, values[0]))
        return
    put, values = _printer(run, values)
    for value in values:
        put(display_text(run, value))


@builtin("print", "(print x ... [port])", "Prints values raw with spaces between them, then a new line.",
         example="(print 1 2) ;=> nil", cost="length / 16",
         aliases=("println", "displayln", "display-line", "display*", "say", "print-line"))  # fmt: skip
def print_(run: Run, *values: Value) -> Value:
    put, values = _printer(run, values)
    for place, value in enumerate(values):
        if place:
            put(" ")
        put(display_text(run, value))
    put("\n")


@builtin("newline", "(newline [port])", "Prints the end of a line.", example="(newline) ;=> nil",
         aliases=("terpri", "fresh-line"))  # fmt: skip
def newline(run: Run, *values: Value) -> Value:
    put, others = _printer(run, values)
    if others:
        raise LispyError("wrong-arity", f"newline takes nothing but a port, got {len(values)} arguments")
    put("\n")


@builtin("write", "(write x ... [port])", "Prints values so that they read back: strings quoted.",
         example="(write \"a\") ;=> nil", cost="length / 16", aliases=("prin1", "pr"))  # fmt: skip
def write(run: Run, *values: Value) -> Value:
    put, values = _printer(run, values)
    for value in values:
        put(write_text(run, value))


@builtin("prn", "(prn x ... [port])",
         "Prints values so that they read back, spaces between them, then a new line.",
         example="(prn \"a\" 1) ;=> nil", cost="3 + length / 16",
         aliases=("pp", "pprint", "pretty-print", "writeln"))  # fmt: skip
def prn(run: Run, *values: Value) -> Value:
    run.meter.charge(3)
    put, values = _printer(run, values)
    put(" ".join([write_text(run, value) for value in values]) + "\n")


@builtin("printf", "(printf template x ...)", "Prints what format gives.",
         example="(printf \"~a\\n\" 1) ;=> nil", cost="4 + length / 16")  # fmt: skip
def printf(run: Run, template: Value, *values: Value) -> Value:
    run.meter.charge(4)
    run.write(filled(run, "printf", template, values))


@builtin("fprintf", "(fprintf port template x ...)", "Prints what format gives to a port.",
         example="(fprintf (current-output-port) \"~a\\n\" 1) ;=> nil", cost="4 + length / 16")  # fmt: skip
def fprintf(run: Run, port: Value, template: Value, *values: Value) -> Value:
    run.meter.charge(4)
    port_of("fprintf", port).put(run, filled(run, "fprintf", template, values))


def port_of(name: str, value: Value) -> Port:
    """A port."""
    if value.__class__ is not Port:
        raise wrong(name, "a port", value, 1)
    return value


@builtin("current-output-port", "(current-output-port)", "The port of the run's own output.",
         example="(display \"a\" (current-output-port)) ;=> nil",
         aliases=("current-error-port",))  # fmt: skip
def current_output_port(run: Run) -> Value:
    run.meter.allocate(64)
    return Port(None)


@builtin("open-output-string", "(open-output-string)",
         "A port that collects text; get-output-string gives it.",
         example="(let ((p (open-output-string))) (write \"a\" p) (get-output-string p)) ;=> "
                 "\"\\\"a\\\"\"")  # fmt: skip
def open_output_string(run: Run) -> Value:
    run.meter.allocate(128)
    return Port([], run.sealed)


@builtin("get-output-string", "(get-output-string port)", "The text that a port has collected.",
         example="(let ((p (open-output-string))) (display 1 p) (get-output-string p)) ;=> \"1\"",
         cost="length / 16")  # fmt: skip
def get_output_string(run: Run, port: Value) -> Value:
    parts = port_of("get-output-string", port).parts
    if parts is None:
        raise LispyError("bad-value", "the port of the run's output does not give back what was printed")
    run.meter.text(port.size)
    return "".join(parts)


@builtin("call-with-output-string", "(call-with-output-string f)",
         "Calls f with a port and gives the text that it printed there.",
         example="(call-with-output-string (lambda (port) (display 1 port))) ;=> \"1\"",
         cost="the call")  # fmt: skip
def call_with_output_string(run: Run, procedure: Value) -> Value:
    port = open_output_string(run)
    call(run, "call-with-output-string", procedure)(port)
    return get_output_string(run, port)


@builtin("output-of", "(output-of f [nested])",
         "Calls f, and (with `nested`) a procedure that it gives; what they print, as a text.",
         example="(output-of (lambda () (display 1))) ;=> \"1\"", cost="the call")  # fmt: skip
def output_of(run: Run, procedure: Value, nested: Value = False) -> Value:
    function = call(run, "output-of", procedure)

    def body() -> None:
        value = function()
        if nested is True and isinstance(value, Procedure):
            run.function(value)()

    text = run.captured(body)
    run.meter.text(len(text))
    return text


@builtin("flush-output", "(flush-output [port])", "nil: what is printed is there at once.",
         example="(flush-output) ;=> nil", aliases=("force-output", "finish-output"))  # fmt: skip
def flush_output(run: Run, port: Value = None) -> Value:
    return None
