"""`lisppump describe`: every table answers, in one golden file each, and whatever is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump import __version__
from tests.cli_support import ROOT, Lisppump, golden
from tests.distributions import EBB, TIDES, put, seen


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path for distributions; no settings of the user's."""
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    return site


def plain(text: str, folder: Path) -> str:
    """A text that is the same on every machine and in every version."""
    return text.replace(str(folder), "FOLDER").replace(str(ROOT), "CHECKOUT").replace(__version__, "VERSION")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("builtin", "take"),
        ("form", "let*"),
        ("library", "pluck"),
        ("clause", "state"),
        ("clause", "breaker bad"),
        ("dam", "affinity"),
        ("option", "affinity room-size"),
        ("backend", "none"),
        ("hook", "frame_committed"),
        ("command", "plan"),
        ("error code", "no-simulation"),
    ],
)
def test_one_of_each(lisppump: Lisppump, tmp_path: Path, kind: str, word: str) -> None:
    outcome = lisppump("describe", *word.split())
    assert outcome.code == 0 and outcome.err == ""
    name = word.replace(" ", "-").replace("*", "-star")
    golden(f"describe-{name}.txt", plain(outcome.out, tmp_path))
    document = lisppump("describe", *word.split(), "--json").json
    assert document["schema"] == "lisppump/describe@1" and document["name"] == word
    assert kind in [entry["kind"] for entry in document["entries"]]
    assert all(entry["doc"] and entry["usage"] for entry in document["entries"])


def test_a_word_with_several_meanings_has_them_all(lisppump: Lisppump) -> None:
    entries = lisppump("describe", "pipe", "--json").json["entries"]
    assert {entry["kind"] for entry in entries} >= {"builtin", "clause"}


def test_the_limits_of_a_run_are_told(lisppump: Lisppump) -> None:
    outcome = lisppump("describe", "limits")
    assert outcome.code == 0
    assert "  steps: 10,000,000  Steps of one run; beyond it step-limit.\n" in outcome.out


def test_an_option_says_where_it_stands(lisppump: Lisppump) -> None:
    assert lisppump("describe", "bad").out.startswith("(bad SHARE)    clause breaker bad\n")
    lines = lisppump("describe", "room-size").out.splitlines()
    assert lines[0] == "(room-size ROOM-SIZE)    option affinity room-size"


def test_an_unknown_word_is_suggested_another(lisppump: Lisppump) -> None:
    outcome = lisppump("describe", "afinity")
    assert outcome.code == 1 and outcome.out == ""
    golden("error-describe.txt", outcome.err)
    assert "did you mean `breaker bad`?" in lisppump("describe", "braeker", "bad").err
    assert "try `lisppump apropos qqqqqq`" in lisppump("describe", "qqqqqq").err


def test_the_document_says_where_a_thing_came_from(lisppump: Lisppump) -> None:
    (entry,) = lisppump("describe", "take", "--json").json["entries"]
    assert entry["origin"] == {"plugin": "lisppump", "version": __version__, "file": None}
    (entry,) = lisppump("describe", "breaker", "--json").json["entries"]
    assert entry["origin"] is None


# -- plugins


def test_a_plugin_and_what_it_brings(
    lisppump: Lisppump, tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "beta-tides", "1.2", TIDES, entry="tides", summary="Tides for worlds by the sea")
    put(site, "alpha-tides", "1.0", EBB, entry="ebbs")
    seen(site, monkeypatch)
    words = ["beta-tides", "tides now", "beta-tides/ebb", "ebb", "tide", "sea", "beta-tides/ebb height"]
    outcomes = [lisppump("describe", *word.split()) for word in words]
    assert {(outcome.code, outcome.err) for outcome in outcomes} == {(0, "")}
    golden("describe-plugin.txt", plain("\n".join(outcome.out for outcome in outcomes), tmp_path))


