"""Primes by trial division, and the factors of numbers."""


def is_prime(n: int) -> bool:
    d = 2
    while d * d <= n:
        if n % d == 0:
            return False
        d += 1
    return True


def factors(n: int, d: int = 2) -> list[int]:
    found = []
    while n > 1:
        if n % d == 0:
            found.append(d)
            n //= d
        else:
            d += 1
    return found


def main() -> list[object]:
    return [
        len([n for n in range(2, 4000) if is_prime(n)]),
        [factors(n) for n in (5040, 30030, 9409, 7919)],
    ]
