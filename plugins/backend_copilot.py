"""The backend `copilot`: GitHub's Copilot CLI, a process for each call. It keeps nothing of its talks."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request, one_text
from lisppump.canon import digest_bytes
from lisppump.delta import UNUSED, Usage
from lisppump.disk import Disk
from lisppump.secrets import is_secret
from lisppump.stages import Finding, Option
from lisppump.subprocesses import (
    Ended,
    Keeper,
    Program,
    at_once,
    environment,
    folder,
    link,
    remove,
    run,
)

from .asking import failed, found, looked_at, unable
from .copilot_events import Events, usage_of

INSTALL = "npm install -g @github/copilot"
LOGIN = "run `copilot login`, or set COPILOT_GITHUB_TOKEN"
OLDEST = (1, 0, 80)  # the first that writes what it used into a file
MOST = 32 << 20
SHARED = 4  # shared prefixes that are kept side by side; pipes of an earlier frame may still start
TOKENS = ("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")
# What would give a call more rights or more to read than its clause says, or another home.
NEVER = {"COPILOT_HOME", "COPILOT_ALLOW_ALL", "COPILOT_CUSTOM_INSTRUCTIONS_DIRS", "COPILOT_SKILLS_DIRS"}
FLAGS = (
    "-s", "--no-color", "--stream", "off", "--output-format", "json", "--disable-builtin-mcps",
    "--no-ask-user", "--no-auto-update", "--no-remote", "--log-level", "none",
)  # fmt: skip
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_NOBODY = re.compile(r"No authentication information found|not (?:logged|signed) in", re.IGNORECASE)
_UNKNOWN = re.compile(r"unexpected argument|unknown option|unrecognized", re.IGNORECASE)


class Copilot:
    """Asks the Copilot CLI, in a process, a folder and a home of their own for each call.

    `plain` (the default) gives the model no tools. `agentic` is an agent with every right that the user has
    (--yolo --autopilot): it works in a folder of its own for each frame and stream, which is kept. What all
    pipes of a frame share is its AGENTS.md, byte by byte the same, so that a cache can be read; with
    `(shared prompt)` it is a part of the prompt, which begins with the time of day.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("model", "value", "The model, as `copilot --model` takes it.", default=None, type="string"),
        Option(
            "profile", "name", "plain: no tools. agentic: every tool and every right (--yolo --autopilot).",
            default="plain", choices=("plain", "agentic"),
        ),
        Option(
            "assume", "assume", "The most that one call takes, and its price: a budget needs it. Where the "
            "CLI says how many tokens it took, those count.", default=None,
        ),
        Option(
            "shared", "name", "Where the part goes that all pipes of a frame share.",
            default="instructions", choices=("instructions", "prompt"),
        ),
        Option("program", "value", "The CLI, by its name or path.", default="copilot"),
        Option(
            "silence", "value", "It is ended when it has said nothing for so long.", default=180.0,
            unit="seconds", type="positive-number",
        ),
        Option(
            "deadline", "value", "The longest that one call may take; that of the pipe stays.",
            default=None, unit="seconds", type="positive-number",
        ),
        Option("output", "value", "The most that it may print.", default=MOST, unit="bytes", type="positive"),
        Option("at-once", "value", "The most that run side by side, of 0.3 GB each.", default=8,
               type="positive"),
        Option("continues", "value", "How often an agent is told to go on (agentic).", default=0,
               type="natural"),
        Option("folder", "folder", "Where agents work (agentic).", default="hands"),
        Option(
            "environment", "value", "Names of further variables that it gets.", default=(), many=True,
            type="string",
        ),
    )  # fmt: skip
    mends: ClassVar[bool] = True
    reports: ClassVar[bool] = False  # tokens only, afterwards, and what nobody could have reserved
    caches_from: ClassVar[int] = 1024

    def __init__(
        self,
        model: str | None = None,
        profile: str = "plain",
        assume: Usage | None = None,
        shared: str = "instructions",
        program: str = "copilot",
        silence: float = 180.0,
        deadline: float | None = None,
        output: int = MOST,
        at_once: int = 8,
        continues: int = 0,
        folder: str = "hands",
        environment: tuple[str, ...] = (),
    ) -> None:
        self.model = model
        self.assumed = assume
        self.max_tokens = None if assume is None else assume.output
        self.warms = shared == "instructions" and profile == "plain"
        self._plain = profile == "plain"
        self._program = program
        self._silence = silence
        self._deadline = deadline
        self._most = output
        self._wish = at_once
        self._continues = continues
        self._hands = folder
        self._names = environment
        self._keeper: Keeper | None = None
        self._prefixes: dict[str, str] = {}
        self._version: asyncio.Task[None] | None = None
        self._tested: str | None = None  # the file whose version will do

    @property
    def at_once(self) -> int:
        """As many as (at-once n) says, if there are file descriptors for them."""
        return at_once(self._wish)

    async def pour(self, request: Request) -> Reply:
        """The CLI's answer."""
        file = found(self._program, INSTALL)
        try:
            async with asyncio.timeout(self._deadline):
                await self._new_enough(file)
                return await self._asked(file, request)
        except TimeoutError:
            what = f"`copilot` took longer than {self._deadline:g} s and was ended"
            raise BackendError(Failure.TIMED_OUT, what, usage=self.assumed or UNUSED) from None

    async def close(self) -> None:
        """Remove what all calls shared."""
        keeper, self._keeper = self._keeper, None
        self._prefixes.clear()
        if keeper is not None:
            await asyncio.to_thread(keeper.close)

    async def _asked(self, file: str, request: Request) -> Reply:
        place = folder()
        try:
            program = self._call(file, place, request)
        except BaseException:
            remove(place)
            raise
        events = Events(self._plain, request.began)
        try:
            ended = await run(program, events.feed)
        except OSError as error:
            raise unable(program, error.errno or 0) from None
        return self._reply(program, ended, events)

    def _call(self, file: str, place: str, request: Request) -> Program:
        """What is to be run for a request; its folders are made."""
        disk, home, usage = Disk(), os.path.join(place, "home"), os.path.join(place, "usage.json")
        disk.make_folder(home)
        self._log_in(home)
        prompt, words = one_text(request), [file, *FLAGS, "--usage-output-file", usage]
        if self.warms:
            where = self._shared(request.prompt.shared)
            prompt = prompt[len(request.prompt.shared) :]
        else:
            where = os.path.join(place, "work")
            if not self._plain:
                frame = f"frame-{request.frame.number + 1:06}-{request.stream.id}"
                where = os.path.join(self._hands, frame)
            disk.mkdir(where)
            words.append("--no-custom-instructions")
        variables = _variables(home, self._names)
        if self._plain:
            words.append("--available-tools=none_such")
        else:
            words += ["--yolo", "--autopilot", f"--max-autopilot-continues={self._continues}"]
            if secret := ",".join(name for name in variables if is_secret(name)):
                words.append(f"--secret-env-vars={secret}")
        if self.model is not None:
            words += ["--model", self.model]
        stdin = prompt.encode("utf-8", "backslashreplace")
        return Program(
            (*words, "-C", where), variables, where, stdin, place, self._most, self._silence, (usage,)
        )

    def _shared(self, prefix: str) -> str:
        """The folder whose AGENTS.md is a shared prefix.

        Its name is the same for all pipes: the CLI tells the model where it is, before it shows the prefix.
        """
        if self._keeper is None:
            self._keeper = Keeper()
        digest = digest_bytes(prefix.encode("utf-8", "backslashreplace")).partition(":")[2][:16]
        where = os.path.join(self._keeper.folder, digest)
        if digest not in self._prefixes or not os.path.isdir(where):
            self._prefixes[digest] = where
            self._keeper.put(digest, "AGENTS.md", prefix)
            while len(self._prefixes) > SHARED:
                remove(self._prefixes.pop(next(iter(self._prefixes))))
        return where

    def _log_in(self, home: str) -> None:
        """Let a home that is made for one call know who the user is logged in as."""
        login = _login()
        if login is not None and not os.environ.get("COPILOT_PROVIDER_BASE_URL"):
            link(str(login), os.path.join(home, "config.json"))

    def _reply(self, program: Program, ended: Ended, events: Events) -> Reply:
        """A reply, or the failure that it came to."""
        usage = usage_of(ended.files.get(program.kept[0]))
        if usage is not None and self.assumed is not None:
            usage = replace(usage, dollars=self.assumed.dollars)  # it says no prices
        used = usage or self.assumed or Usage(dollars=None)

        def failure(kind: Failure, what: str, after: float | None = None) -> BackendError:
            # A model that was asked may have taken something, where the end of that was never told.
            begun = events.asked and events.error is None and _known(ended) is None
            spent = used if events.answers or usage or begun else UNUSED
            text = events.answer() or None
            return BackendError(kind, what, retry_after=after, usage=spent, text=text, model=events.model)

        if events.cut_off:
            raise failure(Failure.TRUNCATED, "the answer was cut off at the most tokens of the model")
        if events.error is not None and (ended.number or ended.how != "exit" or not events.answers):
            kind, what = _meaning(events.error)
            after = events.error.get("retryAfterSeconds")
            raise failure(kind, what, float(after) if isinstance(after, int | float) else None)
        if ended.how == "exit" and (known := _known(ended)) is not None:
            raise failure(*known)
        if (broken := failed(program, ended, used)) is not None:
            raise broken
        if events.result is None or not events.answer():
            odd = f"; it said {events.odd.decode('utf-8', 'replace')!r}" if events.odd else ""
            what = "`copilot` ended without an answer"
            if events.result is None:
                what += ", as it does when it is ended from outside"
            said = f": {ended.errors[-500:]}" if ended.errors else ""
            raise failure(Failure.UNAVAILABLE, f"{what}{odd}{said}")
        return Reply(events.answer(), usage=used, model=events.model or self.model)

    async def _new_enough(self, file: str) -> None:
        """Ask a file for its version, once, whoever comes first; the others wait for that."""
        if self._tested == file:
            return
        if self._version is None or self._version.done():
            self._version = asyncio.create_task(self._tells_version(file))
        await asyncio.shield(self._version)

    async def _tells_version(self, file: str) -> None:
        version, said = await version_of(file)
        if version is None:
            raise BackendError(
                Failure.REFUSED, f"{file} does not say a version, as the Copilot CLI does: {said}"
            )
        if version < OLDEST:
            raise BackendError(Failure.REFUSED, f"{_old(version)}; {INSTALL}@latest")
        self._tested = file

    def findings(self) -> Iterator[Finding]:
        """Where the CLI is, which version, and whether somebody is logged in."""
        yield from looked_at(self._program, INSTALL)
        try:
            file = found(self._program, INSTALL)
        except BackendError:
            return
        version, said = asyncio.run(version_of(file))
        if version is None:
            yield Finding("error", f"it does not say a version, but: {said}", f"{INSTALL}@latest")
        elif version < OLDEST:
            yield Finding("error", _old(version), f"{INSTALL}@latest")
        else:
            yield Finding("ok", f"it is version {'.'.join(map(str, version))}")
        yield _credentials()
        if not self._plain:
            what = "it is an agent with all rights of this user (--yolo)"
            yield Finding("warning", what, "(profile plain) gives it none")
        if self.assumed is None:
            what = "what a call takes at most is not declared"
            yield Finding("warning", what, "(assume (tokens n) (dollars d)): a token budget needs it")


