"""A telephone at a real Asterisk: SIP and RTP over UDP on loopback, A-law, on an absolute schedule.

    async with open_phone(("127.0.0.1", 5060)) as phone:
        assert await phone.dial("600", name="Иван", headers={"X-Call-UUID": str(call_id)})
        await phone.agent_silent(0.6)          # the greeting is over
        await phone.say(samples)               # returns when its last packet is out
        await phone.press("42#")
        phone.hang_up()

One phone has one call, its own or one that comes to it. Methods that wait return False where the call ended first;
`phone.ending` then says how. `heard` and `sent` hold every packet with its time, `messages` every SIP message."""

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import trio

from tests.asterisk import sip
from tests.asterisk.alaw import Samples
from tests.asterisk.heard import Timed, is_sound, last_sound
from tests.asterisk.mouth import Habits, Mouth
from tests.asterisk.sdp import Direction
from tests.asterisk.session import Ending, Place, Session, State
from tests.asterisk.sockets import RtpSocket, open_rtp_socket, open_sip_socket

RESEND_SECONDS = (0.5, 1.0, 2.0, 4.0, 4.0, 4.0)  # RFC 3261, 17.1.1.2 and 17.1.2.2: T1 doubled, up to T2
PATIENCE_SECONDS = 240.0  # a test that waits longer hangs; nothing is timed by it
BYE_SECONDS = 2.0  # for the answer to a BYE when a test is over; a PBX that is gone gives none
PAUSE_SECONDS = 0.3  # in speech: a shorter one is no end of it
Address = tuple[str, int]
WhenCalled = Literal["answer", "ring", "ignore", "busy", "decline"]


@dataclass(frozen=True, slots=True)
class Note:
    """A SIP message's first line, when it went or came."""

    at: float
    came: bool
    line: str


@dataclass(frozen=True, slots=True)
class Model:
    """What kind of phone: where it listens (0: anywhere), who it is, what it does when called, how it sends."""

    port: int = 0
    user: str = "tester"
    when_called: WhenCalled = "answer"
    habits: Habits = field(default_factory=Habits)


