"""What `status`, `show` and `log` tell, gathered from the journal and the files; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump import clock as clocks
from lisppump.budget import Breaker
from lisppump.clauses_parts import is_foreign
from lisppump.delta import Usage
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError
from lisppump.folder import find_root
from lisppump.frame import Frame
from lisppump.line_moves import Move, moves
from lisppump.observed import observations, posted
from lisppump.plan import differences
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.report import Shown, Status, count_of, totals
from lisppump.reservoir import Store
from lisppump.spending import seen
from lisppump.view import Unseen

if TYPE_CHECKING:
    from lisppump.hand_edits import Edit
    from lisppump.lookout import Lookout
    from lisppump.pump import Pump


STREAM = (
    "stream", "name", "topic", "status", "reason", "partial", "backend", "model", "agents", "attempts",
    "usage",
)  # fmt: skip
ATTEMPT = ("backend", "model", "status", "reason")
USAGE = ("input", "cache_read", "cache_write", "output", "dollars", "assumed")
DELTA = ("frame", "stream", "node", "epoch", "digest")
IMPORT = ("file", "sha256", "identity", "frame_text", "items")
OUTCOME = (
    "stream", "attempt", "turn", "backend", "status", "reason", "settles", "tock", "name", "run", "error",
    "again", "asked", "text", "usage", "proposal",
)  # fmt: skip
TOOL = ("stream", "attempt", "turn", "backend", "call", "tool", "source", "told", "usage")
COUNTS = ("in", "merged", "duplicate", "quarantined")
ITEM = ("frame", "stream", "node", "epoch", "collection", "index", "reason", "message", "item")


def look(folder: Path, *, pump: Path | None = None, registry: Registry | None = None) -> Pump:
    """A simulation, to look at it, whatever pump.lisp and the plugins are: its journal is enough.

    Where they are of no use it opens under the policy of its last frame, or what of that needs no plugin, and
    is `barred`: it makes no frame.
    """
    from lisppump.pump import Pump

    registry = registry or Registry.load(folder if pump is not None else find_root(folder))
    try:
        return Pump.open(folder, pump=pump, registry=registry)
    except LisppumpError as error:
        if error.category not in ("policy", "plugin"):
            raise
        why = error
    path = pump or find_root(folder) / "pump.lisp"
    root = folder.resolve() if pump is not None else path.parent
    last = _last_intent(root)
    if last is None:
        raise why
    intent, bundle = last
    try:
        found = _under(Policy.from_bundle(bundle, path=path, registry=registry), root, registry)
    except LisppumpError as error:
        if error.category not in ("policy", "plugin"):
            raise
        named = {entry["plugin"] for entry in intent.get("plugins", ())}
        policy = replace(
            Policy.remains(bundle, path=path),
            digest=intent["policy"],
            named=tuple(plugin for plugin in registry.plugins if plugin.id in named),
        )
        found = _under(policy, root, registry)
        found.remains = True
    found.barred = why
    return found


def _under(policy: Policy, root: Path, registry: Registry) -> Pump:
    from lisppump.pump import Pump

    view = policy.reservoir.make_reservoir(root / policy.state.folder)
    store = Store.open(root, view, write=False, keep=policy.state.keep)
    return Pump(root, policy, store, registry, overrides={}, backends={}, clock=clocks.Wall())


def _last_intent(root: Path) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The newest intent and the texts of its policy; None where no frame was ever begun."""
    view: Any = Unseen(root)
    with Store.open(root, view, write=False) as store:
        opened = store.open_frame()
        newest = store.head.number if store.head is not None else 0
        intent = store.intent_record(opened["frame"] if opened else newest)
        if intent is None:
            return None
        return intent, canon.loads(store.read_blob(intent["bundle"]), "the policy of the last intent")


