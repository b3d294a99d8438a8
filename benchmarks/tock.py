"""Ten thousand agents' programs in one tock: how many a second, in workers, and how long the heart waits.

    python benchmarks/tock.py [PROGRAMS]

Each program reads the agents' document, loops, and gives a dict. The reference is the same programs run one
after another in this process, without a frame around them. `within` is what (echoes (within ...)) allows: the
tock has to be over by then, however many programs had their turn.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from lisppump import Pump
from lisppump.lispy import Runtime
from lisppump.lispy.capabilities import State
from lisppump.testing import Clock

PROGRAMS = 10_000
WITHIN = 4.0  # seconds
SOURCE = """(define n (length (keys (get (rb-state "agents.json") "agents"))))
(dict "me" self "n" n "sum" (reduce + 0 (map (lambda (x) (* x x)) (range 20))))"""
WORLD = """\
(define (first-frame)
  (let ((ids (map (lambda (n) (string "a" n)) (range %d))))
    (dict "agents.json" (dict "agents" (list->dict (map (lambda (id) (list id (dict "name" id))) ids)))
          "programs.json" (list->dict (map (lambda (id) (list id source)) ids)))))
(define source %s)
(pump (name many) (every (seconds 0)) (genesis first-frame)
  (agents "agents.json" agents (at-most 3)) (pipe none)
  (isolate %s) (limits (steps 1000000000) (megabytes 2000) (elements 1000000))
  (delta (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer)))
  (echoes %s (agents-programs (limits (steps 200000) (elements 1000000)))))
"""


class Ticking(Clock):
    """A clock that simulates the world's time and tells the machine's."""

    def monotonic(self) -> float:
        """Seconds of this machine."""
        return time.monotonic()


def tock(folder: Path, programs: int, where: str, within: float | None) -> tuple[float, int]:
    """The seconds of one frame's tock, its second, and how many programs had their turn in it."""
    from lisppump import nerves
    from lisppump.lispy import to_text

    said = "" if within is None else f"(within (seconds {within:g}))"
    (folder / "pump.lisp").write_text(WORLD % (programs, to_text(SOURCE), where, said))
    with Pump.open(folder, clock=Ticking()) as pump:
        pump.step()
        began = time.perf_counter()
        thoughts = nerves.think_over(pump, pump.rig, pump.head)
        return time.perf_counter() - began, len(thoughts)


def alone(programs: int) -> float:
    """The seconds of the same programs in this process."""
    state = State({"agents.json": {"agents": {f"a{n}": {"name": f"a{n}"} for n in range(programs)}}}, frame=1)
    began = time.perf_counter()
    for number in range(programs):
        result = Runtime(state=state, allow={"state"}).run(f'(define self "a{number}")\n{SOURCE}')
        assert result.ok, result.error
    return time.perf_counter() - began


def main() -> None:
    programs = int(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    reference = alone(programs)
    rate = programs / reference
    print(f"{programs:,} programs in this process, no frame: {reference:.2f} s, {rate:,.0f} a second")
    for where in ("worker", "none"):
        with tempfile.TemporaryDirectory() as folder:
            seconds, many = tock(Path(folder), programs, where, None)
        rate, ratio = many / seconds, seconds / reference
        print(f"one tock, (isolate {where}): {seconds:.2f} s, {rate:,.0f} a second, {ratio:.1f} x that")
    with tempfile.TemporaryDirectory() as folder:
        seconds, many = tock(Path(folder), programs, "worker", WITHIN)
    print(f"(within (seconds {WITHIN:g})): {many:,} programs had their turn, over after {seconds:.2f} s")


if __name__ == "__main__":
    main()
