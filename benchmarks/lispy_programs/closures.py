"""Counters and accumulators: functions that keep a variable of their own."""

from collections.abc import Callable


def make_counter(step: int) -> Callable[[], int]:
    count = 0

    def counter() -> int:
        nonlocal count
        count += step
        return count

    return counter


def make_adder(n: int) -> Callable[[int], int]:
    return lambda x: x + n


def main() -> list[object]:
    counters = [make_counter(step) for step in range(10)]
    adders = [make_adder(n) for n in range(100)]
    for _ in range(500):
        for counter in counters:
            counter()
    x = 0
    for _ in range(50):
        for adder in adders:
            x = adder(x)
    return [[counter() for counter in counters], x]
