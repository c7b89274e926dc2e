"""Every recogniser in turn over all samples, so many streams at once: none takes another's processor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import trio

from callengine.config import Settings
from callengine.evaluation.figures import Figures, Row, figures_of, row_of
from callengine.evaluation.hearing import hear
from callengine.evaluation.samples import Sample
from callengine.evaluation.speech_end import speech_end
from callengine.media.silero import SileroModel
from callengine.ports.recognition import Recognizer, StreamSpec
from callengine.prices import load_prices
from callengine.recognisers import check_recognizer, open_recognizer
from callengine.services.bridge import open_bridge

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is evaluated: recognisers by name, prices a minute that go before the table's, streams at once."""

    samples: Sequence[Sample]
    backends: Sequence[str]
    prices: Mapping[str, float]
    streams: int


async def evaluate(plan: Plan, settings: Settings, progress: Progress) -> list[Figures]:
    """The figures of each recogniser; `progress` is told its name as each sample is done. Raises ConfigError."""
    spec = StreamSpec(settings.call_language, endpointing=settings.stt_endpointing, chunk_ms=settings.stt_chunk_ms)
    model = SileroModel()
    ends = [speech_end(model, sample.slin) for sample in plan.samples]
    found = []
    table = load_prices(settings.prices_file)
    async with open_bridge() as bridge:
        for name in plan.backends:
            async with open_recognizer(settings, name, bridge) as recognizer:
                await check_recognizer(recognizer, name)
                listeners = _Listeners(recognizer, spec, list(zip(plan.samples, ends, strict=True)), name, progress)
                rows = await listeners.hear_all(plan.streams)
            price = plan.prices.get(name, table.minute_of(recognizer.limits.product))
            found.append(figures_of(name, rows, price))
    return found


class _Listeners:
    """Streams at once, each taking the next sample that nobody has."""

    def __init__(
        self,
        recognizer: Recognizer,
        spec: StreamSpec,
        samples: Sequence[tuple[Sample, int | None]],
        name: str,
        progress: Progress,
    ) -> None:
        self._recognizer = recognizer
        self._spec = spec
        self._samples = samples
        self._name = name
        self._progress = progress
        self._next = 0
        self._rows: dict[int, Row] = {}

    async def hear_all(self, streams: int) -> list[Row]:
        """Rows in the order of the samples."""
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number in range(min(streams, len(self._samples))):
                # As calls come: their chunks are not sent in step.
                nursery.start_soon(self._listen, started + number * self._spec.chunk_ms / 1000 / streams)
        return [self._rows[at] for at in range(len(self._samples))]

    async def _listen(self, begin: float) -> None:
        await trio.sleep_until(begin)
        while self._next < len(self._samples):
            at, self._next = self._next, self._next + 1
            sample, end = self._samples[at]
            heard = await hear(self._recognizer, sample, end, self._spec)
            self._rows[at] = row_of(heard, self._spec.language)
            self._progress(self._name)
