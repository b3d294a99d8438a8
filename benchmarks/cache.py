"""What pipes that share a frame pay for what they share, by the counters of a real model on this machine.

    python benchmarks/cache.py [pipes]

One frame of the example agora, its rooms answered by the backend `llama` with its default model: see
docs/backends.md for how to install that. Its server counts for each call the tokens that it processed and
those that it found in its cache. Their prices are those of a model that is paid for: to write a token into
a cache costs 1.25 times what sending it costs (kept for five minutes) or 2 times (an hour), to read it 0.1
times. The reference is to send the shared prefix with every call: a ratio of 0.18 says that all pipes
together pay 18 % of that.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lisppump import Pump
from lisppump.delta import Usage

PIPES = 15
READ = 0.1
WRITES = {"5 minutes": 1.25, "an hour": 2.0}
WORLD = Path(__file__).resolve().parent.parent / "lisp_lib" / "world_agora.lisp"
MODEL = "(script (llama (max-tokens 24) (at-once 4)))"


def world(folder: Path) -> Pump:
    """Agora with the model in the place of its personas."""
    text = WORLD.read_text(encoding="utf-8")
    text = text.replace("(script (lispy (program persona)))", MODEL)
    (folder / "pump.lisp").write_text(text, encoding="utf-8")
    return Pump.open(folder, overrides={"streams": PIPES if len(sys.argv) < 2 else int(sys.argv[1])})


def first_calls(pump: Pump, number: int) -> list[Usage]:
    """What the first call of each stream used, in the order in which they were answered."""
    found: dict[int, Usage] = {}
    for record in pump.store.inputs(number):
        if record.kind == "reply":
            found.setdefault(record.fields["stream"], Usage.from_json(record.fields["usage"]))
    return list(found.values())


def paid(usages: Sequence[Usage], prefix: int, write: float) -> float:
    """What all calls pay for the prefix, in tokens at the price of sending one."""
    total = 0.0
    for usage in usages:
        written = min(usage.cache_write, prefix)
        read = min(usage.cache_read, prefix - written)
        total += write * written + READ * read + (prefix - written - read)
    return total


def main() -> None:
    """Make one frame and print what its calls took."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as pump:
        (report,) = pump.step()
        usages = first_calls(pump, report.frame)
    if not usages:
        raise SystemExit(f"nobody answered: {report.deltas[0].reason}")
    prefix = max(usage.cache_write for usage in usages)
    print(f"{len(usages)} pipes, one frame of {prefix} shared tokens, {report.seconds:.1f} s")
    print(f"{'call':>4}{'written':>9}{'read':>7}{'room':>6}{'answer':>8}")
    for number, usage in enumerate(usages, 1):
        counts = usage.cache_write, usage.cache_read, usage.input, usage.output
        print("{:>4}{:>9}{:>7}{:>6}{:>8}".format(number, *counts))
    for name, write in WRITES.items():
        ratio = paid(usages, prefix, write) / (prefix * len(usages))
        print(f"cache for {name}: {ratio:.4f} of sending the shared prefix {len(usages)} times")


if __name__ == "__main__":
    main()
