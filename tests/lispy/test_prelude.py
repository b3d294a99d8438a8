"""The library written in LisPy: each definition has a docstring that ends with an example, and that holds."""

from __future__ import annotations

import pytest

from lisppump.lispy import Runtime, library
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS


@pytest.mark.parametrize("name", library.names())
def test_the_example_of_a_definition_holds(name: str) -> None:
    form = library.definition(name)
    assert form is not None
    sentence, empty, example = form.items[2].value.split("\n")
    assert sentence.endswith(".") and not empty
    program, wanted = example.removeprefix("Example: ").split(" ;=> ")
    result = Runtime().run(program)
    assert result.ok, result.error
    assert result.text == wanted
    assert name in program


def test_no_definition_has_the_name_of_a_builtin() -> None:
    assert [name for name in library.names() if name in load()] == []
    assert [name for name in library.names() if name in FORMS and not FORMS[name].valued] == []
