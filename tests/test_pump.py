"""The loop: whole frames through real files, with scripted backends where something must go wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Pump, Reply, Request, hookimpl
from lisppump.budget import Stopped
from lisppump.errors import ErrorList, LisppumpError
from lisppump.registry import Registry
from lisppump.testing import Scripted
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
MEMBERS = ["ann", "bob", "cid", "dee", "eve", "fay"]

World = Callable[..., Path]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A folder with rooms.lisp as its policy, after replacing pieces of its text."""

    def make(changes: Mapping[str, str] = {}, name: str = "world") -> Path:
        text = ROOMS
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "pump.lisp").write_text(text)
        return folder

    return make


def line(agent: str, text: str = "hi") -> dict[str, Any]:
    return {"lines": [{"agent": agent, "text": text}]}


def read(folder: Path, name: str) -> Any:
    text = (folder / "state" / name).read_text()
    return [json.loads(each) for each in text.splitlines()] if name.endswith(".jsonl") else json.loads(text)


def test_a_frame_goes_from_reservoir_to_reservoir(world: World) -> None:
    folder = world()
    with Pump.open(folder) as pump:
        assert pump.head.number == 0
        (report,) = pump.step()
    assert report.statuses == {"ok": 6}
    assert report.merge == {"lines": {"in": 6, "merged": 6, "duplicate": 0, "quarantined": 0}}
    lines = read(folder, "lines.jsonl")
    assert [entry["text"] for entry in lines] == [f"hello from stream {n}" for n in range(1, 7)]
    assert lines[0]["created_at"] == "2026-01-01T01:00:00.000001Z"
    assert read(folder, "stats.json") == {"total_lines": 6}
    delta = read(folder, "stream_deltas/frame-000001-stream-0003.json")
    assert list(delta) == [
        "frame", "stream_id", "stream", "node", "epoch", "utc", "digest", "status", "backend", "model",
        "agents",
        "lines",
    ]  # fmt: skip
    assert (delta["stream_id"], delta["utc"]) == ("stream-0003", "2026-01-01T01:00:00.000003Z")
    echo = read(folder, "echo_frames/mood.json")
    assert (echo["frame"], echo["value"]["signal"]) == (1, "boost-bob")


def test_looking_writes_nothing(world: World) -> None:
    folder = world()
    with Pump.open(folder) as pump:
        pump.plan()
        pump.status()
    assert sorted(path.name for path in folder.iterdir()) == ["pump.lisp"]


def test_the_next_process_goes_on_where_the_last_one_stopped(world: World) -> None:
    folder = world()
    for _ in range(3):
        with Pump.open(folder) as pump:
            pump.step()
    with Pump.open(folder) as pump:
        assert pump.head.number == 3
        assert pump.head.virtual["last"]["events"] == 6
        assert pump.head.virtual["echo"]["signals"] == {"boost": "bob"}
        assert len(pump.head.documents["lines.jsonl"]) == 18
        assert pump.frame(1).documents["stats.json"] == {"total_lines": 6}


def test_the_plan_says_beforehand_who_will_sit_where(world: World) -> None:
    with Pump.open(world({"(define (how-many frame) 6)": "(define (how-many frame) 4)"})) as pump:
        for _ in range(4):
            plan = pump.plan()
            (report,) = pump.step()
            assert [delta.agents for delta in report.deltas] == [stream.agents for stream in plan.streams]
            assert (report.frame, report.time) == (plan.frame, plan.time)


def test_two_runs_are_the_same_bytes_whatever_order_streams_answer_in(world: World) -> None:
    digests = []
    for name, reverse in (("first", False), ("second", True)):
        backend = Scripted(by_agent={m: line(m, f"from {m}") for m in MEMBERS}, reverse=reverse)
        folder = world(name=name)
        with Pump.open(folder, backends={"script": backend}) as pump:
            digests.append([report.digest for report in pump.run(frames=3)])
    assert digests[0] == digests[1]


def six_streams() -> dict[str, Any]:
    return {
        "ann": line("ann"),
        "bob": ValueError("the model fell over"),
        "cid": "hang",
        "dee": "Lorem ipsum dolor sit amet",
        "eve": line("eve"),
        "fay": {"lines": []},
    }


def test_one_raises_one_hangs_one_returns_rubbish_and_the_others_merge(world: World) -> None:
    with Pump.open(world(), backends={"script": Scripted(by_agent=six_streams())}) as pump:
        (report,) = pump.run(frames=1)
    ended = {delta.agents[0]: (delta.status, delta.reason) for delta in report.deltas}
    assert ended["ann"][0] == ended["eve"][0] == "ok"
    assert ended["fay"] == ("empty", None)
    status, reason = ended["bob"]
    assert status == "failed"
    assert reason is not None and "raised ValueError: the model fell over" in reason
    assert ended["cid"] == ("timed-out", "no answer within 1 s")
    status, reason = ended["dee"]
    assert status == "invalid"
    assert reason is not None and "Lorem ipsum" in reason
    assert report.merge["lines"]["merged"] == 2


