"""The target of one run of the suite, shared by all its processes: one starts it, the others are told where it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from execd_conformance.targets import Choice, Place, Target, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every process of the suite knows; the fixture `target`."""

    choice: Choice
    place: Place
    features: frozenset[str] = frozenset()
    """What the daemon announces in `/version`."""
    version: dict[str, Any] = field(default_factory=dict)
    """Its answer to `GET /version`, empty where it has none."""
    offers: frozenset[str] = frozenset()
    """Which of `checks.NEEDS` its target gives."""
    profile: str = "full"
    only: tuple[str, ...] = ()
    """Patterns of what is run; without any, all."""

    wanted: tuple[str, ...] = ()
    """Languages that it is to serve, and the only ones that are looked at; without any, those that it serves."""

    @property
    def url(self) -> str:
        """Where the daemon answers."""
        return self.place.url

    @property
    def token(self) -> str | None:
        """What opens it."""
        return self.place.token

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it announces; one that announces nothing is asked for Python."""
        return frozenset(self.version.get("languages", ["python"]))

    @property
    def facts(self) -> dict[str, str]:
        """What the target tells of its daemon."""
        return dict(self.place.facts)

    def source(self) -> Target:
        """Return where further daemons come from."""
        return choose(self.choice)

    def to_json(self) -> str:
        """Return it as another process can be given it."""
        return json.dumps(asdict(replace(self, place=replace(self.place, facts=self.facts))), default=sorted)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` made into text."""
        fields = json.loads(text)
        fields |= {"choice": Choice(**fields["choice"]), "place": Place(**fields["place"])}
        fields |= {"features": frozenset(fields["features"]), "offers": frozenset(fields["offers"])}
        return cls(**fields | {"only": tuple(fields["only"]), "wanted": tuple(fields["wanted"])})
