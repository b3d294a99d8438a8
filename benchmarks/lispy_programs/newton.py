"""Square roots by Newton's method: floats in a loop."""


def root(x: int) -> float:
    guess = x / 2.0
    while True:
        better = 0.5 * (guess + x / guess)
        if abs(better - guess) < 0.000001:
            return better
        guess = better


def main() -> float:
    total = 0.0
    for n in range(1, 1501):
        total += root(n)
    return total
