"""The installer of this Python, pip or else uv, and what it has installed. It chooses nothing itself."""

from __future__ import annotations

import importlib
import importlib.util
import shlex
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lisppump.cli.context import Settings
from lisppump.discovery import GROUP
from lisppump.errors import LisppumpError, declare
from lisppump.plugin import canonical_name

LAST = 20  # lines of a failing installer that are shown

declare(
    "plugin", 1,
    no_installer="Neither pip nor uv is there to install a plugin or take it away.",
    install_failed="The installer could not install a plugin, or not take it away.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution of this environment; `plugins` are its entry points in the group `lisppump`.

    `path` is what it was installed from, where that was no index.
    """

    name: str
    version: str
    plugins: tuple[str, ...]
    path: Path | None = None
    editable: bool = False


def look() -> dict[str, Installed]:
    """Every distribution that is here now, by its canonical name."""
    importlib.invalidate_caches()
    found: dict[str, Installed] = {}
    for distribution in metadata.distributions():
        try:
            name = canonical_name(distribution.metadata["Name"])
            plugins = (entry.name for entry in distribution.entry_points if entry.group == GROUP)
            path, editable = _origin(distribution.read_text("direct_url.json"))
            entry = Installed(name, distribution.version, tuple(sorted(plugins)), path, editable)
        except Exception:  # one whose metadata is damaged is none; `lisppump doctor` speaks of it
            continue
        found.setdefault(name, entry)
    return found


def _origin(text: str | None) -> tuple[Path | None, bool]:
    """The path that an installer noted, and whether what lies there is used in place."""
    import json
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    if text is None:
        return None, False
    noted = json.loads(text)
    url = urlsplit(noted["url"])
    if url.scheme != "file":
        return None, False
    return Path(url2pathname(url.path)), bool(noted.get("dir_info", {}).get("editable"))


def install(settings: Settings, words: Sequence[str], what: str) -> None:
    """Install what the words say: requirements, `file:` addresses, `-e` before one; `what` is for people."""
    _run(settings, _command("install", words), f"install {what}")


def uninstall(settings: Settings, names: Sequence[str]) -> None:
    """Take distributions away."""
    _run(settings, _command("uninstall", names), f"uninstall {', '.join(names)}")


def _command(verb: str, words: Sequence[str]) -> list[str]:
    """The command line of whichever installer is there."""
    python = sys.executable
    if importlib.util.find_spec("pip") is not None:
        yes = ["--yes"] if verb == "uninstall" else []
        # -P: a `pip.py` in the current folder, which may have come from anywhere, is not what is meant.
        return [python, "-P", "-m", "pip", "--no-input", "--disable-pip-version-check", verb, *yes, *words]
    uv = shutil.which("uv")
    if uv is not None:
        # --no-config: a folder's own uv.toml could name an index.
        return [uv, "--no-config", "pip", verb, "--python", python, *words]
    by_hand = shlex.join([python, "-m", "ensurepip"])
    raise LisppumpError(
        "no-installer",
        f"there is neither pip nor uv to {verb} {shlex.join(words)}",
        help=f"`{by_hand}` brings pip; or do by hand what `{shlex.join(['pip', verb, *words])}` would",
    )


def _run(settings: Settings, line: list[str], doing: str) -> None:
    """Run the installer; with -v what it says is said as it comes, else only the end of it where it fails."""
    tool = "pip" if line[0] == sys.executable else "uv"
    settings.note(f"{tool}: {doing}")
    last: deque[str] = deque(maxlen=LAST)
    with subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for said in process.stdout:
            last.append(said.rstrip())
            if settings.verbose:
                settings.say(f"  {last[-1]}")
    if process.returncode == 0:
        return
    for text in () if settings.verbose else filter(None, last):
        settings.say(f"  {tool}: {text}")
    raise LisppumpError(
        "install-failed",
        f"{tool} could not {doing} (exit {process.returncode})",
        help=f"it was called as `{shlex.join(line)}`" if settings.verbose else "-v shows all that it says",
    )
