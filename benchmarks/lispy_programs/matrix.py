"""Matrices as lists of lists: transposed by zip, multiplied by comprehensions."""

Matrix = list[list[int]]
M = [[(i * j + j) % 10 for j in range(16)] for i in range(16)]


def dot(a: list[int], b: tuple[int, ...]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def multiply(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return [[dot(row, column) for column in columns] for row in a]


def main() -> int:
    return sum(sum(row) for row in multiply(M, multiply(M, M)))
