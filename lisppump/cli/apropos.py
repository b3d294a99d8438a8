"""`lisppump apropos`: every word whose description speaks of something. It reads tables and runs nothing."""

from __future__ import annotations

import shutil

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.describe import commands, unready
from lisppump.errors import LisppumpError, declare
from lisppump.words import Entry, everything, nearest

declare("usage", 1, nothing_found="No name and no description speaks of what was sought.")


@as_command("apropos")
@click.argument("word", nargs=-1, required=True)
def command(settings: Settings, word: tuple[str, ...]) -> None:
    """Every name whose description speaks of all the WORDs, or of parts of words; names that hold them first.

    On a terminal a line is as long as the terminal is wide; in a pipe nothing is cut.
    """
    registry = settings.chosen()
    entries = list(everything(registry, commands))
    found = speaking_of(word, entries)
    if not found:
        for plugin in unready(registry):
            settings.say(plugin.line())
        raise nothing_speaks(word, entries)
    if settings.json:
        settings.document(
            {"schema": "lisppump/apropos@1", "words": list(word), "entries": [e.to_json() for e in found]}
        )
        return
    show(settings, found)


def show(settings: Settings, entries: list[Entry]) -> None:
    """Write one line of each entry."""
    width = shutil.get_terminal_size().columns if settings.out.isatty() else None
    for line in table([[entry.kind, entry.name, entry.gist] for entry in entries]):
        settings.print(cut(line, width))


def speaking_of(words: tuple[str, ...], entries: list[Entry]) -> list[Entry]:
    """The entries that speak of every word: first those whose names do; each part in its order."""
    wanted = [word.lower() for word in words]

    def named(entry: Entry) -> bool:
        names = "\n".join(entry.names).lower()
        return all(word in names for word in wanted)

    def told(entry: Entry) -> bool:
        text = "\n".join((entry.kind, *entry.names, entry.doc, entry.usage)).lower()
        return all(word in text for word in wanted)

    by_name = [entry for entry in entries if named(entry)]
    return by_name + [entry for entry in entries if told(entry) and not named(entry)]


def nothing_speaks(words: tuple[str, ...], entries: list[Entry]) -> LisppumpError:
    """The error for words of which nothing speaks: the first that is nowhere, or all of them together."""
    for word in words:
        if not speaking_of((word,), entries):
            near = nearest(word, entries)
            hint = f"did you mean `{near}`?" if near else "try a shorter word, or a part of one"
            return LisppumpError("nothing-found", f"nothing speaks of `{word}`", help=hint)
    what = " and ".join(f"`{word}`" for word in words)
    return LisppumpError("nothing-found", f"nothing speaks of {what} at once", help="leave one of them out")


def cut(line: str, width: int | None) -> str:
    """A line that fits into a width."""
    return line if width is None or len(line) <= width else f"{line[: max(0, width - 3)].rstrip()}..."
