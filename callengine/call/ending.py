"""How a call ended."""

from dataclasses import dataclass

from callengine.ports.journal import Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended. `detail` is a few fixed words; `target` is where a transfer goes, and `summary` what the person
    there is told of the call."""

    outcome: Outcome
    detail: str = ""
    target: str = ""
    summary: str = ""
