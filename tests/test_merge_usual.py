"""What is usual is taken in at once: it comes to what the steps of a merge make of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.delta import Collection, Delta, Field, Schema, Target
from lisppump.lispy.values import slice_of
from lisppump.merge import Change, Memo, Merged, account, apply, merge
from lisppump.merge_entries import Flow
from lisppump.merge_memo import identified_by, identity
from lisppump.merge_rules import Rules
from lisppump.merge_usual import is_usual
from tests.merge_worlds import SCALARS, VALUES
from tests.merging import frame

AGENTS = ("ada", "bo", "cy")
FIELDS = (
    Field("author", "agent", optional=True),
    Field("k", "any", optional=True),
    Field("to", "string", optional=True),
)
COUNTS = st.sampled_from(
    [
        (),
        (Target("agents.json", ("agents", "{author}", "n")),),
        (Target("agents.json", ("agents", "author", "n")), Target("agents.json", ("agents", "{to}", "got"))),
        (Target("agents.json", ("agents", "to", "n")), Target("agents.json", ("agents", "{author}", "n"))),
        (Target("byname.json", ("{to}", "n")),),
    ]
)
PLACES = st.sampled_from(
    [
        Target("log.jsonl"),
        Target("log.jsonl"),
        Target("t.json", ("l",)),
        Target("agents.json", ("agents", "ada", "n")),
    ]
)
ONCE = st.sampled_from([(), ("author", "k"), ("k",), ("author", "k", "to")])
MEMBERS: st.SearchStrategy[Any] = st.sampled_from(
    [{}, {"n": 3}, {}, {"n": 3}, {"n": 1.5}, {"n": True}, {"n": "many"}, [], None]
)
USUAL = st.fixed_dictionaries(
    {"author": st.sampled_from(AGENTS), "k": st.one_of(st.integers(0, 2), st.sampled_from("ab"))},
    optional={"to": st.sampled_from(AGENTS), "created_at": st.just("then")},
)
ODD = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {},
        optional={
            "author": st.sampled_from([*AGENTS, "di", "", None, 1, ["ada"]]),
            "k": VALUES,
            "to": st.sampled_from(["ada", "di", "log", "", 1, True, None, ["ada"], {"a": 1}]),
        },
    ),
)
ORIGIN = {"identity": "an id", "file": "f.json", "paths": {}}
ITEMS = st.one_of(*[USUAL] * 7, ODD)
MANY = st.one_of(*[st.lists(ITEMS, min_size=1, max_size=6)] * 7, st.sampled_from([[], "x", None]))
KINDS = st.sampled_from([*["ours"] * 8, "foreign", "imported", "waived", "rejected"])


@st.composite
def rules(draw: st.DrawFn) -> Schema:
    """Up to three collections that go to lists, among them those of one list; now and then one that sets."""
    made = [
        Collection(name, FIELDS, into=draw(PLACES), once_per=draw(ONCE), counts=draw(COUNTS))
        for name in draw(st.sampled_from(["x", "xy", "xyz"]))
    ]
    path = draw(st.sampled_from([("agents",), ("agents", "ada")]))
    fields = (Field("field", "string"), Field("value", "any"))
    sets = Collection("sets", fields, into=Target("agents.json", path), mode="last-writer")
    place = draw(st.sampled_from([None, None, 0, len(made)]))
    return Schema(tuple(made if place is None else [*made[:place], sets, *made[place:]]))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Lists in which items stand already, and members, some of whom have something else than a number."""
    log = draw(st.lists(ITEMS, max_size=4))
    members = {name: draw(MEMBERS) for name in AGENTS}
    full: dict[str, Any] = {
        "log.jsonl": slice_of(log, 0, len(log)) if log else [],
        "t.json": {"l": draw(st.lists(ITEMS, max_size=3))},
        "agents.json": {"agents": members},
        "byname.json": {"ada": {"n": 1}, "bo": {}},
    }
    there = draw(st.sets(st.sampled_from(sorted(full)), min_size=3))
    return {name: full[name] for name in full if name in there}


@st.composite
def delta_lists(draw: st.DrawFn) -> list[Delta]:
    """Deltas in their order or not, nearly all of them our own and apart from each other."""
    apart = draw(st.booleans())
    made = []
    for stream in range(1, draw(st.integers(1, 5)) + 1):
        found: dict[str, Any] = draw(st.fixed_dictionaries({"x": MANY, "y": MANY}, optional={"z": MANY}))
        found["sets"] = [
            {"field": draw(st.sampled_from([*AGENTS, "n"])), "value": draw(st.sampled_from([{}, 1]))}
        ]
        kind = draw(KINDS)
        problem = {"collection": "x", "index": 9, "reason": "wrong-type", "message": "m", "item": 4}
        made.append(
            Delta(
                7,
                stream if apart else draw(st.integers(1, 2)),
                f"t{stream}",
                found,
                draw(st.sampled_from([AGENTS, AGENTS, AGENTS[:1]])),
                foreign=kind in ("foreign", "imported"),
                origin=ORIGIN if kind == "imported" else None,
                waived=("not-in-room", "unknown-member") if kind == "waived" else (),
                rejected=(problem,) if kind == "rejected" else (),
            )
        )
    return made


WORLDS = st.tuples(documents(), rules(), delta_lists())
World = tuple[dict[str, Any], Schema, list[Delta]]


