"""The policy: what pump.lisp means, immutable. Loading gives a whole policy or every error."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lisppump import canon
from lisppump.budget import BreakerRule, BudgetRule
from lisppump.clauses import PUMP
from lisppump.clauses_check import Checker
from lisppump.clauses_parts import Checked, StageChoice, Stages
from lisppump.delta import Schema
from lisppump.errors import ErrorList, LisppumpError
from lisppump.frame import Frame, FrameFunction, state_of
from lisppump.lispy.foreign import Later
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.reader import read
from lisppump.plugin import Offer, Plugin
from lisppump.policy_code import PolicyCode
from lisppump.policy_delta import schema_of
from lisppump.policy_files import Bundle, Folder, Program, Texts, differs, read_program
from lisppump.policy_plugins import PluginsClause, clause_of, named, switches, told_once, unmet
from lisppump.portal_rule import PortalRule
from lisppump.prices import Price
from lisppump.view import Unseen
from lisppump.workers.rule import Isolation

NEEDED = '(agents "agents.json" agents) (pipe none)'  # clauses without which nothing can be looked at


class PolicyErrors(ErrorList):
    """Everything that is wrong with a policy."""

    @property
    def category(self) -> str:
        """Always that of a policy, whatever the first error is."""
        return "policy"

    @property
    def exit_code(self) -> int:
        """3, or 4 if all that is wrong is plugins that do not work."""
        return 4 if all(error.exit_code == 4 for error in self.errors) else 3


@dataclass(frozen=True, slots=True)
class ClockClause:
    """Where a frame's time comes from: `start` plus `step` seconds a frame, or (kind `wall`) the machine."""

    kind: str = "start"
    start: str = "2026-01-01T00:00:00Z"
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class StateClause:
    """The folder of the documents, and how many frames stay whole."""

    folder: str = "state"
    keep: int = 50


@dataclass(frozen=True, slots=True)
class AgentsClause:
    """Where the agents are, and who of them wakes."""

    document: str = "agents.json"
    path: tuple[str, ...] = ("agents",)
    where: FrameFunction | None = None
    order: FrameFunction | None = None
    rest_first: bool = False
    at_most: int | FrameFunction | None = None


@dataclass(frozen=True, slots=True)
class PipeClause:
    """Backends by alias in the order in which they are tried; times are in seconds."""

    backends: tuple[tuple[str, StageChoice], ...]
    deadline: float = 300.0
    passes: tuple[str, ...] = ("act",)
    stagger: float = 0.0
    warm: bool = True
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptClause:
    """The functions that give sections, and the most tokens of a prompt."""

    shared: FrameFunction | None = None
    room: FrameFunction | None = None
    at_most: int = 60_000


@dataclass(frozen=True, slots=True)
class TocksClause:
    """When echoes think besides: in a rest `every` so many seconds; and `within` what time each time."""

    every: float | None = None
    within: float | None = None

    @property
    def thinking(self) -> float | None:
        """How long programs may be begun: half of it, since what they came to has to be written down, too."""
        return None if self.within is None else self.within / 2


@dataclass(frozen=True, slots=True)
class EchoClause:
    """An echo, and every how many frames it thinks."""

    stage: StageChoice
    each: int = 1


