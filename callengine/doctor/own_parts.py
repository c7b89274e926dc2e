"""A part whose URL is not set: the engine's own, or, with EMBEDDED=off, a setting that is missing."""

from callengine.config import Settings
from callengine.doctor.findings import Finding


def judge_own_part(settings: Settings, check: str, variable: str) -> Finding:
    """What becomes of a part that no URL is given for."""
    if settings.embedded:
        return Finding(check, "ok", f"{variable} is not set: the engine starts a part of its own")
    return Finding(
        check, "fail", f"{variable} is not set, and EMBEDDED=off allows no part of our own", f"set {variable}"
    )
