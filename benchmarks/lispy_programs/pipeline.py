"""map, filter and reduce over a range: a sum over a comprehension."""


def main() -> int:
    return sum(x * x for x in range(30000) if x % 3 == 1)
