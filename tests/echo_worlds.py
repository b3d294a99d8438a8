"""Worlds whose echoes read the weather, from a service on this machine, and what became of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.portal_rule import PortalRule
from tests.weather import Weather

FORECAST = "/v1/forecast?latitude=47.6"
WORLD = """\
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada"} "bob" {"name" "Bob"}}}})
%s
(pump
  (name windows)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe none)
  (delta (programs (fields (agent agent) (source lispy)) (into "programs.json") (last-writer)))
  (portal (dangerously-allow "PLACE") %s)
  (echoes %s))
"""


def world(folder: Path, weather: Weather, *echoes: str, define: str = "", portal: str = "") -> Path:
    """A world with these echoes; PLACE in them is where the service is."""
    folder.mkdir(exist_ok=True)
    text = WORLD % (define, portal, "\n    ".join(echoes))
    (folder / "pump.lisp").write_text(text.replace("PLACE", weather.place))
    return folder


def program(source: str, agent: str = "ada", more: str = "(allow state web)") -> str:
    return f'(program "{agent}" {more} (source {source}\n))'


def curl(path: str = FORECAST) -> str:
    return f'(curl "http://PLACE{path}")'


TEMPERATURE = f'(get-in {curl()} (list "current_weather" "temperature"))'


def echo(folder: Path, agent: str = "ada") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "state" / "echo_frames" / f"{agent}.json").read_text())
    return found


def pages(folder: Path) -> list[dict[str, Any]]:
    """The records of what the web said, in order."""
    with Pump.open(folder) as pump:
        return [dict(record.fields) for record in pump.store.every("portal")]


@pytest.fixture
def weather() -> Iterator[Weather]:
    """A weather service on this machine."""
    with Weather() as service:
        yield service


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on nothing can be dialled, looked up, or even be given a socket."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network is off")

    def off() -> None:
        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, refuse)
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            monkeypatch.setattr(socket, name, refuse)
        monkeypatch.setattr(PortalRule, "window", refuse)

    return off
