"""What a policy says of where agents' programs run. It starts nothing."""

from __future__ import annotations

from dataclasses import dataclass

WORKER, NONE = "worker", "none"
DEADLINE = 60.0  # seconds of one program


@dataclass(frozen=True, slots=True)
class Isolation:
    """In workers or in the pump's own process; one program may take so many seconds in a worker.

    The time is for an evaluator that hangs: a sound one ends by its limits long before.
    """

    where: str = WORKER
    deadline: float = DEADLINE


APART = Isolation()  # what holds where a policy says nothing
HERE = Isolation(NONE)  # in the process that asks
