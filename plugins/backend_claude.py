"""The backend `claude`: Claude by Anthropic's official package. It retries nothing and reads no reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request, talk
from lisppump.delta import UNUSED, Usage
from lisppump.prompt import estimate
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
    from anthropic import AsyncAnthropic
    from anthropic.types import Message

WHERE = "set ANTHROPIC_API_KEY, or log in as docs/backends.md says"

# Tokens from which on a prefix is cached, by the beginning of a model's name; shorter ones silently are not.
_CACHES_FROM = {
    "claude-opus-4-5": 4096, "claude-opus-4-6": 4096, "claude-haiku-4-5": 4096, "claude-opus-4-7": 2048,
    "claude-3-haiku": 2048, "claude-3-5-haiku": 2048, "claude-opus-5": 512, "claude-fable-5": 512,
    "claude-mythos": 512,
}  # fmt: skip
_USUALLY = 1024

_FAILURES = {
    "rate_limit_error": Failure.THROTTLED,
    "overloaded_error": Failure.THROTTLED,
    "api_error": Failure.UNAVAILABLE,
    "timeout_error": Failure.UNAVAILABLE,
    "gateway_timeout_error": Failure.UNAVAILABLE,
    "invalid_request_error": Failure.REFUSED,
    "authentication_error": Failure.REFUSED,
    "billing_error": Failure.REFUSED,
    "permission_error": Failure.REFUSED,
    "not_found_error": Failure.REFUSED,
    "request_too_large": Failure.REFUSED,
}
_ENDS = ("end_turn", "stop_sequence")
_CUT = {
    "max_tokens": "it was cut off at (max-tokens {})",
    "model_context_window_exceeded": "it was cut off at the end of the model's context",
}


class Claude:
    """Asks one model of Anthropic's for each room; the frame's shared prefix is cached between them.

    The key is read by the package `anthropic` from where it always reads it (ANTHROPIC_API_KEY, a profile);
    none stands in pump.lisp. Claude takes no seed and no temperature: only the journal makes a frame again.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("model", "value", "The model's name, as Anthropic gives it.", type="string"),
        Option(
            "max-tokens", "value",
            "Most tokens of an answer, in which a model that thinks counts its thoughts.",
            default=4000, type="positive",
        ),
        Option(
            "cache", "name", "How long the shared prefix is kept between calls: 5m, 1h, or none.",
            default="5m", choices=("5m", "1h", "none"),
        ),
        Option(
            "effort", "name", "How much the model should think and say; absent, as it usually does.",
            default=None, choices=("low", "medium", "high", "xhigh", "max"),
        ),
        Option(
            "schema", "name", "Whether the server holds answers to the delta's schema, or words alone do.",
            default="enforced", choices=("enforced", "words"),
        ),
        Option(
            "silence", "value", "Most seconds between two pieces of an answer.",
            default=120.0, unit="seconds", type="positive-number",
        ),
        Option(
            "base-url", "value", "Another server's address; absent, ANTHROPIC_BASE_URL, or Anthropic's.",
            default=None, type="string",
        ),
    )  # fmt: skip
    mends: ClassVar[bool] = True
    uses_tools: ClassVar[bool] = True

    def __init__(
        self,
        model: str = "",
        max_tokens: int = 4000,
        cache: str = "5m",
        effort: str | None = None,
        schema: str = "enforced",
        silence: float = 120.0,
        base_url: str | None = None,
    ) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.warms = cache != "none"
        self.kept = 3600 if cache == "1h" else 300
        self.caches_from = caches_from(model)
        self._cache = cache
        self._effort = effort
        self._enforced = schema == "enforced"
        self._silence = float(silence)
        self._base_url = without_password("base-url", base_url, "ANTHROPIC_BASE_URL")
        self._shared: Shared[AsyncAnthropic] = Shared(self._made)

    def _made(self) -> AsyncAnthropic:
        import anthropic

        return anthropic.AsyncAnthropic(base_url=self._base_url, max_retries=0)

    async def close(self) -> None:
        """Close the connections of this run."""
        await self._shared.close()

    async def pour(self, request: Request) -> Reply:
        """The answer of a room, or the one typed failure that the call came to."""
        try:
            client = await self._shared.client()
        except ModuleNotFoundError:
            raise absent("anthropic", "claude") from None
        except Exception as error:
            raise BackendError(Failure.REFUSED, _unmade(error)) from error
        if not _has_credentials(client):
            raise BackendError(Failure.REFUSED, f"no credentials of Anthropic's are here: {WHERE}")
        call = _Call(client, request, self._asked(request), self.model, self.max_tokens)
        try:
            async with asyncio.timeout(request.deadline):
                return await call.answer()
        except TimeoutError:
            late = f"the answer was not complete within {request.deadline:g} s"
            raise call.failed(Failure.TIMED_OUT, late) from None

    def _asked(self, request: Request) -> dict[str, Any]:
        """What is the same in all calls of one room, and but for its talk in all rooms of a frame."""
        from httpx2 import Timeout

        shared: dict[str, Any] = {"type": "text", "text": request.prompt.shared}
        if self.warms:
            shared["cache_control"] = {"type": "ephemeral", "ttl": self._cache}
        silence = min(self._silence, request.deadline)
        asked: dict[str, Any] = {
            "model": self.model,
            "system": [shared],
            "timeout": Timeout(silence, connect=min(CONNECT, request.deadline)),
        }
        config: dict[str, Any] = {}
        if self._enforced:
            config["format"] = {"type": "json_schema", "schema": json_schema(request.schema)}
        if self._effort is not None:
            config["effort"] = self._effort
        if config:
            asked["output_config"] = config
        if request.tools:
            asked["tools"] = [
                {"name": tool.name, "description": tool.doc, "input_schema": dict(tool.parameters)}
                for tool in request.tools
            ]
        return asked

    def findings(self) -> Iterable[Finding]:
        """Whether the package, a key and the model are there; asking for a model's name costs nothing."""
        found = installed("anthropic", "claude")
        yield found
        if found.level == "ok":
            yield from looked(lambda: _looked_at(self.model, self._base_url))


