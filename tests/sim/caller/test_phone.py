"""A caller in virtual time, over a line of memory: what goes out when, what drops a call, what it notices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import trio

from callengine.caller import wire
from callengine.caller.events import Event
from callengine.caller.mouth import KEY_FRAMES, KEY_PAUSE_FRAMES
from callengine.caller.phone import Habits, Phone, open_call
from callengine.caller.script import Script, run_script
from callengine.caller.wire import Dropped, HungUp

CALL_ID = UUID("01c84651-7900-4077-8710-774565156d67")
LOUD = b"\x00\x20" * 160
AGENT_LOUD = b"\x10\x01\x40" + LOUD
AGENT_QUIET = b"\x10\x01\x40" + bytes(320)
SILENCE = wire.encode_audio(wire.LINE_SILENCE)


class MemoryLine:
    """A line to nowhere: keeps what was sent with its time, hands over what the test makes the server say."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.fault: OSError | None = None
        self._server, self._caller = trio.open_memory_channel[bytes](10_000)

    def send_nowait(self, message: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append((round(trio.current_time(), 6), message))

    async def receive(self) -> bytes:
        try:
            return await self._caller.receive()
        except trio.EndOfChannel:
            return b""

    def server_says(self, data: bytes) -> None:
        self._server.send_nowait(data)

    def server_closes(self) -> None:
        self._server.close()

    async def agent_speaks(self, frames: int) -> None:
        """Speech for so many frames, the first one now."""
        for _ in range(frames):
            self.server_says(AGENT_LOUD)
            await trio.sleep(0.02)


@asynccontextmanager
async def open_test_call(habits: Habits | None = None) -> AsyncIterator[tuple[Phone, MemoryLine]]:
    line = MemoryLine()
    async with open_call(line, CALL_ID, habits or Habits()) as phone:
        yield phone, line


def drain(phone: Phone) -> list[Event]:
    events = []
    while True:
        try:
            events.append(phone.events.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            return events


async def test_the_uuid_at_once_then_line_silence_every_20_ms(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (_phone, line):
        await trio.sleep(0.105)
        assert line.sent[0] == (0.0, wire.encode_uuid(CALL_ID))
        assert line.sent[1:] == [(round(0.02 * tick, 6), SILENCE) for tick in range(1, 6)]


async def test_a_caller_who_hangs_up_at_once_sends_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line):
        phone.hang_up()
        await phone.over()
    assert (phone.ending, line.sent) == (None, [])
    assert [event.name for event in drain(phone)] == ["hangup"]


async def test_a_stall_of_the_caller_is_caught_up_on_the_schedule(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line):
        await trio.sleep(0.05)
        autojump_clock.jump(0.1)
        await trio.sleep(0.015)
        assert len(line.sent) == 1 + 8
        assert phone.stats.frames_sent == 8


async def test_speech_goes_out_frame_by_frame_and_say_returns_with_the_last(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_test_call() as (phone, line):
        assert await phone.say(LOUD * 3 + LOUD[:100])
        assert trio.current_time() == pytest.approx(0.08)
        assert [message for _, message in line.sent[1:]] == [
            wire.encode_audio(LOUD)] * 3 + [wire.encode_audio(LOUD[:100] + bytes(220))]  # fmt: skip


async def test_a_key_is_a_hole_and_one_message_at_its_release(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line):
        assert await phone.press("4#")
        key = 0.02 * (KEY_FRAMES + KEY_PAUSE_FRAMES)
        released = 0.02 * KEY_FRAMES
        digits = [(at, message) for at, message in line.sent if message[0] == wire.KIND_DTMF]
        assert digits == [(round(released, 6), b"\x03\x00\x014"), (round(key + released, 6), b"\x03\x00\x01#")]
        audio = [at for at, message in line.sent if message == SILENCE]
        assert len(audio) == 2 * KEY_PAUSE_FRAMES
        assert not [at for at in audio if at <= released or key < at <= key + released]


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (b"\x00\x00\x00", HungUp()),
        (b"\x10\x00\x00", Dropped("empty_audio", "kind 0x10")),
        (b"\x03\x00\x011", Dropped("not_audio", "kind 0x03, length 1")),
        (b"\xff\x00\x01\x02", Dropped("not_audio", "kind 0xff, length 1")),
    ],
)
async def test_what_a_server_says_ends_the_call(
    autojump_clock: trio.testing.MockClock, data: bytes, ending: wire.Ending
) -> None:
    async with open_test_call() as (phone, line):
        await trio.sleep(0.05)
        line.server_says(AGENT_QUIET + data)
        await phone.over()
        sent = len(line.sent)
        await trio.sleep(1)
        assert (phone.ending, len(line.sent)) == (ending, sent)
        assert not await phone.say(LOUD), "nothing can be said in a call that is over"


async def test_a_close_between_messages_is_clean_and_inside_one_is_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_test_call() as (phone, line):
        line.server_says(AGENT_QUIET)
        line.server_closes()
        await phone.over()
        assert phone.ending == HungUp(by_close=True)
    async with open_test_call() as (phone, line):
        line.server_says(AGENT_QUIET[:100])
        line.server_closes()
        await phone.over()
        assert phone.ending == Dropped("cut_message", "100 bytes of a message, then the end")


async def test_the_rest_of_a_message_has_five_milliseconds(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line):
        for piece in (AGENT_LOUD[:2], AGENT_LOUD[2:50], AGENT_LOUD[50:320], AGENT_LOUD[320:]):
            line.server_says(piece)
            await trio.sleep(0.004)
        line.server_says(AGENT_LOUD[:2])
        await trio.sleep(1)  # a header may be as late as it likes
        assert "hangup" not in [event.name for event in drain(phone)]
        line.server_says(AGENT_LOUD[2:50])
        await phone.over()
        assert phone.ending == Dropped("late_payload", "the rest of a message did not come within 5 ms")
        assert trio.current_time() == pytest.approx(1.016 + 0.005)


async def test_two_silent_seconds_on_both_sides_drop_the_call(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call(Habits(sends_silence=False)) as (phone, line):
        await trio.sleep(1.0)
        line.server_says(AGENT_QUIET)
        await phone.over()
        assert isinstance(phone.ending, Dropped)
        assert phone.ending.reason == "idle"
        assert trio.current_time() == pytest.approx(3.0)
        assert [message[0] for _, message in line.sent] == [wire.KIND_UUID]


async def test_a_telephone_that_sends_is_never_idle(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, _line):
        await trio.sleep(60)
        assert phone.ending is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(BlockingIOError("full"), "write_blocked"), (ConnectionResetError(104, "reset"), "reset")],
)
async def test_a_write_that_fails_drops_the_call(
    autojump_clock: trio.testing.MockClock, fault: OSError, reason: str
) -> None:
    async with open_test_call() as (phone, line):
        await trio.sleep(0.03)
        line.fault = fault
        await phone.over()
        assert isinstance(phone.ending, Dropped)
        assert phone.ending.reason == reason


