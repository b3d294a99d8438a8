"""`lisppump import-deltas`: deltas made elsewhere go into the world. What becomes of them the pump says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.trust import ask_first

SHOWN = 10  # lines of each kind that a person is shown; --json has all


@as_command("import-deltas")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would become of them; write nothing.")
def command(settings: Settings, folder: Path, dry_run: bool) -> int:
    """Take in deltas that were made elsewhere: the files below DIR, or one file, as a frame of their own.

    Each item is merged, a duplicate, or in quarantine with its reason. pump.lisp says by which other names
    collections and fields are read: (also ...). What was taken in once is a duplicate ever after.

    The exit code is 1 where nothing at all could be read.
    """
    if not dry_run:
        ask_first(settings)
    with settings.open() as pump:
        document = pump.import_deltas(folder, dry_run=dry_run).to_json()
    told(settings, document)
    nothing = len(document["strange"]) == document["deltas"] and not document["items"]
    return 1 if nothing and (document["unreadable"] or document["strange"]) else 0


def told(settings: Settings, document: Mapping[str, Any]) -> None:
    """Write what became of deltas."""
    if settings.json:
        settings.document(document)
    else:
        _print(settings, document, verbose=settings.verbose)


def _print(settings: Settings, document: Mapping[str, Any], *, verbose: bool) -> None:
    from lisppump.report import count_of

    most = None if verbose else SHOWN
    said = "would make" if document["dry_run"] else "made"
    new = any(entry["merged"] or entry["quarantined"] for entry in document["items"].values())
    what = f"{said} frame {document['frame']}" if new else f"frame {document['frame']} stays the newest"
    said = f"{count_of(document['deltas'], 'delta')} in {count_of(document['files'], 'file')}"
    settings.print(f"{said}: {what}", bold=True)
    names = ("in", "merged", "duplicate", "quarantined", "counted")
    rows = [["", *names]]
    rows += [[name, *(str(entry[key]) for key in names)] for name, entry in document["items"].items()]
    for line in table(rows) if document["items"] else []:
        settings.print(line)
    lines = [f"{entry['file']}: {entry['error']}" for entry in document["unreadable"]]
    _some(settings, lines, "not read", most)
    details = document["details"]
    for outcome in ("quarantined", "counted"):
        lines = [_detail(entry) for entry in details if entry["outcome"] == outcome]
        _some(settings, lines, outcome, most)
    keys: dict[str, int] = {}
    for entry in document["unread"]:
        for key in entry["keys"]:
            keys[key] = keys.get(key, 0) + 1
    lines = [f"{key} in {count_of(count, 'delta')}" for key, count in sorted(keys.items())]
    _some(settings, lines, "no items", None)
    for note in document["notes"]:
        settings.print(f"note: {note}")


def _detail(entry: Mapping[str, Any]) -> str:
    return f"{entry['file']} {entry['path']}: {entry['reason']}, {entry.get('message') or ''}".rstrip(", ")


def _some(settings: Settings, lines: list[str], what: str, most: int | None) -> None:
    for line in lines[:most]:
        settings.print(f"{what}: {line}")
    if most is not None and len(lines) > most:
        settings.print(f"  and {len(lines) - most} more: -v or --json")