@dataclass(frozen=True)
class Policy:
    """What pump.lisp means.

    `digest` covers its texts and the plugins that it names, by code; `bundle` holds the texts, `named` the
    plugins.
    """

    name: str
    path: Path
    digest: str
    bundle: Mapping[str, str]
    heartbeat: float
    clock: ClockClause
    state: StateClause
    seed: int
    genesis: FrameFunction | None
    agents: AgentsClause
    streams: int | FrameFunction
    topics: FrameFunction | None
    dam: StageChoice
    pipe: PipeClause
    prompt: PromptClause
    schema: Schema
    merger: StageChoice
    echoes: tuple[EchoClause, ...]
    tocks: TocksClause
    breaker: BreakerRule
    budget: BudgetRule
    prices: Mapping[str, Price]
    limits: Limits
    isolation: Isolation
    portal: PortalRule
    executor: StageChoice
    reservoir: StageChoice
    plugins: PluginsClause
    named: tuple[Plugin, ...] = ()

    @classmethod
    def load(
        cls, path: str | Path, *, registry: Stages | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Policy:
        """The policy in a file; raises PolicyErrors with every error that can be found."""
        path = Path(path)
        return _load(Folder(path), path, registry, overrides or {})

    @classmethod
    def from_bundle(
        cls,
        bundle: Mapping[str, str],
        *,
        path: str | Path = "pump.lisp",
        registry: Stages | None = None,
        overrides: Mapping[str, Any] | None = None,
        recorded: bool = False,
    ) -> Policy:
        """The policy that a bundle was taken from; `path` is only what it is called.

        Of one whose frames are `recorded`, backends that are not here any more are not wanted.
        """
        path = Path(path)
        return _load(Bundle(bundle, path.name), path, registry, overrides or {}, recorded=recorded)

    @classmethod
    def remains(cls, bundle: Mapping[str, str], *, path: str | Path = "pump.lisp") -> Policy:
        """What a bundle says without any plugin, to look at the world that it made and never to run it.

        Clauses and options that do not check so are as if they were not written.
        """
        path = Path(path)
        return _remains(read_program(Bundle(bundle, path.name)), path)

    def changed(self) -> bool:
        """True when the files would give other texts now; nothing is parsed, so that asking costs little."""
        return differs(self.bundle, Folder(self.path))

    def state_of(self, frame: Frame) -> Any:
        """What a LisPy program may see of a frame."""
        return state_of(frame, self.agents.document, self.agents.path)

    def stages(self) -> tuple[StageChoice, ...]:
        """Every stage it chose, in a fixed order."""
        backends = [choice for _, choice in self.pipe.backends]
        echoes = [echo.stage for echo in self.echoes]
        return (self.dam, *backends, self.merger, *echoes, self.executor, self.reservoir)


def switches_in(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which plugins a policy file leaves out, and whose hooks come first; nothing of it is evaluated."""
    try:
        return switches(read_program(Folder(path)).pump)
    except LisppumpError:
        return (), ()


def _load(
    texts: Texts,
    path: Path,
    stages: Stages | None,
    overrides: Mapping[str, Any],
    *,
    recorded: bool = False,
) -> Policy:
    if stages is None:
        from lisppump.registry import Registry

        stages = Registry.load()
    program = read_program(texts)
    stages = stages.under(*switches(program.pump))
    code = PolicyCode(Later(lambda: stages.builtins()))
    errors = [*program.errors, *code.define(program.definitions)]
    checker = Checker(code, stages, path.parent)
    checker.recorded = recorded
    policy = None
    if program.pump is not None:
        checked, schema = _checked(program.pump, checker)
        if (plugins := checked.option("plugins")) is not None and not recorded:
            checker.errors.extend(unmet(plugins, stages))
        errors += checker.errors
        errors += code.unresolved([*program.definitions, program.pump])
        if not errors:
            policy = _policy(checked, schema, checker, program, path, stages, code.used())
    if policy is None or errors:
        raise PolicyErrors(told_once(_ordered(errors, program, code), stages))
    policy = _overridden(policy, overrides)
    code.settle(policy.seed, policy.limits, policy.state_of)
    return policy


def _checked(form: Node, checker: Checker) -> tuple[Checked, Schema]:
    """The clauses of a (pump ...) form; what is wrong stands in the checker's errors."""
    checked = checker.clause(form, PUMP)
    schema = schema_of(delta, checker) if (delta := checked.option("delta")) else Schema()
    _contradictions(checked, checker)
    return checked, schema


def _remains(program: Program, path: Path) -> Policy:
    """The policy of what is left of a form once everything is gone that does not check."""
    from lisppump.registry import Registry

    if program.pump is None:
        raise PolicyErrors(program.errors)
    code, stages, form = PolicyCode({}), Registry(), program.pump
    code.define(program.definitions)
    while True:
        checker = Checker(code, stages, path.parent)
        checked, schema = _checked(form, checker)
        less = _pruned(form, checker.errors)
        if less is form:
            break
        form = less
    policy = _policy(checked, schema, checker, program, path, stages)
    places = [node for node in program.pump.items if node.head in ("state", "reservoir")]
    if not all(node in form.items for node in places):
        offer = Offer("reservoir", "unseen", Unseen, "lisppump:unseen", None, None)
        policy = replace(policy, reservoir=StageChoice("reservoir", "unseen", {}, None, offer))
    code.settle(policy.seed, policy.limits, policy.state_of)
    return policy


def _pruned(form: Node, errors: Sequence[LisppumpError]) -> Node:
    """The form without the options, or else the clauses, in which the errors stand; itself if none does.

    Where an error stands outside of the form, in a function that it calls, only the name is sure to be right.
    """

    def within(node: Node, error: LisppumpError) -> bool:
        span = error.span
        return span is not None and span.source is node.source and node.start <= span.start < node.end

    def mended(clause: Node) -> Node | None:
        there = [error for error in errors if within(clause, error)]
        parts = [part for part in clause.items if not any(within(part, error) for error in there)]
        if not there:
            return clause
        told = len(parts) < len(clause.items) and parts[:1] == [*clause.items[:1]]
        return _list(clause, parts) if told else None

    clauses = [*form.items[1:]]
    if all(within(form, error) for error in errors):
        left = [less for clause in clauses if (less := mended(clause)) is not None]
    else:
        left = [clause for clause in clauses if clause.head == "name"]
    if left == clauses:
        return form
    heads = {clause.head for clause in left}
    return _list(form, [form.items[0], *left, *(node for node in read(NEEDED) if node.head not in heads)])


def _list(node: Node, items: Sequence[Node]) -> Node:
    return Node("list", None, tuple(items), node.source, node.start, node.end)


def _contradictions(checked: Checked, checker: Checker) -> None:
    """Say what no table can: a clock with two times, a pipe whose attempts could not be told apart."""
    clock = checked.option("clock")
    for name in ("start", "step"):
        if clock and clock.first() == "wall" and (option := clock.option(name)):
            message = f"(clock wall) is the machine's time, it has no {name}"
            checker.error("bad-clause", message, option.node.span, "remove `wall`, or this")
    pipe = checked.option("pipe")
    seen: set[str] = set()
    for node in pipe.nodes.get("backend", []) if pipe else ():
        name = node.name or node.head or ""
        if name in seen:
            checker.error("duplicate-clause", f"(pipe ...) tries `{name}` twice", node.span,
                          "give each a name of its own in (backends ...)")  # fmt: skip
        seen.add(name)


def _ordered(errors: list[LisppumpError], program: Program, code: PolicyCode) -> list[LisppumpError]:
    """Errors in the order of the files, each once, without those that only follow from others."""
    files = {key: place for place, key in enumerate(program.bundle)}
    kept: dict[tuple[Any, ...], LisppumpError] = {}
    for error in errors:
        span = error.span
        if error.code == "unbound" and (code.broken & set(error.message.split()) or not program.complete):
            continue
        place = (files.get(span.file, 0), span.start) if span else (0, -1)
        kept.setdefault((*place, error.code, error.message), error)
    return [kept[key] for key in sorted(kept)] or errors


def _policy(
    checked: Checked,
    schema: Schema,
    checker: Checker,
    program: Program,
    path: Path,
    stages: Stages,
    used: Collection[str] = (),
) -> Policy:
    """The policy of a form without errors, which `used` these builtins of plugins."""

    def part(name: str) -> Checked:
        found = checked.option(name)
        assert found is not None, f"({name} ...) is required or has a default"
        return found

    every = float(part("every").first())
    policy = Policy(
        name=part("name").first(),
        path=path,
        digest="",
        bundle=MappingProxyType(program.bundle),
        heartbeat=every,
        clock=_clock(part("clock"), every),
        state=StateClause(part("state").first("state"), part("state").of("keep")),
        seed=part("seed").first(),
        genesis=checked.of("genesis"),
        agents=_agents(part("agents")),
        streams=part("streams").first(),
        topics=part("streams").of("topics"),
        dam=part("dam").first(),
        pipe=_pipe(part("pipe")),
        prompt=PromptClause(
            part("prompt").of("shared"), part("prompt").of("room"), part("prompt").of("at-most")
        ),
        schema=schema,
        merger=part("merger").first(),
        echoes=_echoes(part("echoes")),
        tocks=TocksClause(part("echoes").of("every"), part("echoes").of("within")),
        breaker=BreakerRule(*(part("breaker").of(name) for name in ("bad", "frames", "empty"))),
        budget=BudgetRule(
            *(part("budget").of(name) for name in ("per", "tokens", "dollars", "wall", "when-spent"))
        ),
        prices=_prices(checked.option("prices")),
        limits=checker.limits,
        isolation=checker.isolation,
        portal=_portal(part("portal")),
        executor=part("executor").first(),
        reservoir=part("reservoir").first(),
        plugins=clause_of(part("plugins")),
    )
    policy = replace(policy, named=named(policy.plugins, policy.stages(), used, stages))
    return replace(policy, digest=_digest(policy))


def _digest(policy: Policy) -> str:
    """The digest of all that decides what the policy does: its texts, and which code it names."""
    offers = [choice.offer for choice in policy.stages()]
    chosen = {(offer.kind, offer.name, offer.plugin, offer.version, offer.digest) for offer in offers}
    named = {(plugin.id, plugin.version, plugin.digest) for plugin in policy.named}
    entries = {"stages": sorted(map(_line, chosen)), "plugins": sorted(map(_line, named))}
    return canon.digest({"texts": dict(policy.bundle), **entries})


def _line(entry: tuple[str | None, ...]) -> list[str]:
    return [part or "" for part in entry]


def _clock(clause: Checked, every: float) -> ClockClause:
    if clause.first() == "wall":
        return ClockClause("wall", "", every)
    return ClockClause("start", clause.of("start", "2026-01-01T00:00:00Z"), float(clause.of("step", every)))


def _agents(clause: Checked) -> AgentsClause:
    return AgentsClause(
        document=clause.first(),
        path=clause.values.get("path", ()),
        where=clause.of("where"),
        order=clause.of("order"),
        rest_first=clause.option("rest-first") is not None,
        at_most=clause.of("at-most"),
    )


def _pipe(clause: Checked) -> PipeClause:
    """The chain of backends; one that is written out is called by its stage's name."""
    chain = []
    for node, choice in zip(clause.nodes["backend"], clause.first(), strict=True):
        chain.append((node.name or choice.name, choice))
    return PipeClause(
        tuple(chain),
        float(clause.of("deadline")),
        clause.of("passes"),
        float(clause.of("stagger")),
        clause.of("warm") == "yes",
        tuple(clause.of("tools", ())),
    )


def _prices(clause: Checked | None) -> Mapping[str, Price]:
    """The price of each model that is named."""
    if clause is None:
        return MappingProxyType({})
    found = {}
    for model in clause.all("model"):
        said = {name.replace("-", "_"): float(model.of(name)) for name in model.options}
        found[model.first()] = Price.of(said, as_of=clause.of("as-of"))
    return MappingProxyType(found)


def _portal(clause: Checked) -> PortalRule:
    return PortalRule(
        float(clause.of("deadline")),
        int(clause.of("megabytes") * 1024 * 1024),
        clause.of("calls"),
        float(clause.of("patience")),
        clause.of("dangerously-allow", ()),
    )


def _echoes(clause: Checked) -> tuple[EchoClause, ...]:
    """The echoes in the order of the file, with and without (each ...)."""
    found = [(choice.span.start, EchoClause(choice)) for choice in clause.first(())]
    for each in clause.all("each"):
        found.append((each.node.start, EchoClause(each.values["echo"], each.values["frames"])))
    return tuple(echo for _, echo in sorted(found, key=lambda pair: pair[0]))


def _overridden(policy: Policy, overrides: Mapping[str, Any]) -> Policy:
    """The policy with clauses replaced from the command line; `without` adds plugins to leave out."""
    least = {"streams": 1, "seed": None, "heartbeat": 0}
    given = dict(overrides)
    without = given.pop("without", ())
    for name, value in given.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if name not in least:
            known = ", ".join((*least, "without"))
            raise LisppumpError("bad-usage", f"`{name}` cannot be overridden", help=f"known: {known}")
        low = least[name]
        seconds = name == "heartbeat" and isinstance(value, float) and math.isfinite(value)
        if not (whole or seconds) or (low is not None and value < low):
            wish = "a whole number" if low is None else f"a number from {low} up"
            raise LisppumpError("bad-usage", f"`{name}` wants {wish}, got {value}")
    plugins = replace(policy.plugins, without=(*policy.plugins.without, *without))
    return replace(policy, plugins=plugins, **given)
