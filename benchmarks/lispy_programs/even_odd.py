"""Even and odd by each other, a few hundred calls deep at most."""


def is_even(n: int) -> bool:
    return True if n == 0 else is_odd(n - 1)


def is_odd(n: int) -> bool:
    return False if n == 0 else is_even(n - 1)


def main() -> int:
    return len([n for n in range(300) if is_even(n)])