def said(merged: Merged) -> bytes:
    """All that a merge says, to the letter, outcomes of imported items included."""
    outcomes = [[one.stream, one.collection, one.index, one.outcome, one.twin] for one in merged.outcomes]
    changes = [change.to_json() for change in merged.changes]
    return canon.line(
        [changes, {name: dict(row) for name, row in merged.report.items()}, *merged.quarantine, outcomes]
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(WORLDS)
def test_at_once_and_step_by_step_come_to_the_same(world: World) -> None:
    here, schema, deltas = world
    memo = Memo()
    for _ in range(2):  # once more where all of it stands already, and with what is remembered
        at_once = merge(frame(here), deltas, schema, memo)
        step_by_step, entries = account(frame(here), deltas, schema)
        assert said(at_once) == said(step_by_step)
        assert len(entries) <= sum(row["in"] for row in at_once.report.values())
        here = {**here, **apply(here, at_once.changes)}


SETS = Collection(
    "sets",
    (Field("field", "string"), Field("value", "any")),
    into=Target("agents.json", ("agents",)),
    mode="last-writer",
)


@pytest.mark.parametrize("counts", COUNTS.elements[1:4])  # type: ignore[attr-defined]
def test_what_is_counted_at_once_stands_in_the_way_of_what_is_set(counts: tuple[Target, ...]) -> None:
    rule = Collection("x", FIELDS, into=Target("log.jsonl"), counts=counts)
    here: dict[str, Any] = {"agents.json": {"agents": {name: {} for name in AGENTS}}}
    items = [{"author": name, "to": "ada"} for name in AGENTS]
    given = Delta(7, 1, "t", {"x": items, "sets": [{"field": "cy", "value": 1}]}, AGENTS)
    merged = merge(frame(here), [given], Schema((rule, SETS)))
    assert [entry["reason"] for entry in merged.quarantine] == ["bad-place"]
    assert merged.report["x"]["merged"] == 3


@pytest.mark.parametrize("counts", COUNTS.elements[1:3])  # type: ignore[attr-defined]
def test_a_counter_in_whose_place_a_list_comes_is_refused(counts: tuple[Target, ...]) -> None:
    lists = Collection("a", FIELDS, into=Target("agents.json", ("agents", "ada", "n")))
    rule = Collection("x", FIELDS, into=Target("log.jsonl"), counts=counts)
    here: dict[str, Any] = {"agents.json": {"agents": {name: {} for name in AGENTS}}}
    items = [{"author": name, "to": name} for name in ("bo", "ada", "cy", "ada", "bo")]
    given = Delta(7, 1, "t", {"a": [{"author": "bo"}], "x": items}, AGENTS)
    merged = merge(frame(here), [given], Schema((lists, rule)))
    assert [entry["reason"] for entry in merged.quarantine] == ["bad-place"] * 2
    agents = apply(here, merged.changes)["agents.json"]["agents"]
    assert (agents["bo"]["n"], agents["cy"]["n"]) == (2, 1)


def test_an_imported_twin_of_an_item_that_nothing_was_asked_about_names_it() -> None:
    rule = Collection("x", FIELDS, into=Target("log.jsonl"), once_per=("k",))
    ours = Delta(7, 1, "t", {"x": [{"author": "ada", "k": key} for key in "abc"]}, AGENTS)
    theirs = Delta(7, 2, "t", {"x": [{"author": "ada", "k": "c"}]}, foreign=True, origin=ORIGIN)
    (outcome,) = merge(frame({}), [ours, theirs], Schema((rule,))).outcomes
    assert (outcome.outcome, outcome.twin) == ("duplicate", "x[2] of stream-0001")


@pytest.mark.parametrize("counts", [(), *(COUNTS.elements[1:])])  # type: ignore[attr-defined]
def test_the_collections_of_these_worlds_are_usual(counts: tuple[Target, ...]) -> None:
    rule = Collection("x", FIELDS, into=Target("log.jsonl"), once_per=("k",), counts=counts)
    assert is_usual(Flow("x", rule, False, {}, []), Rules(frame({}), Memo()))


@given(
    st.dictionaries(st.sampled_from("abc"), st.one_of(st.sampled_from(SCALARS), VALUES)),
    st.sampled_from(["a", "ab", "abc"]),
)
def test_many_items_are_told_apart_as_one_is(item: dict[str, Any], fields: str) -> None:
    found, wanted = identified_by(tuple(fields))(item), identity(item, tuple(fields))
    assert found == wanted
    assert repr(found) == repr(wanted)  # 1, 1.0 and true are three values


@given(st.sampled_from([*SCALARS, [], {}, ["a"]]), st.sampled_from(["append", "set", "add", "text", "other"]))
def test_changes_are_sound_where_their_parts_are(value: Any, op: str) -> None:
    kinds = {"append": list, "set": object, "add": int | float, "text": str}
    fits = op in kinds and isinstance(value, kinds[op]) and not (op == "add" and isinstance(value, bool))
    assert Change("d.json", op, ("a", "b"), value).sound is fits
    for document, path in (
        (None, ("a",)),
        (1, ()),
        ("d", ["a"]),
        ("d", ("a", 1)),
        ("d", (None,)),
        ("d", "a"),
    ):
        assert not Change(document, op, path, value).sound  # type: ignore[arg-type]
