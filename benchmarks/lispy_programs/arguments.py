"""Functions of any number of arguments, and one that is put together from two."""

import math
from collections.abc import Callable


def total(*numbers: int) -> int:
    return sum(numbers)


def average(first: int, *others: int) -> float:
    return (first + sum(others)) / (1 + len(others))


def compose(f: Callable[[int], int], g: Callable[[int], int]) -> Callable[[int], int]:
    return lambda x: f(g(x))


increase_and_double = compose(lambda x: 2 * x, lambda x: x + 1)


def main() -> int:
    added = 0
    for i in range(2500):
        added += total(i, 1, 2, 3) + math.floor(average(i, 1, 2)) + increase_and_double(i)
    return added
