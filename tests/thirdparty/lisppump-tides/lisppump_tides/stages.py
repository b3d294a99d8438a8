"""One stage of each kind; each does what the built-in one would, and says so somewhere."""

import asyncio
from pathlib import Path

from lisppump import Option, Reply, Thought, hookimpl
from lisppump.files import Files
from lisppump_tides.breaks import fail, here


class Dam:
    """Seats agents as the water stands: those of one first letter together."""

    options = (Option("height", "value", "How high the water stands.", default=1),)

    def __init__(self, height):
        fail("init")
        self.height = height

    def assign(self, frame, agents, n, seed):
        fail("dam")
        rooms = [[] for _ in range(n)]
        for place, agent in enumerate(agents):
            rooms[(place + self.height) % n].append(agent.id)
        if here("dam contract"):
            rooms[0].append("nobody")
        return [room for room in rooms if room]


class Backend:
    """Lets every agent of the room say one word."""

    options = (Option("word", "value", "What they say.", default="splash"),)

    def __init__(self, word):
        self.word = word

    async def pour(self, request):
        fail("backend")
        lines = [{"agent": agent.id, "text": self.word} for agent in request.agents]
        return {"lines": lines} if here("backend contract") else Reply(data={"lines": lines})


class Merger:
    """Merges as the dream catcher does."""

    def merge(self, frame, deltas, schema):
        from lisppump import merge

        fail("merger")
        return None if here("merger contract") else merge(frame, deltas, schema)


class Echo:
    """Thinks of the height of the water."""

    def think(self, frame, seed):
        fail("echo")
        return [5] if here("echo contract") else [Thought("tides", "tides", {"height": frame.number % 12})]


class Executor:
    """Runs all pipes at once, each with its deadline."""

    async def run(self, jobs):
        fail("executor")
        if here("executor contract"):
            return
        await asyncio.gather(*(self.one(job) for job in jobs))

    async def one(self, job):
        try:
            async with asyncio.timeout(job.deadline):
                await job.pour()
        except TimeoutError:
            job.timed_out()


class Reservoir:
    """Keeps documents in files, as the built-in one does."""

    def __init__(self, folder):
        self.files = Files(Path(folder))

    def names(self):
        return self.files.names()

    def read(self, name):
        return self.files.read(name)

    def write(self, name, value):
        fail("reservoir")
        self.files.write(name, value)

    def append(self, name, items):
        self.files.append(name, items)

    def delete(self, name):
        self.files.delete(name)

    def fingerprint(self, name):
        return self.files.fingerprint(name)


class Bad:
    """A dam with another signature than dams have."""

    def assign(self, agents):
        return []


@hookimpl
def dams():
    return {"tides": Bad if here("load") else Dam}


@hookimpl
def backends():
    return {"tides": Backend}


@hookimpl
def mergers():
    return {"tides": Merger}


@hookimpl
def echoes():
    return {"tides": Echo}


@hookimpl
def executors():
    return {"tides": Executor}


@hookimpl
def reservoirs():
    return {"tides": Reservoir}
