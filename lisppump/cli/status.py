"""`lisppump status`: where the world stands, as lisppump.status gathers it. Here it is only printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from lisppump.cli.context import Settings, as_command, table


@as_command("status")
def command(settings: Settings) -> None:
    """Where the world stands: its newest frame, how old that is, policy, streams, breaker, budget."""
    with settings.look() as pump:
        document = pump.status().to_json()
        name = pump.policy.name
    if settings.json:
        settings.document(document)
        return
    settings.print(f"{name}: frame {document['frame']}, {document['state']}", bold=True)
    for line in table(_rows(document)):
        settings.print(line)
    for line in stream_lines(document["streams"]):
        settings.print(line)
    if document["policy"]["error"]:
        for line in document["policy"]["error"].split("\n"):
            settings.print(line)


def _rows(document: Mapping[str, Any]) -> list[list[str]]:
    from lisppump.delta import Usage
    from lisppump.report import count_of, usage_parts

    policy, merge = document["policy"], document["merge"]
    breaker, budget = document["breaker"], document["budget"]
    rows = [
        ["digest", document["digest"]],
        ["time", document["time"]],
        ["age", age(document["age_seconds"])],
        ["policy", policy["digest"] + (", but pump.lisp does not check any more" if policy["stale"] else "")],
        ["merge", merge_words(merge)],
        ["breaker", breaker["reason"] or _breaker(breaker)],
        ["budget", _budget(budget)],
    ]
    used = usage_parts([Usage.from_json(stream["usage"]) for stream in document["streams"]])
    if used:
        rows.append(["used", f"{', '.join(used)} in frame {document['frame']}"])
    rows.extend(["lane", f"{alias}: {lane_words(lane)}"] for alias, lane in document["circuits"].items())
    if document["steering"]:
        from lisppump import canon

        rows.append(["steering", canon.line(dict(document["steering"])).decode()])
    if document["quarantine"]:
        rows.append(["quarantine", f"{count_of(document['quarantine'], 'item')}: `lisppump quarantine`"])
    if document["open_frame"]:
        rows.extend(_open(document))
    if document["unthought"] is not None:
        rows.append(["echoes", _unthought(document)])
    if document["ended"]:
        rows.extend(_ended(document["ended"]))
    rows.extend(["mended", what] for what in document["mended"])
    rows.extend(_edits(document))
    if document["lagging"]:
        when = "at the next run" if document["lock"] is None else "before the pump rests"
        rows.append(["lagging", f"{', '.join(document['lagging'])}: written from the journal {when}"])
    rows.extend(["note", note] for note in document.get("notes", ()))
    return rows


def _edits(document: Mapping[str, Any]) -> list[list[str]]:
    """What was changed by hand, by what that means for the next run."""
    from lisppump.steering import by_each

    stopping = {*document["unreadable"], *document["conflicts"]}
    waiting = by_each(name for name in document["edits"] if name not in stopping)
    goes = "no run is begun "
    if document["lock"] is not None:
        goes = "the run that is going does without it, and none is begun "
    kinds = [
        (document["unreadable"], f"cannot be read; {goes}until it is mended, or `edits drop`ped"),
        (document["conflicts"], "changed by hand where frames changed it, too; no frame is begun until you "
                                "decide: `lisppump edits`"),
    ]  # fmt: skip
    rows = [["edits", f"{', '.join(names)}: {what}"] for names, what in kinds if names]
    how = "not taken in yet (`lisppump edits` shows it)"
    return [*rows, *(["edits", f"{names}: changed {who}, {how}"] for who, names in waiting)]


def _open(document: Mapping[str, Any]) -> list[list[str]]:
    """What is known of a frame that has no commit yet, and how to go on with it."""
    from lisppump.status import GO_ON, in_the_open

    opened, lock = document["open_frame"], document["lock"]
    since = "" if opened["since"] is None else f" ({age(opened['age_seconds'])} ago, epoch {opened['epoch']})"
    if lock is not None:
        done, streams = len(opened["finished"]), len(opened["finished"]) + len(opened["missing"])
        return [["open", f"process {lock} makes frame {opened['frame']}{since}: {done} of {streams} streams"]]
    lost = opened["missing"]
    missing = f", missing {', '.join(map(str, lost))}" if 0 < len(lost) <= 20 else ""
    how = "" if document["ended"] else "; its run was killed or interrupted"
    rows = [["open", f"{in_the_open(opened)}{missing}{how}{since}"], ["", GO_ON]]
    if opened["policy"] != document["policy"]["digest"]:
        rows.append(["", "pump.lisp has changed since it was begun: it goes on under the one of then"])
    return rows


def _unthought(document: Mapping[str, Any]) -> str:
    """What is known of a frame whose echoes are not done."""
    number, lock = document["unthought"], document["lock"]
    if lock is not None:
        return f"process {lock} lets those of frame {number} think"
    why = f"those of frame {number} are not done: its run was killed or interrupted"
    return f"{why}; the next lets them think, and its digest changes then"


def _ended(ended: Mapping[str, Any]) -> list[list[str]]:
    """The error that ended the last run."""
    rows = [["ended", f"the last run, at {ended['time']}: {ended['message']} ({ended['code']})"]]
    return [*rows, ["", ended["help"]]] if ended["help"] else rows


def stream_lines(streams: list[dict[str, Any]]) -> list[str]:
    """The streams of a frame as lines: number, status, backend, who, why."""
    rows = [
        [
            f"stream {entry['stream']}",
            entry["status"] + (" (partial)" if entry["partial"] else ""),
            entry["backend"] or "-",
            ", ".join(entry["agents"]) + (f": {entry['reason']}" if entry["reason"] else ""),
        ]
        for entry in streams
    ]
    return [
        line
        for told, entry in zip(table(rows, indent="  "), streams, strict=True)
        for line in [told, *_attempts(entry["attempts"])]
    ]


def _attempts(attempts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What came of each attempt where they differ, alike ones that follow each other on one line."""
    rows, first = [], 1
    for key, alike in groupby(attempts, key=lambda one: (one["backend"], one["status"], one["reason"])):
        last = first + len(list(alike)) - 1
        number = f"attempt {first}" if first == last else f"attempts {first}..{last}"
        rows.append([number, *key[:2], key[2] or ""])
        first = last + 1
    return table(rows, indent="    ") if len(rows) > 1 else []


