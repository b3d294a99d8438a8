"""Worlds for the laws of the merge: schemas of every mode, states and deltas, as odd as JSON lets them be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from lisppump.delta import Collection, Delta, Field, Numbering, Schema, Target
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import slice_of
from tests.merging import Rule

AGENTS = ("ada", "bo", "cy")
NUMBERS = (0, 1, 2, -1, 1.0, -0.0, 0.1, 0.2, 0.3, 1e308, -1e308, 5e-324, 2**53 + 1, 10**30, -(10**30))
TEXTS = ("", "a", "b", "1", "true", "é", "e\u0301", "\u2028", "x y", "a/b", "..", "{k}", "\x00")
SCALARS = (*NUMBERS, *TEXTS, True, False, None)
VALUES = st.one_of(
    st.sampled_from(SCALARS),
    st.lists(st.sampled_from(SCALARS), max_size=2),
    st.dictionaries(st.sampled_from(["a", "n", "k"]), st.sampled_from(SCALARS), max_size=2),
)
KEYS = st.one_of(st.sampled_from(["a", "b", "n", "ada", 1, "1"]), VALUES)
ITEMS = st.one_of(
    st.fixed_dictionaries(
        {"author": st.one_of(st.sampled_from(AGENTS), st.sampled_from([*AGENTS, "di", "", None, 1]))},
        optional={
            "k": KEYS,
            "v": st.one_of(st.sampled_from(NUMBERS), VALUES),
            "id": KEYS,
            "field": KEYS,
            "value": VALUES,
            "number": st.one_of(st.integers(1, 5), VALUES),
            "post": st.one_of(st.integers(1, 5), VALUES),
        },
    ),
    VALUES,
)
FIELDS = (
    Field("author", "agent", optional=True),
    Field("k", "any", optional=True),
    Field("v", "any", optional=True),
    Field("post", "ref", optional=True, target="posts"),
)
PATHS = st.sampled_from([(), ("a",), ("a",), ("a", "n"), ("n",), ("l",)])
COUNTS = st.sampled_from(
    [
        Target("stats.json", ("total",)),
        Target("agents.json", ("agents", "{author}", "n")),
        Target("agents.json", ("agents", "{author}", "{k}")),
        Target("t.json", ("a",)),
        Target("t.json", ("a", "n")),
        Target("per/{k}.json", ("n",)),
    ]
)
ONCE = st.sampled_from([(), (), ("author", "k"), ("k",), ("v",), ("author", "post")])


def _count(there: Any, item: Any) -> Any:
    if item.get("v") == 0:
        raise LispyError("user-error", "no zeros")
    return [*(there if isinstance(there, list) else [there]), item.get("v")]


FUNCTIONS = st.sampled_from([Rule(_count), Rule(lambda there, item: item.get("v"))])
SHAPES = st.sampled_from([None, None, Rule(lambda item, view: {"made": item.get("k")}),
                          Rule(lambda item, view: item.get("v"))])  # fmt: skip


@st.composite
def collections(draw: st.DrawFn, name: str) -> Collection:
    """A collection of any mode; those called posts and polls are numbered, and share their numbers."""
    counts = tuple(draw(st.lists(COUNTS, max_size=2, unique=True)))
    once = draw(ONCE)
    if name in ("posts", "polls"):
        above = ("posts.jsonl", "more.json") if name == "posts" else ("posts.jsonl",)
        return Collection(
            name,
            FIELDS,
            once_per=once,
            number=Numbering("number", above),
            into=Target(f"{name}.jsonl"),
            shape=draw(SHAPES) if name == "polls" else None,
            counts=counts,
        )
    mode = draw(
        st.sampled_from(
            ["append", "put", "sum", "union", "max", "min", "last-writer", "refuse", "function", "counted"]
        )
    )
    if mode in ("refuse", "counted"):
        return Collection(name, FIELDS, once_per=once, mode="refuse" if mode == "refuse" else "append",
                          counts=counts)  # fmt: skip
    document, path = draw(st.sampled_from(["t.json", "t.json", "agents.json", "{author}.json"])), draw(PATHS)
    if mode in ("append", "function"):
        document, path = draw(
            st.sampled_from(
                [(document, path), ("log.jsonl", ()), ("memory/{author}.md", ()), ("{k}.jsonl", ())]
            )
        )
    if document == "agents.json":
        path = draw(st.sampled_from([("agents",), ("agents", "ada"), path]))
    keys = {"put": ("id",), "last-writer": draw(st.sampled_from([(), ("k",)]))}.get(mode, ())
    if mode in ("sum", "union", "max", "min"):
        keys = draw(st.sampled_from([("v",), ("k", "v"), ("author", "k", "v")]))
    wide = mode == "last-writer" and draw(st.booleans())
    fields = (*FIELDS, Field("field", "any", optional=True), Field("value", "any", optional=True))
    return Collection(
        name,
        fields if wide else FIELDS,
        once_per=once,
        into=Target(document, path),
        mode=mode,
        keys=keys,
        function=draw(FUNCTIONS) if mode == "function" else None,
        shape=draw(SHAPES),
        counts=counts,
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Up to five collections; sometimes a log for all others."""
    names = draw(st.lists(st.sampled_from(["posts", "polls", "x", "y", "z"]), unique=True, max_size=5))
    log = Collection("otherwise", into=Target("others.jsonl"))
    made = tuple(draw(collections(name)) for name in names)
    return Schema(made, log if draw(st.booleans()) else None)


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """Documents of all kinds; each of them may be absent."""
    inner = st.one_of(VALUES, st.dictionaries(st.sampled_from(["a", "n", "l"]), VALUES, max_size=3))
    log = draw(st.lists(st.one_of(ITEMS), min_size=1, max_size=3))
    full = {
        "t.json": draw(inner),
        "agents.json": {"agents": {"ada": {"n": 2}, "bo": draw(inner), "1": {}}},
        "stats.json": {"total": draw(st.sampled_from([7, 1.5, None, "many"]))},
        "posts.jsonl": slice_of([{"number": 3, "k": "a", "author": "ada"}, {"number": True}, 4], 0, 3),
        "more.json": {"deep": [{"number": 12}, {"number": "99"}]},
        "log.jsonl": slice_of(log, 0, len(log)),
        "memory/ada.md": "# Ada",
    }
    there = draw(st.sets(st.sampled_from(sorted(full))))
    return {name: full[name] for name in full if name in there}