class _Call:
    """One room's talk with a model: its rounds, and what was used and said by whenever it ends."""

    def __init__(
        self, client: AsyncAnthropic, request: Request, asked: dict[str, Any], model: str, most: int
    ) -> None:
        self._client = client
        self._request = request
        self._asked = asked
        self._most = most
        self._messages: list[Any] = [
            {"role": who, "content": text if text.strip() else EMPTY} for who, text in talk(request)
        ]
        self._done = Usage(dollars=None)  # of the rounds before this one
        self._message: Message | None = None
        self._began = False
        self._model = model

    async def answer(self) -> Reply:
        """The reply of the last round; in the others the model used tools."""
        for number in range(ROUNDS + 1):
            message = await self._round(last=number == ROUNDS)
            if message.stop_reason != "tool_use":
                return self._reply(message)
            uses = [block for block in message.content if block.type == "tool_use"]
            results = [await self._used(block) for block in uses]
            if not results:
                break
            self._messages.append(message.to_param())
            self._messages.append({"role": "user", "content": results})
            self._done, self._message = self._usage(), None
        raise self.failed(Failure.INVALID, "the model goes on using tools, and does not answer")

    async def _used(self, block: Any) -> dict[str, Any]:
        """What a tool said, as the model is told it."""
        tool = next((tool for tool in self._request.tools if tool.name == block.name), None)
        result = {"type": "tool_result", "tool_use_id": block.id}
        if tool is None or not isinstance(block.input, Mapping):
            wrong = f"there is no tool {block.name}" if tool is None else "its input should be an object"
            return {**result, "content": wrong, "is_error": True}
        return {**result, "content": await tool.call(block.input)}

    async def _round(self, *, last: bool) -> Message:
        """One call; what the model began to say is kept while it comes."""
        left = self._most - self._done.output
        if left <= 0:
            raise self.failed(Failure.TRUNCATED, "its tools took all tokens that an answer may have")
        asked = self._asked
        if last and "tools" in asked:
            asked = {**asked, "tool_choice": {"type": "none"}}
        stream: Any = self._client.messages.stream(max_tokens=left, messages=self._messages, **asked)
        try:
            async with stream as events:
                async for event in events:
                    if event.type == "message_start":
                        self._start(events.current_message_snapshot)
        except BackendError:
            raise
        except Exception as error:
            failure, reason, wait = told(error, self._model)
            raise self.failed(failure, reason, wait) from error
        message = self._message
        if message is None:
            raise self.failed(Failure.INVALID, "what came is no answer of a model")
        if message.stop_reason is None:
            raise self.failed(Failure.UNAVAILABLE, "the answer ended before it was complete")
        return message

    def _start(self, message: Message) -> None:
        self._message = message
        if isinstance(message.model, str) and message.model:
            self._model = message.model
        if not self._began:
            self._began = True
            self._request.began()

    def _reply(self, message: Message) -> Reply:
        """A message that is complete, by the reason for which it ended."""
        stop, text = message.stop_reason, self._text()
        if stop == "refusal":
            raise self.failed(Failure.REFUSED, f"the model declines{_why(message)}")
        if stop in _ENDS:
            return Reply(text=text, usage=self._usage(), model=self._model)
        if stop not in _CUT:
            raise self.failed(Failure.INVALID, f"it ended for a reason that is not known here: {brief(stop)}")
        reason = _CUT[stop].format(self._most)
        if not text.strip():
            raise self.failed(Failure.TRUNCATED, f"{reason}, before it said anything")
        return Reply(text=text, usage=self._usage(), model=self._model, stop="truncated", reason=reason)

    def _text(self) -> str:
        content = () if self._message is None else self._message.content
        return "".join(block.text for block in content if block.type == "text")

    def _usage(self) -> Usage:
        """Tokens of all rounds by now; input is what was neither read from the cache nor written to it."""
        used: Any = None if self._message is None else self._message.usage
        if used is None:
            return self._done
        return self._done + Usage(
            input=count(used.input_tokens),
            cache_read=count(used.cache_read_input_tokens),
            cache_write=count(used.cache_creation_input_tokens),
            output=count(used.output_tokens),
            dollars=None,
        )

    def failed(self, failure: Failure, reason: str, wait: float | None = None) -> BackendError:
        """The failure of this call, with what it used and what had come.

        What an answer that broke off has taken is only told at its end: then what came is counted as it is
        estimated.
        """
        usage, text = self._usage(), self._text()
        used = usage.input + usage.cache_read + usage.cache_write + usage.output
        at_least = self._done.output + estimate(text)
        if used and usage.output < at_least:
            usage = replace(usage, output=at_least, assumed=True)
        return BackendError(
            failure,
            reason,
            retry_after=wait,
            usage=usage if used else UNUSED,
            text=text or None,
            model=self._model or None,
        )


