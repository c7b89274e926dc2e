"""The dialplan's mistakes, each found where it stands; and no mistake in a dialplan that has none."""

import pytest

from callengine.doctor.dialplan import Step, judge_dialplan, uses_of

UUID_TEXT = "40325ec2-5efd-4bd3-805f-53576e581d13"


def extension(*steps: tuple[str, str], context: str = "shop", exten: str = "100") -> list[Step]:
    return [Step(context, exten, number, app, data) for number, (app, data) in enumerate(steps, 1)]


ANSWER = ("Answer", "")


@pytest.mark.parametrize(
    ("steps", "verdict", "part"),
    [
        ([ANSWER, ("Dial", "AudioSocket/10.0.0.5:9092/${CALL_UUID},,g")], "fail", "without c()"),
        ([ANSWER, ("Dial", "PJSIP/1&AudioSocket/${E}/${CALL_UUID}")], "fail", "without c()"),
        ([("Progress", ""), ("TryExec", "AudioSocket(${CALL_UUID},${E})")], "fail", "nothing answers"),
        ([("AudioSocket", "${CALL_UUID},${E}"), ANSWER], "fail", "nothing answers"),
        ([ANSWER, ("AudioSocket", "${CALL_UUID},${E}")], "warn", "alone hangs the caller up"),
        ([ANSWER, ("TryExec", f"AudioSocket({UUID_TEXT},${{E}})")], "fail", "the same UUID"),
        ([ANSWER, ("Dial", f"AudioSocket/${{E}}/{UUID_TEXT}/c(slin)")], "fail", "the same UUID"),
        ([ANSWER, ("TryExec", "AudioSocket(${CALL_UUID},10.0.0.5)")], "fail", "no host:port"),
        ([ANSWER, ("ExecIf", "$[1]?AudioSocket(${UUID()},10.0.0.5:9092)")], "warn", "alone hangs"),
    ],
)
def test_a_mistake_is_told_with_its_place(steps: list[tuple[str, str]], verdict: str, part: str) -> None:
    found = [finding for finding in judge_dialplan(extension(*steps)) if part in finding.says]
    assert [finding.verdict for finding in found] == [verdict]
    assert found[0].says.startswith("shop,100,")
    assert found[0].mend


@pytest.mark.parametrize(
    "steps",
    [
        extension(ANSWER, ("TryExec", "AudioSocket(${CALL_UUID},${ENGINE})")),
        extension(ANSWER, ("TryExec", "AudioSocket(${CALL_UUID},10.0.0.5:9092)")),
        extension(("Dial", "AudioSocket/${ENGINE}/${UUID()}/c(slin16),,g")),
        # answered in another extension, which jumps here
        extension(ANSWER, ("Goto", "connect,1"))
        + extension(("TryExec", "AudioSocket(${CALL_UUID},${ENGINE})"), exten="connect"),
        # on the channel of who has been dialled, and has answered
        extension(("Dial", "PJSIP/operator,25,U(tell^${CALL_UUID})"))
        + extension(("TryExec", "AudioSocket(${ARG1},${ENGINE})"), context="tell", exten="s"),
        extension(("Gosub", "callengine,answer,1(100)"))
        + extension(ANSWER, ("TryExec", "AudioSocket(${U},${E})"), context="callengine", exten="answer"),
    ],
)
def test_one_without_a_mistake(steps: list[Step]) -> None:
    (finding,) = judge_dialplan(steps)
    assert finding.verdict == "ok"


def test_no_audiosocket_at_all() -> None:
    (finding,) = judge_dialplan(extension(ANSWER, ("Queue", "shop")))
    assert finding.verdict == "fail"
    assert "no extension runs AudioSocket" in finding.says


def test_ours_that_nobody_leads_to() -> None:
    steps = extension(ANSWER, ("TryExec", "AudioSocket(${U},${E})"), context="callengine", exten="answer")
    steps += extension(("Goto", "callengine-transfer,operator,1"))
    (finding,) = judge_dialplan(steps)
    assert finding.verdict == "warn"
    assert "Gosub(callengine,answer,1(${EXTEN}))" in finding.mend


def test_addresses_are_read_as_they_stand() -> None:
    steps = extension(
        ("TryExec", "AudioSocket(${UUID()},${CE_ENGINE})"),
        ("AudioSocket", "${CALL_UUID},voice.lan:9092"),
        ("Dial", "AudioSocket/10.0.0.5:9092/${CALL_UUID}/c(slin),,g"),
        ("NoOp", "AudioSocket(is,text)"),
    )
    assert [(use.uuid, use.address) for use in uses_of(steps)] == [
        ("${UUID()}", "${CE_ENGINE}"),
        ("${CALL_UUID}", "voice.lan:9092"),
        ("${CALL_UUID}", "10.0.0.5:9092"),
    ]
