"""Takeuchi's function: three arguments, calls in the place of arguments."""


def tak(x: int, y: int, z: int) -> int:
    if not y < x:
        return z
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))


def main() -> int:
    return tak(14, 8, 3)
