"""What agents share: tools, scenarios and prompts, published, found, used and versioned through deltas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lisppump import Pump
from lisppump.lispy import to_text
from lisppump.testing import Clock, Scripted

SHELF = '(fields (name string) (agent agent) (doc string) (source lispy)) (from pipes echoes) (by publish)'
WORLD = """\
(load library)
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada"} "bob" {"name" "Bob"}}} "programs.json" {PROGRAMS}})
(pump
  (name sharing)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe none)
  (delta (tools SHELF (into "tools.json"))
         (scenarios SHELF (into "scenarios.json"))
         (prompts (fields (name string) (agent agent) (doc string) (text string)) (from pipes echoes)
                  (into "prompts.json") (by publish))
         (uses (fields (agent agent) (tool string)) (from pipes echoes) (as known-tool) (into "uses.jsonl")
               (count "tools.json" (tool uses))))
  (echoes agents-programs))
"""
DOUBLE = "(define (double x) \"Twice x.\" (* 2 x))"
GROWTH = """(simulation :initial-state {"pop" 100} :max-ticks 10 :observables '(pop)
  :step (lambda (state tick) (update state :pop (* 1.1 (get state :pop)))))"""


def world(folder: Path, **programs: str) -> Path:
    said = " ".join(f'"{agent}" {to_text(source)}' for agent, source in programs.items())
    (folder / "pump.lisp").write_text(WORLD.replace("SHELF", SHELF).replace("PROGRAMS", said))
    return folder


def tool(name: str, agent: str, source: str, doc: str = "A tool.") -> dict[str, Any]:
    return {"name": name, "agent": agent, "doc": doc, "source": source}


def frames(folder: Path, *said: dict[str, list[Any]]) -> Pump:
    """A frame for each of these, brought by the one room; the pump is open."""
    answers = [*said]

    def answer(stream: int) -> Any:
        return answers.pop(0) if answers else {}

    pump = Pump.open(folder, clock=Clock(), backends={"none": Scripted(answer)})
    pump.step(len(said))
    return pump


def test_a_tool_is_published_found_and_used(tmp_path: Path) -> None:
    uses = '(dict "uses" (list (dict "agent" self "tool" "double")))'
    program = f'(use-tool "double") (dict "value" (double 21) "delta" {uses})'
    world(tmp_path, bob=program)
    with frames(tmp_path, {"tools": [tool("double", "ada", DOUBLE)]}, {}) as pump:
        shelf = pump.head.documents["tools.json"]
        assert pump.head.documents["echo_frames/bob.json"]["value"]["value"] == 42
        assert pump.replay().equal
    assert shelf["double"] == {
        "author": "ada", "version": 1, "uses": 2, "doc": "A tool.", "frame": 1, "versions": [],
        "source": DOUBLE,
    }  # fmt: skip


def test_versions_stay_and_can_be_had(tmp_path: Path) -> None:
    program = """(define (told tool) (list (get tool "name") (get tool "version") (get tool "source")))
      (list (map told (rb-tools))
            (get (rb-tool "double") "source") (get (rb-tool "double" 1) "source") (rb-tool "double" 7)
            (begin (use-tool "double" 1) (double 4)) (begin (use-tool "double") (double 4)))"""
    world(tmp_path, bob=program)
    second = DOUBLE.replace("(* 2 x)", "(+ x x 1)")
    first = {"tools": [tool("double", "ada", DOUBLE)]}
    with frames(tmp_path, first, {"tools": [tool("double", "ada", second)]}) as pump:
        found = pump.head.documents["echo_frames/bob.json"]["value"]
        assert pump.replay().equal
    assert found == [[["double", 2, None]], second, DOUBLE, None, 8, 9]


def test_a_name_is_whose_it_was_first(tmp_path: Path) -> None:
    world(tmp_path)
    ours, theirs = tool("double", "ada", DOUBLE), tool("double", "bob", "(define (double x) 0)")
    with frames(tmp_path, {"tools": [ours, theirs, ours]}) as pump:
        assert pump.head.documents["tools.json"]["double"]["author"] == "ada"
        messages = [entry["message"] for entry in pump.quarantine.entries]
    assert ["is ada's; choose another" in messages[0], "says the same already" in messages[1]] == [True, True]


def test_what_nobody_shares_is_said(tmp_path: Path) -> None:
    uses = '(dict "delta" (dict "uses" (list (dict "agent" self "tool" "x"))))'
    world(tmp_path, ada='(use-tool "x")', bob=uses)
    with frames(tmp_path, {}) as pump:
        assert pump.head.documents["echo_frames/ada.json"]["error"]["code"] == "no-tool"
        assert [entry["collection"] for entry in pump.quarantine.entries] == ["uses"]
        assert "tools.json" not in pump.head.documents


def test_a_program_may_publish(tmp_path: Path) -> None:
    item = f'(dict "name" "d" "agent" self "doc" "D." "source" {to_text(DOUBLE)})'
    world(tmp_path, ada=f'(dict "delta" (dict "tools" (list {item})))')
    with frames(tmp_path, {}, {}) as pump:
        assert pump.head.documents["tools.json"]["d"]["version"] == 1
        assert pump.replay().equal


def test_a_scenario_is_forked_by_another_who_quotes_the_difference(tmp_path: Path) -> None:
    program = """(define theirs (eval (get (rb-scenario "growth") "source")))
      (define mine (fork theirs :initial-state {"pop" 200}))
      (dict "quote" (get-in (compare theirs mine) '(final-state pop))
            "by" (get (rb-scenario "growth") "author"))"""
    world(tmp_path, bob=program)
    with frames(tmp_path, {"scenarios": [tool("growth", "ada", GROWTH)]}) as pump:
        value = pump.head.documents["echo_frames/bob.json"]["value"]
        assert pump.replay().equal
    assert (value["by"], [round(number) for number in value["quote"]]) == ("ada", [259, 519])


def test_prompts_are_shared_too(tmp_path: Path) -> None:
    world(tmp_path, bob='(list (rb-prompts) (get (rb-prompt "calm") "text"))')
    prompt = {"name": "calm", "agent": "ada", "doc": "To be calm.", "text": "Breathe."}
    with frames(tmp_path, {"prompts": [prompt]}) as pump:
        listed, text = pump.head.documents["echo_frames/bob.json"]["value"]
    assert listed == [{"name": "calm", "author": "ada", "doc": "To be calm.", "version": 1, "uses": 0}]
    assert text == "Breathe."


def test_a_tool_has_the_budget_grants_and_depth_of_who_uses_it(tmp_path: Path) -> None:
    nest = """(define (nest depth)
      (simulation :initial-state {} :max-ticks 1 :observables '()
                  :step (lambda (s t) (if (> depth 1) (nest (- depth 1)) s) s)))"""
    step = "(simulation :initial-state {} :max-ticks 1 :observables '() :step (lambda (s t) (nest 3) s))"
    world(tmp_path, ada=f'(use-tool "nest") (nest 3) {step}', bob='(use-tool "page")')
    tools = [tool("nest", "ada", nest), tool("page", "ada", '(curl "http://a.org")')]
    with frames(tmp_path, {"tools": tools}) as pump:
        ada, bob = (pump.head.documents[f"echo_frames/{name}.json"] for name in ("ada", "bob"))
    assert (ada["error"]["code"], bob["error"]["code"]) == ("simulation-limit", "not-granted")