def merge_words(merge: Mapping[str, Any]) -> str:
    """How many items came and what became of them."""
    from lisppump.report import count_of

    parts = [count_of(merge["items"], "item"), f"{merge['merged']} merged"]
    parts += [f"{merge[key]} {key}" for key in ("duplicate", "quarantined") if merge[key]]
    return ", ".join(parts)


def age(seconds: float | None) -> str:
    """How long ago, in the largest unit that fits."""
    from lisppump.report import count_of

    if seconds is None:
        return "never run"
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return count_of(round(seconds), "second")


def _breaker(breaker: Mapping[str, Any]) -> str:
    bad, empty, limit = breaker["bad_frames"], breaker["empty_frames"], breaker["limit"]
    return f"{bad} bad of {limit['frames']} and {empty} empty of {limit['empty']} frames in a row"


def lane_words(lane: Mapping[str, Any]) -> str:
    """How much a backend is asked now, and whether it is left alone."""
    from lisppump.report import count_of

    most = lane["limit"]
    parts = ["as many calls as there are" if most is None else f"up to {most:,} calls at once"]
    if lane["a_second"] is not None:
        parts.append(f"{lane['a_second']:g} a second")
    if lane["refusals"]:
        parts.append(f"slowed down {count_of(lane['refusals'], 'time')}")
    if lane["circuit"] != "closed":
        until = f" until {lane['until']}" if lane["until"] else ""
        parts.insert(0, f"circuit {lane['circuit']}{until}: {lane['reason']}")
    return ", ".join(parts)


def _budget(budget: Mapping[str, Any]) -> str:
    from lisppump.budget import money
    from lisppump.report import count_of

    limit, spent = budget["limit"], budget["spent"]
    parts = [f"{spent['tokens']:,}" + (f" of {limit['tokens']:,}" if limit["tokens"] else "") + " tokens"]
    if limit["dollars"] is not None:
        parts.append(f"{money(spent['dollars'])} of {money(limit['dollars'])}")
    elif spent["dollars"]:
        parts.append(money(spent["dollars"]))
    if spent["unpriced"]:
        parts.append(f"{spent['unpriced']:,} tokens of an unknown price")
    if budget["reserved"]["tokens"]:
        parts.append(f"{budget['reserved']['tokens']:,} tokens reserved")
    if limit["wall"] is not None:
        parts.append(f"{spent['wall']:.0f} of {count_of(round(limit['wall']), 'second')}")
    return ", ".join(parts) + f" this {limit['per']}"
