"""What a check found: one line each, with what to do about it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from callengine.errors import EngineError

# A note is neither green nor red: what was not looked at, or cannot be judged from here.
Verdict = Literal["ok", "note", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what and where in `says`, what to do in `mend` (empty where all is well)."""

    check: str
    verdict: Verdict
    says: str
    mend: str = ""


class FaultError(EngineError):
    """A check cannot go on: what is wrong and where, and what to do about it."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(says)
        self.says = says
        self.mend = mend


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict over all: `fail` before `warn` before `ok`; a note changes nothing."""
    verdicts = {finding.verdict for finding in findings}
    return "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "ok"
