"""`lisppump plan`: what the next frame would do. It calls no backend and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.errors import LisppumpError
from lisppump.report import Plan, count_of


@as_command("plan")
@click.option("--prompt", type=click.IntRange(min=1), metavar="N", help="Print the whole prompt of stream N.")
@click.option("--streams", type=click.IntRange(min=1), metavar="N", help="As if pump.lisp said (streams N).")
def command(settings: Settings, prompt: int | None, streams: int | None) -> None:
    """What would the next frame do: who wakes, who sits where, what they read, what it may cost.

    No call, no write.
    """
    with settings.open({} if streams is None else {"streams": streams}) as pump:
        plan = pump.plan()
        if prompt is not None:
            print_prompt(settings, plan, prompt)
        else:
            print_plan(settings, plan)


def print_plan(settings: Settings, plan: Plan) -> None:
    """The plan as a table, or as its pinned document."""
    if settings.json:
        settings.document(plan.to_json())
        return
    streams = count_of(len(plan.streams), "stream")
    settings.print(f"frame {plan.frame}  {plan.time}  {len(plan.wake)} awake  {streams}", bold=True)
    rows = [
        [
            str(stream.number),
            stream.name or stream.topic or "",
            f"{prompt.size:,} B",
            f"{prompt.tokens:,} tokens",
            ", ".join(stream.agents),
        ]
        for stream, prompt in zip(plan.streams, plan.prompts, strict=True)
    ]
    for line in table(rows, indent="  "):
        settings.print(line)
    settings.print(f"backends  {' '.join(plan.backends)}")
    settings.print(f"at most   {_at_most(plan)}")
    for cost in plan.costs:
        for line in _cost(cost):
            settings.print(f"          {line}")
    for note in plan.notes:
        settings.print(f"note      {note}")


def print_prompt(settings: Settings, plan: Plan, number: int) -> None:
    """What one stream's backend would read: the shared part, then the room's."""
    if number > len(plan.streams):
        raise LisppumpError(
            "bad-usage",
            f"there is no stream {number} to print; frame {plan.frame} would have {len(plan.streams)}",
            help="`lisppump plan` lists them",
        )
    prompt = plan.prompts[number - 1]
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/prompt@1",
                "frame": plan.frame,
                "stream": number,
                "agents": list(plan.streams[number - 1].agents),
                "shared": prompt.shared,
                "room": prompt.room,
            }
        )
        return
    settings.block(prompt.shared.rstrip("\n"))
    settings.block(prompt.room.rstrip("\n"))


def _cost(cost: Mapping[str, Any]) -> Iterator[str]:
    """What one backend takes at most where it answers all streams, by which price, and its cache."""
    from lisppump.budget import money

    price, dollars = cost["price"], cost["dollars"]
    if price is None and dollars is not None:
        paid = f"{money(dollars)} (its clause assumes it)"
    elif price is None:
        model = f" of {cost['model']}" if cost["model"] else ""
        paid = f"the price{model} is unknown: say it in (prices ...)"
    else:
        dated = f" as of {price['as_of']} ({price['source']})" if price["as_of"] else " (it costs no money)"
        paid = f"{money(dollars)}{dated}"
    yield f"{cost['backend']}: {cost['tokens']:,} tokens, {paid}"
    cache = cost["cache"]
    if cache is None or not cache["cached"] or (price is not None and not price["as_of"]):
        return  # shares of a price say nothing of what costs no money
    calls, share = count_of(cache["calls"], "call"), cache["share"]
    sums = "" if not cache["dollars"] else f": ${cache['dollars']:.4f}, not ${cache['dollars_without']:.4f}"
    yield (
        f"{cost['backend']}: its cache makes the shared prefix of {cache['prefix_tokens']:,} tokens cost "
        f"{share:.3f} of what {calls} would without it{sums} (1 write at {cache['write']:g}, "
        f"{count_of(cache['calls'] - 1, 'read')} at {cache['read']:g}, kept for {cache['kept_seconds']:,} s)"
    )


def _at_most(plan: Plan) -> str:
    from lisppump.budget import money

    tokens, dollars = plan.at_most["tokens"], plan.at_most["dollars"]
    price = "an unknown price" if dollars is None else money(dollars)
    if plan.at_most["unknown_usage"]:
        unsaid = "what nobody knows (see below)"
        return f"{tokens:,} tokens, {price}, and {unsaid}" if tokens else unsaid
    return f"{tokens:,} tokens, {price}" if tokens else "no tokens, no money"
