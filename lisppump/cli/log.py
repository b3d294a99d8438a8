"""`lisppump log`: one line a frame, newest first. What it says is gathered in lisppump.status."""

from __future__ import annotations

from typing import Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.status import merge_words


@as_command("log")
@click.option("-n", "count", type=click.IntRange(min=1), metavar="COUNT", help="Only the newest frames.")
def command(settings: Settings, count: int | None) -> None:
    """The frames so far, newest first."""
    from lisppump.report import count_of
    from lisppump.status import log_documents

    with settings.look() as pump:
        entries = log_documents(pump)[:count]
    if settings.json:
        for entry in entries:
            settings.line(entry)
        return
    rows = [
        [
            str(entry["frame"]),
            entry["digest"].removeprefix("sha256:")[:12],
            entry["time"],
            count_of(entry["streams"], "stream"),
            ", ".join([merge_words(entry["merge"]), *_unusual(entry["statuses"]), *_resumed(entry)]),
        ]
        for entry in entries
    ]
    for line in table(rows):
        settings.print(line)


def _unusual(statuses: dict[str, int]) -> list[str]:
    return [f"{count} {status}" for status, count in statuses.items() if status != "ok"]


def _resumed(entry: dict[str, Any]) -> list[str]:
    return ["gone on with after its run had ended"] if len(entry["epochs"]) > 1 else []