def told(error: Exception, model: str) -> tuple[Failure, str, float | None]:
    """The typed failure, a sentence, and seconds to wait, for whatever the package raises."""
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, model)
    if isinstance(error, anthropic.APITimeoutError):
        if isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return Failure.UNAVAILABLE, f"nobody took the connection within {CONNECT:g} s", None
        return Failure.TIMED_OUT, "the server was silent for too long", None
    if isinstance(error, anthropic.APIConnectionError):
        return Failure.UNAVAILABLE, f"the server cannot be reached: {cause(error)}", None
    if isinstance(error, anthropic.CredentialsError):
        return Failure.REFUSED, _unmade(error), None
    if isinstance(error, httpx2.TimeoutException):
        return Failure.TIMED_OUT, "the server stopped in the middle of its answer", None
    if isinstance(error, httpx2.TransportError):
        return Failure.UNAVAILABLE, f"the connection was cut: {cause(error)}", None
    if isinstance(error, MemoryError | OSError):
        raise error
    # What is left is an answer that the package cannot read: no JSON, no UTF-8, events out of their order.
    return Failure.INVALID, unreadable(error), None


def _unmade(error: Exception) -> str:
    """The sentence for a client that cannot be made: a profile that is absent or broken, no address."""
    return f"no client with credentials can be made ({brief(error)}): {WHERE}"


def _of_status(error: Any, model: str) -> tuple[Failure, str, float | None]:
    """A server's own error: by what it calls it, else by its status; in a stream that status is 200."""
    status, kind = error.status_code, str(error.type or "")
    wait = retry_after(error.response.headers)
    within = status < 300
    by_status = failure_of(500 if within else status, asks_to_wait=wait is not None)
    failure = _FAILURES.get(kind, by_status)
    code = f"{kind or 'error'} within the answer" if within else f"{status} {kind}".strip()
    said = brief(error.api_message or error.body or error.message)
    if kind == "authentication_error" or status == 401:
        return failure, f"the server does not take the key ({code}: {said}); {WHERE}", None
    if kind == "not_found_error" or status == 404:
        return failure, f"the server knows no {model} ({code}: {said})", None
    asks = {Failure.THROTTLED: "asks to wait", Failure.REFUSED: "refuses the request"}
    return failure, f"the server {asks.get(failure, 'fails')} ({code}: {said})", wait


def _why(message: Message) -> str:
    details: Any = getattr(message, "stop_details", None)
    said = [str(each) for name in ("category", "explanation") if (each := getattr(details, name, None))]
    return f": {brief('; '.join(said))}" if said else ""


def _has_credentials(client: Any) -> bool:
    headers = {name.lower() for name, value in client.default_headers.items() if isinstance(value, str)}
    own = client.api_key or client.auth_token or client.credentials is not None
    return bool(own) or bool(headers & {"authorization", "x-api-key"})


def caches_from(model: str) -> int:
    """The tokens from which on a model caches a prefix."""
    fitting = [name for name in _CACHES_FROM if model.startswith(name)]
    return _CACHES_FROM[max(fitting, key=len)] if fitting else _USUALLY


def _looked_at(model: str, base_url: str | None) -> Iterator[Finding]:
    """Ask for a model by its name, with whatever credentials there are."""
    import anthropic

    try:
        client = anthropic.Anthropic(base_url=base_url, max_retries=0, timeout=LOOK)
    except Exception as error:
        yield Finding("error", _unmade(error), WHERE)
        return
    with client:
        if not _has_credentials(client):
            yield Finding("error", "no credentials are here", WHERE)
            return
        yield Finding("ok", "credentials are here")
        try:
            info = client.models.retrieve(model)
        except Exception as error:
            failure, reason, _ = told(error, model)
            later = failure in (Failure.THROTTLED, Failure.UNAVAILABLE, Failure.TIMED_OUT)
            yield Finding("warning" if later else "error", reason, "try again later" if later else WHERE)
            return
    lifecycle = getattr(info, "lifecycle", None)
    if lifecycle in ("deprecated", "retired"):
        help = "choose another (model ...): https://platform.claude.com/docs/en/about-claude/models"
        yield Finding("warning", f"the server answers; {model} is {lifecycle}", help)
    else:
        yield Finding("ok", f"the server answers, and knows {model}")


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `claude`."""
    return {"claude": Claude}
