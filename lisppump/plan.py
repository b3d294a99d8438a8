"""What the next frame will do, by the last one and the policy: who wakes, who sits where, what they read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lisppump import __version__, canon, prompt, schema
from lisppump.blame import blamed
from lisppump.clauses_parts import is_foreign
from lisppump.delta import Delta
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Agent, Frame, FrameFunction, Stream
from lisppump.lispy.values import Value, elements, is_list, is_nil, is_true
from lisppump.merge import Merged
from lisppump.policy import Policy
from lisppump.prompt import Prompt
from lisppump.registry import BUILTIN, Registry
from lisppump.report import Plan, totals
from lisppump.stages import POSTED, Assignment, Dam, lent
from lisppump.stages import assign as assign_streams
from lisppump.steering import faults, told

MOST_POSTED = 200  # lines of what programs in posts came to that are looked through for a prompt

declare(
    "policy", 1,
    bad_answer="A function of pump.lisp gave something that cannot be used where it stands.",
)  # fmt: skip


def seed_of(*parts: Any) -> int:
    """A 64-bit seed from JSON parts: the first bytes of the sha256 of their canonical form."""
    return int.from_bytes(hashlib.sha256(canon.canonical(list(parts))).digest()[:8], "big")


def select(policy: Policy, frame: Frame) -> tuple[Agent, ...]:
    """Who wakes: the first of those in line, before them those whom steering wants awake."""
    agents = in_line(policy, frame)
    wanted = frame.steering.get("wake")
    if isinstance(wanted, list):
        agents = tuple(sorted(agents, key=lambda agent: agent.id not in wanted))
    return agents[: whole(policy.agents.at_most, frame, "(agents (at-most ...))", len(agents))]


def in_line(policy: Policy, frame: Frame) -> tuple[Agent, ...]:
    """Who could wake: those `where` lets through, by `order`, then longest asleep, then the die."""
    clause = policy.agents
    agents = frame.agents(clause.document, clause.path)
    if clause.where is not None:
        where = clause.where.on(frame, seed=("where",))
        agents = tuple(agent for agent in agents if is_true(where(agent.data)))
    if clause.order is None and not clause.rest_first:
        return agents
    ranks = _ranks(clause.order, frame, agents)
    if clause.rest_first:
        woken = frame.woken
        dice = {agent.id: seed_of(policy.seed, frame.number, "rest", agent.id) for agent in agents}
        key = {
            agent.id: (ranks[agent.id], woken.get(agent.id, -1), dice[agent.id], agent.id) for agent in agents
        }
        return tuple(sorted(agents, key=lambda agent: key[agent.id]))
    return tuple(sorted(agents, key=lambda agent: ranks[agent.id]))


def awake(policy: Policy, frame: Frame, chosen: Sequence[Agent]) -> tuple[Agent, ...]:
    """Those who were chosen to wake, as the frame has them."""
    clause = policy.agents
    there = {agent.id: agent for agent in frame.agents(clause.document, clause.path)}
    strangers = [agent.id for agent in chosen if agent.id not in there]
    if strangers:
        raise LisppumpError(
            "contract",
            f"the hook `select` wakes {', '.join(strangers)}, whom the frame does not have",
            help="--trace-hooks shows which plugins it goes through",
        )
    return tuple([there[agent.id] for agent in chosen])


def assign(policy: Policy, frame: Frame, agents: Sequence[Agent], dam: Dam) -> Assignment:
    """Who sits where: as many streams as the policy wants, grouped by its dam."""
    if not agents:
        return Assignment((), ("nobody wakes",))
    wanted = max(1, how_many(policy, frame))
    seed, choice = seed_of(policy.seed, frame.number, "dam"), policy.dam
    with blamed("dam", choice.name, choice.offer.plugin, frame.number + 1):
        seen, those = frame, agents
        if is_foreign(choice):
            seen, those = lent(frame), lent(tuple(agents))
        made = assign_streams(dam, seen, those, wanted, seed, name=choice.name)
    return made if policy.topics is None else replace(made, streams=_on_topics(policy, frame, made.streams))


def how_many(policy: Policy, frame: Frame) -> int:
    """How many streams the policy wants, or steering in its place."""
    asked = frame.steering.get("streams")
    if isinstance(asked, int) and not isinstance(asked, bool) and asked > 0:
        return asked
    return whole(policy.streams, frame, "(streams ...)", 1)


def unheard(policy: Policy, frame: Frame) -> list[str]:
    """What is asked of a frame by nudges or `steering.json`, and comes to nothing."""
    found, wanted = faults(frame.documents), frame.steering.get("wake")
    if isinstance(wanted, list) and wanted:
        clause = policy.agents
        there = {agent.id for agent in frame.agents(clause.document, clause.path)}
        strangers = [str(name) for name in wanted if name not in there]
        if strangers:
            found.append(f"steering wakes nobody of the name {', '.join(strangers)}: there is no such agent")
    return found


def _on_topics(policy: Policy, frame: Frame, streams: Sequence[Stream]) -> tuple[Stream, ...]:
    """The streams with what the policy says they are about, where the dam has not said that."""
    from lisppump.lispy import to_json, to_text

    assert policy.topics is not None
    given = policy.topics.on(frame, seed=("topics",))(frame.view, len(streams))
    topics = [] if is_nil(given) else to_json(given)
    if isinstance(topics, list):
        topics = [None if topic == [] else topic for topic in topics]
    if not isinstance(topics, list) or not all(topic is None or isinstance(topic, str) for topic in topics):
        what = f"(topics ...) should give a list of texts or nil, it gave {to_text(given)[:200]}"
        raise LisppumpError("bad-answer", what)
    topics = [*topics, *[None] * (len(streams) - len(topics))]
    return tuple(
        stream if stream.topic is not None or not topic else replace(stream, topic=topic)
        for stream, topic in zip(streams, topics, strict=False)
    )


def prompts(
    policy: Policy, frame: Frame, streams: Sequence[Stream], agents: Mapping[str, Agent]
) -> tuple[Prompt, ...]:
    """What each room reads: one shared prefix, then its own part."""
    from lisppump.lispy import to_json

    clause = policy.prompt
    shared = clause.shared.on(frame, seed=("prompt",))(frame.view) if clause.shared else None
    room_part = clause.room.on(frame, seed=("prompt",)) if clause.room else None
    rules = schema.in_words(policy.schema)
    sections = to_json(shared)
    if asked := told(frame.steering):
        sections = [sections, {"title": "What is asked of this frame", "body": asked}]
    head = prompt.shared_part(policy.name, frame.number, frame.time, rules, sections, clause.at_most)
    echoed = any(name == POSTED or name.startswith("echo_frames/") for name in frame.documents)
    built = []
    for stream in streams:
        members = [agents[member].data for member in stream.agents]
        parts = None
        if room_part is not None:
            room = {"stream": stream.number, "name": stream.name, "topic": stream.topic, "agents": members}
            parts = to_json(room_part(room))
        elif echoed:
            parts = [*prompt.echoes(_echoes(frame, stream)), *prompt.posted(_posted(frame, stream))]
        built.append(prompt.build(head, stream, members, parts, clause.at_most))
    return tuple(built)


def _echoes(frame: Frame, stream: Stream) -> dict[str, Any]:
    """What the last echoes of a room's agents came to, by agent."""
    names = {agent: f"echo_frames/{safe_stem(agent)}.json" for agent in stream.agents}
    found = {agent: frame.documents[name] for agent, name in names.items() if name in frame.documents}
    return {agent: said for agent, said in found.items() if isinstance(said, dict)}