def status_of(pump: Lookout) -> Status:
    """Where the world stands, as far as the journal and the files say."""
    store, head = pump.store, pump.head
    commit = store.commit_record(head.number)
    lock, opened, lately = store.lock_holder(), opening(store), store.lately()
    now = pump.clock.now()
    if opened is not None:
        opened = {**opened, "age_seconds": _age(opened["since"], now)}
    ended = lately.get("ended")
    breaker, reason = _breaker(pump)
    edits, unseen = _edits(pump)
    if lock is not None:
        state = "resting" if opened is None and pump.policy.heartbeat > 0 else "running"
        run = store.run()
        if opened is None and ((run is not None and run.wish == "pause") or lately.get("paused")):
            state = "paused"
    else:
        state = "idle" if reason is None and ended is None else "stopped"
    return Status(
        frame=head.number,
        digest=head.digest,
        state=state,
        time=head.time,
        age_seconds=_age(commit.get("written") if commit else None, now),
        node=store.node,
        epoch=store.epoch,
        policy=_policy(pump),
        streams=tuple(_streams(commit)) if commit else (),
        merge=totals(commit["report"] if commit else {}),
        breaker={**breaker.to_json(), "reason": reason},
        circuits=lately.get("lanes", {}),
        budget=seen(pump).to_json(),
        edits=tuple(edit.document for edit in edits),
        lagging=tuple(store.lagging()),
        quarantine=store.quarantined(),
        open_frame=opened,
        lock=lock,
        ended=ended,
        mended=tuple(lately.get("mended", ())),
        notes=(*_notes(store), *unseen),
        unreadable=tuple(edit.document for edit in edits if edit.error is not None),
        conflicts=tuple(edit.document for edit in edits if edit.overlaps),
        unthought=head.number if unthought(pump) else None,
        steering=head.steering,
    )


def unthought(pump: Lookout) -> bool:
    """Whether the newest frame lacks its echoes, as its run ended before they were done, or is at them.

    An echo may say by a method `idle(frame)` that it has nothing to think of. Of a plugin's that does not,
    nobody knows without asking it.
    """
    store, head = pump.store, pump.store.head
    if head is None or head.tock or pump.remains or not isinstance(store, Store):
        return False
    intent = store.intent_record(head.number)
    if intent is None or store.open_intent() is not None:
        return False
    try:
        rig = pump.rig_of(intent)
    except LisppumpError:
        return False  # the next run will say it
    for clause, stage in zip(rig.policy.echoes, rig.echoes, strict=True):
        idle = getattr(stage, "idle", None)
        known = idle is not None or not is_foreign(clause.stage)
        if known and head.number % clause.each == 0 and not (idle is not None and idle(head)):
            return True
    return False


def _notes(store: Store) -> Iterator[str]:
    """What is to be said of the disk, and of what was found at opening."""
    room = store.note_of_room()
    if room is not None:
        yield room
    if store.ahead is not None:
        yield f"{store.ahead.message}; {store.ahead.help}"
    yield from store.notes


def opening(store: Store) -> dict[str, Any] | None:
    """The frame that was begun and not committed: what has settled, in which epoch and when it began."""
    opened, intent = store.open_frame(), store.open_intent()
    if opened is None or intent is None:
        return None
    epoch, since = intent.get("epoch"), intent.get("written")
    return {**opened, "epoch": epoch, "since": since, "policy": intent["policy"]}


def in_the_open(opened: Mapping[str, Any]) -> str:
    """A frame that was begun and not finished, in words."""
    done, missing = len(opened["finished"]), len(opened["missing"])
    streams = count_of(done + missing, "stream")
    how = f": {done} of {streams} had finished" if done + missing else ""
    return f"frame {opened['frame']} was begun and not finished{how}"


GO_ON = (
    "`lisppump run` goes on with it and asks for nothing again that was answered; "
    "`lisppump run --abandon` begins it anew"
)


def _age(written: str | None, now: datetime) -> float | None:
    """Seconds since then; a clock that was put back makes nothing younger than it is."""
    return None if written is None else max(0.0, (now - clocks.parse(written)).total_seconds())


