"""`lisppump why AGENT [FRAME]`: why the world is so for an agent, as lisppump.telling_why finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.show import frame_place
from lisppump.cli.trajectories import in_short
from lisppump.cli.values import change_lines, short


@as_command("why")
@click.argument("agent")
@click.argument("frame", default="HEAD")
@click.option("--prompt", is_flag=True, help="Make again what its room read, and print it.")
def command(settings: Settings, agent: str, frame: str, prompt: bool) -> None:
    """Why the world is as it is for AGENT in a frame (142, HEAD~3, 6@57; the newest if none is named).

    Whether it was awake, and if not why not; its room; what was asked and what came; what became of each
    item; what changed for it; what its echo said.
    """
    with settings.look() as pump:
        number, record = frame_place(pump, frame)
        seen = pump if record is None else pump.as_of(number, record)
        found = seen.why(agent, number, prompt=prompt).to_json()
    if settings.json:
        settings.document(found)
        return
    settings.print(f"{found['agent']} in frame {found['frame']}", bold=True)
    for line in [*_where(found), *_answers(found), *_items(found), *_after(found)]:
        settings.print(line)
    for text in _prompt(found) if prompt else ():
        settings.block(text)


def _where(found: Mapping[str, Any]) -> list[str]:
    before = "never" if found["woken"] is None else f"in frame {found['woken']}"
    if not found["awake"]:
        return table([["asleep", found["asleep"]], ["awake", f"before that {before}"]])
    mates = [member for member in found["room"] if member != found["agent"]]
    title = f" ({found['name']})" if found["name"] else ""
    rows = [["stream", f"{found['stream']}{title}, with {', '.join(mates) or 'nobody else'}"]]
    if found["topic"]:
        rows.append(["topic", found["topic"]])
    rows.append(["awake", f"before that {before}"])
    prompt = found["prompt"]
    rows.append(
        ["prompt", f"prefix {_digest(prompt['prefix_digest'])}, room {_digest(prompt['room_digest'])}"]
    )
    return table(rows)


def _digest(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _answers(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            f"attempt {n}",
            attempt["backend"] + (f" ({attempt['model']})" if attempt["model"] else ""),
            attempt["status"],
            attempt["reason"] or "",
        ]
        for n, attempt in enumerate(found["attempts"], 1)
    ]
    yield from table(rows)
    if found["echo_before"] is not None:
        yield f"had    {_echo(found['echo_before'])}"
    for reply in found["replies"]:
        came = reply["data"] if reply["text"] is None else reply["text"]
        yield f"reply  {short(came, 400)}"
    for entry in found["texts"]:
        yield f"failed {short(entry['text'], 400)}"
    if found["late"]:
        yield f"late   {found['late']} more came when it was settled, and are part of no frame"
    delta = found["delta"]
    if delta is not None:
        partial = " (partial)" if delta["partial"] else ""
        yield f"delta  {delta['status']}{partial}" + (f": {delta['reason']}" if delta["reason"] else "")


def _items(found: Mapping[str, Any]) -> Iterator[str]:
    for item in found["merged"]:
        yield f"  {item['collection']}[{item['index']}] {short(item['item'])}"
        yield f"    {_became(item)}"
    if found["delta"] is not None and not found["merged"]:
        yield "  no item of its own"


def _became(item: Mapping[str, Any]) -> str:
    into = " ".join([item["document"] or "", *(item["path"] or ())]).strip()
    if item["outcome"] == "merged":
        number = f" as number {item['number']}" if item["number"] is not None else ""
        return f"merged{number} into {into}" if into else "merged; only counted"
    if item["outcome"] == "duplicate":
        return f"duplicate of {item['twin']}"
    if item["outcome"] == "quarantined":
        return f"quarantined ({item['reason']}): {item['message']}"
    return "what became of it cannot be told"


def _after(found: Mapping[str, Any]) -> Iterator[str]:
    if found["changes"]:
        yield "changed for it"
    for name, changes in found["changes"].items():
        if name.startswith("echo_frames/"):
            changes = {sign: [one for one in entries if not _apart(one)] for sign, entries in changes.items()}
        yield from (f"  {name} {line}" for line in change_lines(name, changes))
    if found["echo"] is not None:
        yield _echo(found["echo"])
        if found["echo"].get("program"):
            yield f"  by  {short(found['echo']['program'], 400)}"
    yield from (f"note: {note}" for note in found["notes"])


def _echo(echo: Mapping[str, Any]) -> str:
    """What an echo came to, or why it failed, and after which frame it was."""
    error = echo.get("error") or {}
    said = f"error: {error.get('message')}" if error else in_short(echo.get("value"))
    return f"echo of frame {echo.get('frame')}: {said}"


def _apart(entry: Mapping[str, Any]) -> bool:
    """True of what changes at each run of a program: what it used, a simulation's course and source."""
    path = entry["path"]
    return path[:1] in (["frame"], ["usage"], ["program"]) or "trajectory" in path or path[-1:] == ["source"]


def _prompt(found: Mapping[str, Any]) -> Iterator[str]:
    prompt = found["prompt"] or {}
    if "shared" in prompt:
        yield "-- prompt " + "-" * 60
        yield prompt["shared"].rstrip("\n")
        yield prompt["room"].rstrip("\n")
