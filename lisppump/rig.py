"""The rig: the stages that a policy chooses, made, and the hooks around them. It runs nothing by itself."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

from lisppump.advice import Complaints, relay
from lisppump.blame import blamed
from lisppump.calling import Terms
from lisppump.calling import terms as terms_of
from lisppump.clauses_parts import is_foreign
from lisppump.errors import LisppumpError
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.foreign import Later
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.stages import Backend, Dam, Echo, Executor, Merger
from lisppump.verbs import BuiltinVerbs

CLOSING = 5.0  # seconds that a backend gets to close what it holds


class Rig:
    """What makes frames under one policy; `given` replaces backends by their alias.

    Where a stage cannot be made, making the rig fails, and whoever has another goes on with that.
    """

    def __init__(
        self, policy: Policy, registry: Registry, given: Mapping[str, Backend], complaints: Complaints
    ) -> None:
        self.policy = policy
        self.dam: Dam = policy.dam.make()
        self.merger: Merger = policy.merger.make()
        self.executor: Executor = policy.executor.make()
        self.echoes: tuple[Echo, ...] = tuple(clause.stage.make() for clause in policy.echoes)
        self.given = frozenset(given)
        self.foreign = frozenset(alias for alias, choice in policy.pipe.backends if is_foreign(choice))
        self.backends: dict[str, Backend] = {
            alias: given.get(alias) or choice.make() for alias, choice in policy.pipe.backends
        }
        self.terms: dict[str, Terms] = {}
        for alias, choice in policy.pipe.backends:
            with blamed("backend", choice.name, choice.offer.plugin):
                self.terms[alias] = terms_of(self.backends[alias])
        self._complaints = complaints
        self.builtins: Mapping[str, BuiltinSpec] = Later(registry.builtins)
        plugins, verbs = policy.plugins, BuiltinVerbs(self)
        self.hooks: Any = relay(
            registry.under(*plugins.switches).contents(),
            verbs,
            order=plugins.order,
            named=[plugin.id for plugin in policy.named],
            complaints=complaints,
            trace=registry.ears.trace,
        )
        self.thinks = bool(self.echoes) or self.hooks.echo != verbs.echo  # whether there is any echo to ask

    async def close(self) -> None:
        """Let the backends close what they hold open between calls; they may be asked again."""
        for alias, choice in self.policy.pipe.backends:
            close = getattr(self.backends[alias], "close", None)
            if not inspect.iscoroutinefunction(close):
                continue
            try:
                with blamed("backend", choice.name, choice.offer.plugin):
                    await asyncio.wait_for(close(), CLOSING)
            except LisppumpError as error:  # the frames stand; that something stayed open is worth a word
                self._complaints.say(error.message)
