"""A model server of our own, for one run: started, asked over loopback, gone with the pump. It asks once.

Each of its slots answers one call at a time and keeps what it has read. A shared prefix is read once, in the
first slot, and copied to the others: so every call finds it there, in whichever slot it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpcore

PROGRAM = Path(__file__).with_name("llama_child.py")
SAVED = "prefix"
LAST_WORDS = 3  # lines of the server's log that an error shows
MOST_LINE = 300
GRACE = 2.0  # seconds that it gets to end by itself


class Lost(Exception):
    """The server is not there, or no more; the sentence says what is known, `text` what had come by then."""

    text: str | None = None


class Denied(Exception):
    """The server says that it will not do this: `kind` is its own name for the reason."""

    def __init__(self, kind: str, message: str, fields: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.kind = kind
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server is started with: its slots have `context` tokens each; 0 threads are one a core."""

    model: str
    context: int
    slots: int
    threads: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call: how it stopped, and the tokens of each part, as the server counts them."""

    text: str
    stop: str | None
    cached: int = 0
    processed: int = 0
    made: int = 0


class Box:
    """A server that runs."""

    def __init__(self, process: asyncio.subprocess.Process, settings: Settings, folder: Path) -> None:
        self._process = process
        self._slots = settings.slots
        self._folder = folder
        self.key = secrets.token_hex(16)  # nobody else on this machine is to ask it
        self._log: deque[str] = deque(maxlen=60)
        self._listens = asyncio.ensure_future(self._listen())
        self._lock = asyncio.Lock()
        self._shared: str | None = None
        self.address = ""
        self._http: httpcore.AsyncConnectionPool | None = None

    @classmethod
    async def start(cls, settings: Settings) -> Box:
        """A server that is ready to answer; Lost where it cannot be started."""
        folder = Path(tempfile.mkdtemp(prefix="lisppump-llama-"))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(PROGRAM)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the pump, which finishes its frame with it
            )
        except BaseException as error:
            folder.rmdir()
            if isinstance(error, OSError):
                raise Lost(f"the model server did not start: {error}") from None
            raise
        box = cls(process, settings, folder)
        try:
            await box._begin(settings)
        except BaseException:
            await box.close()
            raise
        return box

    async def _begin(self, settings: Settings) -> None:
        import httpcore

        assert self._process.stdin is not None and self._process.stdout is not None
        told = {**asdict(settings), "folder": str(self._folder), "key": self.key}
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise await self._lost("the model server did not start")
        self.address = json.loads(line)["address"]
        self._http = httpcore.AsyncConnectionPool(max_connections=None)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """True where its process has ended."""
        return self._process.returncode is not None

    async def close(self) -> None:
        """End the process, by force where it does not by itself, and leave nothing behind."""
        if self._http is not None:
            await self._http.aclose()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GRACE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listens
        for file in [*self._folder.glob("*"), self._folder]:
            with contextlib.suppress(OSError):
                file.rmdir() if file == self._folder else file.unlink()

    async def warm(self, shared: str) -> int:
        """Have every slot hold a shared prefix; gives the tokens that had to be processed for it now."""
        if shared == self._shared:
            return 0
        async with self._lock:
            if shared == self._shared:
                return 0  # while this call waited
            said = [{"role": "system", "content": shared}, {"role": "user", "content": ""}]
            told = await self._post("/v1/chat/completions", {"messages": said, "max_tokens": 1, "id_slot": 0})
            if self._slots > 1:
                await self._copy()
            self._shared = shared
            return int(told["timings"]["prompt_n"])

    async def _copy(self) -> None:
        """Copy what the first slot has read to all others."""
        await self._post("/slots/0?action=save", {"filename": SAVED})
        for slot in range(1, self._slots):
            await self._post(f"/slots/{slot}?action=restore", {"filename": SAVED})
        (self._folder / SAVED).unlink(missing_ok=True)

    async def ask(self, body: Mapping[str, Any], began: Callable[[], None]) -> Heard:
        """What the model says; `began` is called when its first letter is there."""
        parts: list[str] = []
        stop: str | None = None
        timings: Mapping[str, Any] = {}
        try:
            async with self._asked("/v1/chat/completions", {**body, "stream": True}) as chunks:
                async for chunk in _events(chunks):
                    if "error" in chunk:
                        raise _denial(chunk)
                    for choice in chunk.get("choices", ()):
                        if said := choice.get("delta", {}).get("content"):
                            if not parts:
                                began()
                            parts.append(said)
                        stop = choice.get("finish_reason") or stop
                    timings = chunk.get("timings") or timings
            if stop is None:
                raise await self._lost("the model server broke off in the middle of an answer")
        except Lost as lost:
            lost.text = "".join(parts) or None
            raise
        counts = (int(timings.get(name, 0)) for name in ("cache_n", "prompt_n", "predicted_n"))
        return Heard("".join(parts), stop, *counts)

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        async with self._asked(path, body) as chunks:
            answer = b"".join([chunk async for chunk in chunks])
        told = _json(answer)
        if "error" in told:
            raise _denial(told)
        return told

    @contextlib.asynccontextmanager
    async def _asked(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of an answer as they come; how long that may take is the business of the deadline."""
        import httpcore

        assert self._http is not None
        headers = [("Authorization", f"Bearer {self.key}"), ("Content-Type", "application/json")]
        content = json.dumps(body).encode()
        try:
            async with self._http.stream(
                "POST", self.address + path, headers=headers, content=content
            ) as response:
                if response.status != 200:
                    raise _denial(_json(await response.aread()))
                yield response.aiter_stream()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise await self._lost("the model server broke off", error) from None

    async def _lost(self, what: str, error: Exception | None = None) -> Lost:
        """What is known of a server that does not answer: how its process ended, and its last words."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 0.5)
        code = self._process.returncode
        if code is None:
            how = f"{type(error).__name__}: {error}" if error is not None else "its process goes on"
        elif code < 0:
            how = f"its process was ended by signal {-code}" + _MEANT.get(-code, "")
        else:
            how = f"its process ended with {code}"
        if code is not None:
            await self._listens
        words = [line for line in self._log if " I " not in line][-LAST_WORDS:]
        return Lost(f"{what}: {how}" + "".join(f"; {word}" for word in words))

    async def _listen(self) -> None:
        """Keep the end of the log, a line at a time and none too long."""
        assert self._process.stderr is not None
        rest = ""
        while data := await self._process.stderr.read(65536):
            *lines, rest = (rest + data.decode("utf-8", "replace")).split("\n")
            rest = rest[:MOST_LINE]
            self._log.extend(line.strip()[:MOST_LINE] for line in lines if line.strip())


_MEANT = {4: " (an instruction that this processor does not have)", 9: " (killed, or out of memory)"}


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream as it comes."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                yield _json(data)


def _json(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Lost(f"the model server answers with no JSON: {data[:80].decode('utf-8', 'replace')}")
    return told


def _denial(told: Mapping[str, Any]) -> Denied:
    error = told.get("error", {})
    error = error if isinstance(error, dict) else {"message": str(error)}
    return Denied(str(error.get("type", "")), str(error.get("message", "no reason given")), error)
