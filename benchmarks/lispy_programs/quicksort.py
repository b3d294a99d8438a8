"""The quicksort of textbooks: comprehensions and addition."""

NUMBERS = [i * 7919 % 1009 for i in range(1000)]


def quicksort(items: list[int]) -> list[int]:
    if not items:
        return []
    pivot, *others = items
    return [
        *quicksort([x for x in others if x < pivot]),
        pivot,
        *quicksort([x for x in others if x >= pivot]),
    ]


def main() -> int:
    return quicksort(NUMBERS)[500]
