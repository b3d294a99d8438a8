"""What a run may be granted: documents of a frame, pages of the web. It reads only what it was handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from lisppump.errors import suggest
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Documents, Value

SUFFIXES = (".json", ".jsonl", ".md")
CAPABILITIES = {
    "state": "The documents of the frame, to be read: `frame`, `agents`, and what begins with rb-.",
    "web": "Public pages of the web, to be read: (curl url). docs/portal.md says which are refused and why.",
}


class Page(Protocol):
    """What a page of the web said; its `text` is read as JSON where `json` says so."""

    @property
    def url(self) -> str:
        """Where it was in the end."""

    @property
    def status(self) -> int:
        """The status of HTTP, of which 200 to 299 are answers."""

    @property
    def text(self) -> str:
        """All of it."""

    @property
    def json(self) -> bool:
        """Whether it is JSON."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Web(Protocol):
    """What the capability `web` is: the host says what is read and how, and may record it, or play it back.

    `calls` pages may be asked for by one run, and it may wait `seconds` for all of them.
    """

    @property
    def calls(self) -> int:
        """Most pages of one run."""

    @property
    def seconds(self) -> float:
        """Longest time of one run."""

    def fetch(self, url: str, seconds: float) -> Page:
        """A page, or a LisppumpError, which may have `seconds` as well."""


class State:
    """The documents of one frame, its agents, number, time and the results of its echoes."""

    def __init__(
        self,
        documents: Mapping[str, Value],
        agents: list[Value] | Callable[[], list[Value]] | None = None,
        frame: int | None = None,
        echoes: Mapping[str, Value] | None = None,
        time: str | None = None,
    ) -> None:
        self.documents = documents
        self.time = time
        self.number = frame
        self._agents = agents
        self._found: list[Value] | None = None if callable(agents) else agents
        self._echoes = echoes
        self._frame: Documents | None = None

    @classmethod
    def from_folder(cls, path: Path | str) -> State:
        """The JSON, JSON Lines and Markdown files of a folder, each read when first asked for."""
        return cls(_Folder(Path(path)))

    def document(self, name: str) -> Value:
        """A document by its name, with or without suffix."""
        documents = self.documents
        if name in documents:
            return documents[name]
        for suffix in SUFFIXES:
            if name + suffix in documents:
                return documents[name + suffix]
        bare = _bare(name)
        if bare != name and bare in documents:
            return documents[bare]

        def help() -> str | None:
            close = suggest(name[:200], [*documents, *map(_bare, documents)])
            return f"did you mean `{close}`?" if close else None

        raise LispyError("no-document", f"the frame has no document {name[:80]}", help=help)

    def frame(self) -> Documents:
        """All documents as one dict, by their names without suffix."""
        if self._frame is None:
            found: dict[str, Value] = {}
            aliases: dict[str, str] = {}
            for name in self.documents:
                bare = _bare(name)
                key = name if bare in found else bare
                found[key] = self.documents[name]
                if name != key:
                    aliases[name] = key
            self._frame = Documents(found, aliases)
        return self._frame

    def agents(self) -> list[Value]:
        """The agents as dicts that have their `id`."""
        if self._found is None:
            self._found = (
                self._agents() if callable(self._agents) else listed_agents(self.document("agents.json"))
            )
        return self._found

    def echoes(self) -> Mapping[str, Value]:
        """From agent to what its last echo gave."""
        if self._echoes is None:
            self._echoes = {
                name.removeprefix("echo_frames/").removesuffix(".json"): self.documents[name]
                for name in self.documents
                if name.startswith("echo_frames/")
            }
        return self._echoes

    def echo(self, agent: str) -> Value:
        """What the last echo of an agent gave, or nil."""
        return self.echoes().get(agent)


def listed_agents(document: Value) -> list[Value]:
    """The agents of a document `agents.json`: a dict by id or a list, under the key `agents` or bare."""
    inner = document.get("agents", document) if isinstance(document, dict) else document
    if isinstance(inner, dict):
        return [{"id": key, **data} for key, data in inner.items() if isinstance(data, dict)]
    if isinstance(inner, list):
        return inner
    raise LispyError("bad-value", "agents.json should have a dict of agents, or a list of them, under agents")


def _bare(name: str) -> str:
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


class _Folder(Mapping[str, Value]):
    """The documents of a folder, by path inside it; read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, Path] | None = None
        self._read: dict[str, Value] = {}

    def _files(self) -> dict[str, Path]:
        if self._names is None:
            found = [file for file in self._path.rglob("*") if file.suffix in SUFFIXES and file.is_file()]
            names = {file.relative_to(self._path).as_posix(): file for file in sorted(found)}
            self._names = {
                name: file
                for name, file in names.items()
                if not any(part.startswith(".") for part in name.split("/"))
            }
        return self._names

    def __getitem__(self, name: str) -> Value:
        if name not in self._read:
            self._read[name] = _load(name, self._files()[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def __contains__(self, name: object) -> bool:
        return name in self._files()


def _load(name: str, file: Path) -> Any:
    from lisppump.canon import loads

    data = file.read_bytes()
    if name.endswith(".json"):
        return loads(data)
    if name.endswith(".jsonl"):
        return [loads(line) for line in data.splitlines() if line.strip()]
    return data.decode("utf-8", "replace")