def test_three_such_frames_in_a_row_stop_the_run(world: World) -> None:
    replies = {member: ValueError("down") for member in MEMBERS[:3]} | {m: line(m) for m in MEMBERS[3:]}
    folder = world()
    with Pump.open(folder, backends={"script": Scripted(by_agent=replies)}) as pump:
        with pytest.raises(Stopped) as stopped:
            pump.run(frames=10)
        assert pump.head.number == 3
    assert (stopped.value.code, stopped.value.exit_code) == ("breaker-open", 6)
    assert len(read(folder, "lines.jsonl")) == 9


def test_who_speaks_for_an_agent_of_another_room_is_quarantined_with_both_named(world: World) -> None:
    replies = {m: line(m) for m in MEMBERS} | {"ann": {"lines": [{"agent": "bob", "text": "I am Bob"}]}}
    with Pump.open(world(), backends={"script": Scripted(by_agent=replies)}) as pump:
        (report,) = pump.step()
    (entry,) = report.quarantine
    assert entry["reason"] == "not-in-room"
    assert "bob" in entry["message"] and "ann" in entry["message"]
    assert report.merge["lines"] == {"in": 6, "merged": 5, "duplicate": 0, "quarantined": 1}


def test_frame_488_as_a_load(world: World) -> None:
    """15 pipes, 22 agents, 9 posts, 38 comments and 50 votes in one frame."""
    folder = world(
        {
            '"agents.json" (dict "agents" (dict': '"agents.json" (dict "agents" (twenty-two)) '
            '"old.json" (list (dict',
            "(define (first-frame)": "(define (twenty-two) (apply dict (flat-map (lambda (n) (list "
            '(string-append "a" (number->string n)) (dict "name" "x"))) (range 22))))\n(define (first-frame)',
            "(define (how-many frame) 6)": "(define (how-many frame) 15)",
            '(lines\n      (fields (agent agent) (text string))\n      (into "lines.jsonl")\n'
            '      (count "stats.json" total_lines))': """
            (posts (fields (title string) (author agent)) (number number (above "log.json"))
              (into "log.json" posts))
            (comments (fields (post integer) (author agent) (body string)) (into "comments.jsonl"))
            (votes (fields (post integer) (voter agent)) (once-per voter post) (into "votes.jsonl"))""",
        }
    )
    per_agent: dict[str, dict[str, list[Any]]] = {f"a{n}": {} for n in range(22)}
    for kind, count, actor in (("posts", 9, "author"), ("comments", 38, "author"), ("votes", 50, "voter")):
        for n in range(count):
            agent = f"a{n % 22}"
            item = {actor: agent, "title": f"t{n}"} if kind == "posts" else {actor: agent, "post": n}
            if kind == "comments":
                item["body"] = f"b{n}"
            per_agent[agent].setdefault(kind, []).append(item)
    with Pump.open(folder, backends={"script": Scripted(by_agent=per_agent)}) as pump:
        (report,) = pump.step()
    assert len(report.deltas) == 15
    assert {name: entry["merged"] for name, entry in report.merge.items()} == {
        "posts": 9,
        "comments": 38,
        "votes": 50,
    }
    assert sorted(post["number"] for post in read(folder, "log.json")["posts"]) == list(range(1, 10))
    assert len(read(folder, "comments.jsonl")) == 38


@pytest.mark.parametrize(
    ("change", "streams"),
    [
        ({"(streams how-many)": "(streams 2)"}, 2),
        ({"(define (how-many frame) 6)": "(define (how-many frame) 3)"}, 3),
    ],
)
def test_streams_are_reshaped_without_python(world: World, change: dict[str, str], streams: int) -> None:
    with Pump.open(world(change)) as pump:
        assert len(pump.step()[0].deltas) == streams


def test_the_dams_score_reshapes_the_rooms(world: World) -> None:
    dam = {
        "(dam round-robin)": "(dam (affinity (score chemistry) (room-size 2)))",
        "(streams how-many)": "(streams 3)",
    }
    pairs = {
        "(define (chemistry a b) 1)": '(define (chemistry a b) (if (member (list (get a "id") (get b "id")) '
        '(list (list "ann" "fay") (list "bob" "eve") (list "fay" "ann") (list "eve" "bob"))) 9 0))'
    }
    with Pump.open(world({**dam, **pairs})) as pump:
        rooms = {frozenset(delta.agents) for delta in pump.step()[0].deltas}
    assert rooms == {frozenset({"ann", "fay"}), frozenset({"bob", "eve"}), frozenset({"cid", "dee"})}