def _posted(frame: Frame, stream: Stream) -> list[dict[str, Any]]:
    """What programs in the last posts of a room's agents came to, of each agent the last two."""
    lines = frame.documents.get(POSTED)
    found: dict[str, list[dict[str, Any]]] = {}
    for line in elements(lines)[-MOST_POSTED:] if is_list(lines) else ():
        if isinstance(line, dict) and line.get("author") in stream.agents:
            found.setdefault(line["author"], []).append(line)
    return [line for agent in stream.agents for line in found.get(agent, ())[-2:]]


def whole(choice: int | FrameFunction | None, frame: Frame, place: str, default: int) -> int:
    """A number of the policy, or what its function says about the frame."""
    if choice is None:
        return default
    if isinstance(choice, int):
        return choice
    value = choice.on(frame, seed=(place,))(frame.view)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        from lisppump.lispy import to_text

        raise LisppumpError(
            "bad-answer", f"{place} should give a whole number, its function gave {to_text(value)}"
        )
    return value


def _ranks(order: FrameFunction | None, frame: Frame, agents: Sequence[Agent]) -> dict[str, int | float]:
    if order is None:
        return {agent.id: 0 for agent in agents}
    rank = order.on(frame, seed=("order",))
    found: dict[str, int | float] = {}
    for agent in agents:
        value = rank(agent.data)
        if is_nil(value):
            value = 0
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LisppumpError("bad-answer", f"(agents (order ...)) should give a number for {agent.id}")
        found[agent.id] = value
    return found


