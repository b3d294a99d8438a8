"""`lisppump show FRAME`: one committed frame. What it says is gathered in lisppump.status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lisppump import canon
from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.status import merge_words, stream_lines
from lisppump.cli.trajectories import in_short
from lisppump.cli.values import short
from lisppump.errors import LisppumpError, on_one_line
from lisppump.line_moves import LINE
from lisppump.report import count_of
from lisppump.steering import by_whom, edited

if TYPE_CHECKING:
    from lisppump.lookout import Lookout

MOST = 20  # of a kind that are listed
_NUMBER = "[0-9]{1,999}"  # int() refuses more than some thousands of digits
_FRAME = re.compile(rf"HEAD(?:~({_NUMBER}|))?|({_NUMBER})")
_PLACE = re.compile(rf"({_NUMBER})@({_NUMBER})")


@as_command("show")
@click.argument("frame", default="HEAD")
def command(settings: Settings, frame: str) -> None:
    """One frame (142, HEAD~3; the newest if none is named): its streams, items and changed documents.

    A name from `lisppump log --all`, like 6@57, shows a frame that is off the line, too.
    """
    with settings.look() as pump:
        number, record = frame_place(pump, frame)
        seen = pump if record is None else pump.as_of(number, record)
        document = seen.show(number).to_json()
    if settings.json:
        settings.document(document)
        return
    for line in _summary(document):
        settings.print(line)


def frame_place(pump: Lookout, name: str) -> tuple[int, int | None]:
    """A frame as people name it and, where they name a place in history (6@57), the record."""
    found = _PLACE.fullmatch(name)
    if found is None:
        return frame_number(pump, name), None
    return int(found[1]), int(found[2])


def frame_number(pump: Lookout, name: str) -> int:
    """The number of a frame as people name it: a number, HEAD, HEAD~N."""
    found = _FRAME.fullmatch(name)
    if found is None and _PLACE.fullmatch(name):
        what = f"`{name}` cannot be named here, where frames of the line alone can"
        raise LisppumpError("bad-usage", what, help=f"`lisppump rollback {name}` goes there first")
    if found is None:
        raise LisppumpError("bad-usage", f"`{name}` names no frame", help="write a number, HEAD or HEAD~3")
    back, number = found.groups()
    if number is not None:
        return int(number)
    head = pump.head.number
    if back is None:
        return head
    wanted = head - int(back or 1)
    if wanted < 0:
        what = f"there is no frame {name}; the newest is {head}"
        raise LisppumpError("no-such-frame", what, help=LINE)
    return wanted


def _summary(document: Mapping[str, Any]) -> list[str]:
    documents = document["documents"]
    changed = [name for name, entry in documents.items() if entry["changed"]]
    rows = [["digest", document["digest"]], ["parent", document["parent"] or "-"], ["time", document["time"]]]
    if document["overrides"]:
        words = (f"{key} {value}" for key, value in document["overrides"].items())
        rows.append(["overrides", ", ".join(words)])
    rows.append(["awake", ", ".join(document["wake"]) or "-"])
    if document["retried"]:
        streams = ", ".join(map(str, document["retried"]))
        rows.append(["retried", f"it was made once more, with these streams asked anew: {streams}"])
    elif len(document["epochs"]) > 1:
        epochs = ", ".join(map(str, document["epochs"]))
        rows.append(["resumed", f"it went on after its run had ended: epochs {epochs}"])
    if document["begun"] > 1:
        rows.append(["begun", f"{document['begun']} times; what came for the earlier ones is in the journal"])
    if document["late"]:
        rows.append(["late", f"{document['late']} came when it was settled, and are part of no frame"])
    rows.extend(["plugin", _plugin(entry)] for entry in document["plugins"])
    rows.extend(["differs", difference] for difference in document["differences"])
    lines = [f"frame {document['frame']}", *table(rows), *stream_lines(document["streams"])]
    lines.append(merge_words(document["merge"]))
    counts = document["merge"].get("collections", {})
    lines.extend(table([[name, _counts(entry)] for name, entry in counts.items()], indent="  "))
    lines.extend(quarantine_lines(document["quarantined"]))
    if document["steering"]:
        lines.append(f"steered by {on_one_line(canon.line(dict(document['steering'])).decode())}")
    lines.extend(
        f"later, in {entry['collection']}: {on_one_line(canon.line(entry['item']).decode())}"
        for entry in document["observations"]
    )
    lines.extend(_tool(entry) for entry in document["tools"][:MOST])
    if len(document["tools"]) > MOST:
        lines.append(f"  and {len(document['tools']) - MOST} more uses of tools")
    echo = document["echo"]
    if echo.get("results"):
        signals = ", ".join(f"{verb}-{word}" for verb, word in echo["signals"].items())
        said = f"; signals {signals}" if signals else ""
        lines.append(f"echoes {', '.join(sorted(echo['results']))}{said}")
    lines.extend(_echoes(document))
    if document["unthought"]:
        lines.append("its echoes are not done yet; the next run lets them think, and its digest changes then")
    lines.extend(
        f"  {name} failed: {error['message']} ({error['code']})"
        for name, error in document["echo_errors"].items()
    )
    lines.extend(_page(entry) for entry in document["portal"][:MOST])
    if len(document["portal"]) > MOST:
        lines.append(f"  and {len(document['portal']) - MOST} more pages")
    lines.extend(f"imported: {_imported(entry)}" for entry in document["imports"][:MOST])
    if len(document["imports"]) > MOST:
        lines.append(f"  and {len(document['imports']) - MOST} more")
    lines.extend(edited([edit["document"]]) for edit in document["edits"])
    lines.extend(
        f"edited {who} after it, as it is now: {name}"
        for who, name in ((by_whom(edit["document"]), edit["document"]) for edit in document["edited"])
    )
    lines.append(f"{len(changed)} of {len(documents)} documents changed")
    lines.extend(f"  {name}" for name in changed[:MOST])
    if len(changed) > MOST:
        lines.append(f"  and {len(changed) - MOST} more")
    return lines


def _echoes(document: Mapping[str, Any]) -> list[str]:
    """What each echo came to, the first of them; those that failed are told of by themselves."""
    came = [(name, value) for name, value in sorted(document["echo"].get("results", {}).items())
            if name not in document["echo_errors"]]  # fmt: skip
    lines = [f"  {name}: {in_short(value)}" for name, value in came[:MOST]]
    lines += [f"  and {len(came) - MOST} more"] if len(came) > MOST else []
    lines += [f"  {posted_line(entry)}" for entry in document["posted"][:MOST]]
    more = len(document["posted"]) - MOST
    return lines + ([f"  and {more} more programs in posts"] if more > 0 else [])


def posted_line(entry: Mapping[str, Any]) -> str:
    """What a program in a post came to, or why it failed."""
    error = entry["error"] or {}
    came = f"error: {error.get('message')}" if error else in_short(entry["value"])
    return f"program in post {entry['post']} of {entry['author']}: {came}"


def _plugin(entry: Mapping[str, Any]) -> str:
    does = ", ".join([*entry["stages"], *(f"hook {hook}" for hook in entry["hooks"])])
    return f"{entry['plugin']} {entry['version'] or ''}".rstrip() + (f": {does}" if does else "")


def _tool(entry: Mapping[str, Any]) -> str:
    asked, told = short(entry["source"], 100), short(entry["told"], 100)
    return f"  stream-{entry['stream']:04d} used {entry['tool']} in {entry['turn']}: {asked} -> {told}"


def _page(entry: Mapping[str, Any]) -> str:
    came = f"status {entry['status']}" if entry["refused"] is None else f"refused: {entry['refused']}"
    return f"  {entry['name']} asked for {entry['url']} ({came})"


def _imported(entry: Mapping[str, Any]) -> str:
    frame = f" (its frame {entry['frame_text']})" if entry["frame_text"] else ""
    return f"{entry['file']}{frame}, {count_of(entry['items'], 'item')}"


def _counts(entry: Mapping[str, int]) -> str:
    return f"{entry['in']} in, {entry['merged']} merged" + "".join(
        f", {entry[key]} {key}" for key in ("duplicate", "quarantined") if entry[key]
    )


def quarantine_lines(entries: Any, most: int = 5) -> list[str]:
    """Why items did not pass, the first few of them."""
    lines = [f"  quarantined: {entry['message']}" for entry in entries[:most]]
    if len(entries) > most:
        lines.append(f"  and {len(entries) - most} more")
    return lines
