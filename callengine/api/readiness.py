"""Could this node hold a conversation now? Pure: what the parts said, put together."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from callengine.api.checks import Part

RECOGNIZER, FALLBACK, DIALOG = "recognizer", "fallback_recognizer", "dialog"  # names among the parts


class Readiness(BaseModel):
    """`ok`: all is as configured; `degraded`: calls are held, a recogniser is missing; `failed`: send no call here.

    `fallback_active`: calls are carried by the fallback recogniser. `draining`: no call is taken any more."""

    status: Literal["ok", "degraded", "failed"]
    draining: bool
    fallback_active: bool
    parts: Mapping[str, Part]


def readiness(parts: Mapping[str, Part], fallback_carries: bool, draining: bool) -> Readiness:
    """`fallback_carries`: calls found the chosen recogniser faulty lately, whatever it answers to a check."""
    well = {name: part.state == "ok" for name, part in parts.items()}
    spare = well.get(FALLBACK, False)
    active = spare and (fallback_carries or not well[RECOGNIZER])
    needed = all(good for name, good in well.items() if name not in (RECOGNIZER, FALLBACK))
    if draining or not needed or not (well[RECOGNIZER] or spare):
        return Readiness(status="failed", draining=draining, fallback_active=active, parts=parts)
    whole = all(well.values()) and not active
    return Readiness(status="ok" if whole else "degraded", draining=False, fallback_active=active, parts=parts)