def _meaning(error: Mapping[str, object]) -> tuple[Failure, str]:
    """The failure that an error of a session is, by its declared kinds."""
    kind, said = error.get("errorType"), " ".join(str(error.get("message")).split())
    if kind == "rate_limit":
        return Failure.THROTTLED, f"Copilot asks for a pause: {said}"
    if kind == "quota":
        return Failure.REFUSED, f"Copilot's own budget is used up: {said}"
    if kind in ("authentication", "authorization", "policy"):
        return Failure.REFUSED, f"Copilot does not let this user in: {said}; {LOGIN}"
    if kind == "context_limit" or error.get("statusCode") in (400, 413, 422):
        return Failure.REFUSED, f"Copilot does not take this prompt: {said}"
    return Failure.UNAVAILABLE, f"Copilot has no answer: {said}"


def _known(ended: Ended) -> tuple[Failure, str] | None:
    """The failures that it tells in words alone, before a session begins."""
    said = ended.errors
    if _NOBODY.search(said):
        return Failure.REFUSED, f"nobody is logged in to Copilot; {LOGIN}"
    if "could not be validated" in said:
        why = " ".join(said.split())[:300]
        return Failure.UNAVAILABLE, f"Copilot could not check who is logged in: {why}"
    if ended.number and _UNKNOWN.search(said):
        what = f"this Copilot CLI does not know an option ({said.splitlines()[0]}); {INSTALL}@latest"
        return Failure.REFUSED, what
    if ended.number and "explicit model" in said:
        return Failure.REFUSED, "a provider of one's own needs a model; write (copilot (model \"...\"))"
    return None


