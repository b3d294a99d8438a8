"""Synonyms in the policy: other names of collections, fields and choices, for replies and foreign deltas."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.delta import Collection, Field, Schema
from lisppump.schema import check, in_words, json_schema, sift
from lisppump.schema_reply import read_reply
from tests.policy_support import changed, errors_of, load

POSTS = Collection("posts", (Field("title", "string", also=("headline", "name")),), also=("posts_made",))
VOTES = Collection(
    "votes",
    (
        Field("post", "ref", target="posts", here=True, also=("discussion", "target")),
        Field("voter", "agent", here=True, also=("by",)),
        Field("type", "one-of", choices=("up", "down"), meant=(("+1", "up"),), also=("reaction",)),
        Field("note", "any", optional=True, also=("target", "remark")),
    ),
)
SCHEMA = Schema((POSTS, VOTES))


def checked(item: dict[str, Any], name: str = "votes", *, elsewhere: bool = True) -> Any:
    """The item as it is read, or the reason why it is not."""
    (sifted,) = sift(SCHEMA, {name: [item]}, "the test", elsewhere=elsewhere)
    return sifted.item if sifted.problem is None else sifted.problem.reason


# -- reading


def test_the_first_name_whose_value_fits_is_meant() -> None:
    vote = {"discussion": "x", "target": 5, "by": "ann", "reaction": "+1"}
    assert checked(vote) == {"post": 5, "voter": "ann", "type": "up", "extra": {"discussion": "x"}}


def test_what_does_not_fit_one_field_may_fit_another() -> None:
    vote = {"discussion": 4, "target": "node", "by": "ann", "type": "up"}
    assert checked(vote) == {"post": 4, "note": "node", "voter": "ann", "type": "up"}


def test_a_field_under_its_own_name_comes_first() -> None:
    assert checked({"title": "a", "headline": "b"}, "posts") == {"title": "a", "extra": {"headline": "b"}}
    assert checked({"title": None, "headline": "b"}, "posts") == {"title": "b"}
    assert checked({"title": 5, "headline": "b"}, "posts") == "wrong-type"


def test_required_here_is_required_of_pipes_only() -> None:
    assert checked({"type": "up"}) == {"post": None, "voter": None, "type": "up"}
    assert checked({"type": "up"}, elsewhere=False) == "missing-field"
    assert checked({"type": "up", "voter": 5, "post": 1}) == "wrong-type"
    assert checked({"type": "sideways"}) == "not-a-choice"


def test_a_reply_may_use_synonyms_and_is_not_told_of_them() -> None:
    said = '{"posts_made": [{"headline": "t"}], "posts": [{"title": "u"}]}'
    found = read_reply(f'Well: {{"note": 1}} {said}', SCHEMA).data
    accepted, rejected = check(SCHEMA, found)
    assert (accepted, rejected) == ({"posts": [{"title": "u"}, {"title": "t"}]}, [])
    assert "headline" not in in_words(SCHEMA)
    assert json_schema(SCHEMA)["properties"]["votes"]["items"]["required"] == ["post", "voter", "type"]


# -- writing

VOTER = "(voter agent)"
TYPE = '(one-of "upvote" "downvote")'


def test_pump_lisp_says_them() -> None:
    text = changed(VOTER, "(voter agent required-here (also by agent))")
    text = changed(TYPE, '(one-of ("upvote" "+1" "yes") "downvote")', text)
    text = changed("(once-per voter post type)", "(also reactions likes) (once-per voter post type)", text)
    schema = load(text).schema
    votes = schema.get("votes")
    assert votes is not None and votes.also == ("reactions", "likes")
    assert votes.fields[1] == Field("voter", "agent", here=True, also=("by", "agent"))
    assert votes.fields[2].choices == ("upvote", "downvote")
    assert votes.fields[2].meant == (("+1", "upvote"), ("yes", "upvote"))
    assert schema.reading("likes") is votes
    assert schema.reading("loves") is None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (VOTER, "(voter agent (also post))", "duplicate-clause"),
        (VOTER, "(voter agent required)", "bad-clause"),
        (VOTER, "(voter agent optional required-here)", "bad-clause"),
        (VOTER, "(voter agent (also by) (also of))", "bad-clause"),
        (VOTER, '(voter agent (also "by"))', "bad-clause"),
        (VOTER, "(voter agent (alos by))", "bad-clause"),
        (TYPE, '(one-of ("upvote" 1) "downvote")', "wrong-kind"),
        (TYPE, '(one-of () "downvote")', "wrong-kind"),
        (TYPE, '(one-of ("upvote" "downvote") "downvote")', "duplicate-clause"),
        ("(once-per voter post type)", "(also profiles)", "duplicate-clause"),
        ("(once-per voter post type)", "(also digest)", "duplicate-clause"),
        ("(once-per voter post type)", "(also likes likes)", "duplicate-clause"),
    ],
)
def test_what_would_be_ambiguous_or_misspelt_is_an_error(old: str, new: str, code: str) -> None:
    errors = errors_of(changed(old, new))
    assert code in [error.code for error in errors.errors]
    assert all(error.help for error in errors.errors)
