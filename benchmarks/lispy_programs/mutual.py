"""Two states that alternate until a number is used up; without tail calls it is a loop and a flag."""


def alternate(n: int, up: bool) -> int:
    total = 0
    while n:
        if up:
            total += n
        else:
            total -= n
        up = not up
        n -= 1
    return total


def main() -> list[int]:
    return [alternate(30000, True), alternate(30000, False)]
