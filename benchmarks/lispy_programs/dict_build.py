"""A dict of 10,000 keys, filled in place."""


def build(n: int) -> dict[str, int]:
    made = {}
    for i in range(n):
        made[str(i)] = i * i
    return made


def main() -> list[int]:
    d = build(10000)
    return [len(d), d["9999"]]
