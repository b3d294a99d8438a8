"""The greatest common divisor by hand, many times: loops where a Lisp has tail calls."""


def divisor(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def main() -> int:
    total = 0
    for n in range(6000, 0, -1):
        total += divisor(n, 5040)
    return total
