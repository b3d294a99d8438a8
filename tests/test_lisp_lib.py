"""What lisp_lib offers to worlds, in LisPy: sections, dice, rest, words, and thoughts between frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump.lispy import Runtime
from lisppump.lispy.capabilities import State

LIBRARY = Path(__file__).resolve().parent.parent / "lisp_lib"

NUMBER = 9
POSTS = [{"number": n, "title": f"Post {n}", "channel": "code", "author": "ada"} for n in range(1, 8)]
FRAME: dict[str, Any] = {
    "agents.json": {
        "agents": {
            "ada": {"archetype": "coder", "mood": "calm"},
            "bo": {"archetype": "contrarian"},
            "cy": {"archetype": "coder"},
            "dee": {},
        }
    },
    "posted_log.json": {"posts": POSTS},
    "trending.json": {"trending": [{"number": 1, "title": "Post 1", "score": 10}, {"number": 9, "score": 5}]},
    "comments.jsonl": [
        {"post": 1, "author": "ada"},
        {"post": 7, "author": "ada"},
        {"post": 7, "author": "cy"},
        {"post": 2, "author": "ada"},
    ],
    "votes.jsonl": [{"post": 7, "voter": "bo"}],
    "memory/ada.md": "# Ada\n" + "".join(f"line {n}\n" for n in range(10)),
    "last": {"counts": {"posts_created": 1, "comments_added": 3, "votes": 1}},
    "echo": {"signals": {"boost": "coder"}, "results": {}},
    "woken": {"ada": 7, "bo": 2},
}


def value(source: str, *libraries: str, seed: int = 7, **documents: Any) -> Any:
    """What an expression gives after libraries were read, in the frame above with some documents replaced."""
    text = "\n".join((LIBRARY / f"{name}.lisp").read_text() for name in libraries)
    frame = {**FRAME, **documents}
    state = State(frame, frame=NUMBER, echoes=frame["echo"]["results"])
    runtime = Runtime(state=state, allow={"state"}, seed=seed)
    result = runtime.run(f"{text}\n{source}")
    assert result.ok, result.error
    return result.value


@pytest.mark.parametrize(
    ("allowance", "tokens"),
    [("(tokens 400)", 400), ("400", 400), ("nil", None)],
    ids=["quantity", "number", "none"],
)
def test_a_section_has_title_body_and_a_plain_allowance(allowance: str, tokens: int | None) -> None:
    made = value(f'(section "world" (list 1 2) {allowance})', "prompt")
    assert made == {"title": "world", "body": [1, 2], "tokens": tokens}


def test_a_summary_keeps_plain_members_and_counts_the_others() -> None:
    source = '(summary {"posts" 3 "era" nil "tags" (list 1 2) "all" {"a" 1}})'
    assert value(source, "prompt") == {"posts": 3, "era": None, "tags": "2 items", "all": "1 members"}


def test_latest_takes_the_end_of_a_list_and_of_a_log() -> None:
    assert [post["number"] for post in value('(latest "posted_log.json" "posts" 2)', "prompt")] == [6, 7]
    assert value('(latest "votes" nil 5)', "prompt") == FRAME["votes.jsonl"]
    assert value('(latest "nowhere" "posts" 5)', "prompt") == []


def test_memory_is_its_end_and_nil_where_there_is_none() -> None:
    assert value('(memory-of (rb-agent "ada"))', "prompt").splitlines() == [f"line {n}" for n in range(4, 10)]
    assert value('(memory-of (rb-agent "bo"))', "prompt") is None


def test_an_agent_that_never_woke_is_rested() -> None:
    assert value('(frames-asleep (rb-agent "cy"))', "worlds") is None
    assert value('(frames-asleep (rb-agent "bo"))', "worlds") == NUMBER - 2
    assert value('(rested? (rb-agent "cy") 100)', "worlds") is True
    assert value(f'(rested? (rb-agent "bo") {NUMBER - 1})', "worlds") is False


def test_a_boost_is_for_the_archetype_that_the_echo_named() -> None:
    assert value("(map boosted? agents)", "worlds") == [True, False, True, False]
    silent = {"signals": {}, "results": {}}
    assert value("(map boosted? agents)", "worlds", echo=silent) == [False] * 4


def test_a_weighted_choice_never_takes_what_weighs_nothing() -> None:
    source = "(unique (map (lambda (turn) (pick-by identity (list 0 3 0 1 0))) (range 200)))"
    assert sorted(value(source, "worlds")) == [1, 3]
    assert value("(list (pick-by identity (list)) (pick (list)))", "worlds") == [None, None]


def test_the_same_seed_throws_the_same_dice() -> None:
    source = "(list (toss 1 1000) (about 8) (chance 0.5) (pick (range 100)))"
    assert value(source, "worlds", seed=1) == value(source, "worlds", seed=1)
    assert value(source, "worlds", seed=1) != value(source, "worlds", seed=2)


def test_a_template_is_filled_and_a_text_is_cut_at_a_word() -> None:
    assert value('(fill "{a} and {b}, {a}" {"a" "x" "b" 2})', "worlds") == "x and 2, x"
    assert value('(clip "one two three" 9)', "worlds") == "one two ..."
    assert value('(clip "one two" 9)', "worlds") == "one two"


def test_fresh_is_what_the_last_frame_added() -> None:
    assert len(value('(fresh "comments_added" "comments" nil)', "echo")) == 3
    assert value('(fresh "posts_created" "posted_log" "posts")', "echo") == POSTS[-1:]
    assert value('(fresh "unknown" "comments" nil)', "echo") == []


@pytest.mark.parametrize(
    ("threads", "feeling"),
    [([], "quiet"), ([1, 1, 1, 2], "contentious"), (list(range(12)), "stable")],
)
def test_the_mood_is_read_from_how_the_talk_crowds(threads: list[int], feeling: str) -> None:
    comments = " ".join(f'{{"post" {thread}}}' for thread in threads)
    assert value(f"(mood (list {comments}))", "echo") == feeling


def test_heat_fades_and_talk_warms() -> None:
    thought = value("(trending-decay)", "echo")
    heat = {post["number"]: post["score"] for post in thought["trending"]}
    assert heat == {1: 7.0, 9: 3.5, 7: 13.4}
    assert [post["number"] for post in thought["trending"]] == [7, 1, 9]


def test_a_contentious_frame_calls_contrarians_and_a_quiet_one_the_quietest() -> None:
    assert value("(trending-decay)", "echo")["signal"] == "boost-contrarian"
    calm = {"counts": {"comments_added": 0}}
    talk = value("(trending-decay)", "echo", last=calm)
    assert (talk["mood"], talk["signal"]) == ("quiet", "boost-coder")


def test_the_last_trending_is_remembered_by_the_next_echo() -> None:
    thought = {"trending": [{"number": 3, "title": "Post 3", "score": 100}]}
    echo = {"signals": {}, "results": {"trending-decay": thought}}
    assert value("(trending-decay)", "echo", echo=echo)["trending"][0]["score"] == 70.0


def test_tidy_memory_names_whose_memory_is_long() -> None:
    assert value("(tidy-memory)", "echo") == {"long": []}
    long = {"memory/ada.md": "word\n" * 1000 + "the end\n"}
    assert value("(tidy-memory)", "echo", **long) == {"long": [{"agent": "ada", "ends": "the end"}]}


# -- physics


def test_amounts_decay_and_the_least_are_gone() -> None:
    assert value('(decay {"a" 10 "b" 1} 0.5 1)', "physics") == {"a": 5.0}
    assert value("(half-life-factor 6 12)", "physics") == 0.25


def test_thresholds_are_crossed_up_and_down() -> None:
    source = '(crossed {"a" 1 "b" 5 "c" 9} {"a" 7 "b" 5 "d" 6} 5)'
    assert value(source, "physics") == {"up": ["a", "d"], "down": ["c"]}


def test_what_items_speak_of_trends() -> None:
    source = """(trend (list {"c" "x" "n" 1} {"c" "y" "n" 3} {"c" "x" "n" 2} {"n" 9} {"c" "w" "n" 3})
                       (lambda (item) (get item "c")) (lambda (item) (get item "n")) 2)"""
    assert value(source, "physics") == [["w", 3], ["x", 3]]


def test_convergence_is_the_share_on_the_seed() -> None:
    source = '(convergence (list "Mars is dry" "MARS!" "water" "cats") (speaks-of? (list "mars" "Water")))'
    assert value(source, "physics") == 0.75
    assert value('(convergence nil (speaks-of? (list "a")))', "physics") == 0


def test_memes_are_phrases_that_spread_over_authors() -> None:
    source = """(memes (list {"by" "ada" "t" "Show the benchmark, not the vibes"}
                             {"by" "ada" "t" "show the benchmark"} {"t" "show the benchmark"} {"by" "cy"}
                             {"by" "bo" "t" "please SHOW the benchmark"}
                             {"by" "cy" "t" "the vibes are off"} {"by" "dee" "t" "not the vibes again"})
                       (lambda (item) (get item "by")) (lambda (item) (get item "t")) 2 2)"""
    assert value(source, "physics") == [
        {"phrase": "the vibes", "authors": ["ada", "cy", "dee"]},
        {"phrase": "not the", "authors": ["ada", "dee"]},
        {"phrase": "show the", "authors": ["ada", "bo"]},
        {"phrase": "the benchmark", "authors": ["ada", "bo"]},
    ]
    assert value('(phrases "one" 2)', "physics") == []


# -- studies

GROW = """'(simulation
  :initial-state {"amount" 1 "rate" 2}
  :step (lambda (s t) (update s :amount (+ (get s :amount) (get s :rate))))
  :max-ticks 3
  :observables '(amount))"""


