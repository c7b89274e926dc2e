"""Running the checks: all at once, each within its deadline; one that hangs or fails is a finding, no more."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import trio

from callengine.config import Settings
from callengine.doctor.findings import FaultError, Finding
from callengine.errors import EngineError
from callengine.ports.bridge import Bridge

_Error = TypeVar("_Error", bound=EngineError)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: an engine's settings, and the bridge its services are asked through."""

    settings: Settings
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class Check:
    """One part: `look` gives what it found, or raises a named error, which is a finding too."""

    name: str
    look: Callable[[Patient], Awaitable[Sequence[Finding]]]
    seconds: float = 8.0


async def run_checkup(checks: Sequence[Check], patient: Patient) -> list[Finding]:
    """The findings of all checks, in the order of `checks`."""
    found: dict[str, Sequence[Finding]] = {}

    async def run(check: Check) -> None:
        found[check.name] = await _run_check(check, patient)

    async with trio.open_nursery() as nursery:
        for check in checks:
            nursery.start_soon(run, check)
    return [finding for check in checks for finding in found[check.name]]


async def _run_check(check: Check, patient: Patient) -> Sequence[Finding]:
    found: list[Finding] = []
    try:
        with trio.fail_after(check.seconds):
            found += await check.look(patient)
    except* trio.TooSlowError:
        says = f"no answer within {check.seconds:.0f} s"
        found.append(Finding(check.name, "fail", says, "is it overloaded, or does a firewall drop the packets?"))
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
