"""The table of all forms of the language."""

from __future__ import annotations

from lisppump.lispy import forms_basic, forms_more  # noqa: F401  (each enters its forms)
from lisppump.lispy.analyser import FORMS as FORMS
from lisppump.lispy.analyser import FormSpec as FormSpec
