"""What a pump does about money and time: it remembers, looks before each frame, stops or waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lisppump import clock as clocks
from lisppump import control
from lisppump.blame import blamed
from lisppump.budget import Budget, BudgetRule, Spent, Stopped
from lisppump.calling import Terms
from lisppump.calling import terms as terms_of
from lisppump.errors import LisppumpError, declare
from lisppump.prices import Price, Prices, is_day, most, problem_in, tokens_of
from lisppump.purse import Accounts, Bookkeeper
from lisppump.report import Event, Plan
from lisppump.reservoir import Store
from lisppump.tools import MOST_CALLS

if TYPE_CHECKING:
    from lisppump.lookout import Lookout
    from lisppump.policy import Policy
    from lisppump.pump import Pump
    from lisppump.rig import Rig

declare(
    "policy", 3,
    unknown_usage="A budget cannot hold a backend that does not say what it uses and declares nothing.",
    unknown_price="A budget of dollars cannot hold a backend whose model has no known price.",
)  # fmt: skip

GLANCE = 0.5  # seconds between two looks at whether a run that waits may go on
STOP, PAUSE, NONE = "stop", "pause", "none"


def prices_of(policy: Policy, terms: Mapping[str, Terms]) -> Prices:
    """The price table in force: what pump.lisp says, then the user; read only where anybody has a price."""
    uses = MOST_CALLS if policy.pipe.tools else 0
    own = _own() if any(map(_paid, terms.values())) else {}
    return Prices({**own, **policy.prices}, uses)


def _own() -> dict[str, Price]:
    """The prices in the user's config.toml."""
    from lisppump import config

    said = config.load().get("prices")
    if said is None:
        return {}
    help = 'write [prices] as_of = "2026-11-01", and [prices.models."NAME"] input = 5, output = 25'
    if not isinstance(said, dict) or not is_day(said.get("as_of")):
        raise config.refuse("should say as of which day its prices are, as_of, in [prices]", "prices", help)
    models = said.get("models", {})
    for name, price in models.items() if isinstance(models, dict) else [("models", None)]:
        if (problem := problem_in(price)) is not None:
            raise config.refuse(f"has a price for {name} that {problem}", name, help)
    return {
        name: Price.of(price, as_of=said["as_of"], source="config.toml") for name, price in models.items()
    }


def _paid(terms: Terms) -> bool:
    return not terms.free and (terms.max_tokens is not None or not terms.reports)


def require_known(rig: Rig, prices: Prices) -> None:
    """Refuse to begin where a budget could not hold a backend, since nobody would know what it takes."""
    for error in unheld(rig.policy.budget, rig.terms, prices):
        raise error


def unheld(rule: BudgetRule, terms: Mapping[str, Terms], prices: Prices) -> Iterator[LisppumpError]:
    """Each backend that a budget cannot hold, as the error with which a run would refuse to begin."""
    for alias, declared in terms.items():
        limited = rule.tokens is not None or rule.dollars is not None
        assumed = declared.assumed
        silent = assumed is None or (rule.tokens is not None and not tokens_of(assumed))
        if limited and not declared.reports and silent:
            yield LisppumpError(
                "unknown-usage",
                f"the budget cannot hold backend `{alias}`: it does not say what it uses",
                help="say in its clause what one call counts as, (assume (tokens 4000) (dollars 0.02)), or "
                "take the limit out of (budget ...)",
            )
        elif rule.dollars is not None and most(declared, prices, 1, 1).dollars is None:
            named = f"its model {declared.model}" if declared.model else "what it asks"
            yield LisppumpError(
                "unknown-price",
                f"the budget of dollars cannot hold backend `{alias}`: nobody knows the price of {named}",
                help=f'say it in pump.lisp, (prices (as-of "2026-11-01") (model "{declared.model or "NAME"}" '
                "(input DOLLARS) (output DOLLARS))), for a million tokens, or in config.toml; or take "
                "(dollars ...) out of (budget ...)",
            )


def foreseen(policy: Policy) -> list[LisppumpError]:
    """The backends of a policy that its budget cannot hold; one that cannot be made is for others to tell."""
    terms: dict[str, Terms] = {}
    for alias, choice in policy.pipe.backends:
        with suppress(LisppumpError), blamed("backend", choice.name, choice.offer.plugin):
            terms[alias] = terms_of(choice.make())
    return list(unheld(policy.budget, terms, prices_of(policy, terms)))


def accounts(pump: Lookout, rig: Rig, frame: int, books: Bookkeeper) -> Accounts:
    """The purse of a frame."""
    return Accounts(pump.budget, prices_of(rig.policy, rig.terms), rig.terms, books, frame, pump.clock)


# -- remembering ---------------------------------------------------------------------------------------------


def open_books(pump: Pump) -> None:
    """Count on from what the journal says was spent; a run that was killed goes on, any other begins."""
    store, budget = pump.store, pump.budget
    kept, since = store.booked()
    budget.recall(kept.get("spent"), since, going=False)
    if _ended(store):
        budget.run = type(budget.run)()
    budget.on(clocks.day(pump.clock.now()))
    store.spending = lambda: budget.record(pump.clock.monotonic())


def _ended(store: Store) -> bool:
    """Whether the last run came to its end, so that the next begins with nothing spent in it."""
    return bool(store.booked()[0].get("act") == "ended")