def test_a_merge_rule_of_ones_own_reshapes_the_state(world: World) -> None:
    folder = world({'(into "lines.jsonl")': '(into "stats.json" ever) (by later-lines)'})
    with Pump.open(folder) as pump:
        pump.step(2)
    assert read(folder, "stats.json") == {"total_lines": 12, "ever": 12}


def test_the_echo_list_reshapes_what_is_thought(world: World) -> None:
    folder = world({"(echoes (by mood))": "(echoes (each 2 (by mood)))"})
    with Pump.open(folder) as pump:
        first, second = pump.step(2)
    assert (first.echoes, second.echoes) == ((), ("mood",))


@pytest.mark.parametrize(
    ("old", "new", "help"),
    [
        ("(streams how-many)", "(streams how-mny)", "how-many"),
        ("(dam round-robin)", "(dam (affinity (scor chemistry)))", "score"),
        ('(into "lines.jsonl")', '(inot "lines.jsonl")', "into"),
        ("(echoes (by mood))", "(echoes (by moood))", "mood"),
    ],
)
def test_a_typo_is_one_located_error(world: World, old: str, new: str, help: str) -> None:
    folder = world({old: new})
    with pytest.raises(ErrorList) as caught:
        Pump.open(folder)
    (error,) = caught.value.errors
    assert error.span is not None
    assert error.span.line == 1 + (folder / "pump.lisp").read_text().split(new)[0].count("\n")
    assert help in (error.help or "") + error.message
    assert caught.value.exit_code == 3


def test_a_dam_that_loses_an_agent_is_named_with_the_agents(world: World) -> None:
    folder = world(
        {
            "(dam round-robin)": "(dam (by halves))",
            "(define (chemistry a b) 1)": "(define (halves agents n) "
            '(list (map (lambda (a) (get a "id")) (take 2 agents))))',
        }
    )
    with Pump.open(folder) as pump, pytest.raises(LisppumpError) as caught:
        pump.step()
    assert caught.value.code == "contract"
    assert caught.value.message == "dam `by` lost cid, dee, eve, fay"


def test_the_policy_is_read_again_between_frames_and_a_broken_one_is_said(world: World) -> None:
    folder = world()
    good = (folder / "pump.lisp").read_text()
    told: list[str] = []
    with Pump.open(folder) as pump:

        def edit(event: Any) -> None:
            told.append(event.kind)
            if event.kind == "frame_committed" and event.frame == 1:
                (folder / "pump.lisp").write_text(good.replace("(streams how-many)", "(streams 2)"))
            if event.kind == "frame_committed" and event.frame == 2:
                (folder / "pump.lisp").write_text(good.replace("(streams how-many)", "(streams"))

        pump.listeners.append(edit)
        reports = pump.run(frames=3)
        assert [len(report.deltas) for report in reports] == [6, 2, 2]
        status = pump.status().to_json()
    assert "policy_reloaded" in told and "policy_stale" in told
    assert status["policy"]["stale"] is True


def test_a_hand_edit_between_frames_is_taken_in(world: World) -> None:
    folder = world()
    with Pump.open(folder) as pump:
        pump.step()
        (folder / "state" / "stats.json").write_text('{"total_lines": 100}')
        (report,) = pump.step()
    assert any("stats.json" in note for note in report.notes)
    assert read(folder, "stats.json") == {"total_lines": 106}


def test_an_empty_state_without_genesis_says_what_to_do(world: World) -> None:
    with Pump.open(world({"  (genesis first-frame)\n": ""})) as pump, pytest.raises(LisppumpError) as caught:
        pump.plan()
    assert caught.value.code == "no-state"


def test_two_writers_are_told_apart(world: World) -> None:
    folder = world()
    with Pump.open(folder) as first, Pump.open(folder) as second:
        first.step()
        with pytest.raises(LisppumpError) as caught:
            second.step()
        assert (caught.value.code, caught.value.exit_code) == ("locked", 5)


def test_fallbacks_are_tried_in_order_and_none_hides_nothing(world: World) -> None:
    folder = world(
        {
            "(backends (script (lispy (program persona))))": "(backends (bright none) (script none))",
            "(pipe script": "(pipe bright script none",
        }
    )
    bright = Scripted(by_agent={m: ValueError("down") for m in MEMBERS})
    script = Scripted(by_agent={m: line(m) for m in MEMBERS[:5]} | {"fay": ValueError("down too")})
    with Pump.open(folder, backends={"bright": bright, "script": script}) as pump:
        (report,) = pump.step()
    ended = {delta.agents[0]: delta for delta in report.deltas}
    assert [(a.backend, a.status) for a in ended["ann"].attempts] == [("bright", "failed"), ("script", "ok")]
    assert (ended["ann"].status, ended["ann"].backend) == ("ok", "script")
    assert (ended["fay"].status, len(ended["fay"].attempts)) == ("failed", 2)


