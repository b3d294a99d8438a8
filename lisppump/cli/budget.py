"""`lisppump budget`: what was spent of what may be, and counting anew. lisppump.spending does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lisppump import control
from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.listing import Listing

if TYPE_CHECKING:
    from lisppump.lookout import Lookout

command = Listing(
    "budget",
    invoke_without_command=True,
    help="What was spent of what may be: tokens, money, time. Alone it is `budget list`.\n\n"
    "It is counted for the run, for today (UTC) and for all that this world has ever spent; "
    "(budget (per ...)) in pump.lisp says for which of them its limits stand.",
)


@as_command("list")
def list_command(settings: Settings) -> None:
    """What was spent and is reserved, by run, day and world, and the prices that are known."""
    with settings.look() as pump:
        document = _document(pump)
    if settings.json:
        settings.document(document)
        return
    limit = document["limit"]
    rows = [["", "tokens", "money", "unknown price", "time"]]
    for span in ("run", "day", "world"):
        spent = document[span]
        name = document["date"] if span == "day" else span
        rows.append(
            [
                f"{name} *" if span == limit["per"] else name,
                f"{spent['tokens']:,}",
                f"${spent['dollars']:.4f}",
                f"{spent['unpriced']:,} tokens" if spent["unpriced"] else "",
                f"{spent['wall']:.0f} s",
            ]
        )
    most = [
        "any" if limit["tokens"] is None else f"{limit['tokens']:,}",
        "any" if limit["dollars"] is None else f"${limit['dollars']:.4f}",
        "",
        "any" if limit["wall"] is None else f"{limit['wall']:.0f} s",
    ]
    rows.append(["* at most", *most])
    reserved = document["reserved"]
    if reserved["tokens"]:
        rows.append(["reserved", f"{reserved['tokens']:,}", f"${reserved['dollars']:.4f}", "", ""])
    for line in table(rows):
        settings.print(line)
    for model, price in document["prices"].items():
        settings.print(
            f"{model}: ${price['input']:g} in, ${price['output']:g} out, ${price['cache_read']:g} read from "
            f"a cache, ${price['cache_write_5m']:g} or ${price['cache_write_1h']:g} written to it, a million "
            f"tokens, as of {price['as_of']} ({price['source']})"
        )


@as_command("reset")
def reset_command(settings: Settings) -> None:
    """Count anew for what the limits stand for, as if nothing had been spent; the journal keeps both.

    Where a run is going it does so itself, at its next frame; one that pauses goes on. Where limits stand for
    a run and none is going there is nothing to reset, since the next begins with nothing spent.
    """
    from lisppump import spending

    with settings.look() as pump:
        run, per = pump.store.run(), pump.policy.budget.per
        idle = run is None and spending.nothing_to_reset(pump)
        was = spending.seen(pump).spent.to_json()
        if run is not None:
            pump.store.ask(run, control.RESET)
        elif not idle:
            pump.take_lock()
            done = spending.reset(pump)
            was = done["was"]
    if settings.json:
        document = {"schema": "lisppump/budget-reset@1", "per": per, "was": was}
        settings.document({**document, "asked": None if run is None else run.pid, "reset": not idle})
        return
    if idle:
        spent = f"; the last one spent {was['tokens']:,} tokens and ${was['dollars']:.4f}"
        said = "no run is going whose budget could be reset: the next begins with nothing spent"
        settings.print(said + (spent if any(was.values()) else ""))
        return
    what = {"run": "this run", "day": "today", "world": "this world"}[per]
    said = f"{was['tokens']:,} tokens and ${was['dollars']:.4f} had been spent; {what} begins anew"
    settings.print(said if run is None else f"{said} once process {run.pid} is done with its frame")


for each in (list_command, reset_command):
    command.add_command(each)


def _document(pump: Lookout) -> dict[str, Any]:
    """The budget of `status`, with all that is counted and the prices."""
    from lisppump import spending

    budget = spending.seen(pump)
    return {
        "schema": "lisppump/budget@1",
        **budget.to_json(),
        "run": budget.run.to_json(),
        "day": budget.day.to_json(),
        "world": budget.world.to_json(),
        "date": budget.date,
        "prices": spending.prices_of(pump.policy, pump.rig.terms).to_json(),
    }
