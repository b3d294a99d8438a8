"""What `status`, `show` and `log` tell, gathered from the journal and the files; it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lisppump import clock as clocks
from lisppump.errors import LisppumpError
from lisppump.policy import Policy

if TYPE_CHECKING:
    from lisppump.pump import Pump


def status_document(pump: Pump) -> dict[str, Any]:
    """The pinned keys of `status`."""
    store, head = pump.store, pump.head
    commit = store.commit_record(head.number)
    lock = store.lock_holder()
    written = commit.get("written") if commit else None
    age = None if written is None else (pump.clock.now() - clocks.parse(written)).total_seconds()
    return {
        "frame": head.number,
        "digest": head.digest,
        "state": "running" if lock is not None else "idle",
        "time": head.time,
        "age_seconds": age,
        "node": store.node,
        "epoch": store.epoch,
        "policy": _policy(pump),
        "streams": commit["streams"] if commit else [],
        "merge": _totals(commit["report"]) if commit else _totals({}),
        "breaker": _breaker(pump),
        "circuits": {},
        "budget": pump.budget.to_json(),
        "edits": store.pending_edits(),
        "lagging": [],
        "quarantine": store.quarantined(),
        "open_frame": store.open_frame(),
        "lock": lock,
        "notes": list(store.notes),
    }


def show_document(pump: Pump, number: int) -> dict[str, Any]:
    """One committed frame under its pinned keys; frame 0 has neither intent nor streams."""
    store = pump.store
    commit = store.commit_record(number)
    if number != 0 and commit is None:
        raise no_frame(number, pump.head.number)
    frame = store.frame(number)
    intent = store.intent_record(number) or {}
    changed = set(commit["documents"]) if commit else set(frame.documents)
    streams = commit["streams"] if commit else []
    return {
        "schema": "lisppump/show@1",
        "frame": number,
        "parent": intent.get("parent"),
        "digest": frame.digest,
        "time": frame.time,
        "policy": intent.get("policy"),
        "seed": intent.get("seed"),
        "overrides": intent.get("overrides", {}),
        "wake": intent.get("wake", []),
        "streams": streams,
        "deltas": commit["deltas"] if commit else [],
        "merge": {**_totals(commit["report"]), "collections": commit["report"]} if commit else _totals({}),
        "quarantined": commit["quarantine"] if commit else [],
        "documents": {
            name: {"digest": frame.digests[name], "changed": name in changed}
            for name in sorted(frame.documents)
        },
        "echo": frame.virtual.get("echo", {}),
        "edits": store.edits(number),
        "imports": [],
        "usage": _usage(streams),
    }


def log_documents(pump: Pump) -> list[dict[str, Any]]:
    """One entry a commit, newest first."""
    return [
        {
            "schema": "lisppump/log@1",
            "frame": commit["frame"],
            "digest": commit["digest"],
            "time": commit["time"],
            "streams": len(commit["streams"]),
            "statuses": _statuses(commit["streams"]),
            "merge": _totals(commit["report"]),
        }
        for commit in reversed(pump.store.commits())
    ]


def no_frame(number: int, head: int) -> LisppumpError:
    """The error for a frame that the journal has not."""
    return LisppumpError("no-such-frame", f"there is no frame {number}; the newest is {head}")


def _policy(pump: Pump) -> dict[str, Any]:
    """The digest in force, and whether pump.lisp has changed or broken since."""
    error = pump.stale
    changed = pump.policy.changed()
    if changed and error is None:
        try:
            Policy.load(pump.policy.path, registry=pump.registry, overrides=pump.overrides)
        except LisppumpError as problem:
            error = problem.diagnostic()
    return {"digest": pump.policy.digest, "stale": error is not None, "error": error}


def _breaker(pump: Pump) -> dict[str, Any]:
    """The run's breaker; when nothing runs here, what the last frames of the journal add up to."""
    from lisppump.budget import Breaker

    breaker = Breaker(pump.policy.breaker)
    for commit in pump.store.commits():
        breaker.note([stream["status"] for stream in commit["streams"]], _totals(commit["report"])["merged"])
    return breaker.to_json()


def _totals(report: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    from lisppump.report import totals

    return totals(report)


def _statuses(streams: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream in streams:
        counts[stream["status"]] = counts.get(stream["status"], 0) + 1
    return counts


def _usage(streams: list[dict[str, Any]]) -> dict[str, Any]:
    from lisppump.delta import Usage

    total = Usage()
    for stream in streams:
        total = total + Usage.from_json(stream["usage"])
    return total.to_json()
