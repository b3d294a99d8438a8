"""The loop of tests/test_feedback.py with a small model in it, which talks about what it cannot program.

What a model of 135 million parameters can do honestly is to talk: in each frame it is asked for `talk` of its
agent, and reads in its room what that agent's program came to and what was posted. It writes no program, and
nothing depends on what it says: whether a line is about the finding at all is printed, and not asserted.
Programs, findings and quotes are those of the LisPy personas of tests/simulations/feedback.lisp; here an echo
of the policy brings them, so each is a frame later than there, and there are seven frames.

Slow: it makes an environment of its own and downloads some 130 MB into it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.backends.test_llama_real import Installed, networkless
from tests.backends.test_llama_real import installed as installed
from tests.conftest import ROOT
from tests.weather import Weather

pytestmark = pytest.mark.slow

FRAMES = 7
HANDS = """\
(define (hands)
  "What the personas bring: programs, and posts of what these came to."
  (let ((all (map (lambda (agent) (persona agent {})) agents)))
    {"delta" (dict "posts"    (append-map (lambda (delta) (get delta "posts" '())) all)
                   "programs" (append-map (lambda (delta) (get delta "programs" '())) all))}))

(define (digest frame)
  "What was posted last: titles alone."
  (list (section "posts" (map (lambda (post) (get post "title")) (latest "posts" nil 5)) (tokens 200))))

(define (came-to study)
  "What a program came to, without the course of a simulation."
  (if (simulated? study) (get study "final-state") (dissoc study "difference")))

(define (room-brief room)
  "What the program of each agent came to."
  (map (lambda (agent)
         (section (get agent "name") (came-to (or (study-of (get agent "id")) {})) (tokens 200)))
       (get room "agents")))

(pump
"""
CHANGES = (
    ("(pump\n", HANDS),
    ("(script (lispy (program persona)))", "(script (llama (max-tokens 60)))"),
    ("(pipe script)", "(pipe script)\n  (prompt (shared digest) (room room-brief) (at-most (tokens 2000)))"),
    ("(delta\n", '(delta\n    (talk (fields (author agent) (text string)) (into "talk.jsonl"))\n'),
    ("(body string))\n", "(body string)) (from echoes)\n"),
    ("(source lispy)) (into", "(source lispy)) (from echoes) (into"),
    ("(echoes ", "(echoes (by hands) "),
)


def world(folder: Path, weather: Weather) -> Path:
    """The world of the personas, whose pipes are the model."""
    text = (ROOT / "tests" / "simulations" / "feedback.lisp").read_text().replace("PLACE", weather.place)
    for old, new in CHANGES:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "pump.lisp").write_text(text)
    return folder


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "state" / name).read_text().splitlines()]


def test_a_small_model_talks_where_personas_program(installed: Installed, tmp_path: Path) -> None:
    with Weather() as weather:
        folder = world(tmp_path / "feedback", weather)
        installed.lisppump("-C", folder, "run", "--frames", str(FRAMES), "-q")
        assert (
            len(weather.asked) == FRAMES - 1
        )  # its program was brought after frame 1, and ran from frame 2 on
    said = [(post["author"], post["title"]) for post in lines(folder, "posts.jsonl")]
    assert ("ada", "With insulation 4 the habitat freezes within 2 hours") in said
    assert ("ben", "@ada inside 271.1 instead of 268.5, with heater 12 instead of 6: 4 hours, not 2") in said
    assert any(who == "vera" and title.startswith("The temperature is falling: -69.0") for who, title in said)
    statuses = [
        stream["status"]
        for number in range(1, FRAMES + 1)
        for stream in installed.json("-C", folder, "show", str(number))["streams"]
    ]
    assert set(statuses) <= {"ok", "empty", "invalid"}
    talk = lines(folder, "talk.jsonl")
    assert talk
    for line in talk:
        print(f"{line['author']}: {line['text']}")
    figures = [line for line in talk if any(letter.isdigit() for letter in line["text"])]
    spoke = statuses.count("ok")
    print(f"{spoke} of {len(statuses)} rooms spoke, {len(talk)} lines, {len(figures)} with figures")
    prompt = installed.lisppump("-C", folder, "why", "vera", str(FRAMES), "--prompt")
    assert "falling" in prompt.partition("-- prompt ")[2]
    hidden = installed.hide_the_model()
    try:
        told = installed.lisppump("-C", folder, "replay", "--json", within=networkless())
    finally:
        hidden.rename(hidden.with_suffix(""))
    assert json.loads(told)["equal"] is True
