"""The shape of a simulation: a state of four keys, a step to the next one, 365 ticks, a trajectory."""

import math

START = {"population": 1000, "food": 5000.0, "morale": 0.5, "births": 0}
State = dict[str, float]


def step(state: State, tick: int) -> State:
    population = state["population"]
    food = state["food"]
    eaten = min(food, population * 0.9)
    grown = 950.0 * (1.0 + 0.3 * math.sin(tick / 58.0))
    hungry = eaten < population * 0.9
    births = 0 if hungry else math.floor(population * 0.002)
    return {
        "population": population + births - (10 if hungry else 1),
        "food": food - eaten + grown,
        "morale": max(0.0, min(1.0, state["morale"] + (-0.05 if hungry else 0.01))),
        "births": births + state["births"],
    }


def main() -> list[object]:
    state = START
    trajectory = [state]
    for tick in range(365):
        state = step(state, tick)
        trajectory.append(state)
    return [len(trajectory), state]
