"""Who looks at a world needs none of its plugins: the journal is enough, whatever has become of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump import LisppumpError
from lisppump.policy import Policy
from lisppump.status import look
from tests.cli_support import Lisppump, Outcome

ACME = """\
from lisppump import Option, hookimpl, lispy_builtin
from lisppump.files import Files

class Rows:
    '''One room each.'''
    options = (Option("size", "value", "How many sit in one.", 1),)
    def __init__(self, size=1): ...
    def assign(self, frame, agents, n, seed):
        return [[agent.id] for agent in agents]

class Shelf(Files):
    '''Files on a shelf.'''
    def __init__(self, folder):
        super().__init__(folder.with_name("shelf"))

@lispy_builtin("acme-two", "(acme-two) -> integer", "Two.", example="(acme-two) ;=> 2")
def two(run):
    return 2

@hookimpl
def dams(): return {"acme": Rows}
@hookimpl
def reservoirs(): return {"acme": Shelf}
@hookimpl
def builtins(): return {"acme-two": two}
@hookimpl
def frame_started(number): ...
"""
OTHER = "from lisppump import hookimpl\n@hookimpl\ndef frame_committed(frame): ...\n"
WORLD = """\
(define (persona agent room) (dict "lines" (list (dict "agent" (get agent "id") "text" "hello"))))
(define (how-many frame) (acme-two))
(define both (+ (acme-two) (acme-two)))
(pump
  (name quay)
  (every (seconds (- both 4)))
  (genesis (lambda () (dict "people.json" (dict "all" (dict "ann" (dict) "bob" (dict))))))
  (agents "people.json" all (at-most both))
  (streams how-many)
  (dam (acme (size 3)))
  (reservoir acme)
  (pipe (lispy (program persona)))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""
WAYS = {
    "removed": (),
    "broken": (),
    "untrusted": (),
    "off": ("-p", "no:acme"),
    "all off": ("-p", "no:acme", "-p", "no:other", "-p", "no:lisppump"),
}


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lisppump:
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path, lisppump: Lisppump) -> Path:
    """A world that two frames were made of with a plugin of its own."""
    folder = tmp_path / "quay"
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "acme.py").write_text(ACME)
    (folder / "plugins" / "other.py").write_text(OTHER)
    (folder / "pump.lisp").write_text(WORLD)
    assert lisppump("-C", folder, "trust", "--yes").code == 0
    done = lisppump("-C", folder, "run", "--frames", "2")
    assert (done.code, (folder / "shelf" / "lines.jsonl").exists()) == (0, True), done.err
    return folder


def spoil(world: Path, way: str) -> None:
    """Let something become of the plugin."""
    if way == "removed":
        (world / "plugins" / "acme.py").unlink()
    elif way == "broken":
        (world / "plugins" / "acme.py").write_text("import nowhere_at_all\n")
    elif way == "untrusted":
        (world.parent / "config.toml").unlink()


@pytest.mark.parametrize("way", WAYS)
def test_whatever_became_of_a_plugin_history_can_be_read(world: Path, lisppump: Lisppump, way: str) -> None:
    whole = lisppump("-C", world, "show", "1", "--json").json
    spoil(world, way)

    def ask(*words: str) -> Outcome:
        done = lisppump("-C", world, *WAYS[way], *words)
        assert done.code == 0, done.err
        return done

    assert [entry["frame"] for entry in ask("log", "--json").lines] == [2, 1]
    shown = ask("show", "1", "--json").json
    assert {**shown, "differences": []} == {**whole, "differences": []}
    gone = ["acme", "other"] if way in ("untrusted", "all off") else ["acme"]
    if way not in ("removed", "broken"):  # that change also changes the digest of the other
        said = [f"made with plugins/{name}.py, which has no say now" for name in gone]
        assert shown["differences"] == said
    assert "made with plugins/acme.py, which has no say now" in shown["differences"]
    status = ask("status", "--json").json
    assert (status["frame"], status["state"], status["edits"]) == (2, "idle", [])
    assert status["policy"]["stale"] and "acme" in status["policy"]["error"]
    assert status["policy"]["digest"] == shown["policy"]
    assert "hand is not seen" in " ".join(status["notes"])
    assert "acme" in ask("status").out
    assert ask("eval", '(get (get frame "last") "streams")').out == "2\n"
    assert ask("eval", '(length (get frame "lines"))').out == "4\n"
    assert ask("eval", '(map (lambda (each) (get each "id")) agents)').out == '("ann" "bob")\n'


