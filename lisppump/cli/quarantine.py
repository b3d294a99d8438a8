"""`lisppump quarantine`: what did not pass; it is shown, accepted or dropped by lisppump.quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from lisppump import canon
from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.listing import Listing
from lisppump.cli.trust import ask_first

command = Listing(
    "quarantine",
    invoke_without_command=True,
    help="Items that did not pass the check or the merge. Alone it is `quarantine list`.",
)


@as_command("list")
@click.option("--frame", type=click.IntRange(min=0), metavar="N", help="Only those of one frame.")
@click.option("--collection", metavar="NAME", help="Only those of one collection.")
@click.option("--reason", metavar="CODE", help="Only those that were refused for one reason.")
def list_command(
    settings: Settings, frame: int | None, collection: str | None, reason: str | None
) -> None:
    """What lies in quarantine, oldest first: id, reason, sentence."""
    wanted = {"frame": frame, "collection": collection, "reason": reason}
    with settings.look() as pump:
        document = pump.quarantine.to_json()
    document["entries"] = [
        entry
        for entry in document["entries"]
        if all(value is None or entry.get(key) == value for key, value in wanted.items())
    ]
    if settings.json:
        settings.document(document)
        return
    for line in table([[entry["id"], _reason(entry), entry["message"]] for entry in document["entries"]]):
        settings.print(line)
    if not document["entries"]:
        settings.note("nothing lies in quarantine" + (" that fits" if any(wanted.values()) else ""))


@as_command("show")
@click.argument("id")
def show_command(settings: Settings, id: str) -> None:
    """One entry whole: the item, why it did not pass, where it came from."""
    from lisppump.quarantine import entry_of

    with settings.look() as pump:
        entry = entry_of(pump, id)
    if settings.json:
        settings.document({"schema": "lisppump/quarantine-entry@1", **entry})
        return
    rows = [[key, str(entry[key])] for key in ("id", "frame", "reason", "message", "collection")
            if key in entry]  # fmt: skip
    rows.append(["from", entry["source"]])
    for reply in entry["replies"]:
        rows.append(["reply", f"attempt {reply['attempt']}, {reply['backend']}: whole with --json"])
    for line in table(rows):
        settings.print(line)
    settings.block(canon.document(entry["item"]).decode().rstrip())


@as_command("accept")
@click.argument("id", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say whether they can be accepted.")
def accept_command(settings: Settings, id: tuple[str, ...], dry_run: bool) -> None:
    """Merge entries as a frame of their own: all or none.

    You answer for who speaks (not-in-room), for a new number in place of a taken one (number-taken), and for
    an author who is not counted (unknown-member). What lacks a part can only pass under another policy.
    """
    from lisppump.quarantine import accept

    if not dry_run:
        ask_first(settings)
    with settings.open() as pump:
        released = accept(pump, id, dry_run=dry_run)
    if settings.json:
        settings.document(released.to_json())
        return
    names = ", ".join(entry["id"] for entry in released.entries)
    said = "would be accepted" if dry_run else "accepted"
    settings.print(f"{said} into frame {released.frame}: {names}")


@as_command("drop")
@click.argument("id", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
def drop_command(settings: Settings, id: tuple[str, ...], yes: bool, dry_run: bool) -> int:
    """Let entries go for good. The journal keeps what they were."""
    from lisppump.quarantine import drop, entry_of
    from lisppump.report import Released, count_of

    with settings.open() as pump:
        entries = [entry_of(pump, name) for name in dict.fromkeys(id)]
        if not (dry_run or settings.agree(f"drop {count_of(len(entries), 'item')} from quarantine?", yes)):
            return 1
        if dry_run:
            released = Released(pump.head.number, pump.head.digest, tuple(entries))
        else:
            released = drop(pump, id)
    if settings.json:
        settings.document(released.to_json())
        return 0
    said = "would be dropped" if dry_run else "dropped"
    settings.print(f"{said}: {', '.join(entry['id'] for entry in released.entries)}")
    return 0


def _reason(entry: Mapping[str, Any]) -> str:
    return str(entry.get("reason") or "-")


for _each in (list_command, show_command, accept_command, drop_command):
    command.add_command(_each)
