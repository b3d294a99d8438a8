"""Loading a policy whole: what it means, its functions on frames, its digest and bundle, its diagnostics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.budget import BreakerRule, BudgetRule
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.lispy.errors import LispyError
from lisppump.lispy.limits import Limits
from lisppump.plugin import Offer
from lisppump.policy import ClockClause, Policy, PolicyErrors
from lisppump.portal_rule import PortalRule
from tests.conftest import ROOT
from tests.policy_support import HELPERS, REGISTRY, SMALL, WORLD, bundle, changed, errors_of, load, registry

GOLDEN = ROOT / "tests" / "golden" / "policy"


def frame(number: int = 4, **virtual: Any) -> Frame:
    people = {"ada": {"status": "active", "archetype": "builder"}, "bob": {"status": "dormant"}}
    documents = {"agents.json": {"agents": people}, "stats.json": {"total": 3}}
    return Frame(number, "2026-04-09T03:00:00.000000Z", documents, {}, virtual=virtual)


# -- what it means


def test_every_clause_of_the_world_arrives() -> None:
    policy = load(WORLD)
    assert (policy.name, policy.heartbeat, policy.seed) == ("agora", 2700.0, 7)
    assert policy.clock == ClockClause("start", "2026-04-09T00:00:00Z", 2700.0)
    assert (policy.state.folder, policy.state.keep) == ("state", 50)
    assert (policy.agents.document, policy.agents.path) == ("agents.json", ("agents",))
    assert (policy.agents.rest_first, policy.agents.at_most) == (True, 22)
    assert {key: value for key, value in policy.dam.options.items() if key != "score"} == {
        "room_size": 3,
        "never_twice": 20,
    }
    assert [(alias, choice.name) for alias, choice in policy.pipe.backends] == [
        ("bright", "claude"), ("script", "lispy"), ("none", "none"),
    ]  # fmt: skip
    assert policy.pipe.backends[0][1].options == {
        "model": "claude-opus-4-6",
        "max_tokens": 4000,
        "patience": 60,
    }
    assert (policy.pipe.deadline, policy.pipe.passes, policy.pipe.stagger) == (300.0, ("act", "react"), 2.0)
    assert policy.prompt.at_most == 60_000
    assert policy.breaker == BreakerRule(0.5, 3, 20)
    assert policy.budget == BudgetRule("run", 2_000_000, 20, 36_000, "stop")
    assert (policy.limits.steps, policy.limits.depth, policy.limits.allocation) == (
        1_000_000,
        12_000,
        64 << 20,
    )
    assert (policy.plugins.without, policy.plugins.order) == (("noisy",), ("first", "second"))
    assert [(echo.stage.name, echo.each) for echo in policy.echoes] == [
        ("agents-programs", 1),
        ("by", 1),
        ("by", 10),
    ]


def test_limits_of_an_echo_are_those_of_the_policy_where_it_says_nothing() -> None:
    options = load(WORLD).echoes[0].stage.options
    assert options["allow"] == ("state", "web")
    limits = options["limits"]
    assert (limits.steps, limits.seconds, limits.depth) == (200_000, 5, 12_000)


def test_a_small_world_has_defaults_for_the_rest() -> None:
    policy = load(SMALL)
    assert (policy.heartbeat, policy.seed, policy.streams) == (0.0, 0, 1)
    assert policy.clock == ClockClause("start", "2026-01-01T00:00:00Z", 0.0)
    assert [choice.name for choice in policy.stages()] == [
        "round-robin", "lispy", "dream-catcher", "local", "files",
    ]  # fmt: skip
    assert (policy.breaker, policy.budget) == (BreakerRule(), BudgetRule())
    assert (policy.echoes, policy.genesis, policy.agents.at_most) == ((), None, None)
    assert policy.schema.otherwise is not None
    assert policy.schema.otherwise.mode == "refuse"


def test_the_portal_is_as_the_policy_says() -> None:
    assert load(SMALL).portal == PortalRule(15.0, 2 * 1024 * 1024, 5, 30.0, ())
    clause = """(portal (deadline (seconds 2)) (megabytes 1/2) (calls 3) (patience (minutes 1))
        (dangerously-allow "127.0.0.1:8080" "[::1]:9000" "weather.test:1"))"""
    rule = load(changed("(executor local)", clause)).portal
    assert rule == PortalRule(2.0, 512 * 1024, 3, 60.0, ("127.0.0.1:8080", "[::1]:9000", "weather.test:1"))
    window = rule.window()
    assert (window.calls, window.seconds) == (3, 60.0)


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1", "http://a.com:80/", "a.b:0", "a.com:65536", "a.com:080", "A.b:80", ":80", "*:80", "::1:80"],
)
def test_a_private_place_is_a_host_and_a_port(place: str) -> None:
    (error,) = errors_of(changed("(executor local)", f'(portal (dangerously-allow "{place}"))')).errors
    assert error.code == "bad-clause" and "127.0.0.1:8080" in (error.help or "")


def test_clauses_may_stand_in_any_order() -> None:
    moved = changed("  (limits (steps 1000000) (depth 12000) (megabytes 64))\n", "")
    moved = moved.replace(
        "(name agora)", "(limits (steps 1000000) (depth 12000) (megabytes 64)) (name agora)"
    )
    assert load(moved).limits == load(WORLD).limits
    pipe = "  (pipe bright script none (deadline (minutes 5)) (passes act react) (stagger (seconds 2)))\n"
    first = changed(pipe, "").replace("(name agora)", "(name agora)" + pipe)
    assert [alias for alias, _ in load(first).pipe.backends] == ["bright", "script", "none"]


def test_a_stage_is_made_with_its_options() -> None:
    stage = load(WORLD).pipe.backends[0][1].make()
    assert stage.given == {"model": "claude-opus-4-6", "max_tokens": 4000, "patience": 60}
    command = changed("(copilot (profile agentic))", '(command "llm" "-m" "small")').replace(
        "(pipe bright", "(pipe hands"
    )
    assert dict(load(command).pipe.backends)["hands"].options == {"command": ("llm", "-m", "small")}


def test_a_policy_never_changes() -> None:
    with pytest.raises(AttributeError):
        load(SMALL).seed = 3  # type: ignore[misc]


# -- its functions


def test_functions_see_the_frame_they_decide_about() -> None:
    policy = load(WORLD)
    assert policy.agents.where is not None and policy.agents.order is not None
    awake = policy.agents.where.on(frame())
    assert [awake({"status": "active"}), awake({"status": "dormant"})] == [True, False]
    order = policy.agents.order.on(frame(echo={"signals": {"boost": "builder"}}))
    assert [order({"archetype": "builder"}), order({"archetype": "other"})] == [0, 1]


def test_the_number_of_streams_steers_itself() -> None:
    streams = load(WORLD).streams
    assert not isinstance(streams, int)
    assert streams.on(frame())(frame().view) == 15
    lively = frame(last={"events": 12})
    assert streams.on(lively)(lively.view) == 4


def test_functions_of_stages_are_functions_of_frames_too() -> None:
    score = load(WORLD).dam.options["score"]
    assert score.arity == 2
    assert score.on(frame())({"friends": ["x", "y"]}, {"friends": ["y"]}) == 2


def test_genesis_runs_before_there_is_a_frame() -> None:
    genesis = load(WORLD).genesis
    assert genesis is not None
    assert genesis.on(None)() == {"agents.json": {"agents": {}}}


def test_genesis_has_no_state() -> None:
    genesis = load(
        changed('(lambda () (dict "agents.json" (dict "agents" (dict))))', "(lambda () frame)")
    ).genesis
    assert genesis is not None
    with pytest.raises(LispyError, match="state"):
        genesis.on(None)()


def test_dice_are_those_of_seed_frame_name_and_ordinal() -> None:
    text = changed("(define (tidy) 1)", "(define (tidy) (random-int 1 1000000))")
    tidy = load(text).echoes[1].stage.options["function"]
    throw, again = tidy.on(frame(), seed=("echo", 0)), tidy.on(frame(), seed=("echo", 0))
    first, second = throw(), throw()
    assert (first, second) == (again(), again())
    assert first != second
    others = [tidy.on(frame(), seed=("echo", 1))(), tidy.on(frame(5), seed=("echo", 0))()]
    other_seed = load(text, overrides={"seed": 8}).echoes[1].stage.options["function"]
    assert len({first, *others, other_seed.on(frame(), seed=("echo", 0))()}) == 4


def test_an_error_in_a_function_names_its_place() -> None:
    streams = load(changed("(define (how-many frame) ", '(define (how-many frame) (car "x") ')).streams
    assert not isinstance(streams, int)
    with pytest.raises(LispyError) as caught:
        streams.on(frame())(frame().view)
    assert caught.value.span is not None
    assert (caught.value.span.file, caught.value.span.line) == ("pump.lisp", 8)


def test_every_limit_can_be_set() -> None:
    every = (
        "(steps 1) (depth 2) (megabytes 3) (seconds 4) (elements 5) (string 6) (bits 64) (data-depth 8) "
        "(syntax-depth 90) (source 10) (message 20) (output 12)"
    )
    usual = "(limits (steps 1000000) (depth 12000) (megabytes 64))"
    limits = load(changed(usual, f"(limits {every})")).limits
    assert limits == Limits(
        steps=1, depth=2, allocation=3 << 20, seconds=4, elements=5, string=6, bits=64, data_depth=8,
        syntax_depth=90, source=10, message=20, output=12,
    )  # fmt: skip
    assert load(changed("(steps 1000000) (depth 12000) (megabytes 64)", "")).limits == Limits()


@pytest.mark.parametrize(
    "limit", ["bits 20000", "bits 1", "data-depth 5000", "syntax-depth 900", "message 900"]
)
def test_a_limit_that_the_host_could_not_hold_is_refused(limit: str) -> None:
    with pytest.raises(LisppumpError) as caught:
        load(changed("(steps 1000000)", f"({limit})"))
    assert caught.value.code == "bad-clause"


def test_functions_run_under_the_limits_of_the_policy() -> None:
    text = changed("(steps 1000000)", "(steps 1000)").replace("(define (tidy) 1)", "(define (tidy) (tidy))")
    tidy = load(text).echoes[1].stage.options["function"]
    with pytest.raises(LispyError) as caught:
        tidy.on(frame())()
    assert caught.value.code == "step-limit"


def test_the_name_of_a_function_is_what_the_file_calls_it() -> None:
    policy = load(WORLD)
    assert policy.agents.where is not None and policy.genesis is not None
    assert policy.agents.where.name == "awake?"  # type: ignore[attr-defined]


# -- digest, bundle, files


def test_the_digest_covers_texts_and_stages() -> None:
    first = load(WORLD)
    assert load(WORLD).digest == first.digest
    assert load(WORLD + " ; more").digest != first.digest
    library = Policy.from_bundle({**bundle(WORLD), "lisp_lib/helpers.lisp": HELPERS + " "}, registry=REGISTRY)
    assert library.digest != first.digest
    assert Policy.from_bundle(bundle(WORLD), registry=registry()).digest == first.digest
    assert Policy.from_bundle(bundle(WORLD), registry=registry("2.0")).digest != first.digest


def test_overrides_change_the_policy_and_not_its_digest() -> None:
    policy = load(WORLD, overrides={"streams": 5, "heartbeat": 0})
    assert (policy.streams, policy.heartbeat) == (5, 0)
    assert policy.digest == load(WORLD).digest


@pytest.mark.parametrize("overrides", [{"streems": 5}, {"streams": 0}, {"streams": "5"}, {"seed": 1.5}])
def test_a_wrong_override_is_the_command_line_s_fault(overrides: dict[str, Any]) -> None:
    with pytest.raises(LisppumpError) as caught:
        load(WORLD, overrides=overrides)
    assert caught.value.code == "bad-usage"


def write(folder: Path, text: str = WORLD, helpers: str = HELPERS) -> Path:
    (folder / "lisp_lib").mkdir(exist_ok=True)
    (folder / "lisp_lib" / "helpers.lisp").write_text(helpers)
    path = folder / "pump.lisp"
    path.write_text(text)
    return path


def test_a_file_loads_as_its_bundle_does(tmp_path: Path) -> None:
    policy = Policy.load(write(tmp_path), registry=REGISTRY)
    assert policy.path == tmp_path / "pump.lisp"
    assert policy.bundle == bundle(WORLD)
    again = Policy.from_bundle(policy.bundle, path=policy.path, registry=REGISTRY)
    assert again.digest == policy.digest


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path)
    policy = Policy.load(path, registry=REGISTRY)
    assert not policy.changed()
    write(tmp_path, helpers=HELPERS + "; more\n")
    assert policy.changed()
    write(tmp_path)
    assert not policy.changed()
    (tmp_path / "lisp_lib" / "helpers.lisp").unlink()
    assert policy.changed()
    write(tmp_path)
    path.unlink()
    assert policy.changed()


def test_a_library_file_of_ones_own_that_appears_is_a_change(tmp_path: Path) -> None:
    path = write(tmp_path, WORLD.replace("(load helpers)", "(load helpers) (load echo)"))
    policy = Policy.load(path, registry=REGISTRY)
    assert "lisppump/lisp_lib/echo.lisp" in policy.bundle and not policy.changed()
    (tmp_path / "lisp_lib" / "echo.lisp").write_text(policy.bundle["lisppump/lisp_lib/echo.lisp"])
    assert policy.changed()


def test_asking_whether_it_changed_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.load(write(tmp_path), registry=REGISTRY)
    monkeypatch.setattr("lisppump.policy_files.read", None)
    assert not policy.changed()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(LisppumpError) as caught:
        Policy.load(tmp_path / "pump.lisp", registry=REGISTRY)
    assert caught.value.code == "no-simulation"


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LisppumpError) as caught:
        Policy.load(path, registry=REGISTRY)
    assert (caught.value.code, caught.value.exit_code) == ("not-text", 3)


def test_a_library_file_loads_others_once() -> None:
    texts = {
        **bundle(changed("(load helpers)", '(load "first") (load helpers)')),
        "lisp_lib/first.lisp": "(load helpers) (define (unused) (bond nil nil))",
        "lisp_lib/helpers.lisp": "(load first)\n" + HELPERS,
    }
    assert Policy.from_bundle(texts, registry=REGISTRY).bundle == texts


def test_an_error_in_a_library_file_names_that_file() -> None:
    texts = {**bundle(WORLD), "lisp_lib/helpers.lisp": "(define (bond a b) (lenght a))"}
    with pytest.raises(PolicyErrors) as caught:
        Policy.from_bundle(texts, registry=REGISTRY)
    (error,) = caught.value.errors
    assert error.span is not None
    assert (error.code, error.span.file, error.span.column) == ("unbound", "lisp_lib/helpers.lisp", 21)


def test_a_broken_library_file_is_one_error() -> None:
    texts = {**bundle(WORLD), "lisp_lib/helpers.lisp": "(define (bond a b"}
    with pytest.raises(PolicyErrors) as caught:
        Policy.from_bundle(texts, registry=REGISTRY)
    assert [error.code for error in caught.value.errors] == ["unclosed"]


def test_a_broken_definition_is_not_said_again_of_its_users() -> None:
    errors = errors_of(changed("(define (how-many frame) ", "(define (how-many 5) "))
    assert len(errors.errors) == 1


class BrokenStages:
    """A registry whose every dam is broken."""

    def find(self, kind: str, name: str) -> Offer:
        if kind == "dam":
            raise LisppumpError("broken-plugin", "plugin dams 1.0 is broken")
        return REGISTRY.find(kind, name)

    def names(self, kind: str) -> list[str]:
        return REGISTRY.names(kind)

    def builtins(self) -> dict[str, Any]:
        return {}

    def under(self, without: Collection[str], order: Sequence[str]) -> BrokenStages:
        return self


def test_a_plugin_that_is_broken_is_not_the_policy_s_fault() -> None:
    with pytest.raises(PolicyErrors) as caught:
        Policy.from_bundle(bundle(WORLD), registry=BrokenStages())
    (error,) = caught.value.errors
    assert error.span is not None
    assert (error.code, error.span.line, caught.value.exit_code) == ("broken-plugin", 24, 4)


# -- diagnostics

MANY = [
    ("(every (minutes 45))", "(every 45)"),
    ("(streams how-many)", "(streams how-mny)"),
    ("(room-size 3)", "(romm-size 3)"),
    ("(title string)", "(title strin)"),
    ("(by tidy)\n", "(by tidi)\n"),
    ("(bad 1/2)", "(bad 3/2)"),
    ("(seed 7)\n", "(sead 7)\n"),
]
TYPOS = {
    "streams": [("(streams how-many)", "(streams how-mny)")],
    "dam-option": [("(room-size 3)", "(romm-size 3)")],
    "merge-rule": [("(last-writer)", "(last-writter)")],
    "echo": [("(by tidy)\n", "(by tidi)\n")],
    "echo-stage": [("(agents-programs", "(agent-programs")],
    "field-type": [("(title string)", "(title strin)")],
    "unit": [("(every (minutes 45))", "(every 45)")],
    "other-unit": [("(stagger (seconds 2))", "(stagger (tokens 2))")],
    "many": MANY,
    "no-pump": [(WORLD[WORLD.index("(pump") :], "")],
    "unbalanced": [("(steps 200000) (seconds 5)))", "(steps 200000) (seconds 5))")],
    "arity": [("(score chemistry)", "(score tidy)")],
    "missing": [("  (name agora)\n", ""), ("(otherwise append", "(otherwize append")],
    "field": [("(once-per voter post type)", "(once-per voter pots type)")],
}


@pytest.mark.parametrize("name", TYPOS)
def test_diagnostics_are_as_they_were(name: str) -> None:
    text = WORLD
    for old, new in TYPOS[name]:
        text = changed(old, new, text)
    assert errors_of(text).diagnostic() + "\n" == (GOLDEN / f"{name}.txt").read_text()


def test_every_golden_file_is_used() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(TYPOS)


def test_nothing_of_a_wrong_policy_is_loaded() -> None:
    text = WORLD
    for old, new in MANY:
        text = changed(old, new, text)
    errors = errors_of(text)
    assert len(errors.errors) == len(MANY)
    lines = [error.span.line for error in errors.errors if error.span]
    assert lines == sorted(lines)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_a_policy_or_located_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(WORLD.index("(pump"), len(WORLD) - 1))
    end = data.draw(st.integers(start, min(len(WORLD), start + 25)))
    piece = data.draw(
        st.sampled_from(
            ["", "(", ")", "5", '"x"', "name", "(seconds 1)", "'()", "(by tidy)", "[a . b]", "{a 1}"]
        )
    )
    try:
        load(WORLD[:start] + piece + WORLD[end:])
    except PolicyErrors as errors:
        assert all(error.span is not None for error in errors.errors)
        assert errors.diagnostic()
