"""How much affinity the dam captures, and how fast: beside random rooms and the greedy start, in one run.

    python benchmarks/dam.py [affinity.json]

The file holds `agents` and `affinity`, a list of [i, j, score]; without an argument it is looked for in
LISPPUMP_TEST_DATA, then in ../shared/data. Rooms are measured at 15, at as many as rooms of ten need, and at
15 of uneven sizes, which the dam never makes: ten where that is possible, to see what evenness costs.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lisppump.plugins.grouping import captured, even_sizes, greedy, group

ROOT = Path(__file__).resolve().parent.parent
TIMES = 9
SEED = 7

Matrix = list[list[float]]
Rooms = list[list[int]]


def data_path() -> Path:
    """The file to measure on."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    folder = os.environ.get("LISPPUMP_TEST_DATA")
    return (Path(folder) if folder else ROOT.parent / "shared" / "data") / "dam" / "affinity.json"


def read_matrix(path: Path) -> Matrix:
    """The scores as a symmetric matrix."""
    data = json.loads(path.read_text())
    size = len(data["agents"])
    matrix = [[0.0] * size for _ in range(size)]
    for i, j, score in data["affinity"]:
        matrix[i][j] = matrix[j][i] = float(score)
    return matrix


def dealt(matrix: Matrix, sizes: list[int], rng: random.Random) -> Rooms:
    """Random rooms: what a dam that knows nothing captures."""
    order = list(range(len(matrix)))
    rng.shuffle(order)
    cards = iter(order)
    return [[next(cards) for _ in range(size)] for size in sizes]


def measure(way: Callable[[], Rooms]) -> tuple[Rooms, float]:
    """The rooms and the median of the milliseconds."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        rooms = way()
        taken.append(1000 * (time.perf_counter() - start))
    return rooms, statistics.median(taken)


def uneven_sizes(count: int, rooms: int, full: int = 10) -> list[int]:
    """As many rooms of `full` as there can be; two share what is left, as evenly as it goes."""
    left = count - full * (rooms - 2)
    return [full] * (rooms - 2) + [left - left // 2, left // 2]


def report(matrix: Matrix, sizes: list[int], note: str = "") -> None:
    """One table for rooms of these sizes."""
    many = Counter(sorted(sizes, reverse=True))
    words = ", ".join(f"{times}x{size}" if times > 1 else f"{size}" for size, times in many.items())
    print(f"{len(matrix)} agents in {len(sizes)} rooms of {words}{note}")
    base = statistics.mean(captured(matrix, dealt(matrix, sizes, random.Random(n))) for n in range(50))
    print(f"  {'random (mean of 50)':<22}{base:>9,.0f}   1.00 x")
    ways: list[tuple[str, Callable[[], Rooms]]] = [
        ("greedy", lambda: greedy(matrix, sizes)),
        ("dam affinity", lambda: group(matrix, sizes, random.Random(SEED))),
    ]
    for name, way in ways:
        found, milliseconds = measure(way)
        score = captured(matrix, found)
        spread = sorted({len(room) for room in found})
        print(f"  {name:<22}{score:>9,.0f}   {score / base:.2f} x   sizes {spread}   {milliseconds:.1f} ms")
    scores = [captured(matrix, group(matrix, sizes, random.Random(n))) for n in range(20)]
    print(f"  over 20 seeds: {min(scores):,.0f} to {max(scores):,.0f}, mean {statistics.mean(scores):,.0f}")


def main() -> None:
    """Measure and print."""
    path = data_path()
    if not path.is_file():
        sys.exit(f"there is no {path}; name the file, or set LISPPUMP_TEST_DATA to its folder's folder")
    matrix = read_matrix(path)
    count = len(matrix)
    report(matrix, even_sizes(count, 15))
    report(matrix, even_sizes(count, -(-count // 10)))
    uneven = uneven_sizes(count, 15)
    if min(uneven) > 0:
        report(matrix, uneven, " (sizes free)")


if __name__ == "__main__":
    main()
