"""The table of builtins: each entry is documented, its example holds, no call of it lets a host error out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.errors import CODES
from lisppump.lispy import Limits, Runtime
from lisppump.lispy.builtins import BuiltinSpec, load
from lisppump.lispy.capabilities import State

TABLE = load()
SPECS = sorted({spec.name: spec for spec in TABLE.values()}.values(), key=lambda spec: spec.name)
PROMISED = """
    + - * / // % mod modulo remainder quotient abs min max floor ceil ceiling round truncate sqrt exp
    log log2 sin cos tan atan pow expt gcd lcm clamp sum product mean median even? odd? zero? positive?
    negative? number? integer? number->string string->number exact->inexact inc dec add1 sub1 list car
    cdr first second third rest last cadr caddr cadddr cdddr cons append reverse length nth list-ref
    list-tail list-set slice range iota zip flatten flat-map filter-map map filter remove reduce
    fold-right for-each any every any? every? all? find find-index index-of count member assoc assq
    assoc-ref unique distinct dedupe remove-duplicates union intersection difference list->set sort
    sort-by group-by partition frequencies take-while drop-while take-last list->string apply compose
    partial identity constantly complement dict make-dict get dict-get dict-ref get-in dict-set dissoc
    update update-each dict-merge merge keys values entries dict->list has-key? dict-map dict-filter
    dict? string-append concat string string-length substring string-ref string-split split words lines
    string-join string-upcase string-downcase string-trim trim string-replace string-contains?
    string-contains string-index string-find string-repeat string->list string=? string<? string-empty?
    format symbol->string string->symbol ->string regex-match regex-match-all regex-replace null? nil?
    pair? list? string? symbol? keyword? boolean? procedure? empty? equal? type-of json-parse
    json-encode json-dump read-string write-string random random-int random-choice random-shuffle
    set-random-seed! now now-iso rb-state rb-agent rb-soul rb-channels rb-trending rb-frame rb-echo
    rb-echoes describe apropos source capabilities limits usage eval display print println newline write
    not error raise gensym pipe memoize list->dict index-by seconds minutes hours days tokens dollars
    megabytes hash-set! list-set! set-car! set-cdr! append! push! vector-set! dict-set!
"""
STATE = {
    "stats.json": {"total": 3},
    "agents.json": {"agents": {"ada": {"hp": 1}}},
    "channels.json": {"channels": {"code": {}}},
    "trending.json": {"trending": [{"title": "x"}]},
    "memory/ada.md": "I remember.",
}
ARGUMENTS = (
    "nil", "'()", "#t", "#f", "0", "1", "-1", "2", "3.0", "2.5", "1e308", "-1e308", "(expt 10 4000)",
    "(expt 10 40)", '""', '"a"', '"abc"', '"1"', '"[1"', '"a b"', '"../x"', "'a", ":k", "'(1)", "'(3 1 2)",
    "'(\"b\" \"a\")",
    "'((1 2) (3 4))", "'((\"a\" 1))", "(cons 1 2)", "(cons 1 '(2 3))", "(cdr '(1 2 3))",
    "(list (cons \"a\" 1))",
    "{}", '{"a" 1}', '{"a" {"b" 1}}', "(seconds 5)", "car", "+", "list", "<", "identity", "(lambda (x) x)",
    "(lambda (x y) y)", "(constantly #t)", "frame",
)  # fmt: skip


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_example_holds(spec: BuiltinSpec) -> None:
    sign = " ;=> " if " ;=> " in spec.example else " ;!> "
    program, wanted = spec.example.split(sign)
    result = Runtime(state=State(STATE, frame=3), allow={"state"}).run(program)
    if sign == " ;=> ":
        assert result.ok, result.error
        assert result.text == wanted
    else:
        assert not result.ok
        assert result.error.code == wanted


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_entry_is_documented(spec: BuiltinSpec) -> None:
    assert spec.usage.startswith(f"({spec.name}")
    assert spec.usage.endswith(")")
    assert spec.doc.endswith(".")
    assert spec.cost
    assert spec.high is None or spec.low <= spec.high


def test_the_table_has_what_the_language_promises() -> None:
    assert [name for name in PROMISED.split() if name not in TABLE] == []


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.capability], ids=lambda spec: spec.name)
def test_what_needs_a_capability_says_so(spec: BuiltinSpec) -> None:
    program = spec.usage.split(" [")[0].rstrip(")") + ")"
    program = program.replace("document", '"stats.json"').replace(" id", ' "ada"')
    program = program.replace(" url", ' "https://example.org"').replace(" name", ' "double"')
    result = Runtime(state=STATE).run(program)
    assert result.error.code == "not-granted"


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_call_is_a_value_or_an_error_of_the_language(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([spec for spec in SPECS if spec.domain != "immutable"]))
    most = spec.low + 2 if spec.high is None else spec.high
    operands = data.draw(st.lists(st.sampled_from(ARGUMENTS), min_size=spec.low, max_size=most))
    runtime = Runtime(state=STATE, allow={"state"}, limits=Limits(steps=200_000))
    result = runtime.run(f"({spec.name} {' '.join(operands)})")
    if not result.ok:
        assert result.error.code in CODES
        assert result.error.category != "defect"
        for leak in ("NoneType", "<class", "Traceback", "object at", "'int'", "'str'"):
            assert leak not in result.error.message
