"""Budgets in whole runs: what is spent is remembered, what may not be spent is not, and waits end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, Reply, Request
from lisppump.budget import Stopped
from lisppump.calling import BackendError, Failure
from lisppump.delta import Usage
from lisppump.errors import LisppumpError
from lisppump.testing import Clock, Simulation
from tests.cli_support import Lisppump

POLICY = """\
(pump
  (name purse)
  (genesis (lambda () (dict "agents.json" (dict "agents" (dict "ann" (dict) "bob" (dict) "cid" (dict))))))
  (agents "agents.json" agents)
  (streams 3)
  (every (minutes 10))
  (pipe bright none (deadline (seconds 5)) {pipe})
  (backends (bright none))
  {more}
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""
PRICES = '(prices (as-of "2026-01-01") (model "opus" (input 5) (output 25)))'
USED = Usage(input=60, output=40, dollars=0.0)


class Model:
    """A backend that uses tokens."""

    def __init__(
        self, used: Usage = USED, answer: Callable[[Request], Any] | None = None, **terms: Any
    ) -> None:
        self.max_tokens: int | None = 40
        self.model = "opus"
        self.calls = 0
        self._used, self._answer = used, answer
        for name, value in terms.items():
            setattr(self, name, value)

    async def pour(self, request: Request) -> Reply:
        self.calls += 1
        if self._answer is not None:
            await self._answer(request)
        agent = request.agents[0].id
        return Reply(data={"lines": [{"agent": agent, "text": "hi"}]}, usage=self._used, model="opus")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Callable[..., Simulation]:
    def make(more: str = "", model: Any = None, pipe: str = "", name: str = "world") -> Simulation:
        text = POLICY.format(more=more, pipe=pipe)
        backends = {"bright": model or Model()}
        return Simulation(tmp_path / name, text, backends=backends, clock=clock)

    return make


World = Callable[..., Simulation]


def statuses(pump: Pump) -> list[str]:
    return [delta.status for delta in pump.step()[0].deltas]


def spent(pump: Pump) -> dict[str, Any]:
    return dict(pump.status().budget["spent"])


def most(pump: Pump) -> int:
    """The most tokens that one pipe takes."""
    return max(prompt.tokens for prompt in pump.plan().prompts) + 40


def test_a_world_remembers_what_it_spent(world: World, clock: Clock) -> None:
    made = world("(budget (per world) (tokens 100000))")
    for frames in (1, 2, 3):
        with made.open() as pump:
            assert statuses(pump) == ["ok", "ok", "ok"]
            assert spent(pump)["tokens"] == 300 * frames
            assert pump.status().budget["reserved"] == {"tokens": 0, "dollars": 0.0}
        with made.open() as pump:
            assert spent(pump)["tokens"] == 300 * frames


def test_a_run_begins_with_nothing_spent_and_a_day_ends(world: World, clock: Clock) -> None:
    made = world("(budget (per run) (tokens 100000))")
    made.run(2)
    with made.open() as pump:
        assert spent(pump)["tokens"] == 600  # of the run that was
        pump.step()
        assert spent(pump)["tokens"] == 300
    with world("(budget (per day) (tokens 100000))").open() as pump:
        assert spent(pump)["tokens"] == 900
        clock.move(86_400)
        assert spent(pump)["tokens"] == 0
        pump.step()
        assert spent(pump)["tokens"] == 300


def test_money_that_was_spent_on_frames_that_were_taken_back_is_spent(world: World) -> None:
    with world("(budget (per world) (tokens 100000))").open() as pump:
        pump.step(2)
        pump.rollback(0)
        assert spent(pump)["tokens"] == 600
        pump.step()
    with world("(budget (per world) (tokens 100000))").open() as pump:
        assert spent(pump)["tokens"] == 900


def test_what_does_not_fit_is_not_asked_and_then_the_run_stops(world: World) -> None:
    with world().open() as pump:
        needs = most(pump)
    made = world(f"(budget (tokens {100 + needs}))", name="other")
    with made.open() as pump:
        # The first is set aside, and nothing is left for two more while it is under way.
        assert statuses(pump) == ["ok", "over-budget", "over-budget"]
        assert "it may take" in str(pump.status().streams[1]["reason"])
        assert statuses(pump) == ["ok", "over-budget", "over-budget"]
        with pytest.raises(Stopped, match="frame 3 was not begun: nothing more can be asked of `bright`"):
            pump.step()
    assert spent(made.open())["tokens"] == 200


def test_a_spent_budget_stops_the_run_with_exit_6(world: World) -> None:
    made = world("(budget (per world) (tokens 600))")
    with made.open() as pump, pytest.raises(Stopped, match=r"(600|300) of 600|nothing more") as caught:
        pump.run()
    assert caught.value.exit_code == 6 and "lisppump budget reset" in str(caught.value.help)


def test_a_budget_is_reset(world: World) -> None:
    made = world("(budget (per world) (tokens 1000))")
    made.run(1)
    told = json.loads(made.lisppump("budget", "--json").out)
    assert (told["spent"]["tokens"], told["limit"]["tokens"], told["run"]["tokens"]) == (300, 1000, 300)
    done = made.lisppump("budget", "reset", "--json").json
    assert (done["per"], done["was"]["tokens"], done["asked"]) == ("world", 300, None)
    assert made.lisppump("budget", "list", "--json").json["spent"]["tokens"] == 0
    assert made.lisppump("verify").code == 0


def test_where_no_run_is_going_there_is_no_budget_of_a_run_to_reset(world: World) -> None:
    made = world("(budget (tokens 1000))")
    why = "no run is going whose budget could be reset: the next begins with nothing spent"
    assert made.lisppump("budget", "reset").out == f"{why}\n"
    made.run(1)
    records = len([*made.open().store.every("budget")])
    assert made.lisppump("budget", "reset").out == f"{why}; the last one spent 300 tokens and $0.0000\n"
    done = made.lisppump("budget", "reset", "--json").json
    assert (done["per"], done["was"]["tokens"], done["reset"]) == ("run", 300, False)
    assert len([*made.open().store.every("budget")]) == records


def test_what_a_run_that_was_cut_off_spent_can_be_reset(world: World) -> None:
    made = world("(budget (tokens 1000))")
    pump = made.open()
    pump.step()
    pump.store.close()  # as if it had been killed: its books are not closed
    done = made.lisppump("budget", "reset", "--json").json
    assert (done["was"]["tokens"], done["reset"]) == (300, True)
    with made.open() as pump:
        assert spent(pump)["tokens"] == 0


def test_dollars_are_counted_by_the_prices_of_the_policy(world: World) -> None:
    with world(f"(budget (dollars 20)) {PRICES}").open() as pump:
        (report,) = pump.step()
        usage = report.deltas[0].usage
        assert usage.dollars == pytest.approx((60 * 5 + 40 * 25) / 1e6)
        assert spent(pump)["dollars"] == pytest.approx(3 * 0.0013)
        assert pump.replay().equal
        assert "$0.004" in report.line()


def test_what_was_priced_stays_as_it_was_when_prices_change(world: World) -> None:
    with world(PRICES).open() as pump:
        pump.step()
    with world(PRICES.replace("25", "99")).open() as pump:
        assert pump.replay().equal
        assert pump.show(1).streams[0]["usage"]["dollars"] == pytest.approx(0.0013)


def test_without_a_price_it_is_said_to_be_unknown(world: World) -> None:
    with world().open() as pump:
        (report,) = pump.step()
        assert report.deltas[0].usage.dollars is None
        assert "price unknown" in report.line()
        assert spent(pump)["unpriced"] == 300
        assert pump.plan().at_most["unknown_prices"]


@pytest.mark.parametrize(
    ("more", "terms", "code"),
    [
        ("(budget (dollars 5))", {}, "unknown-price"),
        ("(budget (dollars 5))", {"model": None}, "unknown-price"),
        ("(budget (tokens 5000))", {"reports": False}, "unknown-usage"),
        ("(budget (dollars 5))", {"reports": False}, "unknown-usage"),
        ("(budget (tokens 5))", {"reports": False, "assumed": Usage(dollars=1.0)}, "unknown-usage"),
        ("(budget (dollars 5))", {"reports": False, "assumed": Usage(output=9, dollars=None), "model": None},
         "unknown-price"),
    ],
)  # fmt: skip
def test_what_a_budget_cannot_hold_is_refused(
    world: World, more: str, terms: dict[str, Any], code: str
) -> None:
    model = Model(**terms)
    with world(more, model).open() as pump, pytest.raises(LisppumpError) as caught:
        assert any(note.startswith("a run would stop here: the budget") for note in pump.plan().notes)
        pump.step()
    assert (caught.value.code, caught.value.exit_code, model.calls) == (code, 3, 0)
    assert caught.value.help is not None and ("(prices" in caught.value.help or "assume" in caught.value.help)


@pytest.mark.parametrize(
    ("per", "way"), [("run", "or run again, which counts anew"), ("world", "or `lisppump budget reset`")]
)
def test_the_help_names_a_way_that_helps(world: World, per: str, way: str) -> None:
    made = world(f"(budget (per {per}) (tokens 400))")
    with made.open() as pump, pytest.raises(Stopped) as caught:
        pump.step(3)
    assert caught.value.help == f"raise (budget ...) to go on, {way}"
    with made.open() as pump:
        allowed = not any(note.startswith("the budget does not allow it") for note in pump.plan().notes)
        assert allowed == (per == "run")
    with world("(budget (tokens 3))").open() as pump, pytest.raises(Stopped) as caught:
        assert any(note.startswith("the budget does not allow it") for note in pump.plan().notes)
        pump.step()
    assert caught.value.help == "raise (budget ...) to go on"


def test_what_costs_no_money_needs_no_price(world: World) -> None:
    with world("(budget (dollars 5))", Model(free=True)).open() as pump:
        assert statuses(pump) == ["ok", "ok", "ok"]
        assert (spent(pump)["dollars"], spent(pump)["tokens"]) == (0.0, 300)


def test_what_reports_nothing_counts_as_what_is_assumed(world: World) -> None:
    assumed = Usage(output=1000, dollars=0.5, assumed=True)
    model = Model(assumed, reports=False, assumed=assumed, max_tokens=None)
    with world("(budget (per world) (tokens 10000) (dollars 1.5))", model).open() as pump:
        assert statuses(pump) == ["ok", "ok", "ok"]
        assert (spent(pump)["tokens"], spent(pump)["dollars"]) == (3000, 1.5)
        with pytest.raises(Stopped, match=r"\$1.50 of \$1.50 are spent in this world"):
            pump.step()


def test_what_reports_tokens_and_no_price_costs_what_is_assumed(world: World) -> None:
    model = Model(model="unknown", assumed=Usage(output=40, dollars=0.5))
    with world("(budget (per world) (dollars 5))", model).open() as pump:
        assert statuses(pump) == ["ok", "ok", "ok"]
        assert (spent(pump)["tokens"], spent(pump)["dollars"]) == (300, 1.5)


def test_with_none_it_goes_on_with_what_costs_nothing(world: World) -> None:
    model = Model()
    with world("(budget (tokens 0) (when-spent none))", model).open() as pump:
        for _ in range(3):
            assert statuses(pump) == ["over-budget"] * 3
    assert model.calls == 0


def test_a_pause_ends_with_the_day(world: World, clock: Clock) -> None:
    made = world("(budget (per day) (tokens 1000) (when-spent pause))", Model(Usage(input=400, dollars=0.0)))
    heard: list[Any] = []
    with made.open() as pump:
        sleep = clock.sleep

        async def for_an_hour(seconds: float) -> None:
            await sleep(3600 if heard[-1:] and heard[-1].kind == "paused" else seconds)

        clock.sleep = for_an_hour  # type: ignore[method-assign]
        pump.listeners.append(heard.append)
        pump.step(3)
        assert pump.budget.date == "2026-01-03"
    kinds = [(event.kind, event.text) for event in heard if event.kind in ("paused", "resumed")]
    assert [kind for kind, _ in kinds] == ["paused", "resumed"] * 2
    assert "today" in kinds[0][1]


def test_a_run_that_pauses_can_be_stopped_and_its_budget_reset(world: World, clock: Clock) -> None:
    made = world("(budget (per world) (tokens 0) (when-spent pause))")
    with made.open() as pump:
        sleep, slept = clock.sleep, 0

        async def looked(seconds: float) -> None:
            nonlocal slept
            slept += 1
            if slept == 3:
                assert pump.status().state == "paused"
                assert made.lisppump("budget", "reset", "--json").json["asked"] is not None
            if slept == 6:
                assert any(record.fields.get("act") == "reset" for record in pump.store.every("budget"))
                assert made.lisppump("stop").code == 0
            await sleep(seconds)

        clock.sleep = looked  # type: ignore[method-assign]
        assert pump.run() == ()
        assert pump.stopped and slept < 20


def test_a_raised_limit_ends_a_pause(world: World, clock: Clock) -> None:
    made = world("(budget (per world) (tokens 0) (when-spent pause))")
    path = made.folder / "pump.lisp"
    with made.open() as pump:
        sleep = clock.sleep

        async def raised(seconds: float) -> None:
            path.write_text(path.read_text().replace("(tokens 0)", "(tokens 100000)"))
            await sleep(seconds)

        clock.sleep = raised  # type: ignore[method-assign]
        assert len(pump.run(1)) == 1


def test_a_call_that_is_cut_short_counts_as_what_it_may_have_used(world: World) -> None:
    async def hangs(request: Request) -> None:
        if request.stream.number == 2:
            await asyncio.Event().wait()
        if request.stream.number == 3:
            raise BackendError(Failure.TIMED_OUT, "no answer")

    made = world("(budget (per world) (tokens 100000))", Model(answer=hangs))
    text = (made.folder / "pump.lisp").read_text().replace("(seconds 5)", "(seconds 0.2)")
    (made.folder / "pump.lisp").write_text(text)
    with made.open() as pump:
        lost = sum(prompt.tokens + 40 for prompt in pump.plan().prompts[1:])
        assert statuses(pump) == ["ok", "timed-out", "timed-out"]
        assert spent(pump)["tokens"] == 100 + lost
        assert pump.replay().equal
    with made.open() as pump:
        assert spent(pump)["tokens"] == 100 + lost


def test_an_answer_that_broke_off_counts_as_what_it_may_have_used(world: World) -> None:
    async def breaks_off(request: Request) -> None:
        raise BackendError(Failure.REFUSED, "it was cut", text='{"lines": [')

    with world("(budget (per world) (tokens 100000))", Model(answer=breaks_off)).open() as pump:
        lost = sum(prompt.tokens + 40 for prompt in pump.plan().prompts)
        assert statuses(pump) == ["failed"] * 3
        assert spent(pump)["tokens"] == lost


@pytest.mark.parametrize("told", [True, False])
def test_an_attempt_that_is_made_again_is_set_aside_again(world: World, told: bool) -> None:
    async def breaks_off(request: Request) -> None:
        used = Usage(input=60, output=40) if told else Usage()
        raise BackendError(Failure.UNAVAILABLE, "it was cut", text='{"lines": [', usage=used)

    with world().open() as pump:
        needs = most(pump)
    model = Model(answer=breaks_off)
    with world(f"(budget (tokens {needs + 50}))", model, name="small").open() as pump:
        assert statuses(pump) == ["over-budget"] * 3
        assert model.calls == 1
        first = [(one["status"], one["reason"]) for one in pump.show(1).streams[0]["attempts"]]
        assert [status for status, _ in first] == ["failed", "over-budget"]
        assert spent(pump)["tokens"] <= needs + 50
        assert pump.replay().equal
    large = Model(answer=breaks_off)
    made = world(f"(budget (per world) (tokens {needs * 20}))", large, name="large")
    with made.open() as pump:
        assert statuses(pump) == ["failed"] * 3
        counted = spent(pump)["tokens"]
        assert large.calls >= 4 and pump.status().budget["reserved"]["tokens"] == 0
    with made.open() as pump:
        assert spent(pump)["tokens"] == counted


def test_check_says_what_a_budget_cannot_hold(tmp_path: Path, lisppump: Lisppump) -> None:
    def said(backend: str, budget: str) -> str:
        (tmp_path / "pump.lisp").write_text(
            f"""(pump (name held) (agents "agents.json" agents) (backends (bright {backend})) (pipe bright)
                {budget} (delta (lines (fields (agent agent)) (into "lines.jsonl"))))"""
        )
        done = lisppump("-C", tmp_path, "check")
        assert done.code == 0, done.err
        return done.err

    claude, command = '(claude (model "opus"))', '(command "cat")'
    assert "unknown-price" in said(claude, "(budget (dollars 5))")
    assert "unknown-usage" in said(command, "(budget (tokens 5000))")
    assert "would not begin" not in said(claude, "(budget (tokens 5000))")
    assert "would not begin" not in said(claude, f"(budget (dollars 5)) {PRICES}")
    assert "would not begin" not in said(command, "")


def test_what_a_dead_process_had_reserved_is_spent(world: World) -> None:
    async def dies(request: Request) -> None:
        if request.stream.number == 2:
            raise KeyboardInterrupt

    model = Model(answer=dies)
    made = world("(budget (per world) (tokens 100000))", model)
    pump = made.open()
    with pytest.raises(KeyboardInterrupt):
        pump.step()
    pump.store._keep.close()  # as the kernel does it: nothing is written any more
    with made.open() as looking:
        counted = spent(looking)["tokens"]
        assert counted > 300  # the calls that were under way, as much as they may take
    model._answer = None
    with made.open() as again:
        again.step()
        assert counted <= spent(again)["tokens"] <= counted + 300
        assert again.status().budget["reserved"]["tokens"] == 0


def test_prices_are_read_from_the_users_settings_too(
    world: World, tmp_path: Path, lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world("(budget (dollars 20))")
    config = tmp_path / "prices.toml"
    monkeypatch.setenv("LISPPUMP_CONFIG", str(config))
    config.write_text('[prices]\nas_of = "2026-02-03"\n[prices.models.opus]\ninput = 5\noutput = 25\n')
    with made.open() as pump:
        (cost,) = pump.plan().costs
        assert (cost["price"]["as_of"], cost["price"]["source"]) == ("2026-02-03", "config.toml")
        assert statuses(pump) == ["ok", "ok", "ok"]
        assert spent(pump)["dollars"] == pytest.approx(3 * 0.0013)
    for wrong in ('as_of = "soon"', 'as_of = "2026-02-03"\nmodels.opus.input = -1\nmodels.opus.output = 1',
                  'as_of = "2026-02-03"\nmodels.opus.input = 1'):  # fmt: skip
        config.write_text(f"[prices]\n{wrong}\n")
        with made.open() as pump, pytest.raises(LisppumpError) as caught:
            pump.plan()
        assert caught.value.code == "bad-config"


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)
