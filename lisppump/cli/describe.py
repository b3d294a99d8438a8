"""`lisppump describe`: what a word means, from the tables that the code itself lives by. It runs nothing."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from lisppump.cli import COMMANDS
from lisppump.cli.context import Settings, as_command, option_records
from lisppump.errors import CODES, LisppumpError, declare, suggest

declare("usage", 1, nothing_described="Nothing has the name that should be described.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning of a word: what kind of thing it is, how it is written, what it does, and more about it."""

    kind: str
    name: str
    usage: str
    doc: str
    details: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "usage": self.usage,
            "doc": self.doc,
            "details": list(self.details),
        }


@as_command("describe")
@click.argument("name", nargs=-1, required=True, metavar="NAME")
def command(settings: Settings, name: tuple[str, ...]) -> None:
    """What NAME means: builtin, form, clause (option: `breaker bad`), stage, hook, command or error code."""
    word = " ".join(name)
    entries = [entry for source in SOURCES for entry in source(word)]
    if not entries:
        near = suggest(word, sorted(set(known())))
        raise LisppumpError(
            "nothing-described",
            f"nothing is called `{word}`",
            help="; ".join(
                [f"did you mean `{near}`?" if near else "see docs/reference.md", *broken_plugins()]
            ),
        )
    if settings.json:
        settings.document(
            {"schema": "lisppump/describe@1", "name": word, "entries": [entry.to_json() for entry in entries]}
        )
        return
    for number, entry in enumerate(entries):
        if number:
            settings.print()
        settings.print(f"{entry.usage}    {entry.kind}", bold=True)
        settings.print(_indented(entry.doc))
        for line in entry.details:
            settings.print(_indented(line))


def broken_plugins() -> list[str]:
    """A line for each plugin that may be what was meant, were it not broken."""
    from lisppump.registry import Registry

    return [broken.line() for broken in Registry.load().broken]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.split("\n"))


# -- where meanings come from


def builtin(word: str) -> Iterator[Entry]:
    """A LisPy builtin, by any of its names."""
    from lisppump.lispy.builtins import load

    spec = load().get(word)
    if spec is not None:
        details = [f"example: {spec.example}"]
        if spec.cost != "0":
            details.append(f"cost: {spec.cost} steps")
        if spec.aliases:
            details.append(f"names: {', '.join((spec.name, *spec.aliases))}")
        if spec.capability:
            details.append(f"needs the capability {spec.capability}")
        yield Entry("builtin", spec.name, spec.usage, spec.doc, tuple(details))


def form(word: str) -> Iterator[Entry]:
    """A special form of LisPy, by any of its names."""
    from lisppump.lispy.forms import FORMS

    spec = FORMS.get(word)
    if spec is not None:
        details = [f"example: {spec.example}"]
        if spec.aliases:
            details.append(f"names: {', '.join((spec.name, *spec.aliases))}")
        yield Entry("form", spec.name, spec.usage, spec.doc, tuple(details))


def clause(word: str) -> Iterator[Entry]:
    """A clause of `(pump ...)`, or an option by its path."""
    from lisppump import clauses

    try:
        found = clauses.find(word)
    except LisppumpError:
        return
    usage, *lines = clauses.describe(word).split("\n")
    yield Entry("clause", found.name, usage, lines[0].strip(), tuple(line[2:] for line in lines[1:]))


def stage(word: str) -> Iterator[Entry]:
    """A stage by its name (`affinity`, `dam affinity`), or an option of one (`affinity room-size`)."""
    from lisppump.clauses import LIMITS
    from lisppump.clauses_shape import clause_of, usage
    from lisppump.registry import Registry
    from lisppump.stages import KINDS

    registry = Registry.load()
    kinds: list[str] = [*KINDS]
    first, _, rest = word.partition(" ")
    if first in KINDS and rest:
        kinds, word = [first], rest
    word, _, wanted = word.partition(" ")
    for kind in kinds:
        if word in registry.names(kind):
            offer = registry.find(kind, word)
            shape = clause_of(word, getattr(offer.factory, "options", ()), LIMITS)
            if wanted:
                for option in shape.options:
                    if option.name == wanted:
                        yield Entry("option", f"{word} {wanted}", usage(option), option.doc)
                continue
            details = [f"({option.name} ...)  {option.doc}" for option in shape.options]
            details.append(f"from {offer.plugin}" + (f" {offer.version}" if offer.version else ""))
            yield Entry(kind, word, usage(shape), inspect.getdoc(offer.factory) or "", tuple(details))


def hook(word: str) -> Iterator[Entry]:
    """A hook that plugins implement."""
    found = hooks().get(word)
    if found is not None:
        arguments = ", ".join(inspect.signature(found).parameters)
        yield Entry("hook", word, f"{word}({arguments})", inspect.getdoc(found) or "")


def hooks() -> Mapping[str, Callable[..., Any]]:
    """Every hook by name, in the order of a frame."""
    from lisppump import hookspecs

    return {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "lisppump_spec")}


def command_line(word: str) -> Iterator[Entry]:
    """A command of lisppump."""
    if word in COMMANDS:
        found: click.Command = import_module(f"lisppump.cli.{word}").command
        group = click.Context(click.Group(), info_name="lisppump")
        with click.Context(found, info_name=word, parent=group) as ctx:
            usage = " ".join([ctx.command_path, *found.collect_usage_pieces(ctx)])
            details = tuple(f"{option}  {text}" for option, text in option_records(found, ctx))
            yield Entry("command", word, usage, inspect.cleandoc(found.help or ""), details)


def code(word: str) -> Iterator[Entry]:
    """An error code."""
    found = codes().get(word)
    if found is not None:
        details = (f"category: {found.category}", f"exit: {found.exit}")
        yield Entry("error code", word, f"error[{word}]", found.doc, details)


def codes() -> Mapping[str, Any]:
    """Every error code, once the modules that declare them are there."""
    import lisppump
    from lisppump import plugins

    for package in (lisppump, plugins):  # a checkout keeps the built-in stages beside the package, not in it
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in ("lisppump.__main__", "lisppump.testing"):
                import_module(module.name)
    return CODES


SOURCES: tuple[Callable[[str], Iterator[Entry]], ...] = (
    builtin, form, clause, stage, hook, command_line, code,
)  # fmt: skip


def known() -> Iterator[str]:
    """Every word that has a meaning."""
    from lisppump.clauses import CLAUSES
    from lisppump.lispy.builtins import load
    from lisppump.lispy.forms import FORMS
    from lisppump.registry import Registry
    from lisppump.stages import KINDS

    registry = Registry.load()
    yield from load()
    yield from FORMS
    yield from CLAUSES
    for kind in KINDS:
        yield from registry.names(kind)
    yield from hooks()
    yield from COMMANDS
    yield from codes()
