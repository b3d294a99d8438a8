"""Text is built piece by piece: concatenation, formatting, join, replace."""


def line(i: int) -> str:
    return f"agent-{i}: {'online' if i % 2 == 0 else 'away'}, {'ok'.upper()}"


def main() -> list[object]:
    lines = [line(i) for i in range(1500)]
    page = "\n".join(lines)
    text = "".join(f"{i * i};" for i in range(500))
    return [
        len(page),
        len(page.replace("agent", "a")),
        text[100:130],
        len([each for each in lines if "away" in each]),
    ]