def shown(pump: Lookout, number: int) -> Shown:
    """One frame; frame 0 has neither intent nor streams, and is there before the first run."""
    store, head = pump.store, pump.head
    commit = store.commit_record(number)
    if number != 0 and commit is None:
        raise store.missing(number)
    frame = head if number == head.number else store.frame(number)
    intent = store.intent_record(number) or {}
    changed = store.changed(number) if commit else set(frame.documents)
    report = {name: _ordered(entry, COUNTS) for name, entry in commit["report"].items()} if commit else {}
    streams = tuple(_streams(commit)) if commit else ()
    deltas = tuple(_ordered(entry, DELTA) for entry in commit["deltas"]) if commit else ()
    decided = [record.fields for record in store.inputs(number) if record.kind == "outcome"]
    heard = store.heard(number) if commit else []
    return Shown(
        frame=number,
        parent=intent.get("parent"),
        digest=frame.digest,
        time=frame.time,
        policy=intent.get("policy"),
        seed=intent.get("seed"),
        overrides=intent.get("overrides", {}),
        wake=tuple(intent.get("wake", ())),
        streams=streams,
        deltas=deltas,
        merge={**totals(report), "collections": report},
        quarantined=tuple(_ordered(entry, ITEM) for entry in store.set_aside(number)) if commit else (),
        documents={
            name: {"digest": frame.digests[name], "changed": name in changed}
            for name in sorted(frame.documents)
        },
        echo=frame.virtual.get("echo", {}),
        edits=tuple(store.edits(number)),
        imports=tuple(_ordered(entry, IMPORT) for entry in commit.get("imports", ())) if commit else (),
        usage=_usage(streams),
        plugins=tuple(intent.get("plugins", ())),
        differences=tuple(differences(intent.get("plugins", ()), pump.acting())),
        outcomes=tuple({key: fields[key] for key in OUTCOME if key in fields} for fields in decided),
        portal=tuple(_page(record.fields) for record in heard if record.kind == "portal"),
        echo_errors=dict(_echo_errors(frame)),
        posted=tuple(posted(frame)),
        unthought=number == head.number and unthought(pump),
        late=len(store.came_late(number)),
        epochs=tuple(sorted({entry["epoch"] for entry in deltas})),
        begun=store.begun(number),
        edited=tuple(store.edits(number + 1)),
        retried=tuple(intent.get("retry", {}).get("streams", ())),
        steering=_steered(pump, number) if commit else {},
        observations=() if pump.remains else tuple(observations(head, pump.policy.schema, number)),
        tools=tuple({key: fields[key] for key in TOOL if key in fields} for fields in store.tools(number)),
    )


def _steered(pump: Lookout, number: int) -> Mapping[str, Any]:
    """What was asked of a frame; empty also where the one before it is lost."""
    try:
        return pump.store.frame(number - 1).steering
    except LisppumpError:
        return {}


