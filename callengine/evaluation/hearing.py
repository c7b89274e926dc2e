"""One recording streamed to a recogniser as a call streams it: in real time, in a call's chunks, silence behind it."""

from dataclasses import dataclass, field

import trio

from callengine.errors import RecognizerError
from callengine.evaluation.samples import Sample
from callengine.ports.recognition import Final, Interim, Recognizer, RecognizerStream, StreamSpec

LEAD_SECONDS = 0.3  # silence in front: a caller does not begin with the stream
PATIENCE_SECONDS = 8.0  # of silence behind the speech; then the stream is closed, which makes every recogniser answer
CLOSING_SECONDS = 30.0
COVERED_SECONDS = 0.5  # a final may end so much before our own detector heard the end, as in a call


@dataclass(slots=True)
class Heard:
    """What became of one sample. `seconds`: of audio sent, which is what is billed. `final_seconds`: from the end of
    speech to the final that covers it, None where none came by itself."""

    sample: Sample
    texts: list[str] = field(default_factory=list)
    interims: int = 0
    seconds: float = 0.0
    final_seconds: float | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        """All finals."""
        return " ".join(text for text in self.texts if text)


@dataclass(slots=True)
class _Listening:
    """One stream under way."""

    heard: Heard
    stream: RecognizerStream
    spec: StreamSpec
    end: int | None  # of speech, in samples of the stream
    started: float = 0.0
    answered: trio.Event = field(default_factory=trio.Event)

    async def send(self) -> None:
        """The sample and silence, on an absolute schedule, until the last final has come."""
        rate, chunk = self.spec.rate, self.spec.rate * self.spec.chunk_ms // 1000
        audio = bytes(2 * round(LEAD_SECONDS * rate)) + self.heard.sample.slin
        last = len(audio) // 2 + round(PATIENCE_SECONDS * rate)
        sent = 0
        while sent < last and not (self.answered.is_set() and 2 * sent >= len(audio)):
            await trio.sleep_until(self.started + (sent + chunk) / rate)
            part = audio[2 * sent : 2 * (sent + chunk)]
            await self.stream.send(part + bytes(2 * chunk - len(part)))
            sent += chunk
            self.heard.seconds = sent / rate
        await self.stream.finish()

    async def receive(self) -> None:
        """Every event, until the recogniser has said all."""
        while (event := await self.stream.receive()) is not None:
            if isinstance(event, Interim):
                self.heard.interims += 1
            elif isinstance(event, Final):
                self.heard.texts.append(event.text)
                if self.end is not None and event.end >= self.end - COVERED_SECONDS * self.spec.rate:
                    self._note_final(self.end)

    def _note_final(self, end: int) -> None:
        waited = trio.current_time() - self.started - end / self.spec.rate
        if not self.answered.is_set() and waited < PATIENCE_SECONDS:
            self.heard.final_seconds = max(0.0, waited)
        self.answered.set()


async def hear(recognizer: Recognizer, sample: Sample, end: int | None, spec: StreamSpec) -> Heard:
    """Stream one sample; `end` is where its speech ends. A stream that fails is told in `Heard.problem`."""
    heard = Heard(sample)
    shifted = None if end is None else end + round(LEAD_SECONDS * spec.rate)
    limit = len(sample.slin) / 2 / spec.rate + PATIENCE_SECONDS + CLOSING_SECONDS
    try:
        async with recognizer.open_stream(spec) as stream:
            listening = _Listening(heard, stream, spec, shifted, trio.current_time())
            with trio.move_on_after(limit) as patience:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(listening.send)
                    await listening.receive()
                    nursery.cancel_scope.cancel("the stream has ended")
            if patience.cancelled_caught:
                heard.problem = "the recogniser did not end the stream"
    except* RecognizerError as group:
        heard.problem = str(_first(group))
    return heard


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
