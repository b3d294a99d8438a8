"""The frame's documents, read only: what the capability `state` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import string
from lisppump.lispy.builtins.dicts import get
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Keyword, Symbol, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def name_of(name: str, value: Value) -> str:
    """A document's or agent's name, as string, symbol or keyword."""
    if value.__class__ is Symbol or value.__class__ is Keyword:
        return str(value.name)
    return string(name, value)


def _agent_id(name: str, value: Value) -> str:
    """The id of an agent: itself, or that of the agent's dict."""
    if isinstance(value, dict):
        value = get_or_nil(value, "id")
    text = name_of(name, value)
    if "/" in text or "\\" in text or text.startswith("."):
        raise LispyError("bad-value", f"{name} wants the id of an agent, not the name of a file")
    return text


def get_or_nil(value: Value, key: str) -> Value:
    """A member of a dict, nil where there is none or no dict."""
    if not isinstance(value, dict):
        return None
    try:
        return value[key]
    except KeyError:
        return None


@builtin("rb-state", "(rb-state document [key ...])",
         "A document of the frame, or what it has at a path of keys.",
         example="(dict? (rb-state \"stats.json\")) ;=> #t", cost="keys", capability="state")  # fmt: skip
def rb_state(run: Run, document: Value, *keys: Value) -> Value:
    value = run.state.document(name_of("rb-state", document))
    for key in keys:
        value = get(run, value, key)
    return value


@builtin("rb-agent", "(rb-agent id)", "The agent of that id with its id in it, or nil.",
         example="(get (rb-agent \"ada\") \"id\") ;=> \"ada\"", cost="3 + agents",
         capability="state")  # fmt: skip
def rb_agent(run: Run, agent: Value) -> Value:
    run.meter.charge(3)
    wanted = _agent_id("rb-agent", agent)
    agents = run.state.agents()
    run.meter.charge(len(agents))
    return next((found for found in agents if get_or_nil(found, "id") == wanted), None)


@builtin("rb-agents", "(rb-agents)", "The list of all agents, each with its id.",
         example="(list? (rb-agents)) ;=> #t", capability="state")  # fmt: skip
def rb_agents(run: Run) -> Value:
    return run.state.agents()


@builtin("rb-soul", "(rb-soul id)", "The memory of an agent, a text; nil if it has none.",
         cost="4", example="(string? (rb-soul \"ada\")) ;=> #t", capability="state")  # fmt: skip
def rb_soul(run: Run, agent: Value) -> Value:
    run.meter.charge(4)
    try:
        return run.state.document(f"memory/{_agent_id('rb-soul', agent)}.md")
    except LispyError as error:
        if error.code == "no-document":
            return None
        raise


@builtin("rb-channels", "(rb-channels)", "The document channels.json, its channels where it has them.",
         cost="3", example="(dict? (rb-channels)) ;=> #t", capability="state")  # fmt: skip
def rb_channels(run: Run) -> Value:
    run.meter.charge(3)
    document = run.state.document("channels.json")
    inner = get_or_nil(document, "channels")
    return document if inner is None else inner


@builtin("rb-trending", "(rb-trending)", "The list of what is trending.",
         cost="3", example="(list? (rb-trending)) ;=> #t", capability="state")  # fmt: skip
def rb_trending(run: Run) -> Value:
    run.meter.charge(3)
    document = run.state.document("trending.json")
    inner = get_or_nil(document, "trending")
    return document if inner is None else inner


@builtin("rb-frame", "(rb-frame)", "The number of the frame.", example="(integer? (rb-frame)) ;=> #t",
         capability="state")  # fmt: skip
def rb_frame(run: Run) -> Value:
    return run.state.number


@builtin("rb-echo", "(rb-echo id)", "What an agent's last echo gave, or nil.",
         example="(rb-echo \"nobody\") ;=> nil", capability="state")  # fmt: skip
def rb_echo(run: Run, agent: Value) -> Value:
    return run.state.echo(_agent_id("rb-echo", agent))


@builtin("rb-echoes", "(rb-echoes)", "A dict from agent to what its last echo gave.",
         cost="3", example="(dict? (rb-echoes)) ;=> #t", capability="state")  # fmt: skip
def rb_echoes(run: Run) -> Value:
    run.meter.charge(3)
    return run.state.echoes()
