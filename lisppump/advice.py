"""The relay through which the loop asks verbs and tells what happened: in order, every fault with its owner.

A plugin that pump.lisp names stops the run when its hook fails; another is passed over and spoken of.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pluggy

from lisppump import hookspecs
from lisppump.blame import hook_fault
from lisppump.calling import BackendError, Reply, answered
from lisppump.clock import Wall, cancelled
from lisppump.errors import LisppumpError
from lisppump.frame import Agent
from lisppump.holding import given
from lisppump.plugin import Plugin
from lisppump.plugin_checks import HOOKS
from lisppump.plugin_contents import Contents, Implementation
from lisppump.stages import Assignment, lent, merged, seated, thoughts

_NOT_MADE = ("select", "assign", "pour", "merge")  # verbs whose `frame` is the one before that in the making


class Complaints:
    """What there is to say of plugins while a frame is made, and the fault that ends the run after it."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}
        self._broken: LisppumpError | None = None

    def hear(self, error: LisppumpError, *, named: bool) -> None:
        """A hook has failed; the frame is finished all the same, and no other begun if pump.lisp names it."""
        if named and self._broken is None:
            self._broken = error
        elif self._broken is None or self._broken.message != error.message:
            self.say(error.message)

    def say(self, sentence: str) -> None:
        """Something for the frame to say."""
        self._said[sentence] = self._said.get(sentence, 0) + 1

    def told(self) -> list[str]:
        """The sentences so far, each with how often it was said."""
        return [said if count == 1 else f"{said} ({count} times)" for said, count in self._said.items()]

    def stop(self, error: LisppumpError | None = None) -> None:
        """Raise an error, or the first fault of a plugin that pump.lisp names."""
        error, self._broken = error or self._broken, None
        if error is not None:
            raise error

    @contextmanager
    def of_one_frame(self) -> Iterator[None]:
        """What is said up to its end belongs to one frame; where that is an error, the error says it, too."""
        try:
            yield
        except LisppumpError as error:
            broken, self._broken = self._broken, None
            for said in [*self.told(), *([broken.message] if broken not in (None, error) else [])]:
                error.add_note(said)
            raise
        finally:
            self._said.clear()


def relay(
    brought: Iterable[tuple[Plugin, Contents]],
    verbs: Any,
    *,
    order: Sequence[str] = (),
    named: Collection[str] = (),
    complaints: Complaints,
    trace: Callable[[str], None] | None = None,
) -> Any:
    """What hooks are called on. `verbs` answers where no plugin does.

    `named` are ids of plugins whose faults are raised where a verb is asked; `complaints` hear of all others.
    """
    manager = pluggy.PluginManager("lisppump")
    manager.add_hookspecs(hookspecs)
    manager.register(verbs, "lisppump")
    advisers = [
        _Adviser(plugin, implementation, plugin.id in named, complaints)
        for plugin, contents in brought
        for implementation in contents.implementations
    ]
    # Whoever is registered last is asked first.
    for number, adviser in enumerate(reversed(in_order(advisers, order))):
        manager.register(adviser.as_plugin(), f"{adviser.plugin.id}#{number}")
    if trace is not None:
        _trace(manager, verbs, trace)
        return manager.hook
    return SimpleNamespace(**{name: _shortest(getattr(manager.hook, name), verbs) for name in HOOKS})


def _shortest(hook: Any, verbs: Any) -> Callable[..., Any]:
    """A hook, or where no plugin has a say in it, what it comes to: nobody hears it, or `verbs` does it."""
    asked = hook.get_hookimpls()
    if not asked:
        return unheard
    alone = len(asked) == 1 and asked[0].plugin is verbs and len(asked[0].argnames) == len(hook.spec.argnames)
    return asked[0].function if alone else hook  # type: ignore[no-any-return]


def unheard(**_: Any) -> None:
    """What nobody listens to."""


def in_order(advisers: Iterable[_Adviser], order: Sequence[str]) -> list[_Adviser]:
    """As the policy lists them, then those that want to be first, then by name."""

    def rank(adviser: _Adviser) -> tuple[Any, ...]:
        plugin, options = adviser.plugin, adviser.implementation.options
        place = next((n for n, word in enumerate(order) if plugin.answers_to(word)), len(order))
        listed = place < len(order)
        wish = 1 if listed else 0 if options.get("tryfirst") else 2 if options.get("trylast") else 1
        return (place, wish, plugin.name, plugin.id, adviser.implementation.attribute)

    return sorted(advisers, key=rank)


