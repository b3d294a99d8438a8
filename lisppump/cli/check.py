"""`lisppump check`: reads, resolves and validates a policy, every error at once. It touches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.errors import ErrorList, LisppumpError

_RARE = ("granted", "isolate")  # said only where there is something to say

if TYPE_CHECKING:
    from lisppump.policy import Policy


@as_command("check")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def command(settings: Settings, file: Path | None) -> int:
    """Is FILE (pump.lisp where none is given) right? Every error at once, nothing is run."""
    from lisppump import spending
    from lisppump.folder import find_root
    from lisppump.policy import Policy

    path = file or settings.pump or find_root(settings.dir) / "pump.lisp"
    registry = settings.registry()
    chosen = settings.chosen(path)
    for clash in chosen.clashes:
        settings.note(clash)
    try:
        policy = Policy.load(path, registry=registry)
    except LisppumpError as error:
        errors = error.errors if isinstance(error, ErrorList) else (error,)
        settings.note_absent(chosen, [each.data for each in errors])
        settings.note_lock()
        if not settings.json:
            raise
        settings.document(_document(None, errors))
        return error.exit_code
    settings.note_absent(chosen)
    settings.note_lock()
    settings.note_words(policy)
    for name, echoes in _hidden(policy, path.parent):
        settings.note(
            f"{' and '.join(echoes)} both think in the name of {name}: where both did in a frame, what the "
            f"later one in (echoes ...) came to stands in echo_frames/{name}.json, and the other is lost"
        )
    for program, model in _makes_up(policy):
        settings.note(
            f"(pipe ...) asks the LisPy programs of `{program}` where the model `{model}` fails: what they "
            "give would stand there as if it had answered; let `none` be the end"
        )
    for unheld in spending.foreseen(policy):
        settings.note(f"a run would not begin, {unheld.code}: {unheld.message}; {unheld.help}")
    if settings.json:
        settings.document(_document(policy, ()))
        return 0
    rows = [[key, str(value)] for key, value in summary(policy).items() if value or key not in _RARE]
    for line in table(rows):
        settings.print(line)
    settings.print("ok", fg="green")
    return 0


def _document(policy: Policy | None, errors: tuple[LisppumpError, ...]) -> dict[str, Any]:
    return {
        "schema": "lisppump/check@1",
        "ok": not errors,
        "error": errors[0].to_json() if errors else None,
        "errors": [error.to_json() for error in errors],
        "summary": None if policy is None else summary(policy),
    }


def _hidden(policy: Policy, root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each agent in whose name several echoes think, as far as the policy and the documents tell."""
    found: dict[str, list[str]] = {}
    for echo in policy.echoes:
        names: Iterable[str] = ()
        if echo.stage.name == "program":
            names = dict.fromkeys(echo.stage.options.get("agent", ()))
        elif echo.stage.name == "agents-programs":
            names = _with_programs(root / policy.state.folder / "programs.json")
        for name in names:
            found.setdefault(name, []).append(f"`{echo.stage.name}`")
    yield from ((name, echoes) for name, echoes in sorted(found.items()) if len(echoes) > 1)


def _makes_up(policy: Policy) -> Iterator[tuple[str, str]]:
    """Each backend `lispy` that stands behind one that asks a model, and that one."""
    model = None
    for alias, choice in policy.pipe.backends:
        if choice.name == "lispy" and model is not None:
            yield alias, model
        elif choice.name not in ("lispy", "none", "replay"):
            model = model or alias


def _with_programs(document: Path) -> list[str]:
    """The agents that have a program of their own; none where the document is not there, or none to read."""
    try:
        found = json.loads(document.read_bytes())
    except (OSError, ValueError, RecursionError):  # what is wrong with it is for others to say
        return []
    return [str(name) for name in found] if isinstance(found, dict) else []


def _grants(policy: Policy) -> Iterator[str]:
    """What each echo is granted, where that is more than the frame."""
    for echo in policy.echoes:
        allow = sorted(echo.stage.options.get("allow", ()))
        if {"state"} < {"state", *allow}:
            yield f"{echo.stage.name} {' '.join(allow)}"


def _isolation(policy: Policy) -> str:
    """Where agents' programs run, where an echo runs any."""
    tables = (getattr(echo.stage.offer.factory, "options", ()) for echo in policy.echoes)
    used = any(option.kind == "isolation" for table in tables for option in table)
    return policy.isolation.where if used else ""


def summary(policy: Policy) -> dict[str, Any]:
    """The policy in a few words."""
    agents = policy.agents
    return {
        "name": policy.name,
        "digest": policy.digest,
        "agents": " ".join((agents.document, *agents.path)),
        "dam": policy.dam.name,
        "pipe": " ".join(alias for alias, _ in policy.pipe.backends),
        "merger": policy.merger.name,
        "echoes": " ".join(echo.stage.name for echo in policy.echoes),
        "granted": "; ".join(_grants(policy)),
        "isolate": _isolation(policy),
        "collections": " ".join(collection.name for collection in policy.schema.collections),
        "executor": policy.executor.name,
    }