def test_a_program_is_an_item_of_its_agent() -> None:
    item = value('(program-of {"id" "ada"} \'(+ 1 "a b"))', "studies")
    assert item == {"agent": "ada", "source": '(+ 1 "a b")'}


@pytest.mark.parametrize("code", ["(+ 1 2)", '(f "a\\n```\\nb" \'x :k 1.5)', "(list)"])
def test_a_block_is_taken_out_as_it_was_put_in(code: str) -> None:
    assert (
        value(f'(equal? \'{code} (block-in (string "see\\n\\n" (block \'{code}) "\\nthere")))', "studies")
        is True
    )


@pytest.mark.parametrize("text", ["", "no block", "```lisp\\n(+ 1 2)", "```lisp\\n(+ 1\\n```"])
def test_what_is_no_block_is_nil(text: str) -> None:
    assert value(f'(nil? (block-in "{text}"))', "studies") is True


def test_a_fork_says_what_one_setting_made_different() -> None:
    source = f'(define study (eval (changed "ada" {GROW} "rate" 5)))'
    study = value(f"{source} study", "studies")
    assert (study["whose"], study["changed"], study["from"], study["to"]) == ("ada", "rate", 2, 5)
    assert study["difference"]["final-state"] == {"amount": [7, 16], "rate": [2, 5]}
    assert value(f"{source} (list (forked? study) (projected? study))", "studies") == [True, False]
    said = value(f'{source} (difference-in study "amount")', "studies")
    assert said == "amount 16 instead of 7, with rate 5 instead of 2"
    assert value(f'{source} (nil? (difference-in study "other"))', "studies") is True