def close_books(pump: Pump) -> None:
    """The run has ended, and was not killed: the next begins with nothing spent in it."""
    budget, store = pump.budget, pump.store
    if store.spending is None:
        return
    store.spending, now = None, pump.clock.monotonic()
    budget.end(now)
    spent = budget.run
    if spent.tokens or spent.dollars or (budget.rule.wall is not None and spent.wall):
        said = budget.record(now)
        store.spending = lambda: said
        store.book("ended", written=clocks.stamp(pump.clock.now()))
        store.spending = None


def seen(pump: Lookout) -> Budget:
    """The budget as whoever looks at the world sees it, from the journal alone where another process runs."""
    if isinstance(pump.store, Store) and pump.store.spending is None:
        kept, since = pump.store.booked()
        budget = Budget(pump.policy.budget)
        budget.recall(kept.get("spent"), since, going=pump.store.lock_holder() is not None)
        budget.on(clocks.day(pump.clock.now()))
        return budget
    return pump.budget


def nothing_to_reset(pump: Lookout) -> bool:
    """Whether the limits stand for a run, and none is going or was cut off: the next one counts anew."""
    return pump.policy.budget.per == "run" and (_ended(pump.store) or seen(pump).spent == Spent())


def reset(pump: Pump) -> dict[str, Any]:
    """Begin to count anew, in the journal; what had been spent is given."""
    per = pump.budget.rule.per
    spent = pump.budget.reset().to_json()
    pump.store.book("reset", per=per, was=spent, written=clocks.stamp(pump.clock.now()))
    return {"per": per, "was": spent}


# -- checking ------------------------------------------------------------------------------------------------


async def ready(pump: Pump, plan: Plan | None = None) -> bool:
    """Whether a frame may begin; it stops the run where the budget is spent, or waits until it is not.

    With its plan it also looks whether anything that costs can be asked at all. False where it has waited:
    all may be different then, and a stop may have been asked for.
    """
    require_known(pump.rig, prices_of(pump.policy, pump.rig.terms))
    reason = _spent(pump, plan)
    if reason is None:
        return True
    number, rule = pump.head.number + 1, pump.budget.rule
    if pump.told_spent != reason:
        pump.told_spent = reason
        pump.rig.hooks.budget_spent(number=number, reason=reason)
    if rule.when_spent == NONE:
        return True
    if rule.when_spent == PAUSE:
        await _wait(pump, plan, reason)
        return False
    raise Stopped(
        "budget-spent",
        f"frame {number} was not begun: {reason}",
        help="raise (budget ...) to go on" + _anew(pump.budget),
    )


def _anew(budget: Budget) -> str:
    """The other way to go on, where something was spent: to count anew."""
    spent = budget.spent
    if not (spent.tokens or spent.dollars or spent.wall):
        return ""
    return ", or run again, which counts anew" if budget.rule.per == "run" else ", or `lisppump budget reset`"


def objections(pump: Lookout, prices: Prices, plan: Plan) -> list[str]:
    """Why a run could not begin this frame, for want of a price or of budget; with what to do."""
    try:
        require_known(pump.rig, prices)
    except LisppumpError as error:
        return [f"a run would stop here: {error.message}; {error.help}"]
    budget = seen(pump)
    if budget is not pump.budget and pump.store.lock_holder() is None and _ended(pump.store):
        budget.run = type(budget.run)()
    reason = budget.exhausted() or _nothing_fits(pump, plan, budget)
    return [] if reason is None else [f"the budget does not allow it: {reason}"]


def _spent(pump: Pump, plan: Plan | None) -> str | None:
    """Why the next frame may not begin; None where it may."""
    pump.budget.on(clocks.day(pump.clock.now()))
    reason = pump.budget.exhausted()
    return reason if reason is not None or plan is None else _nothing_fits(pump, plan, pump.budget)


def _nothing_fits(pump: Lookout, plan: Plan, budget: Budget) -> str | None:
    """Why not one of the calls that cost could be made; None where one could, or none costs anything."""
    prices, passes = prices_of(pump.policy, pump.rig.terms), len(pump.policy.pipe.passes)
    why = None
    for alias, terms in pump.rig.terms.items():
        if not _paid(terms) and terms.max_tokens is None:
            continue
        for prompt in plan.prompts:
            needs = most(terms, prices, prompt.tokens, passes)
            short = budget.short(needs.tokens, needs.dollars)
            if short is None:
                return None
            why = f"nothing more can be asked of `{alias}`: {short}"
    return why


async def _wait(pump: Pump, plan: Plan | None, reason: str) -> None:
    """Wait until a day has passed, the budget was reset or raised, or somebody wants the run to stop."""
    pump.store.flush()
    pump._tell(Event("paused", pump.head.number, text=reason))
    pump.store.remark(paused=reason)
    try:
        while not pump._stopping and pump.budget.rule.when_spent == PAUSE and _spent(pump, plan) is not None:
            await pump.clock.sleep(GLANCE)
            await pump._obey()
            await pump._refresh()
    finally:
        pump.store.remark(paused=None)
    pump._tell(Event("resumed", pump.head.number))


def wished(pump: Pump) -> None:
    """Do what somebody asked of a run that holds the lock: reset its budget, and go on."""
    run = pump.store.run()
    if run is not None and run.wish == control.RESET:
        reset(pump)
        pump.store.ask(run, control.GO)
