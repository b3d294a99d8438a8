"""What keeps a simulation from changing variables around it. It costs nothing outside of simulations.

While one runs, `run.sealed` is its number; those begun later have larger ones. A variable that closures
share lives in a box, `[value]`; where a closure is made in a simulation, the boxes of the procedure that
makes it get the number behind the value. A box without a number, or with a smaller one, was made outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lisppump.lispy.errors import LispyError

if TYPE_CHECKING:
    from lisppump.errors import Span
    from lisppump.lispy.run import Run

Box = list[Any]


def mark(run: Run, boxes: Sequence[Box]) -> None:
    """Note that boxes about to be captured were made in the simulation going on."""
    for box in boxes:
        if len(box) == 1:
            box.append(run.sealed)


def keep(run: Run, box: Box, name: str, span: Span | None) -> None:
    """Refuse to change a captured variable that was made outside the simulation going on."""
    if len(box) == 1 or box[1] < run.sealed:
        raise outer(name, span)


def outer(name: str, span: Span | None, done: str = "set") -> LispyError:
    """The error of changing a variable around a simulation, or of a definition that hides it."""
    help = f"make it a key of the state: (update state :{name} ...)"
    if done == "defined":
        help = "give what is defined inside a name of its own"
    return LispyError(
        "impure", f"{name} belongs to what is around the simulation, and cannot be {done} in it",
        span=span, help=help,
    )  # fmt: skip


def defines(name: str, span: Span | None) -> LispyError:
    """The error of a definition that would outlast a simulation."""
    return LispyError(
        "impure", f"a simulation cannot define {name} around itself", span=span,
        help="definitions inside the step's lambda are its own",
    )  # fmt: skip
