"""What the dialplan hears of a call the moment it may go on, and what happened before that moment. Virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import structlog
import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from callengine.answering import load_agents
from callengine.errors import ReasoningError, RemoteProtocolError, ServiceError
from callengine.ports.journal import CallerFound, CallOpened
from callengine.ports.reasoning import TRANSFER, Reply, ReplyRequest
from callengine.ports.tools import CallerContext, ToolCall
from tests.conftest import ExpectErrorLog
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.engine import Line, Play, ScriptedControl, open_play
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

TRANSFERRED = "transfer:operator"
FOUND = CallerContext(str(FIRST_UUID), "", "+79031234567", "Анна", "100", "PJSIP/7-01")


def transferring(control: ScriptedControl) -> Parts:
    return Parts(dialog=ScriptedDialog((["Соединяю вас.", ToolCall("1", TRANSFER.name)],)), control=control)


async def greeted(play: Play) -> None:
    await play.asterisk.agent_speaks()
    await play.asterisk.agent_silent()


@pytest.mark.parametrize("seconds", [0.0, 1.5])
async def test_a_transfer_is_played_out_then_acknowledged_then_0x00_goes_out(
    autojump_clock: trio.testing.MockClock, seconds: float
) -> None:
    control, line = ScriptedControl(seconds=seconds), Line(SimulatedAsterisk())
    async with open_play(transferring(control), line) as play:
        await greeted(play)
        await play.asterisk.speak(1.0)
        await play.over.wait()
        last_word = max(sent.at for sent in play.asterisk.sent if sent.speech)
        ((acknowledged, word),) = control.said
        assert word == "operator"
        assert line.hung_up_at is not None
        assert last_word + seconds <= acknowledged + 1e-6
        assert acknowledged <= line.hung_up_at
        assert max(play.asterisk.spacings()) < 0.021, "silence goes on while Asterisk is asked"
    assert line.word == TRANSFERRED


async def test_a_control_path_that_fails_leaves_the_word_and_one_line_in_the_log(
    autojump_clock: trio.testing.MockClock,
) -> None:
    control, line = ScriptedControl(seconds=2.0, fault=ServiceError("Asterisk is away")), Line(SimulatedAsterisk())
    with structlog.testing.capture_logs() as logs:
        async with open_play(transferring(control), line) as play:
            await greeted(play)
            await play.asterisk.speak(1.0)
    assert line.word == TRANSFERRED
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["transfer_by_outcome"]


async def test_a_channel_that_was_moved_gets_no_0x00(autojump_clock: trio.testing.MockClock) -> None:
    line = Line(SimulatedAsterisk())
    control = ScriptedControl("moved", moves=line.asterisk)
    async with open_play(transferring(control), line) as play:
        await greeted(play)
        await play.asterisk.speak(1.0)
    assert (line.hung_up_at, len(control.said)) == (None, 1)


@pytest.mark.parametrize("when", [0.0, 0.5, 30.0])
async def test_a_hang_up_from_outside_is_known_as_0x00_goes_out(
    autojump_clock: trio.testing.MockClock, when: float
) -> None:
    line = Line(SimulatedAsterisk())
    async with open_play(Parts(), line) as play:
        await play.asterisk.agent_speaks()
        await trio.sleep(when)
        assert await play.engine.hang_up(FIRST_UUID) == "closed"
        assert play.leg.over.is_set()
    assert line.word == "hangup"
    assert await play.engine.hang_up(FIRST_UUID) == "unknown"


async def test_a_line_that_does_not_end_is_ended_by_the_control_path(autojump_clock: trio.testing.MockClock) -> None:
    control, line = ScriptedControl(), Line(SimulatedAsterisk(), deaf=True)
    async with open_play(Parts(control=control), line) as play:
        await play.asterisk.agent_speaks()
        assert await play.engine.hang_up(FIRST_UUID) == "closed"
    assert line.hung_up_at is not None
    assert [(what, round(at - line.hung_up_at, 2)) for at, what in control.said] == [("hangup", 0.98)]


async def test_without_a_control_path_such_a_hang_up_is_told_and_not_confirmed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_play(Parts(), Line(SimulatedAsterisk(), deaf=True)) as play:
        await play.asterisk.agent_speaks()
        assert await play.engine.hang_up(FIRST_UUID) == "told"


async def test_an_order_stops_the_agent_says_so_and_puts_the_caller_through(
    autojump_clock: trio.testing.MockClock,
) -> None:
    control, line = ScriptedControl(), Line(SimulatedAsterisk())
    parts = Parts(control=control)
    async with open_play(parts, line) as play:
        await play.asterisk.agent_speaks()
        assert play.engine.transfer(FIRST_UUID, "nobody") == "no_target"
        assert play.engine.transfer(FIRST_UUID, "operator") == "ordered"
        assert play.engine.transfer(FIRST_UUID, "operator") == "ending"
        await trio.sleep(0.5)
        assert play.engine.transfer(FIRST_UUID, "operator") == "ending"
        await play.over.wait()
        record = await play.journal.call(str(FIRST_UUID))
        assert record is not None
        assert record.closed is not None
    assert [turn.text for turn in record.turns][-1] == parts.agent.transferring
    assert (record.closed.outcome, record.closed.target) == ("transferred", "operator")
    assert [word for _, word in control.said] == ["operator"]
    assert line.word == TRANSFERRED
    assert play.engine.transfer(FIRST_UUID, "operator") == "unknown"


async def test_a_line_that_has_just_broken_has_its_word(autojump_clock: trio.testing.MockClock) -> None:
    """Asterisk sees the end of the connection before the call's tasks do."""
    async with open_play(Parts(), Line(SimulatedAsterisk())) as play:
        await play.asterisk.agent_speaks()
        play.asterisk.fault = RemoteProtocolError("oversize", "a message that is too long")
        await play.leg.over.wait()
        assert await play.engine.outcome(FIRST_UUID) == "failed"
        play.asterisk.closed_at = trio.current_time()


