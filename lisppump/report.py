"""What the loop tells the faces: plan, frame and status as frozen data, each with its pinned JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from lisppump.delta import UNUSED, Delta, Usage
from lisppump.frame import Stream
from lisppump.prompt import Prompt


@dataclass(frozen=True)
class Event:
    """Something that happened in the loop, for progress and dashboards.

    `kind` is frame_started, stream_settled, frame_committed, echoed, caught_up (a run that is to
    stop made up for echoes, and begins no frame), resting, remarked (echoes in a rest have something to
    say), paused, resumed, policy_stale or policy_reloaded.
    """

    kind: str
    frame: int
    stream: int | None = None
    delta: Delta | None = None
    report: FrameReport | None = None
    streams: int = 0
    text: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def settled(cls, delta: Delta) -> Event:
        """A stream has ended; a thousand do in a frame, and a frozen dataclass is dear to make."""
        made = object.__new__(cls)
        said = {"kind": "stream_settled", "frame": delta.frame, "stream": delta.stream, "delta": delta}
        object.__setattr__(made, "__dict__", said)
        return made


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next frame would do: who wakes, who sits where, what they read, what it may cost.

    `at_most` is for the whole frame, `costs` for each backend as if it answered all streams.
    """

    frame: int
    digest: str
    time: str
    wake: tuple[str, ...]
    streams: tuple[Stream, ...]
    backends: tuple[str, ...]
    prompts: tuple[Prompt, ...]
    at_most: Mapping[str, Any]
    overrides: Mapping[str, Any]
    notes: tuple[str, ...]
    costs: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump plan`."""
        return {
            "schema": "lisppump/plan@1",
            "frame": self.frame,
            "digest": self.digest,
            "time": self.time,
            "wake": list(self.wake),
            "streams": [
                {
                    "stream": stream.number,
                    "name": stream.name,
                    "topic": stream.topic,
                    "agents": list(stream.agents),
                    "backends": list(self.backends),
                    "prompt": {
                        "bytes": prompt.size,
                        "tokens": prompt.tokens,
                        "prefix_digest": prompt.shared_digest,
                        "room_digest": prompt.room_digest,
                    },
                }
                for stream, prompt in zip(self.streams, self.prompts, strict=True)
            ],
            "at_most": dict(self.at_most),
            "costs": [dict(one) for one in self.costs],
            "overrides": dict(self.overrides),
            "notes": list(self.notes),
        }


def totals(report: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Items over all collections: items, merged, duplicate, quarantined."""
    return {
        "items": sum(entry["in"] for entry in report.values()),
        "merged": sum(entry["merged"] for entry in report.values()),
        "duplicate": sum(entry["duplicate"] for entry in report.values()),
        "quarantined": sum(entry["quarantined"] for entry in report.values()),
    }


def usage_parts(usages: Sequence[Usage]) -> list[str]:
    """What calls used, in words: tokens, how many of them came from a cache, and money; nothing for none."""
    total = sum(usages, UNUSED)
    tokens = total.input + total.cache_read + total.cache_write + total.output
    if not tokens:
        return [f"${total.dollars:.3f}"] if total.dollars else []
    details = [f"{100 * total.cache_read // tokens}% cached"] if total.cache_read else []
    if total.cache_write:
        details.append(f"{total.cache_write / 1000:.1f}k written to a cache")
    if details:
        details.append(f"{total.output / 1000:.1f}k out")
    parts = [f"{tokens / 1000:.1f}k tokens" + (f" ({', '.join(details)})" if details else "")]
    known = sum(usage.dollars or 0.0 for usage in usages)
    if any(usage.dollars is None for usage in usages):
        parts.append(f"${known:.3f} and what has no known price" if known else "price unknown")
    elif known:
        parts.append(f"${known:.3f}")
    return parts


def count_of(number: int, what: str) -> str:
    """A number of things in words: `1 stream`, `2 streams`."""
    return f"{number} {what}" + ("" if number == 1 else "s")


@dataclass(frozen=True, slots=True)
class FrameReport:
    """One committed frame: what its streams brought and what became of it; `seconds` is the machine's.

    `lanes` says in few words which backends are asked less than they could be, and why.
    """

    frame: int
    digest: str
    time: str
    deltas: tuple[Delta, ...]
    merge: Mapping[str, Mapping[str, int]]
    quarantine: tuple[Mapping[str, Any], ...]
    echoes: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
    lanes: tuple[str, ...] = ()

    @property
    def statuses(self) -> dict[str, int]:
        """How many streams ended in each status, in the order statuses are listed."""
        counts: dict[str, int] = {}
        for delta in self.deltas:
            counts[delta.status] = counts.get(delta.status, 0) + 1
        return counts

    def to_json(self) -> dict[str, Any]:
        """One line of `lisppump run --json`."""
        return {
            "schema": "lisppump/frame@1",
            "frame": self.frame,
            "digest": self.digest,
            "time": self.time,
            "streams": [delta.outcome() for delta in self.deltas],
            "merge": {**totals(self.merge), "collections": {k: dict(v) for k, v in self.merge.items()}},
            "quarantined": [dict(entry) for entry in self.quarantine],
            "echoes": list(self.echoes),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 6),
            "lanes": list(self.lanes),
        }

    def line(self) -> str:
        """The frame in one line, as progress prints it."""
        parts = [f"frame {self.frame}", count_of(len(self.deltas), "stream"), f"{self.seconds:.1f} s"]
        parts += usage_parts([delta.usage for delta in self.deltas])
        sums = totals(self.merge)
        parts.append(f"{sums['merged']} merged")
        if sums["duplicate"]:
            parts.append(f"{sums['duplicate']} duplicate")
        if sums["quarantined"]:
            parts.append(f"{sums['quarantined']} quarantined")
        parts.extend(f"{count} {status}" for status, count in self.statuses.items() if status != "ok")
        parts.extend(self.lanes)
        return "  ".join(parts)


@dataclass(frozen=True, slots=True)
class Status:
    """Where the world stands; the fields are the pinned keys of `lisppump status`, in their order.

    `state` is idle, running (a process makes a frame), resting (it waits for the next), paused (it waits
    until it is told to go on) or stopped (the last run ended by an error, or its breaker is open); a damaged
    world is an error instead. `ended` is what ended the last run, `mended` what its opening found and set
    right. Of `edits`, those in `unreadable` cannot be read and those in `conflicts` overlap with what frames
    changed: either stops the next run. `unthought` is the newest frame, where its echoes are not done.
    `steering` is what is asked of the next frame, and taken in already.
    """

    frame: int
    digest: str
    state: str
    time: str
    age_seconds: float | None
    node: str
    epoch: int
    policy: Mapping[str, Any]
    streams: tuple[Mapping[str, Any], ...]
    merge: Mapping[str, int]
    breaker: Mapping[str, Any]
    circuits: Mapping[str, Any]
    budget: Mapping[str, Any]
    edits: tuple[str, ...]
    lagging: tuple[str, ...]
    quarantine: int
    open_frame: Mapping[str, Any] | None
    lock: int | None
    ended: Mapping[str, Any] | None
    mended: tuple[str, ...]
    notes: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    unthought: int | None = None
    steering: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump status`."""
        return {"schema": "lisppump/status@1", **_fields(self)}


@dataclass(frozen=True, slots=True)
class Shown:
    """One committed frame; the fields are the pinned keys of `lisppump show`, in their order, and more.

    `outcomes` is what the machine decided, `late` counts answers that came too late, `epochs` are those that
    its deltas came in (more than one where it went on after its run had ended, or was made once more),
    `begun` counts its intents. `edits` went into it, `edited` came after it and are part of its state;
    `retried` are the streams that were asked anew where it was made once more; `portal` is what its echoes
    asked of the web, `echo_errors` the code and message of those that failed;
    `posted` is what programs in posts came to;
    `unthought` says that they are not done yet. `tools` is what its models used while they thought.
    `steering` is what was asked of it, `observations` what was said of it later, as the newest frame has it.
    """

    frame: int
    parent: str | None
    digest: str
    time: str
    policy: str | None
    seed: int | None
    overrides: Mapping[str, Any]
    wake: tuple[str, ...]
    streams: tuple[Mapping[str, Any], ...]
    deltas: tuple[Mapping[str, Any], ...]
    merge: Mapping[str, Any]
    quarantined: tuple[Mapping[str, Any], ...]
    documents: Mapping[str, Mapping[str, Any]]
    echo: Mapping[str, Any]
    edits: tuple[Mapping[str, Any], ...]
    imports: tuple[Mapping[str, Any], ...]
    usage: Mapping[str, Any]
    plugins: tuple[Mapping[str, Any], ...]
    differences: tuple[str, ...]
    outcomes: tuple[Mapping[str, Any], ...]
    late: int
    epochs: tuple[int, ...]
    begun: int
    edited: tuple[Mapping[str, Any], ...] = ()
    retried: tuple[int, ...] = ()
    portal: tuple[Mapping[str, Any], ...] = ()
    echo_errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    posted: tuple[Mapping[str, Any], ...] = ()
    unthought: bool = False
    steering: Mapping[str, Any] = field(default_factory=dict)
    observations: tuple[Mapping[str, Any], ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump show`."""
        return {"schema": "lisppump/show@1", **_fields(self)}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a frame that was made again is unlike its record: a document, or a part of its commit."""

    frame: int
    document: str
    path: tuple[str | int, ...]
    recorded: Any
    computed: Any

    def to_json(self) -> dict[str, Any]:
        """As `replay` tells it."""
        return {**_fields(self), "path": list(self.path)}


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether frames that were made again are what they were; `frames` says how many came out the same.

    `lost` are those that cannot be made again, since what they need was given up in a repair.
    """

    first: int
    last: int
    equal: bool
    first_difference: Difference | None
    frames: int
    lost: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump replay`."""
        found = self.first_difference
        return {
            "schema": "lisppump/replay@1",
            "from": self.first,
            "to": self.last,
            "equal": self.equal,
            "first_difference": None if found is None else found.to_json(),
            "frames": self.frames,
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True)
class Relived:
    """A committed frame whose backends were asked once more: both answers of every stream, side by side."""

    frame: int
    streams: tuple[Mapping[str, Any], ...]
    merge: Mapping[str, Any]

    @property
    def equal(self) -> bool:
        """True when all streams brought the same again."""
        return all(stream["equal"] for stream in self.streams)

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump replay --live`."""
        return {"schema": "lisppump/relive@1", **_fields(self), "equal": self.equal}


@dataclass(frozen=True, slots=True)
class Rewound:
    """A way back in history: what it took, or would take, off the line.

    `act` is rollback, undo or retry, `taken` what it takes back. `frame` is the newest frame after it, and
    `first`, which JSON calls `from`, the newest before it: the way leads from that to this. `left` frames
    leave the line, `back` come to it again (a number may be in both: frames of two lines); `edits` are the
    documents whose hand edits leave it, of which `pending` were not taken in before. `dropped` was under way
    and is not any more, `opened` is under way now; `streams` are asked anew. The edits of `stands` went into
    the frame that is taken back and stay; `instead` names where to roll back to, to take more back than this.
    """

    act: str
    taken: str
    first: int
    frame: int
    digest: str | None
    dry_run: bool
    left: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    edits: tuple[str, ...] = ()
    dropped: int | None = None
    opened: int | None = None
    streams: tuple[int, ...] = ()
    pending: tuple[str, ...] = ()
    stands: tuple[str, ...] = ()
    instead: str | None = None

    @property
    def empty(self) -> bool:
        """True where nothing is taken back."""
        return not (self.left or self.back or self.edits) and self.dropped == self.opened

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump rollback`, `undo` and `retry`."""
        said = _fields(self)
        act, first = said.pop("act"), said.pop("first")
        return {"schema": f"lisppump/{act}@1", "from": first, **said}


