"""Simulations for tests: worlds in folders, run in this process; made-up frames, agents and requests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from lisppump import canon
from lisppump.calling import Request
from lisppump.delta import Schema
from lisppump.disk import StateError
from lisppump.documents import digest, encode, is_log, log_value
from lisppump.frame import Agent, Frame, Stream
from lisppump.lispy.limits import Limits
from lisppump.lispy.values import elements
from lisppump.prompt import Prompt
from lisppump.stages import Backend
from lisppump.testing.clock import Clock

if TYPE_CHECKING:
    from lisppump.clock import Clock as AnyClock
    from lisppump.pump import Pump
    from lisppump.registry import Registry
    from lisppump.report import FrameReport


@dataclass(frozen=True)
class Outcome:
    """What a command line came to: its exit code, its result, and what it said beside it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Simulation:
    """A world in a folder: pump.lisp, other files beside it, documents of its state, what a test puts in.

    `backends` answer in the place of those that pump.lisp gives these aliases. `plugins` are objects or
    modules, by the names that messages give them. What lies in `plugins/` is trusted, since the test wrote
    it; with `trusted=False` it is what somebody cloned, until `lisppump("trust", "--yes")`. The config.toml
    that is used lies beside the folder.
    """

    folder: Path
    policy: str
    files: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    backends: Mapping[str, Backend] = field(default_factory=dict)
    clock: AnyClock = field(default_factory=Clock)
    plugins: Mapping[str, Any] = field(default_factory=dict)
    trusted: bool = True

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in {"pump.lisp": self.policy, **self.files}.items():
            self._write(self.folder / name, text.encode())
        for name, value in self.state.items():
            self._write(self.folder / "state" / name, encode(name, value))

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def registry(self, **options: Any) -> Registry:
        """The plugins of this world: its own, those that are installed, and those that were given."""
        from lisppump.registry import Registry

        with patch.dict(os.environ, LISPPUMP_CONFIG=self._config):
            registry = Registry.load(self.folder, **{"trusted": self.trusted or None, **options})
        return self._equipped(registry)

    @property
    def _config(self) -> str:
        """The config.toml of this world's user: what `lisppump trust` writes there is found again."""
        return str(self.folder.with_name(f"{self.folder.name}.config.toml"))

    def _equipped(self, registry: Registry) -> Registry:
        for name, plugin in self.plugins.items():
            registry.register(plugin, name)
        return registry

    def open(self, **options: Any) -> Pump:
        """The pump of this world; close it, or use it in `with`. `options` are those of `Pump.open`."""
        from lisppump.pump import Pump

        given = {"registry": self.registry(), "backends": self.backends, "clock": self.clock, **options}
        return Pump.open(self.folder, **given)

    def run(self, frames: int = 1, **options: Any) -> tuple[FrameReport, ...]:
        """Open the world, run so many frames and close it."""
        with self.open(**options) as pump:
            return pump.run(frames)

    def read(self, name: str) -> Any:
        """A document as the newest frame holds it, as data of the test's own; a log is a list."""
        with self.open() as pump:
            held = pump.head.documents
            if name not in held:
                help = f"there are: {', '.join(held)}"
                raise StateError("bad-document", f"the newest frame has no document {name}", help=help)
            value = elements(held[name]) if is_log(name) else held[name]
            return canon.loads(canon.line(value))

    def lisppump(self, *args: str | Path) -> Outcome:
        """Run a command line about this folder, in this process, 80 columns wide, with nobody to answer it.

        It has the world's plugins, but neither its `backends` nor its clock: it does what pump.lisp says.
        """
        from lisppump.cli import main

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
        with self._for_commands(), patch.object(sys, "stdin", io.StringIO()), streams[0], streams[1]:
            code = main(["-C", str(self.folder), *map(str, args)])
        return Outcome(code, *(_written(stream) for stream in (out, err)))

    @contextlib.contextmanager
    def _for_commands(self) -> Iterator[None]:
        """Let the command line find this world's plugins, and nothing that whoever runs the test has set."""
        from lisppump.registry import Registry

        load = Registry.load

        def found(folder: Path | None = None, **options: Any) -> Registry:
            if self.trusted and options.get("trusted") is None:
                options["trusted"] = True
            return self._equipped(load(folder, **options))

        own = {name: value for name, value in os.environ.items() if not name.startswith("LISPPUMP_")}
        own.update(COLUMNS="80", LISPPUMP_CONFIG=self._config)
        with patch.object(Registry, "load", found), patch.dict(os.environ, own, clear=True):
            yield


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    written: io.BytesIO = stream.buffer  # type: ignore[assignment]
    return written.getvalue().decode()


class Simulations:
    """Makes simulations, each in a folder of its own below one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def __call__(self, policy: str, **options: Any) -> Simulation:
        """A simulation with that pump.lisp; `options` are those of `Simulation`."""
        self._made += 1
        return Simulation(self._folder / f"simulation-{self._made}", policy, **options)


def frame_of(
    documents: Mapping[str, Any], number: int = 0, time: str = "2026-01-01T00:00:00.000000Z", **more: Any
) -> Frame:
    """A frame that holds these documents."""
    held = {name: log_value(name, value) for name, value in documents.items()}
    digests = {name: digest(name, value) for name, value in held.items()}
    return Frame(number, time, held, digests, **more)


def people(*ids: str, **data: Any) -> tuple[Agent, ...]:
    """Agents of these ids, all with the same data."""
    return tuple(Agent(id, {"id": id, **data}) for id in ids)


def request_of(frame: Frame, agents: Sequence[Agent], stream: int = 1, **more: Any) -> Request:
    """What a backend would be asked for a room of these agents."""
    given: dict[str, Any] = {
        "prompt": Prompt("what all read", "what this room reads"),
        "schema": Schema(),
        "turn": "act",
        "seed": ("pipe", frame.number + 1, "act"),
        "deadline": 60.0,
        "limits": Limits(steps=1_000_000),
        **more,
    }
    room = Stream(stream, tuple(agent.id for agent in agents))
    return Request(frame=frame, stream=room, agents=tuple(agents), **given)
