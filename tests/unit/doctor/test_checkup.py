"""The checkup: all at once, in order, and whatever a check does it ends in findings."""

from collections.abc import Sequence
from typing import cast

import pytest
import trio
import trio.testing

from callengine.config import Settings
from callengine.doctor.checks import CHECKS
from callengine.doctor.checkup import Check, Patient, chosen_checks, run_checkup
from callengine.doctor.findings import FaultError, Finding, Verdict, worst
from callengine.errors import ConfigError
from callengine.ports.bridge import Bridge

VERDICTS: tuple[Verdict, ...] = ("ok", "note", "warn", "fail")
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


async def test_one_that_is_to_be_alone_is_over_before_the_others_begin(autojump_clock: trio.testing.MockClock) -> None:
    began: list[float] = []

    async def noted(patient: Patient) -> Sequence[Finding]:
        began.append(trio.current_time())
        return await slow(patient)

    start = trio.current_time()
    await run_checkup([Check("a", noted), Check("b", noted), Check("timer", noted, alone=True)], PATIENT)
    assert [at - start for at in began] == [0.0, 3.0, 3.0]


def test_a_part_is_a_check_s_first_word() -> None:
    names = [check.name for check in chosen_checks(CHECKS, ["asterisk", "clock"])]
    assert names == ["asterisk ARI", "asterisk AMI", "asterisk to engine", "asterisk to API", "clock", "clock timer"]
    assert chosen_checks(CHECKS, []) == list(CHECKS)
    with pytest.raises(ConfigError, match=r"^--only: there is no part 'disc'; the parts are settings, database, redis"):
        chosen_checks(CHECKS, ["disk", "disc"])


def test_the_worst_counts() -> None:
    ok, note, warn, fail = (Finding("x", verdict, "") for verdict in VERDICTS)
    assert (worst([]), worst([ok, note]), worst([ok, warn, note]), worst([warn, fail, ok])) == (
        "ok", "ok", "warn", "fail",
    )  # fmt: skip