def test_a_state_folder_that_was_removed_is_written_again(world: World) -> None:
    folder = world()
    with Pump.open(folder) as pump:
        pump.step()
    shutil.rmtree(folder / "state")
    with Pump.open(folder) as pump:
        (report,) = pump.step()
    assert any("written again from the journal" in note for note in report.notes)
    assert read(folder, "stats.json") == {"total_lines": 12}
    assert len(read(folder, "lines.jsonl")) == 12


def test_an_echo_that_fails_is_said_in_the_frame(world: World) -> None:
    folder = world({'(dict "echo" "quiet" "signal" "boost-bob")': "(car nil)"})
    with Pump.open(folder) as pump:
        (report,) = pump.step()
    assert report.notes and report.notes[-1].startswith("echo `mood` failed: ")
    assert report.echoes == ("mood",)


def test_rooms_that_say_the_same_are_all_heard(world: World) -> None:
    folder = world(
        {
            "(fields (agent agent) (text string))": "(fields (n integer))",
            '(into "lines.jsonl")': '(into "stats.json" n) (sum n)',
        }
    )
    with Pump.open(
        folder, backends={"script": Scripted({n: {"lines": [{"n": 1}]} for n in range(1, 7)})}
    ) as pump:
        (report,) = pump.step()
    assert report.merge["lines"]["merged"] == 6
    assert read(folder, "stats.json")["n"] == 6


def test_a_persona_that_loops_ends_at_its_deadline_and_the_others_merge(world: World) -> None:
    folder = world(
        {
            '"Says hello from its room."': '(if (equal? (get agent "id") "bob") (let loop () (loop)) nil)',
            "(pump\n": "(pump\n  (limits (steps 1000000000000))\n",
            "(deadline (seconds 1))": "(deadline (seconds 0.2))",
        }
    )
    with Pump.open(folder) as pump:
        (report,) = pump.step()
    ended = {delta.agents[0]: delta.status for delta in report.deltas}
    assert [who for who, status in ended.items() if status == "ok"] == [w for w in ended if w != "bob"]
    assert ended["bob"] in ("invalid", "timed-out")


def test_a_plan_says_that_hand_edits_are_not_in_it(world: World) -> None:
    folder = world()
    with Pump.open(folder) as pump:
        pump.step()
    (folder / "state" / "stats.json").write_text('{"total_lines": 100}')
    with Pump.open(folder) as pump:
        assert pump.plan().notes == ("not in this plan yet: stats.json (changed by hand)",)


def test_a_hook_that_only_listens_stops_nothing(world: World) -> None:
    def stream_replied(delta: Any) -> None:
        raise RuntimeError("I did not want to know")

    registry = Registry.load()
    registry.register(SimpleNamespace(stream_replied=hookimpl(stream_replied)), "listener")
    with Pump.open(world(), registry=registry) as pump:
        first, second = pump.step(2)
    assert first.merge["lines"]["merged"] == second.merge["lines"]["merged"] == 6
    (note,) = first.notes
    said = "hook `stream_replied` of plugin listener raised RuntimeError: I did not want to know ("
    assert note.startswith(said) and note.endswith("frame 1) (6 times)")


def test_a_backend_that_is_given_in_python_cannot_change_the_frame(world: World) -> None:
    class Rude:
        """Writes in everything that it is handed."""

        async def pour(self, request: Request) -> Reply:
            documents: Any = request.frame.documents
            assert list(documents) == sorted(documents) and len(documents) == 2 and "stats.json" in documents
            documents["stats.json"]["total_lines"] += 1000
            documents["agents.json"]["agents"].clear()
            virtual: Any = request.frame.virtual
            virtual["last"] = "mine"
            for agent in request.agents:
                agent.data["id"] = "nobody"
            return Reply(data={"lines": [{"agent": request.stream.agents[0], "text": "mine"}]})

    folder = world()
    with Pump.open(folder, backends={"script": Rude()}) as pump:
        (report,) = pump.step()
        assert report.statuses == {"ok": 6}
        assert pump.head.virtual["last"]["frame"] == 1
        assert len(pump.head.documents["agents.json"]["agents"]) == 6
    assert read(folder, "stats.json") == {"total_lines": 6}
