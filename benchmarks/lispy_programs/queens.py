"""Six queens on a board: lists, recursion, backtracking."""


def safe(queen: int, others: list[int]) -> bool:
    for distance, other in enumerate(reversed(others), 1):
        if queen == other or abs(queen - other) == distance:
            return False
    return True


def place(row: int, size: int, board: list[int]) -> int:
    if row == size:
        return 1
    found = 0
    for column in range(size):
        if safe(column, board):
            found += place(row + 1, size, [*board, column])
    return found


def main() -> int:
    return place(0, 6, [])
