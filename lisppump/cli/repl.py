"""`lisppump repl`: forms evaluated as they come, from a terminal or from a pipe, in one session."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lisppump.cli.context import Settings, as_command, incoming
from lisppump.cli.eval import decoded, held_short
from lisppump.errors import LisppumpError

if TYPE_CHECKING:
    from lisppump.cli.repl_session import Session

STDIN = "<stdin>"


@as_command("repl")
@held_short
@click.option(
    "--history", type=click.Path(dir_okay=False, path_type=Path), envvar="LISPPUMP_HISTORY", metavar="FILE",
    help="Where what is typed is kept (LISPPUMP_HISTORY).",
)  # fmt: skip
def command(
    settings: Settings,
    steps: int | None,
    seconds: float | None,
    allow: tuple[str, ...],
    history: Path | None,
) -> int:
    """Evaluate forms as you type them, over the newest frame, read-only; what they define stays.

    An input goes on until its brackets are closed. The value of the last form is called _. Tab completes a
    name; `,help` lists the commands. Ctrl-C stops a program or clears the line, Ctrl-D leaves.

    Where stdin is no terminal, forms are read from it one after the other, and nothing is asked; the exit
    code is 1 if one of them failed.
    """
    from lisppump.cli.repl_session import Session

    session = Session(settings, steps, seconds, allow)
    try:
        if settings.asks() and (settings.out.isatty() or sys.stderr.isatty()):
            from lisppump.cli.repl_terminal import converse

            converse(session, history)
            return 0
        _read_all(session)
        return 1 if session.failed else 0
    finally:
        session.close()


def _read_all(session: Session) -> None:
    """Evaluate what comes in on stdin, each input as soon as it is whole."""
    from lisppump.cli.repl_commands import submit
    from lisppump.cli.repl_session import Inputs

    inputs = Inputs(STDIN)
    for line in incoming():
        try:
            whole = inputs.add(decoded(line, STDIN, inputs.lines))
        except LisppumpError as error:  # what is no text has no forms
            session.fail(error)
            return
        if whole is not None:
            submit(session, whole)
            if session.ended:
                return
    submit(session, inputs.rest())
