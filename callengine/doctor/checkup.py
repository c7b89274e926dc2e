"""Running the checks: all at once, each within its deadline; one that hangs or fails is a finding, no more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import trio

from callengine.config import Settings
from callengine.doctor.findings import FaultError, Finding
from callengine.errors import ConfigError, EngineError
from callengine.ports.bridge import Bridge

_Error = TypeVar("_Error", bound=EngineError)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: an engine's settings, the bridge its services are asked through, and its environment."""

    settings: Settings
    bridge: Bridge
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One look: `look` gives what it found, or raises a named error, which is a finding too.

    `alone`: before the others, which would disturb what it measures."""

    name: str
    look: Callable[[Patient], Awaitable[Sequence[Finding]]]
    seconds: float = 8.0
    alone: bool = False

    @property
    def part(self) -> str:
        """What it looks at, as `--only` names it: the first word, so that Asterisk's four are one part."""
        return self.name.partition(" ")[0]


def chosen_checks(checks: Sequence[Check], parts: Sequence[str]) -> list[Check]:
    """The checks of `parts`, or all where none is named. Raises ConfigError for a part there is not."""
    known = list(dict.fromkeys(check.part for check in checks))
    for part in parts:
        if part not in known:
            raise ConfigError("--only", f"there is no part {part!r}; the parts are {', '.join(known)}")
    return [check for check in checks if not parts or check.part in parts]


async def run_checkup(checks: Sequence[Check], patient: Patient) -> list[Finding]:
    """The findings of all checks, in the order of `checks`."""
    found: dict[str, Sequence[Finding]] = {}

    async def run(check: Check) -> None:
        found[check.name] = await _run_check(check, patient)

    for check in checks:
        if check.alone:
            await run(check)
    async with trio.open_nursery() as nursery:
        for check in checks:
            if not check.alone:
                nursery.start_soon(run, check)
    return [finding for check in checks for finding in found[check.name]]


async def _run_check(check: Check, patient: Patient) -> Sequence[Finding]:
    found: list[Finding] = []
    try:
        with trio.fail_after(check.seconds):
            found += await check.look(patient)
    except* trio.TooSlowError:
        says = f"no answer within {check.seconds:.0f} s"
        found.append(
            Finding(check.name, "fail", says, "is it, or this machine, overloaded? does a firewall drop the packets?")
        )
    except* FaultError as faults:
        found += [Finding(check.name, "fail", fault.says, fault.mend) for fault in _each(faults)]
    except* EngineError as errors:  # names the setting, and what to do
        found += [Finding(check.name, "fail", str(error)) for error in _each(errors)]
    return found


def _each(group: BaseExceptionGroup[_Error]) -> list[_Error]:
    """The errors in a group of groups: a service that opens a nursery raises one."""
    found: list[_Error] = []
    for error in group.exceptions:
        found += _each(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
