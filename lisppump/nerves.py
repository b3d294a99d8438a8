"""Between two frames: the echoes think over the last one, and go on thinking while the heart rests.

What they come to is a tock, a small commit of its own. It makes no frame and asks no backend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lisppump import plan as planning
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.journal import Record
from lisppump.report import Event, count_of, totals
from lisppump.rig import Rig
from lisppump.stages import Thought
from lisppump.turn import of_echoes, think
from lisppump.workers.pool import told

if TYPE_CHECKING:
    from lisppump.pump import Pump


def think_over(pump: Pump, rig: Rig, frame: Frame, heard: Sequence[Record] = ()) -> tuple[Thought, ...]:
    """Let the echoes think over a frame; `heard` is what was recorded for this very tock before."""
    tock = think(rig, frame, heard, pump.store, pump._complaints.say, pump.clock.monotonic)
    for said in told():
        pump._complaints.say(said)
    if tock is None:
        return ()
    brought = tock.brought
    pump.store.tock(
        changes=tock.changes,
        virtual=tock.virtual,
        report=brought.report,
        quarantine=brought.quarantine,
        put_off=True,
    )
    pump._tell(Event("echoed", frame.number, text=", ".join(thought.key for thought in tock.thoughts)))
    for said in _account(totals(brought.report)):
        pump._complaints.say(said)
    return tock.thoughts


def catch_up(pump: Pump) -> None:
    """Think over a frame whose run ended between its commit and its echoes, as that run would have."""
    store = pump.store
    head = store.head
    intent = None if head is None or head.tock else store.intent_record(head.number)
    if head is None or intent is None or store.open_intent() is not None:
        return
    try:
        rig = pump.rig_of(intent)
    except StateError:
        raise
    except LisppumpError as error:  # a plugin of it is gone: no world stands still for that
        why = f"the policy that made it cannot be had any more: {error.message}"
        pump._complaints.say(f"frame {head.number} goes on without echoes that it may still lack; {why}")
        return
    if thoughts := think_over(pump, rig, head, store.heard(head.number)):
        digest = pump.head.digest.removeprefix("sha256:")[:12]
        now = f"frame {head.number} got its echoes now"
        pump._complaints.say(f"{now}, for its run ended before they were done; its digest is {digest}")
        for said in of_echoes(thoughts):
            pump._complaints.say(f"frame {head.number}: {said}")
        for said in planning.differences(intent.get("plugins", ()), pump.acting()):
            pump._complaints.say(f"{now}; it was {said}")


def next_tock(pump: Pump) -> float:
    """When the echoes think again, unless the heart beats before that."""
    every = pump.policy.tocks.every
    return math.inf if every is None else pump.clock.monotonic() + every


def while_resting(pump: Pump) -> None:
    """One more tock over the frame that the heart rests on, by the policy that is in force now."""
    head = pump.head
    with pump._complaints.of_one_frame():
        thoughts = think_over(pump, pump.rig, head, pump.store.heard(head.number))
        notes = [*pump._complaints.told(), *of_echoes(thoughts)]
        if thoughts:
            pump.store.flush()
        where = f"frame {head.number}" + (f", tock {pump.head.tock}" if thoughts else "")
        for said in notes:
            pump._tell(Event("remarked", head.number, text=f"{where}: {said}"))
        pump._complaints.stop()


def _account(counts: dict[str, int]) -> list[str]:
    """A sentence for what the echoes brought, where that is more than results."""
    if not counts["items"]:
        return []
    more = "".join(f", {counts[key]} {key}" for key in ("duplicate", "quarantined") if counts[key])
    return [f"echoes brought {count_of(counts['items'], 'item')}: {counts['merged']} merged{more}"]
