"""Two hundred agents for twenty ticks: each is a dict, each tick makes new ones."""

from typing import Any

Agent = dict[str, Any]
AGENTS = [{"id": i, "energy": 50 + i * 17 % 50, "mood": "calm", "posts": 0} for i in range(200)]


def act(agent: Agent, tick: int) -> Agent:
    energy = agent["energy"]
    posts = energy > 40 and (tick + agent["id"]) % 3 == 0
    return {
        **agent,
        "energy": energy - 10 if posts else energy + 2,
        "mood": "tired" if energy < 30 else "lively" if energy > 80 else "calm",
        "posts": agent["posts"] + 1 if posts else agent["posts"],
    }


def main() -> list[int]:
    world = AGENTS
    for tick in range(20):
        world = [act(agent, tick) for agent in world]
    return [sum(a["posts"] for a in world), len([a for a in world if a["mood"] == "calm"])]
