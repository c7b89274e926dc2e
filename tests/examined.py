"""One look of the doctor's in this process, as `callengine doctor` takes it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from callengine.config import load_settings
from callengine.doctor.checkup import Check, Patient, run_checkup
from callengine.doctor.findings import Finding
from callengine.services.bridge import open_bridge
from tests.engine_process import QUICK

Look = Callable[[Patient], Awaitable[Sequence[Finding]]]
NONE: Mapping[str, str] = MappingProxyType({})
PATIENCE_SECONDS = 60.0  # a guard against hanging; nothing is timed by it


async def examined(look: Look, environ: Mapping[str, str] = NONE, **settings: str) -> list[Finding]:
    """What `look` finds with an engine's quick backends and these settings; a fault is a finding, too."""
    given = {**QUICK, **environ, **settings}
    async with open_bridge() as bridge:
        patient = Patient(load_settings(given), bridge, given)
        return await run_checkup([Check("it", look, PATIENCE_SECONDS)], patient)


def told(found: Sequence[Finding]) -> list[tuple[str, str]]:
    """Verdicts, and what each says with its mend."""
    return [(finding.verdict, f"{finding.says}; {finding.mend}") for finding in found]


def red(found: Sequence[Finding]) -> list[str]:
    """What fails, with its mend."""
    return [says for verdict, says in told(found) if verdict == "fail"]