def test_a_projection_says_how_far_it_was_off_and_is_corrected() -> None:
    source = '(define study (eval (projection "water" 20 -6 10)))'
    echoes: dict[str, Any] = {"signals": {}, "results": {}}
    first = value(f'(define self "ada") {source} study', "studies", echo=echoes)
    assert (first["now"], first["ticks"], first["missed"]) == (20, 4, None)
    echoes["results"]["ada"] = {**first, "now": 30, "run": {"trajectory": [{"amount": 30}, {"amount": 24}]}}
    again = f'(define self "ada") {source}'
    assert value(f'{again} (get study "missed")', "studies", echo=echoes) == -4
    corrected = "(list (corrected study 3) (nil? (corrected study 4)))"
    assert value(f"{again} {corrected}", "studies", echo=echoes) == [-8, True]
    other = '(define self "ada") (define study (eval (projection "food" 20 -6 10)))'
    assert value(f'{other} (nil? (get study "missed"))', "studies", echo=echoes) is True


def test_what_somebody_has_not_is_nil() -> None:
    asked = '(list (nil? (study-of "bo")) (simulated? nil) (projected? nil) (forked? 5))'
    assert value(asked, "studies") == [True, False, False, False]


# -- the small parts that others are made of, which a world may use as well


def test_the_parts_of_a_dams_score() -> None:
    graph = {"edges": [{"source": "ada", "target": "bo", "weight": 3}, {"source": "bo", "target": "ada"}]}
    source = """(list (dam-pair "ada" "bo") (dam-weight "ada" "bo") (dam-weight "bo" "ada")
                      (dam-weight "bo" "cy"))"""
    assert value(source, "dam", **{"social_graph.json": graph}) == ["ada\nbo", 3, 1, 0]
    assert value("(map dam-fibonacci (list 0 1 2 5))", "dam") == [0, 1, 2, 12]


def test_the_parts_of_what_an_echo_thinks() -> None:
    assert value("(archetypes agents)", "echo") == {"coder": 2, "contrarian": 1}
    assert value('(quietest (list {"author" "ada"} {"author" "bo"}) "author")', "echo") == "coder"
    assert [post["number"] for post in value("(trending-now)", "echo")] == [1, 9]
    heat = value('(cooled (list {"number" 1 "score" 10} {"number" 2}) {"2" 5})', "echo")
    assert [(post["number"], post["score"]) for post in heat] == [(2, 13.4), (1, 7.0)]


def test_the_parts_of_prompts_topics_and_worlds() -> None:
    assert value("(map in-short (list 7 (list 1 2) {\"a\" 1}))", "prompt") == [7, "2 items", "1 members"]
    assert value("(list (said-of frame 7) (said-of frame (lambda (frame) 8)))", "steer") == [7, 8]
    found = value("(list (in-turn '(\"a\" \"b\") 3) (in-turn nil 2))", "steer")
    assert found == [["a", "b", "a"], [None, None]]
    assert value("(coming)", "worlds") == NUMBER + 1
