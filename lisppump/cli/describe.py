"""`lisppump describe`: what a word means, as lisppump.words has it; and the source of words for commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from lisppump.cli import COMMANDS, module_of
from lisppump.cli.completion import words_of_ours
from lisppump.cli.context import Settings, as_command, option_records
from lisppump.errors import LisppumpError, declare, said
from lisppump.words import SILENT, Entry, Origin, alike, everything, meanings, nearest, origin_of, ours

if TYPE_CHECKING:
    from lisppump.plugin import Plugin
    from lisppump.registry import Registry

SPEAKING = 3  # names that are suggested because they speak of a word

declare("usage", 1, nothing_described="Nothing has the name that should be described.")


@as_command("describe")
@click.argument("name", nargs=-1, required=True, metavar="NAME", shell_complete=words_of_ours)
def command(settings: Settings, name: tuple[str, ...]) -> None:
    """What NAME means: a word of LisPy or of pump.lisp, a stage, hook, command, plugin or error code.

    An option is named by its path: `breaker bad`.
    """
    word = " ".join(name)
    registry = settings.chosen()
    entries = meanings(word, registry, commands)
    suspects = unready(registry)
    for plugin in suspects:
        if not entries or plugin.answers_to(word):
            settings.say(plugin.line())
    if not entries:
        raise nothing_called(word, everything(registry, commands), "lisppump apropos")
    if settings.json:
        settings.document(
            {"schema": "lisppump/describe@1", "name": word, "entries": [entry.to_json() for entry in entries]}
        )
        return
    show(settings, entries)


def nothing_called(word: str, entries: Iterable[Entry], apropos: str) -> LisppumpError:
    """The error for a word that means nothing; `apropos` is how one looks for words here."""
    from lisppump.lispy.elsewhere import meant

    entries = list(entries)
    hint = meant(word) or _did_you_mean(word, entries) or f"try `{apropos} {word}`"
    return LisppumpError("nothing-described", f"nothing is called `{word}`", help=hint)


def _did_you_mean(word: str, entries: Sequence[Entry]) -> str | None:
    """A name that is written much like a word; else those that speak of it; else what is written like it."""
    from lisppump.cli.apropos import speaking_of

    near = nearest(word, entries)
    if near is None or not alike(near, word):
        speaking = [entry.name for entry in speaking_of((word,), list(entries))]
        names = list(dict.fromkeys(speaking))
        if names:
            shown = " or ".join(f"`{name}`" for name in names[:SPEAKING])
            more = f"; {len(names) - SPEAKING} more speak of it" if len(names) > SPEAKING else ""
            return f"did you mean {shown}, which {'speaks' if len(names) == 1 else 'speak'} of it?{more}"
    return None if near is None else f"did you mean `{near}`?"


def show(settings: Settings, entries: Sequence[Entry]) -> None:
    """Write what words mean, for a person."""
    for number, entry in enumerate(entries):
        if number:
            settings.print()
        path = f" {entry.name}" if entry.kind in ("clause", "option") and " " in entry.name else ""
        settings.print(f"{entry.usage}    {entry.kind}{path}", bold=True)
        settings.block(_indented(entry.doc))
        for line in (*entry.details, *([entry.origin.line()] if entry.origin else [])):
            settings.block(_indented(line))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.split("\n"))


def unready(registry: Registry) -> list[Plugin]:
    """The plugins that might know a word, were they neither broken nor without trust."""
    from lisppump.plugin import BROKEN, UNTRUSTED

    return [plugin for plugin in registry.ready().plugins if plugin.state in (BROKEN, UNTRUSTED)]


# -- the words of the command line


def commands(registry: Registry) -> Iterator[Entry]:
    """The commands of lisppump in the order of its help, then those of plugins; each with its subcommands."""
    for name in COMMANDS:
        found: click.Command = import_module(module_of(name)).command
        yield from _command((name,), found, ours())
    names: dict[tuple[str, int], list[str]] = {}
    offered = registry.commands()
    for name, offer in offered.items():
        names.setdefault((offer.plugin.id, id(offer.command)), []).append(name)
    for words in names.values():
        words.sort(key=lambda name: "/" in name)
        offer = offered[words[0]]
        origin = origin_of(offer.plugin)
        try:
            yield from list(_command(words, offer.command, origin))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's command may be of a class of its own, and wrong
            doc = f"Its description cannot be read: {said(error)}."
            yield Entry("command", words[0], f"lisppump {words[0]}", doc, (), origin, tuple(words[1:]))


def _command(
    paths: Sequence[str], found: click.Command, origin: Origin, parent: click.Context | None = None
) -> Iterator[Entry]:
    """A command under its paths (`plugins new`), the first of which is shown, and what stands below it."""
    group = parent or click.Context(click.Group(), info_name="lisppump")
    path, *also = paths
    with click.Context(found, info_name=path.rpartition(" ")[2], parent=group) as ctx:
        usage = " ".join([ctx.command_path, *found.collect_usage_pieces(ctx)])
        details = tuple(f"{option}  {text}" for option, text in option_records(found, ctx))
        doc = inspect.cleandoc(found.help or found.short_help or SILENT)
        yield Entry("command", path, usage, doc, details, origin, tuple(also))
        if not isinstance(found, click.Group):
            return
        for name in found.list_commands(ctx):
            below = found.get_command(ctx, name)
            if below is not None and not below.hidden:
                yield from _command([f"{each} {name}" for each in paths], below, origin, ctx)
