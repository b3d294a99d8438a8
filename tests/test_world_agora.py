"""The social network: a small one of its own, and the real one's state, frame by frame."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lisppump.frame import Frame
from lisppump.pump import Pump
from lisppump.report import FrameReport, Plan
from tests.conftest import data_folder

WORLD = Path(__file__).resolve().parent.parent / "lisp_lib" / "world_agora.lisp"
FRAMES = 10


@dataclass(frozen=True)
class Life:
    """A run of the network: what was planned, what came, frame 0 and the last frame."""

    folder: Path
    plans: tuple[Plan, ...]
    reports: tuple[FrameReport, ...]
    first: Frame
    last: Frame

    def merged(self, collection: str) -> int:
        """Items of a collection that went into the state."""
        return sum(report.merge.get(collection, {"merged": 0})["merged"] for report in self.reports)

    def rise(self, document: str, *path: str) -> int:
        """How much a number rose from frame 0 to the last."""
        return int(_at(self.last.documents[document], path)) - int(_at(self.first.documents[document], path))

    def rise_of_agents(self, key: str) -> int:
        """How much a number rose, over all agents."""
        sums = [
            sum(agent.get(key, 0) for agent in frame.documents["agents.json"]["agents"].values())
            for frame in (self.first, self.last)
        ]
        return sums[1] - sums[0]


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _live(folder: Path) -> Life:
    shutil.copyfile(WORLD, folder / "pump.lisp")
    plans, reports = [], []
    with Pump.open(folder) as pump:
        first = pump.head
        for _ in range(FRAMES):
            plans.append(pump.plan())
            reports += pump.step()
        return Life(folder, tuple(plans), tuple(reports), first, pump.head)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return _live(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    data = data_folder()
    if data is None:
        pytest.skip("the real data is not here; set LISPPUMP_TEST_DATA to its folder")
    folder = tmp_path_factory.mktemp("real")
    for source in sorted((data / "rappterbook" / "state").rglob("*")):
        target = folder / "state" / source.relative_to(data / "rappterbook" / "state")
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    yield _live(folder)


def check_health(life: Life) -> None:
    """Nothing failed, nothing was refused, and no echo of the policy broke."""
    for report in life.reports:
        assert report.quarantine == ()
        assert {delta.status for delta in report.deltas} == {"ok"}
        assert not any(delta.partial for delta in report.deltas), [delta.reason for delta in report.deltas]
    for name in ("trending-decay", "tidy-memory", "currents"):
        assert life.last.documents[f"echo_frames/{name}.json"]["error"] is None


def check_counts(life: Life) -> None:
    """Every merged item is counted once, where the policy says."""
    posts, comments = life.merged("posts_created"), life.merged("comments_added")
    assert posts == life.rise("stats.json", "total_posts") == life.rise_of_agents("post_count")
    assert comments == life.rise("stats.json", "total_comments") == life.rise_of_agents("comment_count")
    assert len(life.last.documents["comments.jsonl"]) == comments
    assert len(life.last.documents["votes.jsonl"]) == life.merged("votes")
    before, after = (frame.documents["posted_log.json"]["posts"] for frame in (life.first, life.last))
    assert list(after[: len(before)]) == list(before)
    assert len(after) - len(before) == posts


def new_posts(life: Life) -> list[dict[str, Any]]:
    """The posts that came after frame 0."""
    before, after = (frame.documents["posted_log.json"]["posts"] for frame in (life.first, life.last))
    return list(after)[len(before) :]


def test_the_small_network_lives(small: Life) -> None:
    check_health(small)
    check_counts(small)
    assert [post["number"] for post in new_posts(small)] == list(range(7, 7 + small.merged("posts_created")))


def test_talk_refers_to_posts_that_exist(small: Life) -> None:
    numbers = {post["number"] for post in small.last.documents["posted_log.json"]["posts"]}
    for name in ("comments.jsonl", "votes.jsonl"):
        assert {item["post"] for item in small.last.documents[name]} <= numbers


def test_rooms_talk_about_what_was_said_in_them(small: Life) -> None:
    replies = [item for item in small.last.documents["comments.jsonl"] if item.get("reply_to")]
    assert replies
    own = [
        delta
        for report in small.reports
        for delta in report.deltas
        if any(comment["post"] < 0 for comment in delta.collections.get("comments_added", []))
    ]
    assert own


def check_programs(life: Life) -> None:
    """Every program that ran came to something, agents' own and those in posts."""
    documents = life.last.documents
    assert documents["programs.json"]
    for agent in documents["programs.json"]:
        echo = documents.get(f"echo_frames/{agent}.json")
        assert echo is None or echo["error"] is None, echo
    for line in documents.get("echo_posts.jsonl", ()):
        assert "error" not in line or line["error"] is None, line


def test_agents_publish_programs_that_run_between_frames(small: Life, real: Life) -> None:
    check_programs(small)
    check_programs(real)


