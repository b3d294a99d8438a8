"""A list is gone through element by element into a new one, a dozen times."""


def plus_one(items: list[int]) -> list[int]:
    made = []
    for item in items:
        made.append(item + 1)
    return made


def main() -> int:
    items = list(range(1000))
    for _ in range(12):
        items = plus_one(items)
    return sum(items)
