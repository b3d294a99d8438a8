"""Deltas from elsewhere of which one file holds several: in a list, on lines, inside another object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from tests.importing_support import files, outcomes, taken, world

POST = {"title": "t", "author": "ann", "number": 9}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


def test_what_is_no_delta_among_several_hides_none_of_them(root: Path, tmp_path: Path) -> None:
    report = taken(root, files(tmp_path / "in", {"a.json": [17, {"frame": 1, "posts": [POST]}, None]}))
    assert outcomes(report) == [("[1].posts[0]", "merged", None)]
    told = {one["file"]: one["error"] for one in report.unreadable}
    assert list(told) == ["a.json[0]", "a.json[2]"] and told["a.json[0]"].endswith("the number 17")


def test_a_delta_may_stand_on_each_line(root: Path, tmp_path: Path) -> None:
    lines = [json.dumps({"frame": number, "posts": [{**POST, "number": number}]}) for number in (9, 10)]
    text = "\ufeff" + "\r\n".join([lines[0], "", lines[1], '{"frame": 2, "posts": [', "5"])
    folder = files(tmp_path / "in", {"a.jsonl": text, "b.json": "{}\n]", "c.json": "{\n}\n{"})
    report = taken(root, folder)
    assert outcomes(report) == [("[0].posts[0]", "merged", None), ("[1].posts[0]", "merged", None)]
    told = {one["file"]: one["error"] for one in report.unreadable}
    assert list(told) == ["a.jsonl[2]", "a.jsonl[3]", "b.json[1]", "c.json"]
    assert "(line 4, column 25)" in told["a.jsonl[2]"] and "the number 5" in told["a.jsonl[3]"]
    with Pump.open(root) as pump:
        kept = [pump.store.read_blob(one.fields["source"]) for one in pump.store.inputs(1)
                if "source" in one.fields]  # fmt: skip
        assert kept.count(text.encode()) == 2
    assert not taken(root, folder).made
    other = files(tmp_path / "other", {"a.jsonl": "x\n" + lines[0], "b.json": "x\n" + lines[0]})
    report = taken(root, other)
    assert outcomes(report) == [("[1].posts[0]", "duplicate", None)]
    assert [one["file"] for one in report.unreadable] == ["a.jsonl[0]", "b.json"]


@pytest.mark.parametrize(
    ("around", "places"),
    [
        (lambda one, two: {"delta": one, "rest": {"second": two}}, ["delta", "rest.second"]),
        (lambda one, two: {"deltas": [one, two]}, ["deltas[0]", "deltas[1]"]),
        (lambda one, two: {"streams": {"1": one, "2": two}, "kind": "frame"}, ["streams.1", "streams.2"]),
        (lambda one, two: {"data": {"n": 2, "deltas": [one, two]}}, ["data.deltas[0]", "data.deltas[1]"]),
        (lambda one, two: [{"as": {"delta": one}}, {"as": two}], ["[0].as.delta", "[1].as"]),
    ],
)
def test_a_delta_may_stand_inside_another_object(
    root: Path, tmp_path: Path, around: Any, places: list[str]
) -> None:
    reaction = {"target": "NODE", "reaction": "+1"}
    one = {"frame": 1, "posts": [POST], "reactions": [reaction, reaction]}
    two = {"frame": 2, "comments": [{"post": 9, "author": "bob"}]}
    report = taken(root, files(tmp_path / "in", {"a.json": around(one, two)}))
    assert outcomes(report) == [
        (f"{places[0]}.posts[0]", "merged", None),
        (f"{places[0]}.reactions[0]", "merged", None),
        (f"{places[0]}.reactions[1]", "merged", None),
        (f"{places[1]}.comments[0]", "merged", None),
    ]
    assert report.strange == ()


def test_an_envelope_says_what_the_deltas_in_it_do_not(root: Path, tmp_path: Path) -> None:
    reaction = {"stream_id": 1, "reactions": [{"target": "NODE", "reaction": "+1"}]}
    post = {"stream_id": 2, "posts": [{**POST, "author": "bob"}]}
    contents = {
        "a.json": {"frame": 1, "agents": ["ann"], "deltas": [reaction, post], "votes": 3, "note": "x"},
        "b.json": {"frame": 2, "agents": ["ann"], "deltas": [reaction]},
    }
    report = taken(root, files(tmp_path / "in", contents))
    assert sorted(outcomes(report)) == [
        ("deltas[0].reactions[0]", "merged", None),
        ("deltas[0].reactions[0]", "merged", None),
        ("deltas[1].posts[0]", "quarantined", "not-in-room"),
        ("votes", "counted", "not-a-list"),
    ]
    assert [one["keys"] for one in report.unread] == [{"note": "a string"}]


def test_items_that_only_look_like_deltas_stay_items(root: Path, tmp_path: Path) -> None:
    thread = {"title": "x", "comments": [{"post": 9, "author": "bob"}]}
    report = taken(root, files(tmp_path / "in", {"a.json": {"frame": 1, "threads": [thread]}}))
    assert outcomes(report) == [("threads[0]", "merged", None)]
