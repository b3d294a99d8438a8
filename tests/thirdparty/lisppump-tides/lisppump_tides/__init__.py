"""The tides: a plugin that offers one of each kind and implements every hook."""

import click

from lisppump import hookimpl, lispy_builtin
from lisppump_tides.breaks import fail, here
from lisppump_tides.stages import backends, dams, echoes, executors, mergers, reservoirs

__all__ = ["backends", "dams", "echoes", "executors", "mergers", "reservoirs"]

lisppump_api = 2 if here("api") else 1
fail("import")


@lispy_builtin("tide", "(tide hour)", "The height of the water at an hour.", example="(tide 6) ;=> 6")
def tide(run, hour):
    fail("builtin")
    return object() if here("builtin contract") else abs(hour % 24 - 12)


@click.command()
@click.argument("hours", type=int, nargs=-1)
def tides(hours):
    """Print the heights of the water."""
    fail("command")
    for hour in hours:
        click.echo(f"{hour}: {abs(hour % 24 - 12)}")


@hookimpl
def builtins():
    return {"tide": tide}


@hookimpl
def commands():
    return {"tides": tides}


if here("hook name"):

    @hookimpl
    def frame_comitted(frame):
        """A hook that does not exist."""


if here("hook arguments"):

    @hookimpl
    def frame_started(number, stream):
        """A hook with an argument that it does not have."""

elif here("async hook"):

    @hookimpl
    async def frame_started(number):
        """A hook that nobody would await."""

else:

    @hookimpl
    def frame_started(number):
        fail("frame_started")


@hookimpl(wrapper=True)
def select(frame):
    fail("select")
    agents = yield
    fail("select after")
    return agents[:1] * 2 if here("select contract") else agents


@hookimpl(wrapper=True)
def assign(agents):
    fail("assign")
    assignment = yield
    return None if here("assign contract") else assignment


@hookimpl(wrapper=True)
def pour(request):
    fail("pour")
    answer = yield

    async def listened():
        reply = await answer
        fail("pour after")
        return reply

    return 5 if here("pour contract") else listened()


@hookimpl(wrapper=True)
def merge(deltas):
    fail("merge")
    merged = yield
    return None if here("merge contract") else merged


@hookimpl(wrapper=True)
def echo(frame):
    fail("echo hook")
    thoughts = yield
    return "a thought" if here("echo hook contract") else thoughts


@hookimpl
def stream_replied(stream):
    fail("stream_replied")


@hookimpl
def stream_failed(stream):
    fail("stream_failed")


@hookimpl
def frame_committed(frame):
    fail("frame_committed")
    if here("policy_reloaded"):
        with open("pump.lisp", "a", encoding="utf-8") as policy:
            policy.write("; changed while it runs\n")


@hookimpl
def policy_reloaded(policy):
    fail("policy_reloaded")


@hookimpl
def budget_spent(reason):
    fail("budget_spent")
