"""The language about itself: what there is, how it is used, what this run may do and has done."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from lisppump.lispy import library
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec, builtin
from lisppump.lispy.builtins.check import string, wrong
from lisppump.lispy.nodes import datum
from lisppump.lispy.printer import write_text
from lisppump.lispy.values import Keyword, Procedure, Symbol, Value, elements

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def manual(name: str, spec: BuiltinSpec) -> str:
    """What the table says about a builtin, as a person reads it."""
    lines = [spec.usage, "", spec.doc, "", f"Example: {spec.example}"]
    if spec.cost != "0":
        lines.append(f"Cost in steps: {spec.cost}.")
    if spec.capability:
        lines.append(f"Needs the capability {spec.capability}.")
    others = [word for word in (spec.name, *spec.aliases) if word != name]
    if others:
        lines.append(f"Also: {', '.join(others)}.")
    return "\n".join(lines)


@builtin("describe", "(describe x)",
         "What is known about a procedure, or about a builtin or form by its name, as text.", cost="1",
         example="(string? (describe 'map)) ;=> #t", aliases=("help", "doc"))  # fmt: skip
def describe(run: Run, value: Value) -> Value:
    run.meter.charge(1)
    if isinstance(value, Procedure):
        spec = BUILTINS.get(value.name) if value.source is None else None
        return manual(value.name, spec) if spec is not None else _about(value)
    name = value.name if value.__class__ in (Symbol, Keyword) else string("describe", value)
    from lisppump.lispy.forms import FORMS

    spec = BUILTINS.get(name)
    if spec is not None:
        return manual(name, spec)
    if name in FORMS:
        form = FORMS[name]
        return f"{form.usage}\n\n{form.doc}\n\nExample: {form.example}"
    written = library.definition(name)
    if written is not None:
        _, head, doc, *_ = elements(datum(written))
        run.meter.charge(len(doc))
        return f"{write_text(run, head)}\n\n{doc}"
    return f'There is no builtin or form {name[:80]}; (apropos "{name[:80]}") searches for one.'


def _about(procedure: Procedure) -> str:
    """What is known of a procedure that is in no table."""
    low, high = procedure.low, procedure.high
    count = f"{low}" if low == high else f"{low} to {'any number' if high is None else high}"
    text = f"{procedure.name}: a procedure of {count} arguments."
    return f"{text}\n\n{procedure.doc}" if procedure.doc else text


@builtin("apropos", "(apropos text)", "The builtins whose name or description has a text in it, by name.",
         cost="builtins", example="(first (apropos \"flat-map\")) ;=> flat-map")  # fmt: skip
def apropos(run: Run, value: Value) -> Value:
    word = value.name if value.__class__ in (Symbol, Keyword) else string("apropos", value)
    word = word.lower()
    run.meter.charge(len(BUILTINS))
    known = sorted({*BUILTINS, *library.names()})
    named = [name for name in known if word in name]
    told = [name for name, spec in BUILTINS.items() if name == spec.name and word in spec.doc.lower()]
    return [Symbol(name) for name in [*named, *sorted(set(told) - set(named))]]


@builtin("source", "(source f)", "The definition of a procedure as data, nil of a builtin.",
         example="(source car) ;=> nil")  # fmt: skip
def source(run: Run, value: Value) -> Value:
    if not isinstance(value, Procedure):
        raise wrong("source", "a procedure", value, 1)
    return value.source


@builtin("capabilities", "(capabilities)", "The names of what this run was granted.",
         example="(list? (capabilities)) ;=> #t")  # fmt: skip
def capabilities(run: Run) -> Value:
    return sorted(run.granted)


@builtin("limits", "(limits)", "The limits of this run, by name.",
         example="(get (limits) \"bits\") ;=> 14000")  # fmt: skip
def limits(run: Run) -> Value:
    return {field.name: getattr(run.limits, field.name) for field in fields(run.limits)}


@builtin("usage", "(usage)", "What this run has used so far: steps, bytes of data, characters printed.",
         example="(integer? (get (usage) \"steps\")) ;=> #t", aliases=("execution-usage",))  # fmt: skip
def usage(run: Run) -> Value:
    return {"steps": run.meter.steps, "bytes": run.meter.allocated, "output": run.meter.output}
