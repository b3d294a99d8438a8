"""The echo `posts-programs`: LisPy blocks in posts are found, run once, and read by their authors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.echo_posts_programs import blocks

from lisppump import Pump
from lisppump.lispy import to_text
from lisppump.testing import Clock, Scripted

WORLD = """\
(load prompt)
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada"} "bob" {"name" "Bob"}}} "posts.jsonl" (list POSTS)})
(pump
  (name posts)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe none)
  PROMPT
  (delta (posts (fields (author agent) (body string)) (number number) (into "posts.jsonl"))
         (notes (fields (agent agent) (text string)) (from echoes) (into "notes.jsonl")))
  (echoes (posts-programs "posts.jsonl" OPTIONS)))
"""
SUM = "I counted:\n```lisp\n(+ 1 2)\n```\nand that was that."


def world(folder: Path, *bodies: str, options: str = "", prompt: str = "") -> Path:
    posts = [{"number": number, "author": "ada", "body": body} for number, body in enumerate(bodies, 1)]
    text = WORLD.replace("POSTS", " ".join(map(to_text, posts))).replace("OPTIONS", options)
    (folder / "pump.lisp").write_text(text.replace("PROMPT", prompt))
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / "state" / "echo_posts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (SUM, ["(+ 1 2)"]),
        ("```lispy\n1\n```\n```scheme\n2\n3\n```", ["1", "2\n3"]),
        ("~~~LISP\n(f)\n~~~", ["(f)"]),
        ("````lisp\n```\n````", ["```"]),
        ("  ```lisp  \r\n(g)\r\n  ```\r\n", ["(g)"]),
        ("```python\n1\n```", []),
        ("```\n(+ 1 2)\n```", []),
        ("```lisp\n(never closed)", []),
        ("```lisp\n\n```", []),
        ("inline ```lisp 1``` code", []),
        ("", []),
    ],
)
def test_blocks_are_found_where_their_fences_say_lisp(body: str, found: list[str]) -> None:
    assert [one.source for one in blocks({"author": "ada", "body": body}, "body", "author")] == found


@pytest.mark.parametrize(
    "post", [{}, {"author": "ada"}, {"author": 7, "body": SUM}, {"author": "", "body": SUM}]
)
def test_a_post_that_is_none_has_none(post: dict[str, Any]) -> None:
    assert [*blocks(post, "body", "author")] == []


def test_a_program_in_a_post_runs_once_and_its_author_reads_it(tmp_path: Path) -> None:
    world(tmp_path, SUM, SUM.replace("1 2", "1 x"), SUM, "no program")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        first, second = pump.step(2)
        room = pump.plan().prompts[0].room
        assert pump.replay().equal
    one, other = lines(tmp_path)
    assert (one["author"], one["post"], one["value"], one["frame"]) == ("ada", 1, 3, 1)
    assert (other["post"], other["error"]["code"]) == (2, "unbound")
    assert "ada, what the program in post 1 came to" in room and "result: 3" in room
    assert (first.echoes, second.echoes) == (("ada", "ada"), ())
    assert not any("are called" in note for note in first.notes)


def test_what_is_posted_in_a_frame_is_run_after_it(tmp_path: Path) -> None:
    world(tmp_path)
    said = {"posts": [{"author": "bob", "body": "```lisp\n(string \"hi \" self)\n```"}]}
    with Pump.open(tmp_path, clock=Clock(), backends={"none": Scripted({1: said})}) as pump:
        pump.step(2)
        assert pump.replay().equal
    assert [(line["author"], line["value"]) for line in lines(tmp_path)] == [("bob", "hi bob")]


def test_programs_take_turns_and_are_kept_to_their_limits(tmp_path: Path) -> None:
    loops = "```lisp\n(let loop () (loop))\n```"
    curls = '```lisp\n(curl "http://x.org")\n```'
    world(tmp_path, loops, SUM, curls, options="(at-most 2) (limits (steps 5000))")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        reports = pump.step(3)
    assert [len(report.echoes) for report in reports] == [2, 1, 0]
    codes = [line["error"] and line["error"]["code"] for line in lines(tmp_path)]
    assert codes == ["step-limit", None, "not-granted"]


def test_only_the_newest_posts_are_looked_through(tmp_path: Path) -> None:
    world(tmp_path, SUM, SUM.replace("1 2", "5 6"), options="(newest 1)")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
    assert [line["value"] for line in lines(tmp_path)] == [11]


def test_a_program_in_a_post_brings_items_and_signals(tmp_path: Path) -> None:
    body = '```lisp\n{"signal" "boost-builder" "delta" {"notes" (list {"agent" self "text" "hm"})}}\n```'
    world(tmp_path, body)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        assert pump.head.virtual["echo"]["signals"] == {"boost": "builder"}
        assert [item["text"] for item in pump.head.documents["notes.jsonl"]] == ["hm"]


def test_a_simulation_four_deep_is_refused_in_a_post_too(tmp_path: Path) -> None:
    nest = """(define (nest depth)
      (simulation :initial-state {} :max-ticks 1 :observables '()
                  :step (lambda (s t) (if (> depth 1) (nest (- depth 1)) s) s)))"""
    world(tmp_path, f"```lisp\n{nest}\n(get (nest 3) :ticks)\n```", f"```lisp\n{nest}\n(nest 4)\n```")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
    three, four = lines(tmp_path)
    assert (three["value"], four["error"]["code"]) == (1, "simulation-limit")


def test_pump_lisp_decides_what_of_it_is_read(tmp_path: Path) -> None:
    prompt = '(prompt (room (lambda (room) (section "posts" (posts-of "ada") 100))))'
    world(tmp_path, SUM, SUM.replace("1 2", "1 x"), prompt=prompt)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        room = pump.plan().prompts[0].room
    assert '"value":3' in room and "what the program in post" not in room and "error" in room


def test_posts_may_lie_deeper_and_be_called_otherwise(tmp_path: Path) -> None:
    world(tmp_path)
    text = (tmp_path / "pump.lisp").read_text()
    text = text.replace(
        '"posts.jsonl" (list )', '"log.json" {"posts" (list {"by" "bob" "says" "```lisp\\n7\\n```"})}'
    ).replace('"posts.jsonl" )', '"log.json" (path "posts") (text "says") (author "by"))')
    assert text.count("log.json") == 2
    (tmp_path / "pump.lisp").write_text(text)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
    assert [(line["author"], line["post"], line["value"]) for line in lines(tmp_path)] == [("bob", None, 7)]
