"""`lisppump steer`: operators nudge a world that runs, or will. What a nudge does is lisppump.nudges'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.listing import Listing

if TYPE_CHECKING:
    from lisppump.nudges import Nudge

command = Listing(
    "steer",
    invoke_without_command=True,
    help="Nudges: what operators ask of the next frames. Alone it is `steer list`.\n\n"
    "The next frame to begin takes them in; one that is under way does not. Functions of pump.lisp and "
    "agents' programs have them under `steering` in the frame, and pipes read them in their prompt.",
)


@as_command("add")
@click.argument("text", required=False)
@click.option("--signal", "signals", multiple=True, metavar="VERB-WORD", help="As an echo's: boost-builder.")
@click.option("--focus", metavar="TEXT", help="What it is about: (get-in frame '(steering focus)).")
@click.option("--wake", multiple=True, metavar="AGENT", help="Who comes first among those who may wake.")
@click.option("--streams", type=click.IntRange(min=1), help="How many streams, whatever the policy says.")
@click.option("--set", "more", multiple=True, metavar="KEY=VALUE", help="More; VALUE is JSON, or a text.")
@click.option("--frames", type=click.IntRange(min=1), help="For so many frames; else until it is dropped.")
@click.option("--until", metavar="TIME", help="Until a time of the world, as in 2026-04-09T12:00:00Z.")
def add_command(
    settings: Settings,
    text: str | None,
    signals: tuple[str, ...],
    focus: str | None,
    wake: tuple[str, ...],
    streams: int | None,
    more: tuple[str, ...],
    frames: int | None,
    until: str | None,
) -> None:
    """Ask something of the frames that begin from now on: TEXT is for all who read a prompt."""
    from lisppump.nudges import add

    asked: dict[str, Any] = dict(map(_pair, more))
    if signals:
        asked["signals"] = dict(map(_signal, signals))
    if focus is not None:
        asked["focus"] = focus
    if wake:
        asked["wake"] = list(wake)
    if streams is not None:
        asked["streams"] = streams
    with settings.look() as pump:
        nudge = add(pump, text, asked, frames=frames, until=None if until is None else _time(until))
        now = pump.head.time
    if settings.json:
        settings.document({"schema": "lisppump/nudge@1", **nudge.to_json()})
    else:
        what = "the next frame to begin takes it in"
        if nudge.state == "expired":
            what = f"that is over: in the world it is {now}, so no frame will take it in"
        settings.print(f"{nudge.id} is {_while(nudge)}; {what}")


@as_command("list")
def list_command(settings: Settings) -> None:
    """The nudges there are, and whether a frame has taken them in."""
    from lisppump.nudges import faulty, nudges

    with settings.look() as pump:
        found, frame, steering = nudges(pump), pump.head.number, pump.head.steering
        wrong = faulty(pump)
    if settings.json:
        document = {"frame": frame, "nudges": [nudge.to_json() for nudge in found], "steering": steering}
        document["notes"] = wrong
        settings.document({"schema": "lisppump/nudges@1", **document})
        return
    for line in table([[nudge.id, nudge.state, _while(nudge), _said(nudge)] for nudge in found]):
        settings.print(line)
    for what in wrong:
        settings.note(what)
    if not found:
        settings.note("nobody nudges this world; `lisppump steer add TEXT` does")


@as_command("drop")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def drop_command(settings: Settings, ids: tuple[str, ...]) -> None:
    """Take nudges back: the next frame to begin goes without them."""
    from lisppump.nudges import drop

    with settings.look() as pump:
        dropped = drop(pump, ids)
    if settings.json:
        gone = [one.to_json() for one in dropped]
        settings.document({"schema": "lisppump/nudges-dropped@1", "dropped": gone})
    else:
        for one in dropped:
            settings.print(f"{one.id} is dropped")


for each in (add_command, list_command, drop_command):
    command.add_command(each)


def _pair(word: str) -> tuple[str, Any]:
    from lisppump import canon
    from lisppump.errors import LisppumpError

    key, equals, value = word.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"write KEY=VALUE, got `{word}`", param_hint="--set")
    try:
        return key, canon.loads(value.encode(), word)
    except (LisppumpError, UnicodeEncodeError):
        return key, value


def _signal(word: str) -> tuple[str, str]:
    verb, dash, said = word.partition("-")
    if not (verb and dash and said):
        raise click.BadParameter(f"write VERB-WORD, as in boost-builder, got `{word}`", param_hint="--signal")
    return verb, said


def _time(text: str) -> str:
    from lisppump import clock

    try:
        return clock.stamp(clock.parse(text))
    except ValueError:
        raise click.BadParameter(
            f"write a time like 2026-04-09T12:00:00Z, got `{text}`", param_hint="--until"
        ) from None


def _while(nudge: Nudge) -> str:
    if nudge.state == "faulty":
        return "passed over"
    if nudge.until_frame is not None:
        return f"for frames up to {nudge.until_frame}"
    return "for good" if nudge.until is None else f"until {nudge.until}"


def _said(nudge: Nudge) -> str:
    from lisppump import canon

    text = nudge.text if isinstance(nudge.text, str | None) else canon.line(nudge.text).decode()
    parts = [text or "", canon.line(dict(nudge.set)).decode() if nudge.set else ""]
    return " ".join(part for part in parts if part)
