"""`(curl url)`: what a program is given of the portal, what it is charged, and what it never gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lisppump.lispy import Limits, Result, Runtime
from lisppump.portal import Answer, Portal, PortalRefused, Window
from tests.portal_support import PUBLIC, Internet, page

JSON = "Content-Type: application/json"


@dataclass
class Given:
    """A web that gives what it is told, and keeps what it was asked."""

    text: str = "hello"
    json: bool = False
    status: int = 200
    took: float = 0.0
    calls: int = 5
    seconds: float = 30.0
    asked: list[tuple[str, float]] = field(default_factory=list)
    error: Callable[[], Exception] | None = None

    def fetch(self, url: str, seconds: float) -> Answer:
        self.asked.append((url, seconds))
        if self.error is not None:
            raise self.error()
        return Answer(url, self.status, self.text, self.json, len(self.text), self.took)


def run(source: str, web: Any, limits: Limits | None = None) -> Result:
    return Runtime(allow={"web"}, limits=limits, providers={"web": web}).run(source)


def code(source: str, web: Any, limits: Limits | None = None) -> str:
    error = run(source, web, limits).error
    assert error is not None
    return error.code


def test_a_program_reads_a_page() -> None:
    net = Internet({"a.com": [PUBLIC]}, {PUBLIC: page(b'{"main": {"temp": -12.5, "who": null}}', JSON)})
    result = run(
        '(define w (curl "http://a.com/w")) (list (get-in w (list "main" "temp")) w)', Window(net.portal())
    )
    assert result.ok, result.error
    assert result.value == [-12.5, {"main": {"temp": -12.5, "who": None}}]
    assert result.capabilities == ("web",)
    net.answers[PUBLIC] = page("grüß\n".encode())
    assert run('(curl "http://a.com/")', Window(net.portal())).text == '"grüß\\n"'


def test_a_refusal_can_be_caught_and_says_why() -> None:
    web = Window(Portal(resolve=lambda host, port: ["10.0.0.1"]))
    for url, reason in (
        ("http://127.1/", "numeric"),
        ("file:///etc/passwd", "scheme"),
        ("http://a.com/", "resolve"),
    ):
        result = run(
            f'(try (curl "{url}") (catch e (list (get e :code) (get e :category) (get e :data))))', web
        )
        assert result.value == ["portal-refused", "capability", {"reason": reason}]
        error = run(f'(curl "{url}")', web).error
        assert error is not None
        assert error.code == "portal-refused" and error.span is not None
        assert "10.0.0.1" not in error.message
    again = run('(try (try (curl "http://a.com/") (catch e (raise e))) (catch e (get e :data)))', web)
    assert again.value == {"reason": "resolve"}


def test_another_status_is_an_error_that_says_it() -> None:
    web = Given(status=404)
    result = run(
        '(try (curl "http://a.com/") (catch e (list (get e :code) (get e :data) (get e :message))))', web
    )
    assert result.value == [
        "portal-status",
        {"status": 404, "url": "http://a.com/"},
        "the server answers with the status 404",
    ]


@pytest.mark.parametrize(
    "source", ["(curl)", "(curl 5)", '(curl (list "http://a.com/"))', '(curl "a" "b")', "(curl nil)"]
)
def test_what_is_no_call(source: str) -> None:
    web = Given()
    assert code(source, web) in ("wrong-type", "wrong-arity")
    assert web.asked == []


def test_without_the_grant_there_is_no_web() -> None:
    web = Given()
    for runtime in (
        Runtime(),
        Runtime(providers={"web": web}),
        Runtime(allow={"state"}, providers={"web": web}),
    ):
        error = runtime.run('(curl "http://a.com/")').error
        assert error is not None and error.code == "not-granted"
    assert web.asked == []


def test_a_run_may_ask_so_often_and_no_more() -> None:
    web = Given(calls=3)
    many = '(for-each (lambda (i) (curl (string-append "http://a.com/" (number->string i)))) (range 10))'
    assert code(many, web) == "web-limit"
    assert len(web.asked) == 3
    caught = f"(try {many} (catch e 1))"
    assert code(caught, web) == "web-limit"  # a limit cannot be caught
    web = Given(calls=3, error=lambda: PortalRefused("resolve", "no"))
    each = '(for-each (lambda (i) (try (curl "http://a.com/") (catch e 1))) (range 10000))'
    assert code(each, web) == "web-limit"  # those that fail count
    assert len(web.asked) == 3
    web = Given(calls=2)
    assert (
        code('(eval "(curl \\"http://a.com/\\") (curl \\"http://a.com/\\")") (curl "http://a.com/")', web)
        == "web-limit"
    )


def test_every_run_begins_anew() -> None:
    web = Given(calls=1)
    runtime = Runtime(allow={"web"}, providers={"web": web})
    assert [runtime.run('(curl "http://a.com/")').value for _ in range(3)] == ["hello"] * 3


def test_a_run_may_wait_so_long_and_no_longer() -> None:
    web = Given(took=4.0, seconds=10.0)
    ask = '(curl "http://a.com/")'
    assert code(ask * 4, web) == "web-limit"
    assert [seconds for _, seconds in web.asked] == [10.0, 6.0, 2.0]

    def late() -> Exception:
        error = PortalRefused("time", "late")
        error.seconds = 4.0
        return error

    web = Given(seconds=10.0, error=late)
    assert code(f"(try {ask} (catch e 1))" * 4, web) == "web-limit"
    assert [seconds for _, seconds in web.asked] == [10.0, 6.0, 2.0]


def test_a_run_s_own_time_is_held() -> None:
    net = Internet({"a.com": [PUBLIC]}, {PUBLIC: lambda stream: net.over.wait(60)})
    error = run(
        '(try (curl "http://a.com/") (catch e 1))', Window(net.portal(deadline=60)), Limits(seconds=0.2)
    ).error
    net.close()
    assert error is not None and error.code == "time-limit"


def test_a_result_is_charged_before_it_is_made() -> None:
    text = "x" * 100_000
    used = run('(curl "http://a.com/")', Given(text)).usage
    assert used["bytes"] >= len(text) and used["steps"] >= len(text) // 16
    data = json.dumps(["x" * 10] * 5_000)
    used = run('(curl "http://a.com/")', Given(data, json=True)).usage
    assert used["bytes"] >= 8 * len(data) and used["steps"] >= len(data)
    ask = '(begin (curl "http://a.com/") 1)'
    for web, limits, expected in (
        (Given(text), Limits(string=1000), "string-limit"),
        (Given(text), Limits(allocation=50_000), "allocation-limit"),
        (Given(data, json=True), Limits(allocation=50_000), "allocation-limit"),
        (Given(data, json=True), Limits(steps=5_000), "step-limit"),
        (Given("[" + "1," * 5_000 + "1]", json=True), Limits(elements=1_000), "size-limit"),
        (Given("[" * 100 + "]" * 100, json=True), Limits(data_depth=50), "data-depth-limit"),
        (Given("9" * 4_000, json=True), Limits(bits=1_000), "integer-limit"),
        (Given(json.dumps([{"a": [text]}]), json=True), Limits(string=10_000), "string-limit"),
        (Given(json.dumps([{text: 1}]), json=True), Limits(string=10_000), "string-limit"),
    ):
        assert code(ask, web, limits) == expected


def test_asking_costs_the_same_whatever_comes_of_it() -> None:
    asked = '(try (curl "http://127.1/") (catch e 1))'
    assert (
        run(asked, Window(Portal())).usage["steps"]
        == run(asked, Given(error=lambda: PortalRefused("numeric", "no"))).usage["steps"]
    )


def test_a_simulation_has_no_portal() -> None:
    web = Given()
    inside = (
        '(simulation :initial-state (dict "n" 0) :max-ticks 2 :observables (list "n")'
        ' :step (lambda (s t) (update s :n (curl "http://a.com/"))))'
    )
    ask = '(curl "http://a.com/")'
    outer = f"(define get-it (lambda () {ask})) {inside.replace(ask, '(get-it)')}"
    for source in (inside, outer, f"(try {inside} (catch e (raise e)))"):
        assert code(source, web) == "impure"
    assert web.asked == []


def test_whatever_the_host_s_web_raises_that_is_an_error_of_lispy_passes_as_it_is() -> None:
    from lisppump.lispy.errors import LispyError

    assert (
        code('(curl "http://a.com/")', Given(error=lambda: LispyError("bad-value", "recorded")))
        == "bad-value"
    )


@pytest.mark.parametrize("case", ["po-file", "po-list", "po-none", "po-crlf", "po-long", "po-flood"])
def test_the_programs_of_the_collection(shared_data: Any, case: str) -> None:
    programs = map(json.loads, (shared_data / "attacks" / "programs.jsonl").read_text("utf-8").splitlines())
    program = next(each for each in programs if each["id"] == case)

    def nobody(*arguments: Any) -> Any:
        raise AssertionError("looked up or dialled")

    error = run(program["source"], Window(Portal(resolve=nobody, connect=nobody))).error
    assert error is not None
    assert ("limit" if error.category == "limit" else "error") in (program["expect"], *program["also"])
