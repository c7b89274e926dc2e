"""One streaming call between client and session: reading audio and writing results, each at its own pace.

The two meet in a short queue. A client that does not read its results fills it, which stops the reading of its
audio: it holds up nobody else, and memory stays bounded.
"""

import asyncio
from dataclasses import dataclass

import grpc

from whisper_server.audio import SampleReader
from whisper_server.decoding import Decoded
from whisper_server.dialect import Dialect, Message
from whisper_server.errors import DecodeError, Refused, invalid
from whisper_server.events import Event, Final, Interim, SingleUtteranceOver, SpeechActivity
from whisper_server.metrics import TIME_TO_FINAL
from whisper_server.request import Request, checked_chunk
from whisper_server.session import FinalDecode, InterimDecode, Session, SpeechBegan, SpeechStopped, Step
from whisper_server.transcript import Transcript
from whisper_server.wording import Wording

Context = grpc.aio.ServicerContext[Message, Message]

NO_AUDIO_SECONDS = 10.0
UNREAD_SECONDS = 30.0
_UNSAID_STEPS = 8
_WRONG_ORDER = "Malordered Data Received. Expected {} none was set. Send exactly one config, followed by audio data."


@dataclass(frozen=True, slots=True)
class Said:
    """A step, and when on the loop's clock the speech that it is about ended (for finals)."""

    step: Step
    spoken_at: float


Outbox = asyncio.Queue[Said | None]


class Conversation:
    """One streaming call; `run` is the whole of it."""

    def __init__(self, dialect: Dialect, context: Context, request: Request, session: Session) -> None:
        self._dialect = dialect
        self._context = context
        self._request = request
        self._session = session
        self._outbox: Outbox = asyncio.Queue(_UNSAID_STEPS)

    async def run(self) -> None:
        """Recognise until the client half-closes. Raises `Refused`."""
        refusal: Refused | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._speak())
                await self._listen()
        except* Refused as group:
            refusal = next(fault for fault in group.exceptions if isinstance(fault, Refused))
        finally:
            self._session.close()
        if refusal is not None:
            raise refusal

    async def _listen(self) -> None:
        samples = SampleReader(self._request.encoding)
        while (message := await read(self._context, self._dialect)) is not None:
            if self._dialect.has_config(message):
                raise invalid(_WRONG_ORDER.format("audio_content"))
            audio = checked_chunk(self._dialect.audio(message))
            if await self._say(self._session.feed(samples.read(audio))) and self._request.single_utterance:
                break
        await self._say(self._session.finish())
        await self._outbox.put(None)

    async def _say(self, steps: list[Step]) -> bool:
        """Queue the steps; tell whether an utterance ended among them."""
        now = asyncio.get_running_loop().time()
        ended = False
        for step in steps:
            since = 0.0
            if isinstance(step, FinalDecode):
                ended = True
                since = (self._session.heard - step.spoken) / self._request.rate
            await self._outbox.put(Said(step, now - since))
        return ended

    async def _speak(self) -> None:
        wording = Wording(self._request)
        while (said := await self._outbox.get()) is not None:
            for event in await self._events(said.step, wording):
                await self._write(event)
                if isinstance(event, Final):
                    TIME_TO_FINAL.observe(asyncio.get_running_loop().time() - said.spoken_at)

    async def _events(self, step: Step, wording: Wording) -> list[Event]:
        rate = self._request.rate
        match step:
            case SpeechBegan(at):
                return [SpeechActivity(True, at / rate)] if self._request.voice_events else []
            case SpeechStopped(at):
                events: list[Event] = [SpeechActivity(False, at / rate)] if self._request.voice_events else []
                return [*events, SingleUtteranceOver(at / rate)] if self._request.single_utterance else events
            case InterimDecode(decoded, end):
                return await interim(wording, decoded, end / rate)
            case FinalDecode():
                return [*await final(wording, step, rate)]

    async def _write(self, event: Event) -> None:
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await self._context.write(self._dialect.streaming_response(event))
        except TimeoutError:
            text = f"The client has not read its results for {UNREAD_SECONDS:.0f} seconds."
            raise Refused(grpc.StatusCode.DEADLINE_EXCEEDED, text) from None


async def read(context: Context, dialect: Dialect) -> Message | None:
    """Return the client's next message, None once it half-closed. Raises `Refused` after 10 s without one."""
    try:
        async with asyncio.timeout(NO_AUDIO_SECONDS):
            message = await context.read()
    except TimeoutError:
        raise dialect.NO_AUDIO from None
    return None if message is grpc.aio.EOF else message


async def read_request(context: Context, dialect: Dialect, served: str) -> Request:
    """Read the configuration that opens a stream. Raises `Refused`."""
    message = await read(context, dialect)
    if message is None or not dialect.has_config(message):
        raise invalid(_WRONG_ORDER.format("config"))
    return dialect.streaming_request(message, served)


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
