"""The backend `ollama`: a model on an Ollama server by its official package. It retries and pulls nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import canon, hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request, talk
from lisppump.delta import UNUSED, Usage
from lisppump.schema import json_schema
from lisppump.stages import Finding, Option

from .wire import (
    CONNECT,
    EMPTY,
    LOOK,
    ROUNDS,
    Shared,
    absent,
    brief,
    cause,
    count,
    failure_of,
    installed,
    looked,
    retry_after,
    unreadable,
    without_password,
)

if TYPE_CHECKING:
    import httpx
    from ollama import AsyncClient, ChatResponse

SEEDS = 2**31  # the server reads numbers as floats, and its sampler takes 32 bits, one of them for any seed

# A prompt that is longer than the context is cut to half of it and a few tokens, or by older servers to all
# of it. Nothing says so but the count of what was read; a text of so few bytes a token is none but a cut one.
NEAR_HALF = 8
CUT_BYTES = 2.4


@dataclass(slots=True)
class _Heard:
    """What the HTTP layer saw of an answer, which the package does not pass on."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


_HEARD: ContextVar[_Heard | None] = ContextVar("_HEARD", default=None)


class Ollama:
    """Asks one model of an Ollama server for each room; the server keeps the frame's prefix by itself.

    Every call has the same context length, for another one loads the model anew. A prompt that is longer is
    refused and not cut. The same seed, model and server give the same answer, as far as the server does so.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("model", "value", "The model's name, as `ollama list` shows it.", type="string"),
        Option(
            "context", "value", "Tokens of prompt and answer together, the same for all calls.",
            default=16384, type="positive",
        ),
        Option("max-tokens", "value", "Most tokens of an answer.", default=1500, type="positive"),
        Option(
            "temperature", "value", "How freely it chooses words; absent, as the model's file says.",
            default=None, type="natural-number",
        ),
        Option(
            "keep-alive", "value", "How long the model stays loaded after a call; absent, the server's own.",
            default=None, unit="seconds", type="natural-number",
        ),
        Option(
            "schema", "name", "Whether the server holds answers to the delta's schema, or words alone do.",
            default="enforced", choices=("enforced", "words"),
        ),
        Option(
            "silence", "value", "Most seconds between two pieces of an answer, once it has begun.",
            default=120.0, unit="seconds", type="positive-number",
        ),
        Option(
            "at-once", "value",
            "Rooms asked side by side, as the server's OLLAMA_NUM_PARALLEL says; absent, all.",
            default=None, type="positive",
        ),
        Option(
            "host", "value", "The server's address; absent, OLLAMA_HOST, or this machine.",
            default=None, type="string",
        ),
    )  # fmt: skip
    mends: ClassVar[bool] = True
    uses_tools: ClassVar[bool] = True

    def __init__(
        self,
        model: str = "",
        context: int = 16384,
        max_tokens: int = 1500,
        temperature: float | None = None,
        keep_alive: float | None = None,
        schema: str = "enforced",
        silence: float = 120.0,
        at_once: int | None = None,
        host: str | None = None,
    ) -> None:
        self.at_once = at_once
        self.model = model
        self.free = not model.endswith("cloud")  # those are run elsewhere, and paid for
        self.max_tokens = max_tokens
        self.context = context
        self.silence = float(silence)
        self._temperature = temperature
        self._keep_alive = keep_alive
        self._enforced = schema == "enforced"
        self._host = without_password("host", host, "OLLAMA_HOST")
        self._shared: Shared[AsyncClient] = Shared(self._made)

    def _made(self) -> AsyncClient:
        import httpx
        from ollama import AsyncClient

        return AsyncClient(
            host=self._host,
            auth=_whole,
            event_hooks={"response": [_hear]},
            # Silence is measured here, for a server that loads a model or reads a prompt says nothing.
            timeout=httpx.Timeout(None, connect=CONNECT),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        """Close the connections of this run."""
        await self._shared.close()

    async def pour(self, request: Request) -> Reply:
        """The answer of a room, or the one typed failure that the call came to."""
        try:
            client = await self._shared.client()
        except ModuleNotFoundError:
            raise absent("ollama", "ollama") from None
        except Exception as error:  # an address that is none
            raise BackendError(Failure.REFUSED, f"no client can be made: {brief(error)}") from error
        call = _Call(self, client, request)
        try:
            async with asyncio.timeout(request.deadline):
                return await call.answer()
        except TimeoutError:
            late = f"the answer was not complete within {request.deadline:g} s"
            raise call.failed(Failure.TIMED_OUT, late) from None

    def asked(self, request: Request, left: int, *, with_tools: bool) -> dict[str, Any]:
        """What is asked beside the talk: the model, how it is to answer, and with how many tokens."""
        options: dict[str, Any] = {"num_ctx": self.context, "num_predict": left, "seed": seed(request)}
        if self._temperature is not None:
            options["temperature"] = self._temperature
        asked: dict[str, Any] = {"model": self.model, "options": options, "stream": True}
        if self._keep_alive is not None:
            asked["keep_alive"] = self._keep_alive
        if with_tools:  # a model that has to write one object from its first letter on cannot use a tool
            asked["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.doc,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        elif self._enforced:
            asked["format"] = json_schema(request.schema)
        return asked

    def findings(self) -> Iterable[Finding]:
        """Whether the package is there, the server answers, and has the model."""
        found = installed("ollama", "ollama")
        yield found
        if found.level == "ok":
            yield from looked(lambda: _looked_at(self.model, self._host))


def seed(request: Request) -> int:
    """The seed of a call, from the die of its stream."""
    parts = [*request.seed, request.stream.number, request.repair is not None]
    return int(canon.digest(parts).removeprefix("sha256:")[:8], 16) % SEEDS


class _Call:
    """One room's talk with a model: its rounds, and what was used and said by whenever it ends."""

    def __init__(self, backend: Ollama, client: AsyncClient, request: Request) -> None:
        self._backend = backend
        self._client = client
        self._request = request
        self._messages: list[Any] = [{"role": "system", "content": request.prompt.shared}]
        self._messages += [
            {"role": who, "content": text if text.strip() else EMPTY} for who, text in talk(request)
        ]
        self._usage = UNUSED
        self._text = ""
        self._model: str | None = None
        self._began = False

    async def answer(self) -> Reply:
        """The reply of the last round; in the others the model used tools."""
        tools = bool(self._request.tools) and self._request.repair is None
        for number in range(ROUNDS + 1):
            with_tools = tools and number < ROUNDS
            end, uses = await self._round(with_tools=with_tools)
            self._judge(end)
            if not (uses and with_tools):
                return self._reply(end)
            said = [{"function": {"name": use.name, "arguments": dict(use.arguments)}} for use in uses]
            self._messages.append({"role": "assistant", "content": self._text, "tool_calls": said})
            for use in uses:
                content = await self._used(use)
                self._messages.append({"role": "tool", "tool_name": use.name, "content": content})
        raise self.failed(Failure.INVALID, "the model goes on using tools, and does not answer")

    async def _used(self, use: Any) -> str:
        """What a tool said, as the model is told it."""
        tool = next((tool for tool in self._request.tools if tool.name == use.name), None)
        return f"there is no tool {use.name}" if tool is None else await tool.call(use.arguments)

    async def _round(self, *, with_tools: bool) -> tuple[ChatResponse, list[Any]]:
        """One call: its last piece, and the tools that the model wants to use."""
        left = self._backend.max_tokens - self._usage.output
        if left <= 0:
            raise self.failed(Failure.TRUNCATED, "its tools took all tokens that an answer may have")
        asked = self._backend.asked(self._request, left, with_tools=with_tools)
        heard = _Heard()
        said, self._text, uses, end = _HEARD.set(heard), "", [], None
        try:
            async with asyncio.timeout(None) as silence:
                pieces: Any = await self._client.chat(messages=self._messages, **asked)
                try:
                    async for piece in pieces:
                        silence.reschedule(asyncio.get_running_loop().time() + self._backend.silence)
                        self._hear(piece)
                        uses += [use.function for use in piece.message.tool_calls or ()]
                        end = piece if piece.done else end
                finally:
                    await pieces.aclose()  # at once, and not when somebody collects it
        except TimeoutError:
            if not silence.expired():
                raise
            raise self.failed(Failure.TIMED_OUT, "the server stopped in the middle of its answer") from None
        except Exception as error:
            failure, reason = told(error, self._backend, heard)
            wait = retry_after(heard.headers) if failure is Failure.THROTTLED else None
            raise self.failed(failure, reason, wait) from error
        finally:
            _HEARD.reset(said)
        if end is None:
            raise self.failed(Failure.UNAVAILABLE, "the answer ended before it was complete")
        used = Usage(input=count(end.prompt_eval_count), output=count(end.eval_count))
        self._usage = self._usage + used
        return end, uses

    def _hear(self, piece: ChatResponse) -> None:
        if not self._began:
            self._began = True
            self._request.began()
        self._model = piece.model or self._model
        self._text += piece.message.content or ""

    def _judge(self, end: ChatResponse) -> None:
        """An answer to a prompt of which a part was thrown away is none."""
        read, context = count(end.prompt_eval_count), self._backend.context
        size = sum(len(str(said["content"]).encode()) for said in self._messages)
        halved = abs(read - context // 2) <= NEAR_HALF and size > CUT_BYTES * context
        if read and (read >= context or halved):
            sentence = f"the server cut the prompt to {read} of its tokens; {wider(context)}"
            raise self.failed(Failure.REFUSED, sentence)

    def _reply(self, end: ChatResponse) -> Reply:
        reason = end.done_reason or "stop"
        if reason == "stop":
            return Reply(text=self._text, usage=self._usage, model=self._model)
        if reason != "length":
            said = f"it ended for a reason that is not known here: {brief(reason)}"
            raise self.failed(Failure.INVALID, said)
        cut = f"it was cut off at (max-tokens {self._backend.max_tokens}), or at the end of its context"
        if not self._text.strip():
            raise self.failed(Failure.TRUNCATED, f"{cut}, before it said anything")
        return Reply(text=self._text, usage=self._usage, model=self._model, stop="truncated", reason=cut)

    def failed(self, failure: Failure, reason: str, wait: float | None = None) -> BackendError:
        """The failure of this call, with what it used and what had come."""
        model = self._model or self._backend.model or None
        return BackendError(
            failure, reason, retry_after=wait, usage=self._usage, text=self._text or None, model=model
        )


def wider(context: int) -> str:
    """What to do about a prompt that is too long."""
    return f"it is longer than (context {context}): allow more, or less in (prompt (at-most (tokens n)))"


def told(error: Exception, backend: Ollama, heard: _Heard) -> tuple[Failure, str]:
    """The typed failure and a sentence for whatever the package raises."""
    import httpx
    import ollama

    if isinstance(error, ollama.ResponseError):
        status = heard.status if error.status_code == -1 else error.status_code
        return _of_status(status, error.error, backend)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure.UNAVAILABLE, f"nobody took the connection within {CONNECT:g} s"
    if isinstance(error, httpx.TimeoutException):
        return Failure.TIMED_OUT, "the server was silent for too long"
    if isinstance(error, httpx.ConnectError | ConnectionError):
        return Failure.UNAVAILABLE, f"nobody listens there ({cause(error)}); start it with `ollama serve`"
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return Failure.UNAVAILABLE, f"the connection was cut: {cause(error)}"
    if isinstance(error, MemoryError | OSError):
        raise error
    if heard.status >= 400:  # an error whose body the package cannot read
        return _of_status(heard.status, "it does not say why", backend)
    # What is left is an answer that the package cannot read: no JSON, no UTF-8, not the fields it needs.
    return Failure.INVALID, unreadable(error)


def _of_status(status: int, said: Any, backend: Ollama) -> tuple[Failure, str]:
    """A server's own error; one in the middle of an answer comes with the status 200."""
    why = brief(said)
    if status < 400:
        return Failure.UNAVAILABLE, f"the server failed in the middle of its answer: {why}"
    if status == 404:
        name = backend.model
        return Failure.REFUSED, f"the server has no {name} (404: {why}): `ollama pull {name}`"
    if status in (401, 403):
        return Failure.REFUSED, f"the server does not let us in ({status}: {why}); see OLLAMA_API_KEY"
    if status == 503:  # its queue is full
        return Failure.THROTTLED, f"the server has too much to do (503: {why})"
    if status == 413 or (status == 400 and "context length" in why):
        return Failure.REFUSED, f"the server refuses the prompt ({status}: {why}); {wider(backend.context)}"
    failure = failure_of(status)
    asks = {Failure.THROTTLED: "asks to wait", Failure.REFUSED: "refuses the request"}
    return failure, f"the server {asks.get(failure, 'fails')} ({status}: {why})"


def _whole(request: httpx.Request) -> httpx.Request:
    """Ask that a prompt which is too long is refused, and not cut: the package has no argument for that."""
    import httpx

    if not request.url.path.endswith("/api/chat"):
        return request
    body = {**json.loads(request.content), "truncate": False, "shift": False}
    headers = [(name, value) for name, value in request.headers.items() if name != "content-length"]
    return httpx.Request(
        request.method, request.url, headers=headers, json=body, extensions=request.extensions
    )


async def _hear(response: httpx.Response) -> None:
    heard = _HEARD.get()
    if heard is not None:
        heard.status, heard.headers = response.status_code, response.headers


def _looked_at(model: str, host: str | None) -> Iterator[Finding]:
    """Ask for the list of models."""
    import httpx
    import ollama

    wait = httpx.Timeout(LOOK)
    try:
        with ollama.Client(host=host, timeout=wait) as client:
            names = sorted(each.model for each in client.list().models if each.model)
    except Exception as error:
        yield Finding("error", f"no server answers: {cause(error)}", "start it with `ollama serve`")
        return
    if model in names or f"{model}:latest" in names:
        yield Finding("ok", f"the server answers, and has {model}")
    else:
        known = ", ".join(names[:10]) or "none at all"
        yield Finding("error", f"the server has no {model}; it has {known}", f"ollama pull {model}")


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `ollama`."""
    return {"ollama": Ollama}
