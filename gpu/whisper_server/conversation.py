"""One streaming call between client and session: reading audio and writing results, each at its own pace.

The two meet in a short queue. A client that does not read its results fills it, which stops the reading of its
audio: it holds up nobody else, and memory stays bounded.
"""

import asyncio
import math
import random
from dataclasses import dataclass

import grpc

from whisper_server.audio import SampleReader
from whisper_server.decoding import Decoded
from whisper_server.dialect import Dialect, Message
from whisper_server.errors import DecodeError, Refused, invalid
from whisper_server.events import ActivityTimeout, Event, Final, Interim, SingleUtteranceOver, SpeechActivity
from whisper_server.faults import GARBAGE, StreamFaults
from whisper_server.metrics import TIME_TO_FINAL
from whisper_server.request import Request, checked_chunk
from whisper_server.session import (
    FinalDecode,
    InterimDecode,
    Session,
    SilentTooLong,
    SpeechBegan,
    SpeechStopped,
    Step,
)
from whisper_server.transcript import Transcript
from whisper_server.vad import VoiceDetection, VoiceStream
from whisper_server.wording import Wording

Context = grpc.aio.ServicerContext[Message, Message]

UNREAD_SECONDS = 30.0
_UNSAID_STEPS = 8
_WRONG_ORDER = "Malordered Data Received. Expected {} none was set. Send exactly one config, followed by audio data."


@dataclass(frozen=True, slots=True)
class Said:
    """A step, and when on the loop's clock the speech that it is about ended (for finals).

    Nothing follows the one that is `last`; it may have no step.
    """

    step: Step | None
    spoken_at: float = 0.0
    last: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """One stream as the network has it: its dialect, its RPC, and what is wrong with it on purpose."""

    dialect: Dialect
    context: Context
    faults: StreamFaults


class Conversation:
    """One streaming call; `run` is the whole of it."""

    def __init__(self, wire: Wire, request: Request, session: Session, voices: VoiceDetection) -> None:
        self._wire = wire
        self._request = request
        self._session = session
        self._voices = voices
        self._outbox: asyncio.Queue[Said | bytes] = asyncio.Queue(_UNSAID_STEPS)
        self._request_id = random.getrandbits(62)
        self._wrote = False

    async def run(self) -> None:
        """Recognise until the client half-closes. Raises `Refused`."""
        refusal: Refused | None = None
        self._voices.open_streams += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._speak())
                await self._listen()
        except* Refused as group:
            refusal = next(fault for fault in group.exceptions if isinstance(fault, Refused))
        finally:
            self._voices.open_streams -= 1
            self._session.close()
        if refusal is not None:
            raise refusal

    async def _listen(self) -> None:
        samples, voice = SampleReader(self._request.encoding), VoiceStream(self._request.rate)
        faults, over = self._wire.faults, False
        while not over and (message := await read(self._wire)) is not None:
            if self._wire.dialect.has_config(message):
                raise invalid(_WRONG_ORDER.format("audio_content"))
            audio = samples.read(checked_chunk(self._wire.dialect.audio(message)))
            if faults.before(_now()):
                await self._outbox.put(GARBAGE)
            faults.heard(len(audio) / self._request.rate)
            steps = self._session.feed(audio, await self._voices.detect(voice, audio))
            await self._say(steps)
            over = any(self._ends(step) for step in steps)
        await self._say(self._session.finish())
        await self._outbox.put(Said(None, last=True))

    def _ends(self, step: Step) -> bool:
        return isinstance(step, SilentTooLong) or (isinstance(step, FinalDecode) and self._request.single_utterance)

    async def _say(self, steps: list[Step]) -> None:
        now = _now()
        for step in steps:
            since = 0.0
            if isinstance(step, FinalDecode):
                since = (self._session.heard - step.spoken) / self._request.rate
            await self._outbox.put(Said(step, now - since))

    async def _speak(self) -> None:
        wording = Wording(self._request)
        last = False
        while not last:
            said = await self._outbox.get()
            if isinstance(said, bytes):
                await self._write(said)
                continue
            last = said.last
            for event in await self._events(said.step, wording):
                if isinstance(event, Final):
                    await asyncio.sleep(self._wire.faults.of.slow_finals)
                await self._write(self._signed(self._wire.dialect.streaming_response(event)))
                if isinstance(event, Final):
                    TIME_TO_FINAL.observe(_now() - said.spoken_at)
        if self._wire.faults.hung:
            await asyncio.get_running_loop().create_future()
        if self._wrote:
            await self._write(self._signed(self._wire.dialect.StreamingResponse(), billed=True))

    def _signed(self, response: Message, *, billed: bool = False) -> Message:
        seconds = math.ceil(self._session.heard / self._request.rate) if billed else None
        self._wire.dialect.sign(response, self._request_id, seconds)
        return response

    async def _events(self, step: Step | None, wording: Wording) -> list[Event]:
        rate = self._request.rate
        match step:
            case SpeechBegan(at):
                return [SpeechActivity(True, at / rate)] if self._request.voice_events else []
            case SpeechStopped(at):
                events: list[Event] = [SpeechActivity(False, at / rate)] if self._request.voice_events else []
                return [*events, SingleUtteranceOver(at / rate)] if self._request.single_utterance else events
            case SilentTooLong(at):
                return [ActivityTimeout(at / rate)] if self._wire.dialect.TELLS_TIMEOUT else []
            case InterimDecode(decoded, end):
                return await interim(wording, decoded, end / rate)
            case FinalDecode():
                return [*await final(wording, step, rate)]
        return []

    async def _write(self, response: Message) -> None:
        if self._wire.faults.hung:
            return
        self._wrote = True
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await self._wire.context.write(response)
        except TimeoutError:
            text = f"The client has not read its results for {UNREAD_SECONDS:.0f} seconds."
            raise Refused(grpc.StatusCode.DEADLINE_EXCEEDED, text) from None
        except grpc.aio.InternalError:
            # The client has just gone; gRPC cancels this call when it has noticed too.
            await asyncio.sleep(UNREAD_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def read(wire: Wire) -> Message | None:
    """Return the client's next message, None once it half-closed. Raises `Refused` after 10 s without one."""
    try:
        async with asyncio.timeout(wire.faults.of.no_audio):
            message = await wire.context.read()
    except TimeoutError:
        raise wire.dialect.NO_AUDIO from None
    return None if message is grpc.aio.EOF else message


async def read_request(wire: Wire, served: str) -> Request:
    """Read the configuration that opens a stream. Raises `Refused`."""
    message = await read(wire)
    if message is None or not wire.dialect.has_config(message):
        raise invalid(_WRONG_ORDER.format("config"))
    return wire.dialect.streaming_request(message, served)


async def interim(wording: Wording, decoded: Decoded, end: float) -> list[Event]:
    """Return the interim of a decode, nothing where it heard no words. Raises `Refused`."""
    transcript = await transcribed(decoded)
    if transcript is None:
        return []
    event: Interim = wording.interim(transcript, end)
    return [event]


async def final(wording: Wording, step: FinalDecode, rate: int) -> list[Final]:
    """Return the final of a decode, nothing where it heard no words. Raises `Refused`."""
    transcript = await transcribed(step.decoded)
    if transcript is None:
        wording.nothing()
        return []
    return [wording.final(transcript, step.start / rate, step.end / rate)]


async def transcribed(decoded: Decoded) -> Transcript | None:
    """Wait for a decode. Raises `Refused` where the model failed."""
    try:
        return await decoded
    except DecodeError as error:
        raise Refused(grpc.StatusCode.INTERNAL, f"The model failed: {error}") from error