async def test_what_the_caller_notices(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call(Habits(pause_seconds=0.5)) as (phone, line):
        await trio.sleep(0.1)
        await line.agent_speaks(10)
        assert await phone.agent_silent(0.5)
        assert trio.current_time() == pytest.approx(0.28 + 0.5, abs=0.021)
        assert await phone.say(LOUD * 10 + bytes(320 * 5))
        await trio.sleep(0.3)
        await line.agent_speaks(1)
        phone.hang_up()
        names = [event.name for event in drain(phone)]
        assert names == ["connected", "greeting_started", "agent_stopped", "response", "hangup"]
        assert phone.stats.greeting_seconds == pytest.approx(0.1)
        assert phone.stats.responses == [pytest.approx(0.1 + 0.3, abs=0.001)]
        assert phone.stats.frames_received == 11
        assert phone.stats.gaps == 1


async def test_the_agent_is_silent_only_after_it_has_answered(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line):
        await line.agent_speaks(2)
        assert await phone.agent_silent(0.1)
        assert await phone.say(LOUD)
        with trio.move_on_after(5) as waited:
            await phone.agent_silent(0.1)
        assert waited.cancelled_caught, "the greeting is no answer"
        await line.agent_speaks(2)
        assert await phone.agent_silent(0.1)


async def test_talking_over_begins_while_the_agent_speaks(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line), trio.open_nursery() as nursery:
        nursery.start_soon(line.agent_speaks, 200)
        script = Script((("over.wav", LOUD * 5),), talk_over_seconds=1.0, stay_seconds=0.5)
        assert await run_script(phone, script)
        first = next(at for at, message in line.sent if message == wire.encode_audio(LOUD))
        assert first == pytest.approx(1.02, abs=0.021)
        assert phone.ending is None, "the caller hung up"


async def test_a_script_that_the_agent_cuts_short_says_so(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, line), trio.open_nursery() as nursery:

        async def agent() -> None:
            await line.agent_speaks(3)
            line.server_says(b"\x00\x00\x00")

        nursery.start_soon(agent)
        assert not await run_script(phone, Script((("a.wav", LOUD),)))
        assert phone.ending == HungUp()


async def test_a_silent_agent_does_not_hold_the_caller_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call() as (phone, _line):
        assert not await run_script(phone, Script((("a.wav", LOUD),), max_seconds=7))
        assert trio.current_time() == pytest.approx(7)
        assert phone.ending is None


async def test_events_nobody_reads_are_counted_and_hold_nothing_up(autojump_clock: trio.testing.MockClock) -> None:
    async with open_test_call(Habits(pause_seconds=0.03)) as (phone, line):
        for _ in range(200):
            await line.agent_speaks(1)
            await trio.sleep(0.06)
        assert phone.stats.frames_received == 200
        assert phone.stats.events_lost > 0
        assert len(drain(phone)) == 256
