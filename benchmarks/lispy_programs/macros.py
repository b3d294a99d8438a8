"""What the macros of the other program expand to, as one would write it."""


def main() -> list[int]:
    a, b, total = 0, 1, 0
    for i in range(10000):
        if i % 3:
            total += b % 7
        a = (a + b) % 1000
        a, b = b, a
    return [a, b, total]
