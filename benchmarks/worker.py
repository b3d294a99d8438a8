"""What a program costs in a warm worker, beside the same in this process; whether the frame's size matters.

    python benchmarks/worker.py [rounds [programs]]

The reference is a bare exchange of a hundred bytes with another process over two pipes: what crossing over
costs whatever is done there. Medians, here and there in turn. A machine with something else to do shows its
scheduler, not lisppump: `chrt -f 10 taskset -c 1 python benchmarks/worker.py` (as root) keeps all else out.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from lisppump.frame import Frame, state_of
from lisppump.testing import frame_of
from lisppump.workers.pool import PLACE, Workers
from lisppump.workers.program import Program, run_here

SMALL = "(+ 1 2)"
USUAL = """
(define (score post) (+ (get post "up") (* 2 (get post "talk"))))
(define (best n posts) (take (sort-by score posts >) n))
(map (lambda (post) (get post "title")) (best 3 (rb-state "posts")))
"""
SIZES = (("1 MB", 1), ("40 MB", 40))


def exchange(rounds: int) -> float:
    """Microseconds of a bare exchange with a child."""
    (theirs, out), (into, back) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        while data := os.read(theirs, 4096):
            os.write(back, data)
        os._exit(0)

    def once() -> None:
        os.write(out, b"x" * 100)
        os.read(into, 4096)

    took = median(once, rounds)
    os.close(out)
    os.waitpid(child, 0)
    return took


def median(call: Callable[[], object], rounds: int) -> float:
    """The median of some calls in microseconds, once warm."""
    times = []
    for number in range(rounds + rounds // 10):
        began = time.perf_counter()
        call()
        if number >= rounds // 10:
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def in_turn(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The medians of two calls, a hundred of one, a hundred of the other, and so on."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(max(1, rounds // 100)):
        for call, found in zip((one, other), times, strict=True):
            found.append(median(call, 100))
    return statistics.median(times[0]), statistics.median(times[1])


def frame(megabytes: int) -> Frame:
    """A frame with a document of a size, beside a small one."""
    posts = [{"title": f"post {n}", "up": n % 7, "talk": n % 3} for n in range(20)]
    large = [{"id": n, "text": "x" * 960} for n in range(1000 * megabytes)]
    return frame_of({"agents.json": {"agents": {}}, "posts.json": posts, "large.json": large}, megabytes)


def main() -> None:
    """Print a line for each program, each frame, and many programs in a row."""
    rounds, many = (int(word) for word in (*sys.argv[1:], *("3000", "10000")[len(sys.argv) - 1 :]))
    workers = Workers()
    print("medians in microseconds; the reference is a bare exchange over pipes")
    print(f"{'exchange':28} {exchange(rounds):8.1f}")
    small = frame(1)
    for name, source in (("(+ 1 2)", SMALL), ("three best of twenty posts", USUAL)):
        program = Program(source, "ada", "program of ada", frozenset({"state"}))
        state = state_of(small, *PLACE)
        here, there = in_turn(
            partial(run_here, program, state, None, {}),
            partial(workers.run, program, small),
            rounds,
        )
        print(f"{name:28} {here:8.1f} here {there:8.1f} in a worker {there - here:+8.1f}")
    for name, size in SIZES:
        held = frame(size)
        program = Program(SMALL, "ada", "program of ada", frozenset({"state"}))
        began = time.perf_counter()
        workers.run(program, held)
        handed = (time.perf_counter() - began) * 1000
        state = state_of(held, *PLACE)
        here, there = in_turn(
            partial(run_here, program, state, None, {}),
            partial(workers.run, program, held),
            rounds,
        )
        line = f"{'a frame of ' + name:28} {here:8.1f} here {there:8.1f} in a worker {there - here:+8.1f}"
        print(f"{line} {handed:8.1f} ms to hand over, once")
    programs = [
        Program(f"(list {n} {SMALL})", f"a{n}", f"program of a{n}", frozenset({"state"})) for n in range(many)
    ]
    began = time.perf_counter()
    for program in programs:
        workers.run(program, held)
    took = time.perf_counter() - began
    print(f"{many:,} programs, all different {'':1}{took:8.2f} s in one worker after the other")
    workers.close()


if __name__ == "__main__":
    main()
