"""`lisppump diff A [B]`: how two frames differ, as lisppump.telling_diff finds it. Here it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.show import frame_place
from lisppump.cli.values import change_lines, counts
from lisppump.steering import by_each


@as_command("diff")
@click.argument("first", metavar="A")
@click.argument("last", default="HEAD", metavar="[B]")
@click.option("--stat", is_flag=True, help="One line a document, and one an agent.")
@click.option("--document", metavar="NAME", help="This document alone.")
@click.option("--agent", metavar="ID", help="What is this agent's own alone.")
def command(
    settings: Settings, first: str, last: str, stat: bool, document: str | None, agent: str | None
) -> None:
    """What changed from frame A to frame B (142, HEAD~3, 6@57; B is the newest if it is not named).

    Documents are compared by path, lists by the id or number of their items, texts by line. Then it says what
    of that is whose: what stands under an agent's id, its memory and echo, items that it made.
    """
    with settings.look() as pump:
        (one, since), (other, until) = frame_place(pump, first), frame_place(pump, last)
        places = {"since": since, "until": until}
        found = pump.diff(one, other, **places, document=document, agent=agent).to_json()
    if settings.json:
        settings.document(found)
        return
    settings.print(f"frame {_called(first, found['from'])} -> frame {_called(last, found['to'])}", bold=True)
    for line in _stat(found) if stat else _whole(found, agent):
        settings.print(line)


def _called(name: str, number: int) -> str:
    """A frame's number, or the name of a place in history as it was given."""
    return name if "@" in name else str(number)


def _stat(found: Mapping[str, Any]) -> list[str]:
    rows = [[name, counts(changes)] for name, changes in found["documents"].items()]
    people = [[agent, _sums(own.values())] for agent, own in found["agents"].items()]
    lines = table(rows, indent="  ") or ["  no document changed"]
    return [*lines, *(["agents"] if people else []), *table(people, indent="  "), *_edits(found)]


def _whole(found: Mapping[str, Any], agent: str | None) -> Iterator[str]:
    for name, changes in found["documents"].items():
        yield f"{name}: {counts(changes)}"
        yield from (f"  {line}" for line in change_lines(name, changes))
    if not found["documents"]:
        yield "  no document changed"
    if agent is None and found["agents"]:
        yield "agents"
        yield from table([[who, _sums(own.values())] for who, own in found["agents"].items()], indent="  ")
    yield from _edits(found)


def _edits(found: Mapping[str, Any]) -> list[str]:
    return [f"changed {who} between them: {names}" for who, names in by_each(found["edits"])]


def _sums(own: Iterable[Mapping[str, Any]]) -> str:
    keys = ("added", "changed", "removed")
    every = [*own]
    return counts({key: [entry for changes in every for entry in changes[key]] for key in keys})