@dataclass(frozen=True, slots=True)
class _Adviser:
    """One function of a plugin as pluggy gets it: it takes what its hook has, and its faults are named."""

    plugin: Plugin
    implementation: Implementation
    named: bool
    complaints: Complaints

    @property
    def hook(self) -> str:
        return self.implementation.hook

    def as_plugin(self) -> Any:
        """An object with one hook implementation."""
        wraps = self.implementation.wraps
        tells = self.hook in hookspecs.PARTICIPLES
        names = tuple(inspect.signature(HOOKS[self.hook]).parameters)

        def plain(*args: Any) -> Any:
            given = dict(zip(names, args, strict=True))
            return self._hear(given) if tells else self._answer(given)

        def wrapper(*args: Any) -> Generator[None, Any, Any]:
            return (yield from self._wrap(dict(zip(names, args, strict=True))))

        function: Any = wrapper if wraps else plain
        function.__wrapped__ = HOOKS[self.hook]  # pluggy reads from it which arguments there are
        return SimpleNamespace(**{self.hook: hookspecs.hookimpl(wrapper=wraps)(function)})

    # -- the three ways of a hook

    def _hear(self, given: Mapping[str, Any]) -> None:
        try:
            self._call(given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.complaints.hear(self._blame(error, given), named=self.named)

    def _answer(self, given: Mapping[str, Any]) -> Any:
        try:
            result = self._call(given)
            return None if result is None else self._held(result, given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._failed(error, given)
            return None

    def _wrap(self, given: Mapping[str, Any]) -> Generator[None, Any, Any]:
        """Let the wrapper advise; where it fails and nobody names it, the others' result stands."""
        wrapper: Generator[Any, Any, Any] | None = None
        try:
            wrapper = self._call(given)
            next(wrapper)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._failed(_unyielded(error), given)
            wrapper = None
        try:
            result = yield
        except BaseException as error:
            if wrapper is None:
                raise
            return self._after(given, wrapper, None, error)
        return result if wrapper is None else self._after(given, wrapper, result, None)

    def _after(
        self,
        given: Mapping[str, Any],
        wrapper: Generator[Any, Any, Any],
        result: Any,
        thrown: BaseException | None,
    ) -> Any:
        """The part of a wrapper behind its yield: what it makes of the result, or of the error."""
        inner = _Inner(result) if self.hook == "pour" and thrown is None else result
        try:
            made = _resumed(wrapper, inner, thrown)
            passed = made is inner and thrown is None
            return result if passed else self._held(made, given, inner)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if error is thrown:
                raise
            if self.named and isinstance(inner, _Inner):
                inner.close()
            self._failed(error, given)
        if thrown is not None:
            raise thrown
        return result

    # -- what they share

    def _call(self, given: Mapping[str, Any]) -> Any:
        function = self.implementation.function
        wanted = inspect.signature(function).parameters
        return function(**{name: lent(value) for name, value in given.items() if name in wanted})

    def _held(self, result: Any, given: Mapping[str, Any], inner: Any = None) -> Any:
        """The result of a verb, held to what the loop can use."""
        if self.hook == "select":
            return _selected(result)
        if self.hook == "assign":
            return _assigned(result, given["agents"])
        if self.hook == "merge":
            return merged(result, whose="it")
        if self.hook == "echo":
            return thoughts(result, whose="it")
        if not isinstance(result, Awaitable):
            raise LisppumpError("contract", "it should give something to await, for a Reply")
        return self._poured(result, inner, given)

    async def _poured(self, result: Awaitable[Any], inner: _Inner | None, given: Mapping[str, Any]) -> Reply:
        """A backend's answer that went through a plugin's hands; what the others did stays theirs."""
        try:
            reply = await result
            passed = inner is not None and reply is inner.reply
            return reply if passed else answered(reply)
        except BaseException as error:
            theirs = inner is not None and error is inner.error
            if theirs or isinstance(error, BackendError | KeyboardInterrupt | GeneratorExit):
                raise
            if cancelled(error):
                raise
            blame = self._blame(error, given)
            if self.named or inner is None:
                raise blame from error
            self.complaints.hear(blame, named=False)
            return await inner.told()
        finally:
            if inner is not None:
                inner.close()

    def _failed(self, error: BaseException, given: Mapping[str, Any]) -> None:
        blame = self._blame(error, given)
        if self.named:
            raise blame from error
        self.complaints.hear(blame, named=False)

    def _blame(self, error: BaseException, given: Mapping[str, Any]) -> LisppumpError:
        return hook_fault(self.hook, self.plugin.id, self.plugin.switch, error, frame_of(self.hook, given))


_NOTHING = object()


@dataclass(slots=True)
class _Inner:
    """What the others will answer, in a wrapper's hands: it knows what came from them."""

    awaitable: Any
    reply: Any = field(default=_NOTHING, init=False)
    error: BaseException | None = field(default=None, init=False)
    awaited: bool = field(default=False, init=False)

    def __await__(self) -> Generator[Any, Any, Any]:
        self.awaited = True
        try:
            self.reply = yield from self.awaitable.__await__()
            return self.reply
        except BaseException as error:
            self.error = error
            raise

    async def told(self) -> Reply:
        """What they answered, or would have if they had been asked."""
        if self.error is not None:
            raise self.error
        return await self if self.reply is _NOTHING else self.reply  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of a call that nobody made."""
        if not self.awaited and inspect.iscoroutine(self.awaitable):
            self.awaitable.close()


def frame_of(hook: str, given: Mapping[str, Any]) -> int | None:
    """The number of the frame that a hook is called for."""
    if "number" in given:
        return int(given["number"])
    frame = given["request"].frame if "request" in given else given.get("frame")
    return None if frame is None else int(frame.number) + (hook in _NOT_MADE)


def _resumed(wrapper: Generator[Any, Any, Any], result: Any, thrown: BaseException | None) -> Any:
    """What a wrapper makes of the result, or of the error."""
    try:
        if thrown is not None:
            wrapper.throw(thrown)
        else:
            wrapper.send(result)
    except StopIteration as end:
        return end.value
    wrapper.close()
    raise LisppumpError("contract", "a wrapper yields once")


def _unyielded(error: BaseException) -> BaseException:
    if isinstance(error, StopIteration):
        return LisppumpError("contract", "a wrapper yields once")
    return error


def _selected(result: Any) -> tuple[Agent, ...]:
    if not isinstance(result, list | tuple) or not all(isinstance(agent, Agent) for agent in result):
        raise LisppumpError("contract", f"it gave {given(result)}, where a list of Agents is wanted")
    ids = [agent.id for agent in result]
    if not all(isinstance(id, str) for id in ids):
        raise LisppumpError("contract", "it gave an Agent whose id is no text")
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise LisppumpError("contract", f"it gave {', '.join(twice)} more than once")
    return tuple(result)


def _assigned(result: Any, agents: Sequence[Agent]) -> Assignment:
    if not isinstance(result, Assignment):
        raise LisppumpError("contract", f"it gave {given(result)}, where an Assignment is wanted")
    if not all(isinstance(note, str) for note in result.notes):
        raise LisppumpError("contract", "the notes of its Assignment should be text")
    return Assignment(seated(result.streams, agents, whose="it"), tuple(result.notes))


def _trace(manager: pluggy.PluginManager, verbs: Any, say: Callable[[str], None]) -> None:
    """A line for each call of a hook: which, for what frame, who is asked, how long it took."""
    clock, started = Wall(), []

    def before(hook: str, implementations: Sequence[Any], given: Mapping[str, Any]) -> None:
        started.append(clock.monotonic())

    def after(outcome: Any, hook: str, implementations: Sequence[Any], given: Mapping[str, Any]) -> None:
        seconds = clock.monotonic() - started.pop()
        frame = frame_of(hook, given)
        asked = [
            each.plugin_name.rpartition("#")[0] + (" (wrapper)" if each.wrapper else "")
            for each in reversed(implementations)
            if "#" in each.plugin_name
        ]
        if hook in hookspecs.VERBS:
            asked.append(verbs.who(hook, given))
        parts = [f"hook {hook}", *([] if frame is None else [f"frame {frame}"]), ", ".join(asked) or "nobody"]
        say("  ".join([*parts, f"{seconds * 1000:.1f} ms"]))

    manager.add_hookcall_monitoring(before, after)