@pytest.mark.parametrize("way", WAYS)
def test_but_no_frame_is_planned_or_made(world: Path, lisppump: Lisppump, way: str) -> None:
    spoil(world, way)
    for words in (("plan",), ("step",), ("run", "--frames", "1")):
        done = lisppump("-C", world, *WAYS[way], *words)
        assert done.code in (3, 4) and "acme" in done.err
    with look(world) as pump:
        assert pump.head.number == 2
        if pump.barred is not None:
            for make in (pump.plan, pump.step):
                with pytest.raises(LisppumpError, match="acme"):
                    make()


SLOW = """\
from lisppump import hookimpl
from lisppump.calling import Reply

class Slow:
    '''Says one thing.'''
    async def pour(self, request):
        return Reply(data={"lines": [{"agent": request.agents[0].id, "text": "hello"}]})

@hookimpl
def backends(): return {"slow": Slow}
"""


def test_a_replay_where_only_trust_is_missing_says_that(tmp_path: Path, lisppump: Lisppump) -> None:
    folder = tmp_path / "slow"
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "slow.py").write_text(SLOW)
    text = WORLD.replace("(lispy (program persona))", "slow").replace("(acme-two)", "2")
    text = text.replace("(dam (acme (size 3)))", "(dam round-robin)").replace("(reservoir acme)", "")
    (folder / "pump.lisp").write_text(text)
    assert lisppump("-C", folder, "trust", "--yes").code == 0
    done = lisppump("-C", folder, "run", "--frames", "2")
    assert done.code == 0, done.err
    (tmp_path / "config.toml").unlink()
    for words in (["replay"], ["replay", "--live", "1"]):
        told = lisppump("-C", folder, *words)
        assert told.code == 4 and "lisppump trust" in told.err and "is due" not in told.err, told.err
    assert lisppump("-C", folder, "trust", "--yes").code == 0
    assert lisppump("-C", folder, "replay").out == "frames 1..2 come out as they were\n"


def test_a_stage_that_cannot_be_made_hides_nothing(world: Path, lisppump: Lisppump) -> None:
    plugin = world / "plugins" / "acme.py"
    plugin.write_text(ACME.replace("def __init__(self, size=1): ...", "def __init__(self, size=1): 1 / 0"))
    assert lisppump("-C", world, "trust", "--yes").code == 0
    status = lisppump("-C", world, "status", "--json").json
    assert "dam `acme` of plugin plugins/acme.py raised ZeroDivisionError" in status["policy"]["error"]
    assert lisppump("-C", world, "step").code == 4


def test_a_reservoir_that_fails_hides_nothing(world: Path, lisppump: Lisppump) -> None:
    plugin = world / "plugins" / "acme.py"
    fails = "    def names(self): raise ValueError(5)\n\n@lispy_builtin"
    plugin.write_text(ACME.replace("@lispy_builtin", fails))
    assert lisppump("-C", world, "trust", "--yes").code == 0
    status = lisppump("-C", world, "status", "--json").json
    assert status["frame"] == 2 and "raised ValueError: 5" in " ".join(status["notes"])
    assert lisppump("-C", world, "show").code == 0


def test_without_a_frame_there_is_nothing_to_look_at(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text(WORLD)
    for words in (("status",), ("log",), ("show",), ("eval", "frame")):
        done = lisppump("-C", tmp_path, *words)
        assert done.code == 3 and "acme" in done.err


@pytest.mark.parametrize(
    ("clause", "kept"),
    [
        ("(every (seconds (f 1)))", "heartbeat 0.0"),
        ("(every (seconds 5))", "heartbeat 5.0"),
        ("(dam (acme (size 3)))", "dam round-robin"),
        ("(merger acme)", "merger dream-catcher"),
        ("(backends (x (acme)) (y none)) (streams 4)", "streams 4"),
        ("(echoes acme (each 3 acme))", "echoes ()"),
        ("(reservoir acme)", "reservoir unseen"),
        ("(state (acme))", "reservoir unseen"),
        ("(breaker (bad (acme)) (frames 7))", "frames 7"),
        ('(plugins (require "lisppump-acme" ">=2") (without b))', "without ('b',)"),
    ],
)
def test_what_does_not_check_is_as_if_it_was_not_written(clause: str, kept: str) -> None:
    text = (
        "(define (f x) (acme-two x))\n"
        f'(pump (name quay) (agents "people.json" all) (pipe acme) {clause} '
        "(delta (lines (fields (agent agent)) (by acme-rule))))"
    )
    policy = Policy.remains({"pump.lisp": text})
    assert (policy.name, policy.bundle) == ("quay", {"pump.lisp": text})
    told = [f"heartbeat {policy.heartbeat}", f"streams {policy.streams}", f"echoes {policy.echoes}"]
    told += [f"{choice.kind} {choice.name}" for choice in policy.stages()]
    told += [f"frames {policy.breaker.frames}", f"without {policy.plugins.without}"]
    assert kept in told
