"""A caller is put through to a second SIP telephone: one that answers, and those that do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from tests.asterisk.alaw import through_alaw
from tests.asterisk.callers import LocalCall, record
from tests.asterisk.comparison import compare
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of, is_sound
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import Model, Phone, WhenCalled, open_phone
from tests.asterisk.telephones import address, put_together, refuse_late_call, samples_of
from tests.engine_process import EngineProcess
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

QUESTION = samples_of(FIXTURES / "ru" / "hello.wav")
ANSWER = samples_of(FIXTURES / "ru" / "goodbye.wav")
# How a second telephone may not take a call, and what Dial() says of it.
REFUSALS: dict[WhenCalled, str] = {"ring": "NOANSWER", "ignore": "NOANSWER", "busy": "BUSY", "decline": "CHANUNAVAIL"}


@asynccontextmanager
async def open_operator(pbx: Pbx, when_called: WhenCalled) -> AsyncIterator[Phone]:
    """The telephone of the target `operator`."""
    model = Model(port=pbx.ports.operator, user="operator", when_called=when_called)
    async with open_phone(address(pbx), model) as operator:
        yield operator


async def ask_for_the_operator(pbx: Pbx, phone: Phone) -> LocalCall:
    """Call, hear the greeting out, and say something: the agent then hands over."""
    call = LocalCall(pbx, uuid4(), pbx.log_size())
    assert await phone.dial("100", headers={"X-Call-UUID": str(call.uuid)})
    assert await phone.agent_silent(0.6)
    assert await phone.say(QUESTION)
    return call


async def test_the_operator_answers_and_both_hear_each_other(pbx: Pbx, nodes: Nodes, figure: Figure) -> None:
    pbx.set_globals(CE_FIELDS="do=transfer:operator")
    with nodes.open("a") as engine:
        async with open_operator(pbx, "answer") as operator, open_phone(address(pbx)) as phone:
            call = await ask_for_the_operator(pbx, phone)
            asked = phone.sent[-1].at
            assert await operator.called()
            assert await operator.answered()
            rang = operator.messages[0].at
            assert await operator.until(lambda: bool(operator.heard))
            await put_together(pbx)
            heard = len(phone.heard), len(operator.heard)
            assert await operator.say(ANSWER)
            assert await phone.say(QUESTION)
            assert await phone.hears(ANSWER, heard[0])
            assert await operator.hears(QUESTION, heard[1])
            ended = await record(engine, call.uuid, closed=True)
            await operator.hang_up()
            await phone.over()
        to_operator = compare(through_alaw(QUESTION), audio_of(operator.heard).samples)
        to_caller = compare(through_alaw(ANSWER), audio_of(phone.heard).samples)
    figure("end of the caller's speech to the ringing of the operator's telephone", rang - asked)
    figure("the operator's answer to the first audio", operator.heard[0].at - operator.answered_at)
    assert (ended["outcome"], ended["target"]) == ("transferred", "operator")
    assert to_operator.differences == to_caller.differences == ()
    assert phone.ending is not None
    assert phone.ending.by == "them"
    assert call.told() == ["node 1 SUCCESS, outcome transfer:operator", "transfer to operator ANSWER", "over"]


@pytest.mark.slow
async def test_an_operator_who_does_not_answer_is_followed_by_the_queue(pbx: Pbx, nodes: Nodes, figure: Figure) -> None:
    pbx.set_globals(CE_FIELDS="do=transfer:operator", CE_QUEUE="people")
    told: dict[str, list[str]] = {}
    waited: dict[str, float] = {}
    with nodes.open("a") as engine:
        for refusal in REFUSALS:
            async with open_operator(pbx, refusal):
                told[refusal], waited[refusal] = await _fall_back(pbx, engine, REFUSALS[refusal])
        told["is not there"], waited["is not there"] = await _fall_back(pbx, engine, "NOANSWER")
    await refuse_late_call(pbx)
    for kind, seconds in waited.items():
        figure(f"an operator of the kind {kind!r}: until a person of the queue answers", seconds)
    statuses = {str(refusal): status for refusal, status in REFUSALS.items()} | {"is not there": "NOANSWER"}
    assert told == {
        refusal: ["node 1 SUCCESS, outcome transfer:operator", f"transfer to operator {status}", "fallback"]
        for refusal, status in statuses.items()
    }


async def _fall_back(pbx: Pbx, engine: EngineProcess, status: str) -> tuple[list[str], float]:
    """One call that a person of the queue takes in the end, who says back what they hear: what was told of it, and how
    long the caller waited. Who says no is given the time to say it."""
    pbx.set_globals(CE_TARGET_SECONDS="3" if status == "NOANSWER" else "60")
    async with open_phone(address(pbx)) as phone:
        call = await ask_for_the_operator(pbx, phone)
        asked = phone.sent[-1].at
        await call.logged("a person answered")
        waited = phone.sent[-1].at - asked
        assert any(is_sound(timed.packet) for timed in phone.heard if timed.at > asked), "it rings, or somebody speaks"
        heard = len(phone.heard)
        assert await phone.say(ANSWER)
        assert await phone.agent_silent(0.3)  # it comes back: to its end
        back = compare(through_alaw(ANSWER), audio_of(phone.heard[heard:]).samples)
        assert back.runs
        assert phone.state == "up"
    assert (await record(engine, call.uuid, closed=True))["outcome"] == "transferred"
    return call.told(), waited
