"""One caller: what Asterisk puts on the wire for a telephone, and what that telephone hears.

    async with open_phone("127.0.0.1", 9092) as phone:
        await phone.agent_silent(0.6)          # the greeting is over
        await phone.say(load_speech(path))     # 8 kHz slin; returns when its last frame is out
        await phone.agent_silent(0.6)          # the answer is over
        await phone.press("42#")

Methods that wait return False when the call ended first: a call that ends is nothing unusual, and what is asked of it
afterwards returns False at once. `phone.ending` then says how it ended (None: the caller hung up), `phone.stats` and
`phone.events` (a bounded channel that ends with the call) what happened. Leaving the block hangs up.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import trio

from callengine.caller import wire
from callengine.caller.ear import Ear
from callengine.caller.events import Event, EventName, Notices, PhoneStats
from callengine.caller.line import Line, open_line
from callengine.caller.mouth import Mouth
from callengine.caller.recording import Recording
from callengine.caller.speech import resample

PAYLOAD_SECONDS = 0.005  # res_audiosocket.c: one poll of 5 ms for the rest of a message
IDLE_SECONDS = 2.0  # app_audiosocket.c: neither the channel nor the server has sent anything


@dataclass(frozen=True, slots=True)
class Habits:
    """How a phone behaves: the silence after which the agent has stopped, and RTP while the caller says nothing."""

    pause_seconds: float = 0.6
    sends_silence: bool = True
    recording: Recording | None = None


class Phone:
    """A call's caller, over any Line; `run` is its task, open_phone the usual way to have one."""

    def __init__(self, line: Line, call_id: UUID, habits: Habits) -> None:
        self.call_id = call_id
        self.ending: wire.Ending | None = None
        self.stats = PhoneStats()
        self._notices = Notices(self.stats)
        self.events = self._notices.receiver
        self._line = line
        self._recording = habits.recording
        self._ear = Ear(habits.pause_seconds)
        self._mouth = Mouth(sends_silence=habits.sends_silence)
        self._ticks = trio.lowlevel.ParkingLot()
        self._running = trio.CancelScope()
        self._over = False
        self._connected = self._last_activity = trio.current_time()
        self._waits_since: float | None = None  # the end of the caller's speech, until the agent responds
        self._heard_from = self._connected  # agent_silent listens to what the agent says after this

    async def run(self) -> None:
        """The call on the wire, until either side ends it."""
        if self._over:  # hung up before this task had its first turn
            return
        self._tell("connected", detail=str(self.call_id))
        with self._running:
            async with trio.open_nursery() as nursery:
                if self._send(wire.encode_uuid(self.call_id)):
                    nursery.start_soon(self._listen)
                    await self._keep_time()

    async def say(self, slin: bytes) -> bool:
        """Speak 8 kHz slin after what is already being said; returns when its last frame is out."""
        saying = self._mouth.say(slin)
        return await self._until(lambda: saying.done)

    async def press(self, digits: str) -> bool:
        """Press keys one after another; returns after the last. Raises ValueError for what is no telephone key."""
        keys = self._mouth.press(digits)
        return await self._until(lambda: all(key.done for key in keys))

    async def agent_speaking(self, seconds: float = 0.0) -> bool:
        """Wait until the agent is speaking, and has been for `seconds`."""

        def speaking() -> bool:
            since = self._ear.speaking_since
            return since is not None and trio.current_time() - since >= seconds

        return await self._until(speaking)

    async def agent_silent(self, seconds: float) -> bool:
        """Wait until the agent has spoken since the caller last did, and has then been silent for `seconds`."""

        def silent() -> bool:
            last = self._ear.last_speech
            if last is None or last < self._heard_from:
                return False
            return self._ear.silent_for(trio.current_time()) >= seconds

        return await self._until(silent)

    async def over(self) -> None:
        """Wait until the call is over."""
        await self._until(lambda: False)

    def hang_up(self) -> None:
        """The caller puts the receiver down: Asterisk just closes."""
        self._end(None)

    async def _until(self, ready: Callable[[], bool]) -> bool:
        await trio.lowlevel.checkpoint()
        while not ready():
            if self._over:
                return False
            await self._ticks.park()
        return True

    async def _keep_time(self) -> None:
        """A tick each 20 ms of an absolute schedule; a stall of ours is caught up at once, as a PBX's would be."""
        tick = self._connected
        while True:
            tick += wire.FRAME_SECONDS
            await trio.sleep_until(tick)
            now = trio.current_time()
            self._speak(now)
            if (spoke := self._ear.stopped(now)) is not None:
                self._tell("agent_stopped", seconds=spoke)
            if self._recording:
                self._recording.write(self._position(now))
            if now - self._last_activity >= IDLE_SECONDS:
                self._end(wire.Dropped("idle", f"nothing in either direction for {IDLE_SECONDS:g} s"))
            self._ticks.unpark_all()

    def _speak(self, now: float) -> None:
        tick = self._mouth.tick()
        if tick.slin and self._send(wire.encode_audio(tick.slin)):
            self.stats.frames_sent += 1
            if self._recording:
                self._recording.put("caller", self._position(now) - wire.FRAME_SAMPLES, tick.slin)
        if tick.digit and self._send(wire.encode_digit(tick.digit)):
            self._tell("digit", detail=tick.digit)
        if tick.slin or tick.key_down:  # a key held down is RTP to Asterisk, though nothing to us
            self._last_activity = now
        if tick.asked:
            self._waits_since = self._heard_from = now

    def _send(self, message: bytes) -> bool:
        if self._over:
            return False
        try:
            self._line.send_nowait(message)
        except BlockingIOError:
            self._end(wire.Dropped("write_blocked", "the server does not read"))
        except OSError as error:
            self._end(wire.Dropped("reset", error.strerror or str(error)))
        return not self._over

    async def _listen(self) -> None:
        messages = wire.ServerMessages()
        while not self._over:
            data = None
            try:
                with trio.move_on_after(PAYLOAD_SECONDS if messages.awaits_payload else math.inf):
                    data = await self._line.receive()
            except OSError as error:
                self._end(wire.Dropped("reset", error.strerror or str(error)))
                return
            if data is None:
                self._end(wire.Dropped("late_payload", "the rest of a message did not come within 5 ms"))
            elif not data:
                self._end(messages.close())
            else:
                self._take(messages.feed(data))

    def _take(self, messages: list[wire.Message]) -> None:
        for message in messages:
            if self._over:  # hung up while this was on its way: nobody hears it
                return
            if isinstance(message, wire.Audio):
                self._hear(trio.current_time(), message)
            else:
                self._end(message)

    def _hear(self, now: float, audio: wire.Audio) -> None:
        self._last_activity = now
        self.stats.count(now, audio)
        slin = audio.slin if audio.rate == wire.SAMPLE_RATE else resample(audio.slin, audio.rate)
        if self._recording:
            self._recording.put("agent", self._position(now) - len(slin) // 2, slin)
        if self._ear.hear(now, slin):
            self._note_speech(now)

    def _note_speech(self, now: float) -> None:
        """The agent begins to speak: the greeting, a response, or of its own accord."""
        if self.stats.greeting_seconds is None:
            self.stats.greeting_seconds = now - self._connected
            self._tell("greeting_started", seconds=self.stats.greeting_seconds)
        elif self._waits_since is not None:
            self.stats.responses.append(now - self._waits_since)
            self._tell("response", seconds=now - self._waits_since)
        else:
            self._tell("agent_started")
        self._waits_since = None

    def _position(self, now: float) -> int:
        return round((now - self._connected) * wire.SAMPLE_RATE)

    def _end(self, ending: wire.Ending | None) -> None:
        if self._over:
            return
        self._over = True
        self.ending = ending
        self._tell("hangup", detail=describe_ending(ending))
        self._notices.close()
        self._ticks.unpark_all()
        self._running.cancel("the call is over")

    def _tell(self, name: EventName, *, seconds: float | None = None, detail: str = "") -> None:
        self._notices.tell(Event(name, trio.current_time() - self._connected, seconds, detail))

    def tell_playing(self, name: str) -> None:
        """Put a `playing` event among the others: only the script knows a recording's name."""
        self._tell("playing", detail=name)


def describe_ending(ending: wire.Ending | None) -> str:
    """Who ended a call and how, in a few words; None is the caller."""
    match ending:
        case None:
            return "caller"
        case wire.HungUp(by_close=by_close):
            return "agent, by closing" if by_close else "agent"
        case wire.Dropped(reason=reason, detail=detail):
            return f"dropped: {reason}" + (f" ({detail})" if detail else "")


@asynccontextmanager
async def open_phone(
    host: str, port: int, call_id: UUID | None = None, habits: Habits | None = None
) -> AsyncIterator[Phone]:
    """A call to a server. Raises NotConnectedError before the block; what the block raises comes out in a group."""
    async with open_line(host, port) as line, open_call(line, call_id or uuid4(), habits or Habits()) as phone:
        yield phone


@asynccontextmanager
async def open_call(line: Line, call_id: UUID, habits: Habits) -> AsyncIterator[Phone]:
    """A call over a line that is already connected."""
    phone = Phone(line, call_id, habits)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(phone.run)
        try:
            yield phone
        finally:
            phone.hang_up()
