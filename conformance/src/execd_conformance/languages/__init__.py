"""Languages as profiles: how each says what the scenarios of all languages have to say."""

from __future__ import annotations

from typing import Final

from execd_conformance.languages.bash import BASH
from execd_conformance.languages.go import GO
from execd_conformance.languages.java import JAVA
from execd_conformance.languages.node import JAVASCRIPT, TYPESCRIPT
from execd_conformance.languages.python import PYTHON
from execd_conformance.languages.shape import Bare, Failure, Language

__all__ = ["LANGUAGES", "Bare", "Failure", "Language"]

LANGUAGES: Final = {each.name: each for each in (PYTHON, BASH, JAVASCRIPT, TYPESCRIPT, JAVA, GO)}