def _echo_errors(frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
    """The echoes of a frame that failed, by name: code and message."""
    for name in sorted(frame.virtual.get("echo", {}).get("results", {})):
        said = frame.documents.get(f"echo_frames/{safe_stem(name)}.json")
        error = said.get("error") if isinstance(said, dict) and said.get("frame") == frame.number else None
        if isinstance(error, dict):
            yield name, {key: error.get(key) for key in ("code", "message")}


def _page(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a program of an echo asked of the web, and what came: a status, or the reason of a refusal."""
    page, refused = fields["page"], fields["refused"]
    why = None if refused is None else (refused["data"] or {}).get("reason", refused["code"])
    asked = {key: fields[key] for key in ("tock", "name", "run", "call", "url", "seconds")}
    return {**asked, "status": None if page is None else page["status"], "refused": why}


EMPTIED = "the state folder is empty; its documents will be written again from the journal at the next run"


def _edits(pump: Lookout) -> tuple[Sequence[Edit], list[str]]:
    """What was changed by hand; a note where the reservoir does not say, or nothing lies there."""
    if isinstance(pump.store.view, Unseen):
        return [], ["its reservoir is not there, so that what was changed by hand is not seen"]
    try:
        return pump.store.edits_in_detail(), [EMPTIED] if pump.store.emptied() else []
    except LisppumpError as error:
        if error.category != "plugin":
            raise
        return [], [error.message]


def log_documents(pump: Lookout) -> list[dict[str, Any]]:
    """One entry a commit, newest first."""
    commits = pump.store.commits()
    since = _since(pump.store)
    lacking = pump.head.number if unthought(pump) else None
    digests = [*(commit["parent"] for commit in commits[1:]), pump.head.digest]  # with tocks, as in `show`
    return [
        {
            "schema": "lisppump/log@1",
            "frame": commit["frame"],
            "digest": digest,
            "time": commit["time"],
            "streams": len(commit["streams"]),
            "statuses": _statuses(commit["streams"]),
            "merge": totals(commit["report"]),
            "epochs": sorted({entry["epoch"] for entry in commit["deltas"]}),
            "imports": len(commit.get("imports", ())),
            "accepted": len(commit.get("accepted", ())),
            **_marks(since.get(commit["frame"], [])),
            "unthought": commit["frame"] == lacking,
        }
        for commit, digest in zip(reversed(commits), reversed(digests), strict=False)
    ]


def _since(store: Store) -> dict[int, list[Move]]:
    """What of the line moved the head to each frame: its commit, and edits and ways back after that."""
    found: dict[int, list[Move]] = {}
    for move in moves(store):
        if move.left is None:
            found.setdefault(move.frame, []).append(move)
    return found


def _marks(moved: Iterable[Move]) -> dict[str, Any]:
    """Which streams were asked anew for a frame; what was edited after it; which ways back led to it."""
    return {
        "retried": [stream for move in moved for stream in move.streams],
        "edited": sorted({name for move in moved if move.act == "edit" for name in move.documents}),
        "back": [{"act": move.act, "taken": move.taken} for move in moved if move.taken is not None],
    }


def no_frame(pump: Lookout, number: int) -> LisppumpError:
    """The error for a frame that is not on the line; before the first run frame 0 is."""
    return pump.store.no_frame(number, pump.head.number)


def _policy(pump: Lookout) -> dict[str, Any]:
    """The digest in force, and whether pump.lisp has changed or broken since."""
    error = pump.stale if pump.barred is None else pump.barred.diagnostic()
    changed = pump.policy.changed()
    if changed and error is None:
        try:
            Policy.load(pump.policy.path, registry=pump.registry, overrides=pump.overrides)
        except LisppumpError as problem:
            error = problem.diagnostic()
    return {"digest": pump.policy.digest, "stale": error is not None, "error": error}


def _breaker(pump: Lookout) -> tuple[Breaker, str | None]:
    """What the last frames of the journal add up to, and why a run stops there, if it does."""
    breaker, reason = Breaker(pump.policy.breaker), None
    for commit in pump.store.commits():
        if "imports" in commit:
            continue  # nobody was asked in it
        statuses = [stream["status"] for stream in commit["streams"]]
        reason = breaker.note(statuses, totals(commit["report"])["merged"])
    return breaker, reason


def _ordered(entry: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """An entry of the journal, whose keys are sorted, with these keys first."""
    return {**{key: entry[key] for key in keys if key in entry}, **entry}


def _streams(commit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The streams of a commit, their keys as they are pinned."""
    for stream in commit["streams"]:
        attempts = [_ordered(attempt, ATTEMPT) for attempt in stream["attempts"]]
        yield _ordered({**stream, "attempts": attempts, "usage": _ordered(stream["usage"], USAGE)}, STREAM)


def _statuses(streams: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream in streams:
        counts[stream["status"]] = counts.get(stream["status"], 0) + 1
    return counts


def _usage(streams: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total = Usage()
    for stream in streams:
        total = total + Usage.from_json(stream["usage"])
    return total.to_json()
