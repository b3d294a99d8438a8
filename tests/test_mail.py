"""Letters between two worlds: by file or git, each once, read or run as the receiver's policy says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.lispy import to_text
from lisppump.testing import Clock, Scripted
from tests.cli_support import Lisppump

EARTH = """\
(define (first-frame) {"agents.json" {"agents" {"ada" {"name" "Ada"}}}})
(pump (name earth) (every (seconds 0)) (genesis first-frame) (agents "agents.json" agents) (pipe none)
  (delta (outgoing (fields (agent agent) (to string) (kind string) (data string)) (into "outbox.jsonl"))))
"""
MARS = """\
(define (first-frame) {"agents.json" {"agents" {"rosa" {"name" "Rosa"}}}})
(define (open-mail)
  "Runs what came as a scenario, and only reads what came as anything else."
  (map (lambda (letter)
         (if (equal? (get letter "kind") "scenario")
             (try (get (eval (read-string (get letter "data"))) "final-state") (catch e (get e "message")))
             (read-string (get letter "data"))))
       (get frame "inbox" '())))
(pump (name mars) (every (seconds 0)) (genesis first-frame) (agents "agents.json" agents) (pipe none)
  (delta (letters (fields (world string) (nr integer) (from string) (kind string) (data string))
                  (into "inbox.jsonl")))
  (echoes (by open-mail)))
"""
SCENARIO = """(simulation :initial-state {"t" 1} :step (lambda (s n) (update s :t inc))
  :max-ticks 3 :observables '(t))"""
CONSTRAINT = '(list "mars" -73 "cold")'


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def worlds(tmp_path: Path) -> tuple[Path, Path]:
    for name, policy in (("earth", EARTH), ("mars", MARS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pump.lisp").write_text(policy)
    return tmp_path / "earth", tmp_path / "mars"


def send(earth: Path, *letters: tuple[str, str, str]) -> None:
    items = [{"agent": "ada", "to": to, "kind": kind, "data": data} for to, kind, data in letters]
    with Pump.open(earth, clock=Clock(), backends={"none": Scripted({1: {"outgoing": items}})}) as pump:
        pump.step()


def test_letters_come_in_once_and_are_read_or_run(worlds: tuple[Path, Path], lisppump: Lisppump) -> None:
    earth, mars = worlds
    send(earth, ("mars", "scenario", SCENARIO), ("venus", "note", "1"), ("", "constraint", CONSTRAINT))
    assert lisppump("-C", mars, "step").code == 0
    taken = lisppump("-C", mars, "mail", earth, "--json")
    assert (taken.code, taken.json["items"]["letters"]["merged"]) == (0, 2)
    with Pump.open(mars) as pump:
        inbox = pump.head.documents["inbox.jsonl"]
        assert [(x["world"], x["nr"], x["from"], x["data"]) for x in inbox] == [
            ("earth", 1, "ada", SCENARIO), ("earth", 3, "ada", CONSTRAINT),
        ]  # fmt: skip
        opened = pump.head.documents["echo_frames/open-mail.json"]["value"]
        assert opened == [{"t": 4}, ["list", "mars", -73, "cold"]]
    again = lisppump("-C", mars, "mail", earth / "state" / "outbox.jsonl", "--from", "earth", "--json").json
    assert (again["items"]["letters"]["duplicate"], again["items"]["letters"]["merged"]) == (2, 0)
    send(earth, ("mars", "constraint", CONSTRAINT))
    assert lisppump("-C", mars, "mail", earth, "--json").json["items"]["letters"]["merged"] == 1
    assert lisppump("-C", mars, "replay").code == 0


def test_by_git(worlds: tuple[Path, Path], lisppump: Lisppump, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    earth, mars = worlds
    send(earth, ("mars", "constraint", CONSTRAINT))
    ours = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    add, commit = ["add", "-f", "state/outbox.jsonl"], [*ours, "commit", "-q", "-m", "letters"]
    for words in (["init", "-q"], add, commit):
        subprocess.run(["git", "-C", str(earth), *words], check=True)
    subprocess.run(["git", "clone", "-q", str(earth), str(tmp_path / "checkout")], check=True)
    lisppump("-C", mars, "step")
    outcome = lisppump("-C", mars, "mail", tmp_path / "checkout", "--from", "earth", "--json")
    assert outcome.json["items"]["letters"]["merged"] == 1


def test_a_dry_run_writes_nothing(worlds: tuple[Path, Path], lisppump: Lisppump) -> None:
    earth, mars = worlds
    send(earth, ("mars", "constraint", CONSTRAINT))
    lisppump("-C", mars, "step")
    assert lisppump("-C", mars, "mail", earth, "--dry-run", "--json").json["items"]["letters"]["merged"] == 1
    assert not (mars / "state" / "inbox.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "code", "merged"),
    [
        (b'{"agent": "ada", "to": "mars", "kind": 7, "data": "x"}\n', 0, 0),
        (b'{"agent": "ada", "to": "mars", "kind": "a", "data": "unfinished', 0, None),
        (b'{"agent" "ada"}\n', 1, None),
        (b'[1]\n7\n"x"\nnull\n', 1, None),
        (b'{"from": "x", "to": "mars", "kind": "a", "data": "", "world": "x", "nr": 99, "more": 1}\n', 0, 1),
    ],
)
def test_whatever_lies_in_an_outbox(
    worlds: tuple[Path, Path], lisppump: Lisppump, line: bytes, code: int, merged: int | None
) -> None:
    earth, mars = worlds
    (earth / "outbox.jsonl").write_bytes(line)
    lisppump("-C", mars, "step")
    outcome = lisppump("-C", mars, "mail", earth, "--json")
    assert outcome.code == code
    if code == 0:
        counts = outcome.json["items"].get("letters")
        assert (counts and counts["merged"]) == merged
    if merged:
        with Pump.open(mars) as pump:
            (letter,) = pump.head.documents["inbox.jsonl"]
        assert (letter["world"], letter["nr"], letter["extra"]) == ("earth", 1, {"to": "mars", "more": 1})


def test_a_line_that_is_no_letter_is_told_and_the_others_come(
    worlds: tuple[Path, Path], lisppump: Lisppump
) -> None:
    earth, mars = worlds
    good = b'{"agent": "ada", "to": "mars", "kind": "a", "data": "1"}\n'
    outbox = earth / "outbox.jsonl"
    outbox.write_bytes(good + b'\n{"agent" "ada"}\n' + b"\xff\n[7]\n" + good)
    lisppump("-C", mars, "step")
    taken = lisppump("-C", mars, "mail", earth)
    assert taken.code == 0
    told = [line for line in taken.out.splitlines() if line.startswith("not read: ")]
    assert [line.split(": ")[1] for line in told] == [f"earth/letter-00000{n}" for n in (2, 3, 4)]
    assert "line 3 of its outbox" in told[0] and "(column 10)" in told[0]
    assert "line 4 of its outbox" in told[1] and "UTF-8" in told[1]
    assert told[2].endswith("line 5 of its outbox should be an object, but it is a list")
    outbox.write_bytes(good * 5)  # mended: those that were read are the same letters, the others come
    counts = lisppump("-C", mars, "mail", earth, "--json").json["items"]["letters"]
    assert (counts["duplicate"], counts["merged"]) == (2, 3)


@pytest.mark.parametrize("sender", ["", '"agent": "", ', '"agent": null, ', '"from": "", '])
def test_a_letter_from_nobody_is_in_quarantine_unless_the_policy_takes_it(
    worlds: tuple[Path, Path], lisppump: Lisppump, sender: str
) -> None:
    earth, mars = worlds
    (earth / "outbox.jsonl").write_text(f'{{{sender}"to": "mars", "kind": "a", "data": "b"}}\n')
    lisppump("-C", mars, "step")
    taken = lisppump("-C", mars, "mail", earth).out
    assert "quarantined: earth/letter-000001 letters[0]: missing-field" in taken and "`from`" in taken
    (mars / "pump.lisp").write_text(MARS.replace("(from string)", "(from string optional)"))
    (earth / "outbox.jsonl").write_text(f'{{{sender}"to": "mars", "kind": "a", "data": "c"}}\n')
    assert lisppump("-C", mars, "mail", earth, "--json").json["items"]["letters"]["merged"] == 1
    with Pump.open(mars) as pump:
        (letter,) = pump.head.documents["inbox.jsonl"]
    assert "from" not in letter and letter["data"] == "c"


def test_where_there_is_no_mailbox_it_is_said(worlds: tuple[Path, Path], lisppump: Lisppump) -> None:
    earth, mars = worlds
    lisppump("-C", mars, "step")
    outcome = lisppump("-C", mars, "mail", earth)
    assert (outcome.code, "error[no-mailbox]: there is no outbox" in outcome.err) == (1, True)
    send(earth, ("", "a", "1"))
    assert "takes no letters" in lisppump("-C", earth, "mail", earth).err


def test_data_goes_through_the_mail_exactly(worlds: tuple[Path, Path], lisppump: Lisppump) -> None:
    data: Any = ["a", -73, 1.5, None, True, {"k": [1, {"z": "é\n\"\\"}]}, 10**40]
    earth, mars = worlds
    send(earth, ("mars", "constraint", to_text(data)))
    lisppump("-C", mars, "step")
    lisppump("-C", mars, "mail", earth)
    with Pump.open(mars) as pump:
        assert pump.head.documents["echo_frames/open-mail.json"]["value"] == [json.loads(json.dumps(data))]
