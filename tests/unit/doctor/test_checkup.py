"""The checkup: all at once, in order, and whatever a check does it ends in findings."""

from collections.abc import Sequence
from typing import cast

import trio
import trio.testing

from callengine.config import Settings
from callengine.doctor.checkup import Check, Patient, run_checkup
from callengine.doctor.findings import FaultError, Finding, worst
from callengine.errors import ConfigError
from callengine.ports.bridge import Bridge

PATIENT = Patient(Settings(), cast(Bridge, None))  # these checks ask nothing through it


async def slow(patient: Patient) -> Sequence[Finding]:
    await trio.sleep(3)
    return [Finding("slow", "ok", "well"), Finding("slow", "warn", "so so", "look again")]


async def hanging(patient: Patient) -> Sequence[Finding]:
    await trio.sleep_forever()
    return []


async def faulty(patient: Patient) -> Sequence[Finding]:
    await trio.lowlevel.checkpoint()
    raise FaultError("the port is closed", "open it")


async def unset(patient: Patient) -> Sequence[Finding]:
    async with trio.open_nursery():
        raise ConfigError("STORE_API_URL", "is no URL")


async def test_one_that_hangs_or_fails_is_a_finding(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    checks = [Check("slow", slow), Check("hanging", hanging, 5.0), Check("faulty", faulty), Check("unset", unset)]
    findings = await run_checkup(checks, PATIENT)
    assert trio.current_time() - began == 5.0, "all at once"
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("slow", "ok"), ("slow", "warn"), ("hanging", "fail"), ("faulty", "fail"), ("unset", "fail"),
    ]  # fmt: skip
    assert findings[2].says == "no answer within 5 s"
    assert (findings[3].says, findings[3].mend) == ("the port is closed", "open it")
    assert findings[4].says == "STORE_API_URL: is no URL"


def test_the_worst_counts() -> None:
    ok, warn, fail = (Finding("x", verdict, "") for verdict in ("ok", "warn", "fail"))
    assert (worst([]), worst([ok]), worst([ok, warn]), worst([warn, fail, ok])) == ("ok", "ok", "warn", "fail")