@dataclass(frozen=True, slots=True)
class Branched:
    """A copy of a world that goes on by itself: its folder, its node's name, its newest frame."""

    folder: str
    node: str
    frame: int
    digest: str
    dry_run: bool
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump branch`."""
        return {"schema": "lisppump/branch@1", **_fields(self)}


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Every item that did not pass and is still there, oldest first: id, frame, reason, the item itself."""

    entries: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The entries as a document."""
        return {"schema": "lisppump/quarantine@1", **_fields(self)}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of deltas from elsewhere; the fields are the pinned keys of `lisppump import-deltas`.

    `frame` is the frame that was made of them, or would be; where nothing was new it is the head, and
    `made` is False. `unread` names for each file the keys that the policy has no use for, `strange` what
    looks like no delta at all.
    """

    frame: int
    dry_run: bool
    files: int
    deltas: int
    unreadable: tuple[Mapping[str, str], ...]
    items: Mapping[str, Mapping[str, int]]
    details: tuple[Mapping[str, Any], ...]
    made: bool
    digest: str
    unread: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    strange: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump import-deltas`."""
        return {"schema": "lisppump/import-deltas@1", **_fields(self)}


@dataclass(frozen=True, slots=True)
class Released:
    """What left quarantine: accepted items into a frame of their own, dropped ones for good (at the head)."""

    frame: int
    digest: str
    entries: tuple[Mapping[str, Any], ...]
    merge: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump quarantine accept` and `drop`."""
        return {"schema": "lisppump/quarantine-released@1", **_fields(self)}


def _fields(report: Any) -> dict[str, Any]:
    """The fields of a report as JSON data, in their order."""
    values = {entry.name: getattr(report, entry.name) for entry in fields(report)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