def test_a_broken_plugin_is_told_of_only_where_it_may_be_meant(
    lisppump: Lisppump, tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "dry-sea", "0.3", "raise ValueError('no sea')", entry="sea", summary="A sea without water")
    seen(site, monkeypatch)
    assert lisppump("describe", "take").err == ""
    unknown = lisppump("describe", "wave")
    assert unknown.code == 1 and unknown.out == ""
    itself = lisppump("describe", "dry-sea")
    assert itself.code == 0
    golden("describe-broken.txt", plain("".join([unknown.err, itself.err, itself.out]), tmp_path))
    off = lisppump("describe", "wave", "-p", "no:dry-sea")
    assert off.code == 1 and "dry-sea" not in off.err


def test_a_drop_in_without_trust_is_not_run(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text("(pump")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "evil.py").write_text('"""Does evil."""\nopen("it-ran", "w")\n')
    unknown, itself = lisppump("describe", "wave"), lisppump("describe", "evil")
    assert (unknown.code, itself.code) == (1, 0)
    for outcome in (unknown, itself):
        assert outcome.err.startswith("plugin plugins/evil.py ")
    assert "  Does evil.\n  state: untrusted\n" in itself.out
    assert not (tmp_path / "it-ran").exists()


def test_with_json_the_lines_about_plugins_stay_on_stderr(
    lisppump: Lisppump, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "dry-sea", "0.3", "raise ValueError('no sea')", entry="sea")
    seen(site, monkeypatch)
    outcome = lisppump("describe", "wave", "--json")
    assert outcome.json["error"]["code"] == "nothing-described"
    assert outcome.err.startswith("plugin dry-sea 0.3 is broken at ")


def test_a_command_that_cannot_be_described_hides_nothing_else(
    lisppump: Lisppump, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = '''
        import click
        from lisppump import hookimpl

        class Odd(click.Command):
            def collect_usage_pieces(self, ctx):
                raise RuntimeError("no words")

        @hookimpl
        def commands(): return {"odd": Odd("odd", help="Is odd.", callback=print)}
    '''
    put(site, "oddities", "1.0", code, entry="odd")
    seen(site, monkeypatch)
    (entry, _) = lisppump("describe", "odd", "--json").json["entries"]
    assert entry["doc"] == "Its description cannot be read: RuntimeError: no words."
    assert lisppump("describe", "take").code == 0


def test_a_word_of_another_lisp_says_what_there_is_here(lisppump: Lisppump) -> None:
    outcome = lisppump("describe", "pcase", "--json")
    assert outcome.json["error"]["code"] == "nothing-described"
    assert outcome.json["error"]["help"] == "write (match x (pattern form ...) ...)"


def test_a_word_that_names_speak_of_is_answered_with_those(lisppump: Lisppump) -> None:
    said = lisppump("describe", "heartbeat").err
    assert "char-at" not in said and "did you mean" in said and "of it" in said
    assert "did you mean `streams`?" in lisppump("describe", "streems").err


def test_words_that_no_code_is_called_by_are_explained(lisppump: Lisppump) -> None:
    assert "docs/workers.md" in lisppump("describe", "worker").out
    assert "under the agent's id" in " ".join(lisppump("describe", "echo_frames").out.split())
    assert "boost-builder" in lisppump("describe", "signals").out
    assert "describe agents-programs" in lisppump("describe", "programs.json").out
    assert "(rb-echo self)" in lisppump("describe", "self").out
    assert "describe try" in lisppump("describe", "catch").out
    assert "(load prompt)" in lisppump("describe", "echo-of").out
    assert "(load steer)" in lisppump("describe", "fibonacci-topics").out
    assert "beside pump.lisp or built in" in " ".join(lisppump("describe", "load").out.split())
    assert "nudges.json" in lisppump("describe", "steering").out
    assert "while the heart rests" in " ".join(lisppump("describe", "tock").out.split())
    assert "steps are 0" in " ".join(lisppump("describe", "time-limit").out.split())
