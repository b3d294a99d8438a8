"""Recursion 10,000 deep, that builds a list of cells and adds it up; Python's own limit is raised for it."""

import sys
from typing import Any


def build(n: int) -> Any:
    return None if n == 0 else (n, build(n - 1))


def total(items: Any) -> int:
    return 0 if items is None else items[0] + total(items[1])


def main() -> int:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return total(build(10000))
    finally:
        sys.setrecursionlimit(usual)
