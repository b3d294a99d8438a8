"""A machine with a handful of states: a traffic light with a button."""


def following(state: str, given: int) -> str:
    if state == "red":
        return "green" if given >= 6 else "flashing" if given < 2 else "red"
    if state == "green":
        return "amber" if given in (9, 3, 4) else "green"
    if state == "amber":
        return "red"
    return "red" if given > 4 else state


VALUES = {"red": 0, "flashing": 0, "amber": 1, "green": 2}


def main() -> list[object]:
    state, score = "red", 0
    for i in range(12000):
        state = following(state, i * i * 7 % 10)
        score += VALUES[state]
    return [state, score]