async def test_a_caller_whose_line_went_without_our_doing_comes_back(autojump_clock: trio.testing.MockClock) -> None:
    """Asterisk closes while its caller is there: a write of its own failed, or both sides were silent for 2 s."""
    async with open_play(Parts(), Line(SimulatedAsterisk())) as play:
        await play.asterisk.agent_speaks()
        play.asterisk.hang_up()
        await play.leg.over.wait()
        assert await play.engine.outcome(FIRST_UUID) == "retry"


@pytest.mark.parametrize(("apology", "word"), [("Простите.", "apologised"), ("", "failed")])
async def test_a_failed_call_s_word_says_whether_the_caller_was_told(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog, apology: str, word: str
) -> None:
    breaks = {} if apology else {AGENT.apology: 0}
    parts = Parts(
        dialog=ScriptedDialog(([ReasoningError("broken", retryable=False)],)),
        voice=StampedVoice(caches=False, breaks=breaks),
        agent=AGENT,
    )
    line = Line(SimulatedAsterisk())
    with expect_error_log("call_failed"):
        async with open_play(parts, line) as play:
            await greeted(play)
            await play.asterisk.speak(1.0)
    assert line.word == word


async def test_a_call_that_is_up_has_no_word(autojump_clock: trio.testing.MockClock) -> None:
    async with open_play(Parts(), Line(SimulatedAsterisk())) as play:
        await play.asterisk.agent_speaks()
        before = trio.current_time()
        assert await play.engine.outcome(FIRST_UUID) == "retry"
        assert trio.current_time() == before
        play.asterisk.hang_up()


@dataclass
class ListeningDialog:
    """Keeps the callers it is told of."""

    replies: ScriptedDialog
    callers: list[CallerContext] = field(default_factory=list)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        self.callers.append(request.caller)
        async with self.replies.open_reply(request) as reply:
            yield reply


async def test_a_caller_looked_up_late_delays_nothing_and_is_told_to_the_dialog(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dialog = ListeningDialog(ScriptedDialog(("Да.",)))
    parts = Parts(dialog=dialog, control=ScriptedControl(seconds=2.0, found=FOUND))
    async with open_play(parts, Line(SimulatedAsterisk())) as play:
        assert await play.asterisk.agent_speaks() < 0.1
        await play.asterisk.agent_silent()
        await play.asterisk.speak(1.0)
        await play.asterisk.agent_speaks()
        play.asterisk.hang_up()
    assert dialog.callers == [replace(FOUND, language="ru-RU")]
    assert CallerFound(FOUND.call_id, FOUND.number, FOUND.name, FOUND.called, FOUND.channel) in play.journal.entries


async def test_a_registered_caller_is_not_looked_up(autojump_clock: trio.testing.MockClock) -> None:
    parts, registered = Parts(control=ScriptedControl(found=FOUND)), replace(FOUND, name="Пётр", fields={"vip": "1"})
    async with open_play(parts, Line(SimulatedAsterisk())) as play:
        await play.engine.services.registry.put_caller(registered)
        await play.asterisk.agent_speaks()
        play.asterisk.hang_up()
    (opened,) = [entry for entry in play.journal.entries if isinstance(entry, CallOpened)]
    assert (opened.name, opened.channel, opened.fields, opened.language) == (
        "Пётр",
        "PJSIP/7-01",
        {"vip": "1"},
        "ru-RU",
    )
    assert not [entry for entry in play.journal.entries if isinstance(entry, CallerFound)]


@pytest.mark.parametrize(
    ("said", "heard_as", "answered_in"),
    [
        ("", "ru-RU", "ru"),
        ("en", "en-GB", "en"),
        ("en-US", "en-US", "en"),
        ("fi", "ru-RU", "ru"),
        ("fi-FI", "fi-FI", "ru"),
    ],
)
async def test_a_callers_language_picks_the_agent(
    autojump_clock: trio.testing.MockClock, said: str, heard_as: str, answered_in: str
) -> None:
    agents = load_agents(None, "ru-RU")
    async with open_play(Parts(), Line(SimulatedAsterisk()), agents) as play:
        await play.engine.services.registry.put_caller(replace(FOUND, language=said))
        await greeted(play)
        play.asterisk.hang_up()
    (opened,) = [entry for entry in play.journal.entries if isinstance(entry, CallOpened)]
    record = await play.journal.call(str(FIRST_UUID))
    assert record is not None
    assert opened.language == heard_as
    assert record.turns[0].text == agents.others[answered_in].greeting