REJECTED = st.fixed_dictionaries(
    {
        "collection": st.sampled_from(["posts", "x"]),
        "index": st.integers(0, 3),
        "reason": st.just("wrong-type"),
        "message": st.just("m"),
        "item": ITEMS,
    }
)


@st.composite
def deltas(draw: st.DrawFn) -> Delta:
    """One delta: ours, of another node, or from elsewhere."""
    stream = draw(st.integers(1, 4))
    found = draw(
        st.dictionaries(
            st.sampled_from(["posts", "polls", "x", "y", "z", "other"]),
            st.one_of(st.lists(ITEMS, max_size=4), st.lists(ITEMS, max_size=4), st.sampled_from([3, "x"])),
            max_size=5,
        )
    )
    return Delta(
        draw(st.sampled_from([6, 7, 7])),
        stream,
        f"2026-04-09T00:45:00.{stream:06d}Z",
        found,
        tuple(sorted(draw(st.sets(st.sampled_from(AGENTS), min_size=2)))),
        node=draw(st.sampled_from(["local", "local", "b"])),
        epoch=draw(st.integers(1, 2)),
        foreign=draw(st.sampled_from([False, False, True])),
        rejected=tuple(draw(st.lists(REJECTED, max_size=1))),
    )


WORLDS = st.tuples(states(), schemas(), st.lists(deltas(), min_size=1, max_size=5))
