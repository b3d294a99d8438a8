"""The witness of a tock: what it writes, what it takes again, what it asks nobody for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Frame, Pump, Thought, Witness, hookimpl
from lisppump.errors import LisppumpError
from lisppump.lispy import Limits, Runtime
from lisppump.lispy.capabilities import Web
from lisppump.lispy.errors import LimitError
from lisppump.portal import Answer, PortalRefused
from lisppump.portal_rule import PortalRule
from lisppump.records import Record
from lisppump.testing import Simulation
from tests.test_portal_curl import Given
from tests.test_replay import POLICY, STATE

URL = "http://a.com/"


@dataclass
class Book:
    """A ledger in memory, and the portal that its witnesses have."""

    web: Any = field(default_factory=Given)
    records: list[Record] = field(default_factory=list)

    def page(self, **fields: Any) -> None:
        self.records.append(Record("portal", len(self.records) + 1, fields))

    def outcome(self, **fields: Any) -> None:
        self.records.append(Record("outcome", len(self.records) + 1, fields))

    def witness(self, *, sealed: bool = False, tock: int = 1, **rule: Any) -> Witness:
        """One over all that was written so far."""
        rule = SimpleNamespace(window=lambda: self.web, **{"calls": 5, "patience": 30.0, **rule})
        return Witness(3, tock, rule, tuple(self.records), None if sealed else self)


def asks(*urls: str) -> Callable[[Web], Thought]:
    """A program that asks for pages and gives their texts."""

    def think(web: Web) -> Thought:
        return Thought("ada", "it", [web.fetch(url, 30.0).text for url in urls])

    return think


def told(witness: Witness, *urls: str, name: str = "ada", program: str = "it") -> Any:
    with witness:
        return witness.run(Thought(name, program), asks(*urls)).value


def test_what_was_asked_is_written_before_it_is_seen_and_asked_of_nobody_again() -> None:
    book = Book()
    assert told(book.witness(), URL, f"{URL}b") == ["hello", "hello"]
    first, second = (record.fields for record in book.records)
    assert {key: first[key] for key in ("frame", "tock", "name", "run", "call", "url")} == {
        "frame": 3, "tock": 1, "name": "ada", "run": 1, "call": 1, "url": URL,
    }  # fmt: skip
    assert first["program"].startswith("sha256:") and second["call"] == 2
    book.web = Given("other")
    assert told(book.witness(sealed=True), URL, f"{URL}b") == ["hello", "hello"]
    assert told(book.witness(), URL, f"{URL}b") == ["hello", "hello"]
    assert book.web.asked == [] and len(book.records) == 2


def test_runs_of_one_program_in_one_name_are_told_apart_by_their_order() -> None:
    book = Book()
    with book.witness() as witness:
        for text in ("one", "two"):
            book.web.text = text
            witness.run(Thought("ada", "it"), asks(URL))
        witness.run(Thought("bob", "it"), asks(URL))
    assert [(r.fields["name"], r.fields["run"]) for r in book.records] == [("ada", 1), ("ada", 2), ("bob", 1)]
    with book.witness(sealed=True) as witness:
        values = [witness.run(Thought(who, "it"), asks(URL)).value for who in ("ada", "bob", "ada")]
    assert values == [["one"], ["two"], ["two"]]


def test_another_tock_another_program_or_another_url_has_no_page() -> None:
    book = Book()
    told(book.witness(), URL)
    for witness, url, name, program in (
        (book.witness(sealed=True, tock=2), URL, "ada", "it"),
        (book.witness(sealed=True), URL, "bob", "it"),
        (book.witness(sealed=True), URL, "ada", "another"),
        (book.witness(sealed=True), f"{URL}b", "ada", "it"),
    ):
        with pytest.raises(LisppumpError) as caught, witness, pytest.raises(LimitError):  # no `try` has that
            witness.run(Thought(name, program), asks(url))
        assert caught.value.code == "not-recorded" and url in caught.value.message


def test_a_run_that_goes_on_asks_anew_where_its_program_asks_for_something_else() -> None:
    book = Book()
    told(book.witness(), URL)
    book.web = Given("new")
    assert told(book.witness(), f"{URL}b", URL) == ["new", "new"]
    book.web = Given("never")
    assert told(book.witness(sealed=True), f"{URL}b", URL) == ["new", "new"]
    assert book.web.asked == []


def test_a_refusal_costs_the_time_that_it_took() -> None:
    def refused() -> PortalRefused:
        error = PortalRefused("redirect", "it sends on", cause="address")
        error.seconds = 20.0
        return error

    book = Book(Given(error=refused))
    source = f'(define (ask) (try (curl "{URL}") (catch e (get e :data)))) (list (ask) (ask) (ask))'

    def think(web: Web) -> Thought:
        result = Runtime(allow={"web"}, providers={"web": web}).run(source)
        return Thought("ada", source, result.value, result.error and result.error.to_json())

    for sealed in (False, True):
        with book.witness(sealed=sealed) as witness:
            thought = witness.run(Thought("ada", source), think)
        assert thought.error is not None and thought.error["code"] == "web-limit"
        assert len(book.records) == 2
    assert book.records[0].fields["refused"]["data"] == {"reason": "redirect", "cause": "address"}


def test_a_url_that_no_record_can_hold_has_its_digest_there() -> None:
    book = Book(Given(error=lambda: PortalRefused("syntax", "no URL")))
    for url in ("http://a.com/\ud800", "http://a.com/" + "x" * 4000):
        for sealed in (False, True):
            with pytest.raises(LisppumpError) as caught:
                told(book.witness(sealed=sealed), url, program=url[-2:])
            assert caught.value.code == "portal-refused"
    assert [record.fields["url"][:7] for record in book.records] == ["sha256:"] * 2


def test_what_the_clock_ended_is_not_run_again() -> None:
    book, runs = Book(), []
    blank = Thought("ada", "(loop)", granted=("state",))

    def ends(web: Web) -> Thought:
        runs.append(web)
        error = {"code": "time-limit", "message": "longer than 5 s"}
        return Thought("ada", "(loop)", None, error, "so far", {"steps": 7}, ("state",), ("state",))

    for sealed in (False, True, False):
        with book.witness(sealed=sealed) as witness:
            thought = witness.run(blank, ends)
        assert thought.error == {"code": "time-limit", "message": "longer than 5 s"}
        assert (thought.output, thought.usage, list(thought.granted)) == ("so far", {"steps": 7}, ["state"])
        assert list(thought.capabilities) == ["state"]
    assert len(runs) == 1 and [record.kind for record in book.records] == ["outcome"]


def test_no_clock_ends_a_run_that_is_made_again() -> None:
    limits = Limits(seconds=5)
    assert Book().witness().limits(limits) is limits
    assert Book().witness(sealed=True).limits(limits) == Limits()
    assert isinstance(Witness(1, 1, PortalRule()), Witness)  # without ledger and records, it asks nobody


class Reader:
    """An echo of a plugin that reads the web by the witness, and knows no LisPy."""

    def think(
        self, frame: Frame, seed: tuple[Any, ...], witness: Witness | None = None
    ) -> Sequence[Thought]:
        blank = Thought("reader", "reads")
        if witness is None:
            return [blank]
        return [witness.run(blank, lambda web: Thought("reader", "reads", web.fetch(URL, 5).text))]


def test_an_echo_of_a_plugin_has_the_witness_if_it_takes_one(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Offers:
        """The plugin."""

        @hookimpl
        def echoes(self) -> Mapping[str, type]:
            return {"reader": Reader}

    given = Given("news")
    monkeypatch.setattr(PortalRule, "window", lambda rule: given)
    policy = POLICY.replace("(echoes ", "(echoes reader ").replace("(seconds 1)", "(seconds 60)")
    world = Simulation(tmp_path, policy=policy, state=STATE, plugins={"offers": Offers()})
    with world.open() as pump:
        assert isinstance(pump, Pump)
        pump.step(2)
        assert pump.head.virtual["echo"]["results"]["reader"] == "news"
        given.text = "other news"
        assert pump.replay().equal
    assert [url for url, _ in given.asked] == [URL, URL]
    assert Answer(URL, 200, "", False, 0, 0.0).ok