def test_agents_publish_what_they_found_and_fork_each_other(small: Life) -> None:
    posts = new_posts(small)
    found = {post["author"]: post for post in posts if post["title"].startswith("[DATA]")}
    forks = [post for post in posts if post["title"].startswith("[FORK]")]
    assert any("```lisp\n(simulation" in post["body"] for post in found.values())
    assert forks
    for post in forks:
        whose = post["title"].partition("@")[2]
        assert whose in found and whose != post["author"]
        assert " instead of " in post["body"]
    (line, *_) = small.last.documents["echo_posts.jsonl"]
    with Pump.open(small.folder) as pump:
        shown = pump.show(line["frame"]).posted
        assert line["post"] in [entry["post"] for entry in shown]
        (told,) = pump.why(line["author"], line["frame"]).posted
        assert told["value"]["ticks"] == 8


def test_who_was_off_corrects_the_own_program(small: Life) -> None:
    own: dict[str, list[str]] = {}
    for report in small.reports:
        for delta in report.deltas:
            for item in delta.collections.get("programs", []):
                own.setdefault(item["agent"], []).append(item["source"])
    pattern = re.compile(r'"change" (-?\d+)\)')
    assert any(
        len({tuple(pattern.findall(source)) for source in sources if "rb-echo self" in source}) > 1
        for sources in own.values()
    )


def test_rooms_have_topics_and_an_echo_says_where_the_talk_runs_together(small: Life) -> None:
    topics = [[stream.topic for stream in plan.streams] for plan in small.plans]
    assert all(len(set(round_)) >= 2 for round_ in topics)
    assert all(round_.count(round_[0]) >= 9 for round_ in topics)
    currents = small.last.documents["echo_frames/currents.json"]
    assert currents["error"] is None
    assert 0 <= currents["value"]["converges"] <= 1


def test_the_same_world_lives_the_same_life_again(small: Life, tmp_path: Path) -> None:
    shutil.copyfile(WORLD, tmp_path / "pump.lisp")
    with Pump.open(tmp_path) as pump:
        assert [report.digest for report in pump.step(3)] == [report.digest for report in small.reports[:3]]


def test_the_plan_says_who_will_sit_where(small: Life) -> None:
    for plan, report in zip(small.plans, small.reports, strict=True):
        assert [stream.agents for stream in plan.streams] == [delta.agents for delta in report.deltas]


def test_every_awake_agent_of_the_real_state_lives_within_ten_frames(real: Life) -> None:
    agents = real.first.documents["agents.json"]["agents"]
    assert len(agents) == 137
    awake = {who for who, agent in agents.items() if agent["status"] != "dormant"}
    assert awake == {who for plan in real.plans for who in plan.wake}
    for plan in real.plans:
        assert len(plan.wake) == 22
        assert len(plan.streams) == 15


def test_the_real_state_grows_with_the_counts_right(real: Life) -> None:
    check_health(real)
    check_counts(real)


def test_new_posts_get_numbers_above_all_that_are_taken(real: Life) -> None:
    numbers = [post["number"] for post in new_posts(real)]
    assert min(numbers) > 21062
    assert len(set(numbers)) == len(numbers)


def test_a_real_frame_is_about_as_lively_as_the_network_was(real: Life) -> None:
    assert 5 <= real.merged("posts_created") / FRAMES <= 13
    assert 28 <= real.merged("comments_added") / FRAMES <= 48
    assert 35 <= real.merged("votes") / FRAMES <= 65


def test_echoes_steer_who_wakes(real: Life) -> None:
    thought = real.last.virtual["echo"]["results"]["trending-decay"]
    signal = real.last.virtual["echo"]["signals"]["boost"]
    assert thought["signal"] == f"boost-{signal}"
    assert len(thought["trending"]) == 15


def test_deltas_and_echoes_lie_in_the_state(real: Life) -> None:
    deltas = sorted((real.folder / "state" / "stream_deltas").glob("frame-0000*-stream-*.json"))
    assert len(deltas) == FRAMES * 15
    one = json.loads(deltas[0].read_text())
    assert (one["frame"], one["stream_id"], one["status"]) == (1, "stream-0001", "ok")
    assert (real.folder / "state" / "echo_frames" / "trending-decay.json").is_file()


def test_deltas_from_elsewhere_may_call_things_by_their_short_names(tmp_path: Path) -> None:
    shutil.copyfile(WORLD, tmp_path / "pump.lisp")
    with Pump.open(tmp_path) as pump:
        agents = pump.plan().wake
        delta = {
            "frame": "600b",
            "posts": [{"title": "t", "channel": "general", "agent": agents[0], "number": 90000}],
            "comments": [{"discussion": 90000, "agent": agents[1]}],
            "replies": [{"target": 90000, "author": agents[1], "to": agents[0]}],
            "reactions": [{"node": "D_1", "content": "HEART"}],
        }
        (tmp_path / "in.json").write_text(json.dumps(delta))
        report = pump.import_deltas(tmp_path / "in.json")
    assert [(entry.get("into"), entry["outcome"]) for entry in report.details] == [
        ("posts_created", "merged"), ("comments_added", "merged"), ("comments_added", "merged"),
        ("votes", "merged"),
    ]  # fmt: skip
