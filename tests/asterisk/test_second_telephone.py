"""A transfer to a second telephone: one that answers, one that is busy, one that rings on."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.asterisk.comparison import compare
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import Model, Phone, WhenCalled, open_phone
from tests.asterisk.recorded import CLIPS, clip_samples, recorded_settings, speech_of
from tests.asterisk.telephones import put_together

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

PAUSE_SECONDS = 1.2  # longer than any in the recordings
REQUEST, HERE, THERE = (clip_samples(clip) for clip in CLIPS[:3])
ORDER = {"CE_FIELDS": "do=transfer:operator"}
PROMISE = "Одну минуту."  # the obedient dialog's
NOT_ANSWERED = {"busy": "BUSY", "ring": "NOANSWER", "ignore": "NOANSWER"}


async def ask_for_the_operator(phone: Phone) -> None:
    """The agent hands over at the first thing that is said."""
    assert await phone.dial("100", headers={"X-Call-UUID": str(uuid4())})
    assert await phone.agent_silent(PAUSE_SECONDS)
    assert await phone.say(REQUEST)


async def test_caller_and_operator_hear_each_other(pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure) -> None:
    pbx.set_globals(**ORDER)
    address, model = ("127.0.0.1", pbx.ports.sip), Model(port=pbx.ports.operator, user="operator")
    with nodes.open("a", **recorded_settings(tmp_path)):
        async with open_phone(address, model) as operator, open_phone(address) as caller:
            await ask_for_the_operator(caller)
            assert await operator.answered()
            await put_together(pbx)
            assert await operator.say(THERE)
            assert await caller.say(HERE)
            assert await caller.hears(THERE)
            assert await operator.hears(HERE)
            await operator.hang_up()
            await caller.over()
    heard = audio_of(caller.heard)
    assert compare(speech_of(PROMISE), heard.samples).differences == (), "the agent's last word was heard in full"
    for said, ear in ((THERE, caller), (HERE, operator)):
        found = compare(said, audio_of(ear.heard).samples)
        assert found.exact
        assert found.differences == ()
    assert caller.ending is not None
    assert (caller.ending.by, caller.ending.reason) == ("them", "Q.850;cause=16")
    promise = compare(speech_of(PROMISE), heard.samples)
    last = heard.time_of(promise.begin + len(speech_of(PROMISE)) - 1)
    figure("the agent's last word to the operator's answer", operator.answered_at - last)


@pytest.mark.parametrize("when_called", ["busy", "ring", "ignore"])
async def test_an_operator_who_does_not_answer_is_given_up(
    when_called: WhenCalled, pbx: Pbx, nodes: Nodes, tmp_path: Path
) -> None:
    status = NOT_ANSWERED[when_called]
    pbx.set_globals(**ORDER, CE_TARGET_SECONDS="3" if status == "NOANSWER" else "60")
    began = pbx.log_size()
    address = ("127.0.0.1", pbx.ports.sip)
    model = Model(port=pbx.ports.operator, user="operator", when_called=when_called)
    with nodes.open("a", **recorded_settings(tmp_path)):
        async with open_phone(address, model) as operator, open_phone(address) as caller:
            await ask_for_the_operator(caller)
            await operator.called()
            assert await caller.until(lambda: "fallback" in pbx.log_since(began)), pbx.log_since(began)
            assert await caller.agent_speaking()  # the apology
            await caller.hang_up()
    assert operator.invitation is not None
    assert f"transfer to operator {status}" in pbx.log_since(began)
