"""The language about itself: what there is, how it is used, what this run may do and has done."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from lisppump.lispy import library
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec, builtin
from lisppump.lispy.builtins.check import string, wrong
from lisppump.lispy.calls import Builtin
from lisppump.lispy.elsewhere import meant
from lisppump.lispy.nodes import datum
from lisppump.lispy.printer import write_text
from lisppump.lispy.values import Keyword, Procedure, Symbol, Value, elements

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def manual(name: str, spec: BuiltinSpec) -> str:
    """What the table says about a builtin, as a person reads it who knows it as `name`."""
    usage, example = spec.usage, spec.example
    others = [word for word in (spec.name, *spec.aliases) if word != name]
    if "/" in name and name not in (spec.name, *spec.aliases):  # of a plugin; others may have the short names
        usage, example = (_as_called(text, spec.name, name) for text in (usage, example))
        others = []
    lines = [usage, "", spec.doc, "", f"Example: {example}"]
    if spec.cost != "0":
        lines.append(f"Cost in steps: {spec.cost}.")
    if spec.capability:
        lines.append(f"Needs the capability {spec.capability}.")
    if others:
        lines.append(f"Also: {', '.join(others)}.")
    return "\n".join(lines)


def _as_called(text: str, name: str, called: str) -> str:
    """A piece of program with the calls of one name turned into calls of another."""
    return re.sub(rf"\({re.escape(name)}(?=[\s)])", lambda _: f"({called}", text)


def _offered(run: Run) -> dict[str, BuiltinSpec]:
    """What plugins add, by name; a full name only of what has no other."""
    from lisppump.lispy.forms import FORMS

    taken = {*BUILTINS, *FORMS, *library.names()}
    free = {name: spec for name, spec in run.offered.items() if name not in taken}
    short = {id(spec) for name, spec in free.items() if "/" not in name}
    return {name: spec for name, spec in free.items() if "/" not in name or id(spec) not in short}


@builtin("describe", "(describe x)",
         "What is known about a procedure, or about a builtin or form by its name, as text.", cost="21",
         example="(string? (describe 'map)) ;=> #t", aliases=("help", "doc"))  # fmt: skip
def describe(run: Run, value: Value) -> Value:
    run.meter.charge(20)
    run.meter.charge(1)
    if isinstance(value, Procedure):
        return manual(value.name, value.spec) if isinstance(value, Builtin) else _about(value)
    name = value.name if value.__class__ in (Symbol, Keyword) else string("describe", value)
    run.meter.charge(len(name) >> 4)
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
    spec = run.offered.get(name)
    if spec is not None:
        return manual(name, spec)
    help = meant(name)
    if help is not None:
        return f"There is no builtin or form {name}; {help}."
    return f'There is no builtin or form {name[:80]}; (apropos "{name[:80]}") searches for one.'


def _about(procedure: Procedure) -> str:
    """What is known of a procedure that is in no table."""
    low, high = procedure.low, procedure.high
    count = f"{low}" if low == high else f"{low} to {'any number' if high is None else high}"
    text = f"{procedure.name}: a procedure of {count} arguments."
    return f"{text}\n\n{procedure.doc}" if procedure.doc else text


@builtin("apropos", "(apropos text)", "The builtins whose name or description has a text in it, by name.",
         cost="15 x builtins", example="(first (apropos \"flat-map\")) ;=> flat-map")  # fmt: skip
def apropos(run: Run, value: Value) -> Value:
    word = value.name if value.__class__ in (Symbol, Keyword) else string("apropos", value)
    word = word.lower()
    table = {**BUILTINS, **_offered(run)}
    run.meter.charge(15 * len(table))
    known = sorted({*table, *library.names()})
    named = [name for name in known if word in name]
    told = [
        name for name, spec in table.items() if name not in spec.aliases and word in spec.doc.lower()
    ]
    return [Symbol(name) for name in [*named, *sorted(set(told) - set(named))]]


@builtin("source", "(source f)", "The definition of a procedure as data, nil of a builtin.",
         cost="15", example="(source car) ;=> nil")  # fmt: skip
def source(run: Run, value: Value) -> Value:
    run.meter.charge(15)
    if not isinstance(value, Procedure):
        raise wrong("source", "a procedure", value, 1)
    return value.source


@builtin("capabilities", "(capabilities)", "The names of what this run was granted.",
         cost="4", example="(list? (capabilities)) ;=> #t")  # fmt: skip
def capabilities(run: Run) -> Value:
    run.meter.charge(4)
    return sorted(run.granted)


@builtin("limits", "(limits)", "The limits of this run, by name.",
         cost="15", example="(get (limits) \"bits\") ;=> 14000")  # fmt: skip
def limits(run: Run) -> Value:
    run.meter.charge(15)
    run.outside("the limits of the run are not to be seen")
    return {field.name: getattr(run.limits, field.name) for field in fields(run.limits)}


@builtin("usage", "(usage)", "What this run has used so far: steps, bytes of data, characters printed.",
         cost="4",
         example="(integer? (get (usage) \"steps\")) ;=> #t", aliases=("execution-usage",))  # fmt: skip
def usage(run: Run) -> Value:
    run.meter.charge(4)
    run.outside("what the run has used is not to be seen")
    return {"steps": run.meter.steps, "bytes": run.meter.allocated, "output": run.meter.output}
