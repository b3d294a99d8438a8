"""`lisppump edits`: what people changed in the state by hand. lisppump.status_edits gathers and decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from lisppump import canon
from lisppump.cli.context import Settings, as_command
from lisppump.cli.listing import Listing
from lisppump.steering import by_whom

if TYPE_CHECKING:
    from lisppump.merge_edits import Side

MOST = 20  # places of a document that are listed for people
WIDTH = 60  # letters of a value


command = Listing(
    "edits",
    invoke_without_command=True,
    help="What was changed in the state by hand, and is not taken in yet. Alone it is `edits list`.\n\n"
    "The next frame takes it in, beside what frames changed meanwhile. Where both changed one place, the run "
    "stops until somebody decides.",
)


@as_command("list")
def list_command(settings: Settings) -> None:
    """Every document that was changed by hand, place by place."""
    from lisppump.status import EMPTIED
    from lisppump.status_edits import edits_document

    with settings.look() as pump:
        document, emptied = edits_document(pump), pump.store.emptied()
    if settings.json:
        settings.document(document)
        return
    for edit in document["edits"]:
        settings.print(f"{edit['document']} {_what(edit)}", bold=True)
        for line in _places(edit):
            settings.print(f"  {line}")
    if not document["edits"]:
        settings.note(EMPTIED if emptied else "nothing was changed by hand")


@as_command("take")
@click.argument("document")
def take_command(settings: Settings, document: str) -> None:
    """Take DOCUMENT in as it was written by hand, also where frames changed the same places."""
    _decide(settings, document, "hand")


@as_command("drop")
@click.argument("document")
def drop_command(settings: Settings, document: str) -> None:
    """Put DOCUMENT back as the frames left it; what was written by hand is kept, and said where."""
    _decide(settings, document, "world")


for each in (list_command, take_command, drop_command):
    command.add_command(each)


def _decide(settings: Settings, document: str, side: Side) -> None:
    from lisppump.status_edits import decide

    with settings.look() as pump:
        decision = decide(pump, document, side)
    if settings.json:
        settings.document({"schema": "lisppump/edits-decided@1", **decision.to_json()})
    else:
        settings.print(decision.said)


def _what(edit: Mapping[str, Any]) -> str:
    if edit["error"] is not None:
        return "cannot be read"
    return f"was {edit['what']}" + (", where frames changed it, too" if edit["overlaps"] else "")


def _places(edit: Mapping[str, Any]) -> Iterator[str]:
    if edit["error"] is not None:
        error = edit["error"]
        place = f", line {error['line']}, column {error['column']}" if error["line"] else ""
        yield f"{error['message']}{place}"
    for place in edit["overlaps"][:MOST]:
        sides = f"{by_whom(edit['document'])} {_side(place, 'hand')}; by frames {_side(place, 'world')}"
        yield f"{_where(place)}was {_side(place, 'was')}; {sides}"
    for place in edit["by_hand"][:MOST]:
        yield f"{_where(place)}{_side(place, 'was')} -> {_side(place, 'hand')}"
    rest = sum(max(0, len(edit[key]) - MOST) for key in ("overlaps", "by_hand"))
    if rest:
        yield f"and {rest} more: --json lists all"


def _where(place: Mapping[str, Any]) -> str:
    return " ".join(place["path"]) + ": " if place["path"] else ""


def _side(place: Mapping[str, Any], side: str) -> str:
    if side not in place:
        return "nothing"
    text = canon.line(place[side]).decode()
    return text if len(text) <= WIDTH else text[:WIDTH] + "..."
