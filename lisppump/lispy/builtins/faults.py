"""Errors a program raises and meets, and ways to leave early: error, raise, call/cc, dynamic-wind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lisppump.errors import CODES
from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import call, string, wrong
from lisppump.lispy.builtins.format import filled, places
from lisppump.lispy.errors import CapabilityError, Escape, LimitError, LispyError
from lisppump.lispy.printer import display_text, write_text
from lisppump.lispy.values import Keyword, Primitive, Symbol, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

CAUGHT = ("syntax", "unbound", "type", "arity", "value", "capability", "user")  # what `try` may have caught


@builtin("error", "(error message x ...)",
         "Ends the program with an error of its own; `try` catches it. Values follow the message, or "
         "stand where it has ~a for them.",
         example="(try (error \"no\" 5) (catch e (get e \"message\"))) ;=> \"no 5\"")  # fmt: skip
def error(run: Run, message: Value = "error", *values: Value) -> NoReturn:
    data = list(values) if values else None
    said = display_text(run, message)
    if message.__class__ is str:
        run.meter.text(len(said))
    shown = values
    if message.__class__ in (Symbol, Keyword) and values and values[0].__class__ is str:
        message, shown = values[0], values[1:]
        said = f"{said}: {message}"
    if message.__class__ is str and shown and places(run, message) == len(shown):
        before = said[: len(said) - len(message)]
        raise LispyError("user-error", before + filled(run, "error", message, shown), data=data)
    parts = [said, *[write_text(run, value) for value in shown]]
    raise LispyError("user-error", " ".join(parts), data=data)


@builtin("raise", "(raise x)",
         "Ends the program with a value as its error; a caught error goes on as it was.",
         example="(try (raise 'oops) (catch e (get e \"data\"))) ;=> oops", aliases=("throw",))  # fmt: skip
def raise_(run: Run, value: Value) -> NoReturn:
    if _is_error(value):
        code = value["code"]
        known = CODES.get(code) if code.__class__ is str else None
        if known is not None and (known.category in CAUGHT or code == "builtin-failed"):
            kind = CapabilityError if known.category == "capability" else LispyError
            raise kind(code, value["message"], data=value.get("data"))
    error = LispyError("user-error", display_text(run, value), data=value)
    error.raised = True
    raise error


@builtin("ex-info", "(ex-info message data)",
         "An error to throw: a dict of code, message, category and data, as `try` gives one that it caught.",
         example="(try (throw (ex-info \"bad\" {:x 1})) (catch e (ex-data e))) ;=> {\"x\" 1}")  # fmt: skip
def ex_info(run: Run, message: Value, data: Value) -> Value:
    run.meter.allocate(512)
    return {"code": "user-error", "message": string("ex-info", message), "category": "user", "data": data}


def _is_error(value: Value) -> bool:
    return isinstance(value, dict) and "code" in value and value.get("message").__class__ is str


@builtin("error-object?", "(error-object? x)",
         "True for what `try` and `guard` catch: a dict of code and message.",
         example="(try (car '()) (catch e (error-object? e))) ;=> #t", aliases=("error?", "exn?", "exn:fail?",
                  "condition?"))  # fmt: skip
def is_error_object(run: Run, value: Value) -> Value:
    return _is_error(value)


@builtin("error-object-message", "(error-object-message e)", "The message of an error that was caught.",
         example="(guard (e (#t (error-object-message e))) (error \"no\")) ;=> \"no\"",
         aliases=("error-message", "error-message-string", "exn-message", "condition-message", "ex-message",
                  "condition/report-string"))  # fmt: skip
def error_object_message(run: Run, value: Value) -> Value:
    if not _is_error(value):
        raise wrong("error-object-message", "an error that was caught", value)
    return value["message"]


@builtin("error-object-irritants", "(error-object-irritants e)",
         "The values that stood behind the message of an error that was caught.",
         example="(guard (e (#t (error-object-irritants e))) (error \"no\" 1 2)) ;=> (1 2)",
         aliases=("condition-irritants", "ex-data"))  # fmt: skip
def error_object_irritants(run: Run, value: Value) -> Value:
    if not _is_error(value):
        raise wrong("error-object-irritants", "an error that was caught", value)
    return value.get("data")


@builtin("with-exception-handler", "(with-exception-handler handler f)",
         "Calls f; if that ends in an error, the handler is called with it, and has to leave: by a "
         "continuation of call/cc, or by an error of its own.",
         example="(call/cc (lambda (k) (with-exception-handler (lambda (e) (k 0)) (lambda () (car "
                 "'()))))) ;=> 0", cost="10 + the calls")  # fmt: skip
def with_exception_handler(run: Run, handler: Value, procedure: Value) -> Value:
    run.meter.charge(10)
    from lisppump.lispy.formcode import caught_value

    handle = call(run, "with-exception-handler", handler)
    function = call(run, "with-exception-handler", procedure, 2)
    depth = run.depth
    try:
        return function()
    except LimitError:
        raise
    except LispyError as error:
        caught = error
    run.depth = depth
    run.meter.allocate(512)
    handle(caught_value(caught))
    caught.help = "(try form ... (catch e form ...)) gives what its handler gives"
    raise caught


@builtin("call/cc", "(call/cc f)",
         "Calls f with a procedure k; (k x) leaves the call at once, with x as its value. k counts as "
         "long as the call goes on, not after it.", example="(call/cc (lambda (k) (+ 1 (k 5)))) ;=> 5",
         cost="80 + 1, and the call", aliases=("call-with-current-continuation", "call/ec",
                  "call-with-escape-continuation"))  # fmt: skip
def call_cc(run: Run, procedure: Value) -> Value:
    run.meter.charge(80)
    function = call(run, "call/cc", procedure)
    run.meter.charge(1)
    run.meter.allocate(160)
    depth = run.depth
    escape = Escape()

    def leave(*values: Value) -> NoReturn:
        if escape.over:
            raise LispyError("bad-value", "this continuation is over: its call/cc has given a value already",
                             help="call/cc leaves a calculation, it cannot enter one again")  # fmt: skip
        escape.value = values[0] if len(values) == 1 else list(values)
        raise escape

    try:
        return function(Primitive("continuation", leave, 0, None))
    except Escape as left:
        if left is not escape:
            raise
        run.depth = depth
        return escape.value
    finally:
        escape.over = True


@builtin("dynamic-wind", "(dynamic-wind before f after)",
         "What f gives; before is called ahead of it, after behind it, even when it ends in an error or "
         "is left.", example="(let ((n 0)) (dynamic-wind void (lambda () 1) (lambda () (set! n 5))) n) ;=> 5",
         cost="10 + the calls")  # fmt: skip
def dynamic_wind(run: Run, before: Value, procedure: Value, after: Value) -> Value:
    run.meter.charge(10)
    begin = call(run, "dynamic-wind", before)
    function = call(run, "dynamic-wind", procedure, 2)
    end = call(run, "dynamic-wind", after, 3)
    begin()
    depth = run.depth
    try:
        value = function()
    except LimitError as error:
        if isinstance(error, Escape):
            run.depth = depth
            end()
        raise
    except LispyError:
        run.depth = depth
        end()
        raise
    end()
    return value
