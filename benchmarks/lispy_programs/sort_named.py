"""Numbers sorted both ways."""

NUMBERS = [i * 7919 % 10007 for i in range(3000)]


def main() -> list[int]:
    return [sorted(NUMBERS)[1500], sorted(NUMBERS, reverse=True)[1500]]
