"""Deltas from elsewhere: whatever files hold, every item gets one outcome, and nothing is lost unsaid."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import Pump, imports_folder
from lisppump.errors import LisppumpError
from tests.importing_support import document, files, outcomes, put, taken, world

POST = {"title": "t", "author": "ann", "number": 9}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


# -- names and numbers


def test_synonyms_are_read_and_nothing_of_an_item_is_lost(root: Path, tmp_path: Path) -> None:
    delta = {
        "frame": 7,
        "posts_created": [{"headline": "t", "agent": "ann", "number": 9, "mood": "fine"}],
        "comments_added": [{"discussion": 9, "agent": "bob"}],
        "replies_added": [{"target": "somebody", "discussion": 3, "author": "bob"}],
        "reactions": [{"target": "NODE", "reaction": "THUMBS_UP"}, {"by": "ann", "post": 3, "type": "+1"}],
    }
    report = taken(root, files(tmp_path / "in", {"a.json": delta}))
    assert report.items["replies_added"] == {
        "in": 1, "merged": 1, "duplicate": 0, "quarantined": 0, "counted": 0,
    }  # fmt: skip
    assert [entry.get("into") for entry in report.details] == [
        "posts", "comments", "comments", "votes", "votes",
    ]  # fmt: skip
    (_, post) = document(root, "log.json")["posts"]
    post.pop("created_at")
    assert post == {"number": 9, "title": "t", "author": "ann", "extra": {"mood": "fine"}}
    comments = document(root, "comments.jsonl")
    assert [(one["post"], one["author"]) for one in comments] == [(9, "bob"), (3, "bob")]
    assert comments[1]["extra"] == {"target": "somebody"}
    votes = document(root, "votes.jsonl")
    assert [(one["post"], one["voter"], one["type"]) for one in votes] == [
        (None, None, "up"), (3, "ann", "up"),
    ]  # fmt: skip
    assert votes[0]["extra"] == {"target": "NODE"}
    assert document(root, "agents.json")["agents"]["bob"]["comments"] == 2


def test_reactions_without_a_voter_are_never_folded(root: Path, tmp_path: Path) -> None:
    reaction = {"target": "NODE", "reaction": "THUMBS_UP"}
    contents = {
        "a.json": {"frame": 1, "agents_activated": ["ann"], "reactions": [reaction, reaction]},
        "b.json": {"frame": 1, "agents_activated": ["bob"], "reactions": [reaction, reaction]},
    }
    report = taken(root, files(tmp_path / "in", contents))
    assert report.items["reactions"]["merged"] == 4


def test_numbers_where_lists_belong_are_counted(root: Path, tmp_path: Path) -> None:
    delta = {"frame": 1, "comments_added": 13, "reactions": 0, "posts": -1, "moods": 2.5, "badges": True}
    report = taken(root, files(tmp_path / "in", {"a.json": delta}))
    assert report.items["comments_added"]["counted"] == 13
    assert ("comments_added", "counted", "not-a-list") in outcomes(report)
    assert {path: outcome for path, outcome, _ in outcomes(report)} == {
        "posts": "quarantined", "moods": "quarantined", "badges": "quarantined",
        "comments_added": "counted", "reactions": "counted",
    }  # fmt: skip


def test_what_the_policy_does_not_know_is_told(root: Path, tmp_path: Path) -> None:
    delta = {
        "frame": 1,
        "stream_id": "x",
        "whims": [{"a": 1}],
        "read": [3, 4],
        "metrics": {"n": 1},
        "mixed": [{"a": 1}, 2],
        "note": "hi",
    }
    report = taken(root, files(tmp_path / "in", {"a.json": delta}))
    assert outcomes(report) == [("whims[0]", "merged", None)]
    (unread,) = report.unread
    assert unread["keys"] == {
        "read": "a list of 2", "metrics": "an object", "mixed": "a list of 2", "note": "a string",
    }  # fmt: skip
    (item,) = document(root, "rest.jsonl")
    assert (item["collection"], item["a"]) == ("whims", 1)
    with Pump.open(root) as pump:
        (record,) = [one.fields for one in pump.store.inputs(1)]
    assert record["data"] == delta


@pytest.mark.parametrize("frame", ["500b", "20260416", None, [1], {"x": 1}, True, 1e300, -4, "", "\u0000"])
def test_a_frame_may_be_anything(root: Path, tmp_path: Path, frame: Any) -> None:
    report = taken(root, files(tmp_path / "in", {"a.json": {"frame": frame, "posts": [POST]}}))
    assert outcomes(report) == [("posts[0]", "merged", None)]


# -- what stands here already


def test_a_post_that_stands_here_is_a_duplicate_and_another_under_its_number_is_not(
    root: Path, tmp_path: Path
) -> None:
    posts = [
        {"number": 3, "title": "old", "author": "ann", "body": "with a body"},
        {"number": 3, "title": "new", "author": "ann"},
        {"number": -1, "title": "claimed", "author": "bob"},
    ]
    comments = [{"post": -1, "author": "bob", "text": "first"}]
    report = taken(root, files(tmp_path / "in", {"a.json": {"posts": posts, "comments": comments}}))
    assert [(entry["outcome"], entry["twin"]) for entry in report.details[:1]] == [
        ("duplicate", "log.json posts, number 3")
    ]
    assert outcomes(report)[1:] == [
        ("posts[1]", "quarantined", "number-taken"),
        ("posts[2]", "merged", None),
        ("comments[0]", "merged", None),
    ]
    assert [post["number"] for post in document(root, "log.json")["posts"]] == [3, 4]
    assert document(root, "comments.jsonl")[0]["post"] == 4
    assert document(root, "agents.json")["agents"]["ann"]["posts"] == 0


def test_the_same_folder_twice_is_duplicates_and_no_frame(root: Path, tmp_path: Path) -> None:
    contents = {
        "a.json": {"frame": 1, "posts": [POST, {"title": 5}], "comments": 4, "whims": [{"a": 1}]},
        "b.json": {"frame": 2, "reactions": [{"reaction": "+1"}]},
    }
    folder = files(tmp_path / "in", contents)
    first, second = taken(root, folder), taken(root, folder)
    assert first.made and not second.made
    assert second.frame == first.frame == 1
    assert {outcome for _, outcome, _ in outcomes(second)} == {"duplicate", "counted"}
    assert all("imported into frame 1" in (e["twin"] or "frame 1 imported into frame 1")
               for e in second.details)  # fmt: skip
    assert second.notes == ("nothing in it is new, so no frame was made",)


def test_a_file_under_another_name_is_the_same_delta_once(root: Path, tmp_path: Path) -> None:
    delta = {"frame": 1, "stream_id": "x", "posts": [POST], "comments": 5}
    other = {"stream_id": "y", **{key: delta[key] for key in ("comments", "posts", "frame")}}
    report = taken(root, files(tmp_path / "in", {"a.json": delta, "deep/b.json": other}))
    assert sorted(outcome for _, outcome, _ in outcomes(report)) == ["counted", "duplicate", "merged"]
    (twin,) = [entry["twin"] for entry in report.details if entry["outcome"] == "duplicate"]
    assert twin == "posts[0] of a.json"


def test_an_item_that_two_files_share_is_merged_once(root: Path, tmp_path: Path) -> None:
    comment = {"post": 3, "author": "bob", "text": "hi"}
    contents = {"a.json": {"frame": 1, "comments": [comment]}, "b.json": {"frame": 2, "comments": [comment]}}
    report = taken(root, files(tmp_path / "in", contents))
    assert [entry["twin"] for entry in report.details] == [None, "comments[0] of a.json"]


# -- who acts


def test_an_item_is_held_to_the_room_that_its_delta_names(root: Path, tmp_path: Path) -> None:
    contents = {
        "a.json": {"agents_activated": ["ann"], "posts": [POST, {**POST, "author": "bob", "number": 10}]},
        "b.json": {"agents_activated": 3, "posts": [{**POST, "author": "bob", "number": 11}]},
    }
    report = taken(root, files(tmp_path / "in", contents))
    assert outcomes(report) == [
        ("posts[0]", "merged", None),
        ("posts[1]", "quarantined", "not-in-room"),
        ("posts[0]", "merged", None),
    ]


def test_nobody_is_made_up(root: Path, tmp_path: Path) -> None:
    delta = {
        "agents_activated": ["ghost"],
        "posts": [{**POST, "author": "ghost"}],
        "comments": [{"post": 9, "author": "ann"}],
        "moods": [{"agent": "ghost", "field": "mood", "value": 1}],
        "votes": [{"post": 3, "voter": "ghost", "type": "up"}],
    }
    report = taken(root, files(tmp_path / "in", {"a.json": {**delta, "agents_activated": []}}))
    assert [reason for _, _, reason in outcomes(report)] == [
        "unknown-agent", "lost-reference", "unknown-agent", "unknown-agent",
    ]  # fmt: skip
    assert set(document(root, "agents.json")["agents"]) == {"ann", "bob"}


# -- files


def test_files_that_hold_no_delta_are_told_with_the_reason(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_folder, "MOST_BYTES", 4000)
    folder = files(
        tmp_path / "in",
        {
            "good.json": {"posts": [POST]},
            "binary.json": bytes(range(128, 256)),
            "cut.json": '{"posts": [{"title"',
            "deep.json": "[" * 1500,
            "empty.json": b"",
            "huge.json": b" " * 5000,
            "list.json": [1, 2],
            "nan.json": '{"posts": NaN}',
            "none.json": [],
            "number.json": "5",
            "readme.md": "# not JSON",
            "surrogate.json": '{"posts": "\\ud800"}',
            ".hidden": "x",
            ".git/config": "x",
        },
    )
    (folder / "link.json").symlink_to(folder / "good.json")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.json")
    report = taken(root, folder)
    told = {entry["file"]: entry["error"] for entry in report.unreadable}
    words = {
        ".git": "hidden folder", ".hidden": "hidden file", "binary.json": "no UTF-8",
        "cut.json": "should be JSON", "deep.json": "", "empty.json": "empty", "huge.json": "5,000 bytes",
        "link.json": "link", "list.json": "holds a list", "loop": "link", "nan.json": "NaN",
        "none.json": "holds a list", "number.json": "the number 5", "pipe.json": "no ordinary file",
        "readme.md": "should be JSON", "surrogate.json": "",
    }  # fmt: skip
    assert list(told) == sorted(words)
    for name, word in words.items():
        assert word in told[name]
    assert (report.files, report.deltas, len(report.details)) == (17, 1, 1)


def test_no_folder_is_too_deep_to_be_spoken_of(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files(tmp_path / "in", {})
    try:
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            for depth in range(2500):
                if depth == 1200:
                    put(Path("a.json"), {"posts": [POST]})
                os.mkdir("d")
                os.chdir("d")
        report = taken(root, folder)
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)  # shutil cannot go that deep everywhere
    assert [outcome for _, outcome, _ in outcomes(report)] == ["merged"]
    (entry,) = report.unreadable
    assert entry["error"] == "the folder cannot be read: file name too long"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(root: Path, tmp_path: Path) -> None:
    folder = files(tmp_path / "in", {"a.json": {"posts": [POST]}})
    (folder / "a.json").chmod(0)
    assert "cannot be read" in taken(root, folder).unreadable[0]["error"]


TEXT = json.dumps({"posts": [{**POST, "title": "süß"}]}, ensure_ascii=False, indent=1)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode(),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        f"[{TEXT}]".encode(),
    ],
)
def test_other_editors_write_other_bytes(root: Path, tmp_path: Path, data: bytes) -> None:
    report = taken(root, files(tmp_path / "in", {"a.json": data}))
    assert [outcome for _, outcome, _ in outcomes(report)] == ["merged"]
    assert document(root, "log.json")["posts"][-1]["title"] == "süß"


def test_a_key_that_stands_twice_loses_nothing(root: Path, tmp_path: Path) -> None:
    text = '{"posts": [%s], "note": 1, "posts": [%s], "note": 2}'
    posts = (json.dumps(POST), json.dumps({**POST, "number": 10}))
    report = taken(root, files(tmp_path / "in", {"a.json": text % posts}))
    assert report.items["posts"]["merged"] == 2
    assert report.notes == (
        "a.json: the key `posts` stands twice",
        "a.json: the key `note` stands twice; the later value counts",
    )
    with Pump.open(root) as pump:
        (record,) = [one.fields for one in pump.store.inputs(1)]
        assert pump.store.read_blob(record["source"]) == (text % posts).encode()


def test_a_list_gives_way_to_nothing_that_stands_under_its_key_too(root: Path, tmp_path: Path) -> None:
    post = json.dumps(POST)
    contents = {
        "a.json": f'{{"frame": 1, "posts": [{post}], "posts": 4}}',
        "b.json": '{"frame": 2, "comments": 4, "comments": [{"post": 9, "author": "bob"}]}',
    }
    report = taken(root, files(tmp_path / "in", contents))
    assert [outcome for _, outcome, _ in outcomes(report)] == ["merged", "merged"]
    assert report.notes == (
        "a.json: the key `posts` stands twice; the list counts",
        "b.json: the key `comments` stands twice; the list counts",
    )


def test_one_file_will_do_and_what_is_absent_is_an_error(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "a.json", {"posts": [POST]})
    assert [entry["file"] for entry in taken(root, file).details] == ["a.json"]
    with pytest.raises(LisppumpError) as error:
        taken(root, tmp_path / "nowhere")
    assert error.value.code == "no-such-folder"
    assert taken(root, files(tmp_path / "none", {})).notes == ("there was no delta in it",)


@pytest.mark.parametrize(
    ("items", "reasons"),
    [
        ("posts", "not-a-list"),
        ({"title": "x"}, "not-a-list"),
        ([None, 1, "x", [], {}], "not-an-item not-an-item not-an-item not-an-item missing-field"),
        ([{"title": 5, "author": "ann"}], "wrong-type"),
        ([{"title": "x", "author": ["ann"]}], "wrong-type"),
    ],
)
def test_wrong_types_go_to_quarantine(root: Path, tmp_path: Path, items: Any, reasons: str) -> None:
    report = taken(root, files(tmp_path / "in", {"a.json": {"posts": items}}))
    assert [reason for _, _, reason in outcomes(report)] == reasons.split()
    with Pump.open(root) as pump:
        assert pump.status().quarantine == len(reasons.split())


def test_a_value_of_the_wrong_type_under_another_name_is_named(root: Path, tmp_path: Path) -> None:
    comment = {"discussion": "9", "agent": "bob"}
    (entry,) = taken(root, files(tmp_path / "in", {"a.json": {"comments": [comment]}})).details
    said = 'should have a whole number as `post`, but it has "9" as `discussion`'
    assert (entry["reason"], entry["message"]) == ("wrong-type", f"comments[0] of a.json {said}")


def test_a_huge_number_is_kept_as_it_is(root: Path, tmp_path: Path) -> None:
    delta = {"comments": 10**300, "whims": [{"n": 10**400}]}
    report = taken(root, files(tmp_path / "in", {"a.json": delta}))
    assert report.items["comments"]["counted"] == 10**300
    assert document(root, "rest.jsonl")[0]["n"] == 10**400


# -- laws

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats(allow_nan=False) | st.sampled_from(
        ["ann", "bob", "ghost", "up", "THUMBS_UP", "t", ""]
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["title", "author", "number", "post", "x"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["t", "old", 3]), "author": st.sampled_from(["ann", "bob", "ghost", None]),
        "agent": st.just("ann"), "number": st.integers(-1, 5), "post": st.integers(-1, 5),
        "target": st.sampled_from([3, "N"]), "text": st.sampled_from(["hi", ""]),
        "type": st.sampled_from(["up", "+1", "odd"]), "by": st.just("bob"), "name": st.just("gold"),
        "owner": st.just("ann"), "extra": _VALUES,
    },
)  # fmt: skip
_KEYS = (
    "posts", "posts_created", "comments", "replies_added", "votes", "reactions", "moods", "badges", "whims",
    "frame", "agents", "agents_activated", "digest", "node", "stream", "epoch", "completed_at",
)  # fmt: skip
_DELTAS = st.dictionaries(st.sampled_from(_KEYS), st.lists(_ITEMS, max_size=3) | _VALUES, max_size=5)
_FILES = st.lists(
    _DELTAS.map(lambda delta: json.dumps(delta).encode()) | _VALUES.map(lambda v: json.dumps(v).encode())
    | st.binary(max_size=20), max_size=4,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(_FILES, st.randoms(use_true_random=False))
def test_whatever_lies_in_a_folder_is_accounted_for_in_whatever_order(
    contents: list[bytes], dice: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        folder = files(base / "in", {f"{place}.json": data for place, data in enumerate(contents)})
        dry = taken(world(base / "one"), folder, dry_run=True)
        assert not (base / "one" / ".lisppump").exists()
        real = taken(base / "one", folder)
        assert (real.items, real.details, real.unreadable) == (dry.items, dry.details, dry.unreadable)
        assert real.files == len(contents) and real.deltas + len(real.unreadable) >= len(contents)
        again = taken(base / "one", folder)
        assert all(counts["in"] == counts["duplicate"] for counts in again.items.values())

        names = [f"{place}.json" for place in range(len(contents))]
        dice.shuffle(names)  # which file is called what decides nothing but where it is said to be
        other = files(base / "other", dict(zip(names, contents, strict=True)))
        taken(world(base / "two"), other)
        with Pump.open(base / "one") as one, Pump.open(base / "two") as two:
            assert one.head.digest == two.head.digest


# -- the real deltas


def test_the_real_deltas(shared_data: Path, tmp_path: Path) -> None:
    from lisppump.cli import main

    data = shared_data / "rappterbook"
    words = ["--example", "agora", "--state", str(data / "state"), "-q"]
    assert main(["init", str(tmp_path / "w"), *words]) == 0
    report = taken(tmp_path / "w", data / "stream_deltas")
    assert (report.files, report.deltas, report.unreadable) == (137, 137, ())
    wanted = {"posts_created": 144, "comments_added": 1497, "replies_added": 23, "reactions_added": 676,
              "votes_cast": 9}  # fmt: skip
    for name, count in wanted.items():
        counts = report.items[name]
        assert (counts["in"], counts["merged"], counts["duplicate"]) == (count, count, 0)
    counted = [entry for entry in report.details if entry["outcome"] == "counted"]
    assert len(counted) == 9
    assert report.items["comments_added"]["counted"] == 55
    assert report.items["reactions_added"]["counted"] == 32
    votes = document(tmp_path / "w", "votes.jsonl")
    assert len(votes) == 676
    assert sum(vote["voter"] is not None for vote in votes) == 14
    assert len({key for entry in report.unread for key in entry["keys"]}) == 26
    again = taken(tmp_path / "w", data / "stream_deltas")
    assert not again.made
    assert all(counts["in"] == counts["duplicate"] for counts in again.items.values())
