"""A text character by character: Caesar's cipher and palindromes."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
MESSAGE = "a man a plan a canal " * 40


def shift(c: str, by: int) -> str:
    place = ALPHABET.find(c)
    return c if place < 0 else ALPHABET[(place + by) % 26]


def cipher(text: str, by: int) -> str:
    return "".join(shift(c, by) for c in text)


def palindrome(text: str) -> bool:
    i, j = 0, len(text) - 1
    while i < j:
        if text[i] != text[j]:
            return False
        i, j = i + 1, j - 1
    return True


def main() -> list[object]:
    secret = cipher(MESSAGE, 3)
    return [secret[:21], cipher(secret, 23) == MESSAGE, palindrome(MESSAGE + MESSAGE[::-1])]
