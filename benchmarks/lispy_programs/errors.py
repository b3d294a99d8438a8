"""Errors raised and caught, a handler that goes on."""


def parse(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return -1


def main() -> int:
    return sum(parse("x" if i % 10 == 0 else "7") for i in range(1500))
