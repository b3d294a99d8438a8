"""The table of all forms of the language."""

from __future__ import annotations

from lisppump.lispy import (  # noqa: F401  (each enters its forms)
    forms_basic,
    forms_bind,
    forms_elsewhere,
    forms_let,
    forms_loops,
    forms_match,
    forms_more,
    forms_records,
    forms_try,
)  # fmt: skip
from lisppump.lispy.analyser import FORMS as FORMS
from lisppump.lispy.analyser import FormSpec as FormSpec
