"""A loop: multiples of 3 and 5 are added up."""


def main() -> int:
    total = 0
    for i in range(60000):
        if i % 3 == 0 or i % 5 == 0:
            total += i
    return total
