"""What `lisppump edits` tells and does: hand edits that are not taken in yet. It merges nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lisppump.disk import StateError
from lisppump.hand_edits import Decision, Edit
from lisppump.reservoir import Store
from lisppump.view import Unseen

if TYPE_CHECKING:
    from lisppump.merge_edits import Side
    from lisppump.pump import Pump


def edits_document(pump: Pump) -> dict[str, Any]:
    """Every document that was changed by hand since it was last written, as a document of its own."""
    return {
        "schema": "lisppump/edits@1",
        "frame": pump.head.number,
        "edits": [_entry(edit) for edit in pump.store.edits_in_detail()],
    }


def decide(pump: Pump, document: str, side: Side) -> Decision:
    """Let the hand's side of an edit win, or put the world's document back; other edits stay as they are."""
    policy = pump.policy
    if pump.barred is not None:
        raise pump.barred
    view: Any = policy.reservoir.make_reservoir(pump.root / policy.state.folder)
    if isinstance(view, Unseen):
        raise StateError("no-edit", "the reservoir of this world is not there, so that no edit is seen")
    with Store.open(pump.root, view, write=True, keep=policy.state.keep, edits=False) as store:
        return store.decide(document, side)


def _entry(edit: Edit) -> dict[str, Any]:
    return {
        "document": edit.document,
        "what": edit.what,
        "by_hand": [place.to_json(world=False) for place in edit.by_hand],
        "overlaps": [place.to_json(world=True) for place in edit.overlaps],
        "error": None if edit.error is None else edit.error.to_json(),
    }