def _old(version: tuple[int, ...]) -> str:
    older, oldest = (".".join(map(str, each)) for each in (version, OLDEST))
    return f"this Copilot CLI is {older}; {oldest} or later is needed"


async def version_of(file: str) -> tuple[tuple[int, int, int] | None, str]:
    """The version that a file says, and how it says it."""
    place = folder()
    program = Program((file, "--version"), _variables(place), place, removed=place, most=4096, silence=30.0)
    try:
        ended = await run(program)
    except OSError as error:
        raise unable(program, error.errno or 0) from None
    said = " ".join(ended.output.decode("utf-8", "replace").split()) or ended.errors
    found = _VERSION.search(said) if ended.how == "exit" and ended.number == 0 else None
    return None if found is None else (int(found[1]), int(found[2]), int(found[3])), said[:200]


def _variables(home: str, names: Iterable[str] = ()) -> dict[str, str]:
    """The environment of a call: the CLI's own variables, credentials, and those of these names."""
    own = [name for name in os.environ if name.startswith("COPILOT_") and name not in NEVER]
    found = environment([*own, *TOKENS, "GH_HOST", "GH_CONFIG_DIR", *names])
    return {**found, "COPILOT_HOME": home, "COPILOT_AUTO_UPDATE": "false"}


def _login() -> Path | None:
    """The user's own file of logins, where there is one."""
    home = os.environ.get("COPILOT_HOME")
    file = (Path(home) if home else Path.home() / ".copilot") / "config.json"
    return file if file.is_file() else None


def _credentials() -> Finding:
    """Whether somebody is logged in, as far as one can see without asking; nothing of it is shown."""
    provider = os.environ.get("COPILOT_PROVIDER_BASE_URL")
    if provider:
        what = f"its models come from {provider} (COPILOT_PROVIDER_BASE_URL): no login is needed"
        return Finding("ok", what)
    for name in TOKENS:
        if os.environ.get(name):
            return Finding("ok", f"{name} is set")
    login = _login()
    if login is not None and "loggedInUsers" in login.read_text(encoding="utf-8", errors="replace"):
        return Finding("ok", f"somebody is logged in ({login})")
    return Finding("warning", "nobody is logged in to Copilot, as far as one can see", LOGIN)


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `copilot`."""
    return {"copilot": Copilot}
