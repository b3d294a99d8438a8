"""Records sorted by a key, one way and the other."""

RECORDS = [(i * 613 % 1009, ("agent", i)) for i in range(1500)]


def score(record: tuple[int, tuple[str, int]]) -> int:
    return record[0] - record[1][1]


def main() -> list[int]:
    return [sorted(RECORDS, key=score)[0][0], sorted(RECORDS, key=score, reverse=True)[0][0]]