def plugins(policy: Policy, registry: Registry) -> list[dict[str, Any]]:
    """The plugins that have a say in a frame, for its intent: by id, version and code, with what they do."""
    named = {plugin.id for plugin in policy.named}
    acting = [plugin for plugin, _ in registry.contents() if plugin.id in named or plugin.hooks]
    chosen: dict[str, set[str]] = {}
    for choice in policy.stages():
        owner = choice.offer.plugin if choice.offer.plugin in named else BUILTIN
        chosen.setdefault(owner, set()).add(f"{choice.kind} {choice.offer.name}")

    def entry(id: str, *facts: str | None, hooks: Sequence[str] = ()) -> dict[str, Any]:
        known = dict(zip(("distribution", "version", "digest"), facts, strict=True))
        return {"plugin": id, **known, "stages": sorted(chosen.get(id, ())), "hooks": list(hooks)}

    return [
        entry(BUILTIN, BUILTIN, __version__, None),
        *(entry(p.id, p.distribution, p.version, p.digest, hooks=p.hooks) for p in acting),
    ]


def differences(then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the plugins of a frame's intent differ from those that would make it now."""
    before, after = ({entry["plugin"]: entry for entry in entries} for entries in (then, now))
    found = []
    for id, entry in before.items():
        other = after.get(id)
        if other is None:
            found.append(f"made with {_called(entry)}, which has no say now")
        elif other["version"] != entry["version"]:
            found.append(f"made with {_called(entry)}; here is {other['version'] or 'one without version'}")
        elif other["digest"] != entry["digest"]:
            found.append(f"made with {_called(entry)}, whose code is another now")
    found.extend(f"made without {_called(entry)}" for id, entry in after.items() if id not in before)
    return found if before else []  # an intent of before plugins were recorded says nothing


def _called(entry: Mapping[str, Any]) -> str:
    return f"{entry['plugin']} {entry['version']}" if entry["version"] else str(entry["plugin"])


def intent(
    plan: Plan, head: Frame, policy: Policy, *, bundle: str, plugins: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What is recorded before a frame is begun: everything that it is made of but the replies."""
    return {
        "frame": plan.frame,
        "parent": head.digest,
        "tock": head.tock,
        "time": plan.time,
        "policy": policy.digest,
        "bundle": bundle,
        "seed": policy.seed,
        "overrides": dict(plan.overrides),
        "plugins": list(plugins),
        "wake": list(plan.wake),
        "streams": [
            {
                "stream": stream.number,
                "name": stream.name,
                "topic": stream.topic,
                "agents": list(stream.agents),
                "prefix_digest": prompt.shared_digest,
                "room_digest": prompt.room_digest,
            }
            for stream, prompt in zip(plan.streams, plan.prompts, strict=True)
        ],
    }


def resumed(
    policy: Policy, head: Frame, intent: Mapping[str, Any]
) -> tuple[Plan, dict[str, Agent], tuple[str, ...]]:
    """The plan that an intent holds, the agents by id, and the streams that would read something else now.

    Nothing is decided again: who wakes, who sits where and what time it is were written down.
    """
    asleep = [Agent(agent, {}) for agent in intent["wake"]]
    agents = {agent.id: agent for agent in awake(policy, head, asleep)}
    streams = tuple(
        Stream(entry["stream"], tuple(entry["agents"]), name=entry["name"], topic=entry["topic"])
        for entry in intent["streams"]
    )
    made = prompts(policy, head, streams, agents) if streams else ()  # a frame of imports asks nobody
    changed = tuple(
        stream.id
        for stream, prompt, entry in zip(streams, made, intent["streams"], strict=True)
        if (prompt.shared_digest, prompt.room_digest) != (entry["prefix_digest"], entry["room_digest"])
    )
    plan = Plan(
        frame=intent["frame"],
        digest=head.digest,
        time=intent["time"],
        wake=tuple(intent["wake"]),
        streams=streams,
        backends=tuple(alias for alias, _ in policy.pipe.backends),
        prompts=made,
        at_most={},
        overrides=intent["overrides"],
        notes=(),
    )
    return plan, agents, changed


def earlier(intent: Mapping[str, Any], policy: Policy) -> list[str]:
    """What is to be said where pump.lisp has changed since a frame was begun."""
    if intent["policy"] == policy.digest:
        return []
    return [
        f"pump.lisp has changed since frame {intent['frame']} was begun, which goes on under the one of "
        "then; `lisppump run --abandon` begins it anew under the new one"
    ]


def genesis(policy: Policy) -> dict[str, Any] | None:
    """The documents of frame 0 that the policy makes, or None where it has no (genesis ...)."""
    if policy.genesis is None:
        return None
    from lisppump.lispy import to_json

    made = to_json(policy.genesis.on(None)())
    if not isinstance(made, dict):
        raise LisppumpError("bad-answer", "(genesis ...) should give a dict of document name to value")
    return made


def virtual(head: Frame, plan: Plan, deltas: Sequence[Delta], merged: Merged) -> dict[str, Any]:
    """The documents that the loop itself writes; echo results live on until they are renewed."""
    statuses: dict[str, int] = {}
    for delta in deltas:
        statuses[delta.status] = statuses.get(delta.status, 0) + 1
    last = {
        "frame": plan.frame,
        "time": plan.time,
        "streams": len(deltas),
        "awake": len(plan.wake),
        "events": totals(merged.report)["merged"],
        "counts": {name: entry["merged"] for name, entry in merged.report.items()},
        "statuses": statuses,
    }
    return {
        "last": last,
        "echo": head.virtual.get("echo", {"signals": {}, "results": {}}),
        "steering": head.virtual.get("steering", {}),
        "clock": {"frame": plan.frame, "time": plan.time},
    }


def signals(values: Sequence[tuple[str, Value]]) -> dict[str, str]:
    """What echoes ask for: `"signal" "boost-builder"` is the verb boost and the word builder.

    Of two words for one verb the one with more votes wins, then the one whose first voter is smaller.
    """
    votes: dict[str, dict[str, list[str]]] = {}
    for key, value in values:
        if not isinstance(value, dict):
            continue
        asked = value.get("signal")
        for signal in elements(asked) if is_list(asked) and asked is not None else [asked]:
            if isinstance(signal, str) and "-" in signal:
                verb, _, word = signal.partition("-")
                votes.setdefault(verb, {}).setdefault(word, []).append(key)
    return {
        verb: min(words, key=lambda word: (-len(words[word]), min(words[word]), word))
        for verb, words in sorted(votes.items())
    }
