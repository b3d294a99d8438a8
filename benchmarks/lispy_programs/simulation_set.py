"""A simulation that sets the four keys of its state anew each tick."""

State = dict[str, int]


def step(s: State, tick: int) -> State:
    water, power = s["water"], s["power"]
    return {
        **s,
        "water": water - 3 + (4 if power > 20 else 1),
        "power": power - 2 if tick % 7 == 0 else power + 1,
        "crew": s["crew"] - 1 if water < 10 else s["crew"],
        "tick": tick,
    }


def main() -> State:
    state = {"water": 100, "power": 30, "crew": 12, "tick": 0}
    for tick in range(365):
        state = step(state, tick)
    return state
