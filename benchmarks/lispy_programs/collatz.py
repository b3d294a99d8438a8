"""while and assignment: how long Collatz's sequences are."""


def collatz(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 1 + 3 * n
        steps += 1
    return steps


def main() -> list[int]:
    longest = best = 0
    for i in range(700):
        steps = collatz(i + 1)
        if steps > longest:
            longest, best = steps, i + 1
    return [best, longest]
