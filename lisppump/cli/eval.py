"""`lisppump eval`: LisPy over the state, read-only. It imports the pump only when the state is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError
from lisppump.folder import find_root

if TYPE_CHECKING:
    from lisppump.lispy.capabilities import State
    from lisppump.pump import Pump


NO_WORLD = "there is no pump.lisp in this folder or above it; name a world with `-C DIR`"


@as_command("eval")
@click.argument("expression", required=False, metavar="EXPR")
@click.option(
    "-f", "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Evaluate the program in a file.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Most steps it may take.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Longest time.")
def command(
    settings: Settings, expression: str | None, file: Path | None, steps: int | None, seconds: float | None
) -> int:
    """Evaluate EXPR, a program in a file, or what comes in on stdin (`-`), over the newest frame, read-only.

    What it prints comes first, then its value, written so that it reads back.
    """
    source, name = _program(expression, file)
    from lisppump.lispy import Limits, Runtime

    limits = Limits(steps=steps or Limits().steps, seconds=seconds)
    with Newest(settings) as newest:
        there = newest.is_there()
        state: Any = newest if there else None
        result = Runtime(state, {"state"} if there else (), limits).run(source, name)
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/eval@1",
                "ok": result.ok,
                "value": result.value,
                "text": result.text,
                "output": result.output,
                "error": None if result.error is None else result.error.to_json(),
                "usage": dict(result.usage),
                "capabilities": sorted(result.capabilities),
            }
        )
        return 0 if result.error is None else result.error.exit_code
    if result.output:
        settings.print(result.output.removesuffix("\n"))
    if result.error is not None:
        if result.error.code == "not-granted" and not there:
            result.error.help = NO_WORLD
        raise result.error
    settings.print(result.text)
    return 0


def _program(expression: str | None, file: Path | None) -> tuple[str, str]:
    """The text to evaluate and what errors call it."""
    if (expression is None) == (file is None):
        raise click.UsageError("there should be one program: EXPR, -f FILE, or - for stdin")
    if file is not None:
        return _decoded(file.read_bytes(), str(file)), str(file)
    if expression == "-":
        return _decoded(sys.stdin.buffer.read(), "<stdin>"), "<stdin>"
    assert expression is not None
    return expression, "<eval>"


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
        raise LisppumpError(
            "bad-token", f"{name} should be UTF-8 text; line {place} is not", help="save the file as UTF-8"
        ) from None


class Newest:
    """The newest frame as a program sees it; nothing is opened until a program asks for something."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pump: Pump | None = None
        self._state: State | None = None

    def is_there(self) -> bool:
        """Whether there is a simulation at all."""
        try:
            return self._settings.pump is not None or find_root(self._settings.dir).is_dir()
        except LisppumpError:
            return False

    def __getattr__(self, name: str) -> Any:
        if self._state is None:
            self._pump = self._settings.open()
            self._state = self._pump.policy.state_of(self._pump.head)
        return getattr(self._state, name)

    def __enter__(self) -> Newest:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pump is not None:
            self._pump.close()