class Phone:
    """`run` is its task; `open_phone` the usual way to have one."""

    def __init__(self, pbx: Address, model: Model, sip_socket: trio.socket.SocketType, audio: RtpSocket) -> None:
        self.heard: list[Timed] = []
        self.sent: list[Timed] = []
        self.messages: list[Note] = []
        self.invited_at = self.answered_at = self.ended_at = math.nan
        self._pbx = pbx
        self._model = model
        self._sip = sip_socket
        self._audio = audio
        host, port = sip_socket.getsockname()[:2]
        self._session = Session(Place(host, port, audio.port, model.habits.ptime_ms, model.user))
        self.mouth = Mouth(model.habits)
        self._changes = trio.lowlevel.ParkingLot()
        self._resend = trio.Event()
        self._quiet = False
        self._sounds: list[float] = []  # when sound was heard

    @property
    def state(self) -> State:
        """Of the call."""
        return self._session.state

    @property
    def ending(self) -> Ending | None:
        """How the call ended, once it has."""
        return self._session.ending

    @property
    def port(self) -> int:
        """Where its SIP is."""
        return int(self._sip.getsockname()[1])

    @property
    def invitation(self) -> sip.Message | None:
        """The INVITE by which it was called."""
        return self._session.offered

    async def run(self) -> None:
        """Keep its sockets, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._send_again)
            await self._keep_time()

    async def dial(self, extension: str, name: str = "", headers: Mapping[str, str] | None = None) -> bool:
        """Call an extension and wait for the answer."""
        await self.invite(extension, name, headers)
        return await self.answered()

    async def invite(self, extension: str, name: str = "", headers: Mapping[str, str] | None = None) -> None:
        """Begin a call; `answered` waits for what comes of it."""
        host, port = self._pbx
        self.invited_at = trio.current_time()
        await self._send(self._session.invite(f"sip:{extension}@{host}:{port}", name, headers))

    async def called(self) -> bool:
        """Wait until somebody calls this phone."""
        return await self.until(lambda: self._session.offered is not None)

    async def answered(self) -> bool:
        """Wait until the call is up."""
        return await self.until(lambda: self.state == "up")

    async def answer(self) -> None:
        """Take the call that rings."""
        await self._send(self._session.answer())

    async def hang_up(self) -> None:
        """End the call, whatever its state: BYE, CANCEL, or a refusal."""
        await self._send(self._session.hang_up())

    async def over(self) -> None:
        """Wait until the call is over."""
        await self.until(lambda: False)

    async def say(self, speech: Samples) -> bool:
        """Speak after what is already being said; returns when the last packet is out."""
        saying = self.mouth.say(speech)
        return await self.until(lambda: saying.done)

    async def press(self, keys: str, hold_ms: int = 100) -> bool:
        """Press keys; returns after the last. Raises ValueError for what is no key."""
        pressings = self.mouth.press(keys, hold_ms)
        return await self.until(lambda: all(pressing.done for pressing in pressings))

    async def sleep(self, seconds: float) -> bool:
        """Let the call go on for a while."""
        end = trio.current_time() + seconds
        return await self.until(lambda: trio.current_time() >= end)

    def mute(self, *, on: bool) -> None:
        """Send no RTP at all, or send again."""
        self.mouth.muted = on

    async def hold(self, *, on: bool, direction: Direction = "sendonly") -> bool:
        """Put the other side on hold, and send nothing meanwhile; or take it back. Returns when that is agreed."""
        self.mute(on=on)
        await self._send(self._session.turn(direction if on else "sendrecv"))
        return await self.until(lambda: not self._session.unanswered_offer)

    async def agent_speaking(self, seconds: float = 0.0) -> bool:
        """Wait until the other side speaks, and has for `seconds` without a pause."""
        return await self.until(lambda: self._spoken_for() >= seconds)

    async def agent_silent(self, seconds: float) -> bool:
        """Wait until the other side has spoken since this phone last did, and has been silent for `seconds` since."""
        spoke = next((timed.at for timed in reversed(self.sent) if is_sound(timed.packet)), 0.0)

        def silent() -> bool:
            last = self._sounds[-1] if self._sounds else -math.inf
            return last > spoke and trio.current_time() - last >= seconds

        return await self.until(silent)

    async def hears(self, said: Samples, since: int = 0) -> bool:
        """Wait until the end of what another telephone says is here, unchanged and behind so many packets."""
        end = last_sound(said)

        def here() -> bool:
            nonlocal since
            begin, since = since, max(since, len(self.heard) - 2)  # it may lie across two packets
            return end in b"".join(timed.packet.payload for timed in self.heard[begin:])

        return await self.until(here)

    async def until(self, ready: Callable[[], bool]) -> bool:
        """Wait until something is so, looking at each packet time and each SIP message."""
        await trio.lowlevel.checkpoint()
        while not ready():
            if self.state == "over":
                return False
            await self._changes.park()
        return True

    async def leave(self) -> None:
        """Hang up, and wait until the PBX knows."""
        await self.hang_up()
        while self._session.unanswered or self.state in ("cancelling", "ringing"):
            await self._changes.park()

    def _spoken_for(self) -> float:
        """How long the other side has been speaking; below 0 where it is not."""
        now = trio.current_time()
        if not self._sounds or now - self._sounds[-1] > PAUSE_SECONDS:
            return -1.0
        backwards = pairwise(reversed(self._sounds))
        began = next((later for later, earlier in backwards if later - earlier > PAUSE_SECONDS), self._sounds[0])
        return now - began

    async def _keep_time(self) -> None:
        """A tick each packet time from the answer on, on an absolute schedule; late ones are caught up at once."""
        while self.state != "up":
            await self._changes.park()
        tick = trio.current_time()
        while self.state == "up":
            self._speak()
            self._hear()
            self._changes.unpark_all()
            tick += self._model.habits.ptime_ms / 1000
            await trio.sleep_until(tick)
        self._hear()

    def _speak(self) -> None:
        media = self._session.media
        for sent in self.mouth.tick():
            self.sent.append(Timed(trio.current_time(), sent.packet, sent.lost))
            if media is not None and not sent.lost:
                self._audio.send(sent.packet, (media.host, media.port))

    def _hear(self) -> None:
        packets = self._audio.receive()
        self.heard += packets
        self._sounds += [timed.at for timed in packets if is_sound(timed.packet)]

    async def _listen(self) -> None:
        while True:
            datagram, self._pbx = await self._sip.recvfrom(65535)
            message = sip.decode(datagram)
            self.messages.append(Note(trio.current_time(), True, message.first_line()))
            await self._send(self._session.receive(message))
            if self.state == "ringing":
                await self._react()

    async def _react(self) -> None:
        match self._model.when_called:
            case "answer":
                await self._send(self._session.ring() + self._session.answer())
            case "ring":
                await self._send(self._session.ring())
            case "busy":
                await self._send(self._session.refuse(486))
            case "decline":
                await self._send(self._session.refuse(603))
            case "ignore":
                pass

    async def _send(self, messages: list[sip.Message]) -> None:
        self._note_state()
        for message in messages:
            self.messages.append(Note(trio.current_time(), False, message.first_line()))
            await self._sip.sendto(message.encode(), self._pbx)
        if self._session.unanswered:
            self._resend.set()
        self._changes.unpark_all()

    def _note_state(self) -> None:
        now = trio.current_time()
        if self.state == "up" and math.isnan(self.answered_at):
            self.answered_at = now
        if self.state == "over" and math.isnan(self.ended_at):
            self.ended_at = now

    async def _send_again(self) -> None:
        """Requests that nobody answers go out again: UDP may have lost them, or the PBX is just being started."""
        while True:
            await self._resend.wait()
            self._resend = trio.Event()
            for seconds in RESEND_SECONDS:
                await trio.sleep(seconds)
                for message in self._session.unanswered:
                    await self._sip.sendto(message.encode(), self._pbx)


@asynccontextmanager
async def open_phone(pbx: Address, model: Model | None = None) -> AsyncIterator[Phone]:
    """A phone that knows one PBX. Leaving the block hangs up; what the block raises comes out in a group."""
    model = model or Model()
    with await open_sip_socket(pbx[0], model.port) as sip_socket, open_rtp_socket(pbx[0]) as audio:
        phone = Phone(pbx, model, sip_socket, audio)
        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(phone.run)
                try:
                    yield phone
                finally:
                    with trio.move_on_after(BYE_SECONDS, shield=True):
                        await phone.leave()
                    nursery.cancel_scope.cancel("the phone is put away")
