"""One stream's recognition: audio in, an ordered list of things to say out. No network, no clock, no waiting.

A pause of 200 ms starts the decode that will be the final if the silence lasts; speech that goes on discards it.
While somebody speaks, the utterance so far is decoded about each second for an interim; the line before the model
sheds interims that it has no time for.
"""

from dataclasses import dataclass
from typing import Protocol

from whisper_server.activity import ActivityTimer
from whisper_server.audio import AudioWindow, Samples, quietest_point
from whisper_server.decoding import Decoded
from whisper_server.endpointing import Ended, Endpointer, Mark, Paused, Started
from whisper_server.request import Request
from whisper_server.schedule import Urgency
from whisper_server.transcript import Utterance

INTERIM_EVERY_SECONDS = 1.0
# Whisper takes 30 s; the rest is room for padding.
MAX_UTTERANCE_SECONDS = 25
# A longer utterance is cut at the quietest point of this much of its end.
CUT_WITHIN_SECONDS = 5


class Queue(Protocol):
    """What a session needs of the decode queue."""

    def submit(self, utterance: Utterance, urgency: Urgency) -> Decoded: ...
    def confirm(self, decoded: Decoded) -> None: ...
    def drop(self, decoded: Decoded) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Voice activity began at this sample."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Voice activity ended at this sample."""

    at: int


@dataclass(frozen=True, slots=True)
class SilentTooLong:
    """Nobody spoke for as long as the client asked to wait: the stream is over."""

    at: int


@dataclass(frozen=True, slots=True)
class InterimDecode:
    """The utterance so far, up to the sample `end`, is being decoded."""

    decoded: Decoded
    end: int


@dataclass(frozen=True, slots=True)
class FinalDecode:
    """A whole utterance is being decoded: samples [start, end); speech itself ended at the sample `spoken`."""

    decoded: Decoded
    start: int
    end: int
    spoken: int


Step = SpeechBegan | SpeechStopped | SilentTooLong | InterimDecode | FinalDecode


class Session:
    """Follows one stream. Positions are samples since its start, at the rate of the request."""

    def __init__(self, request: Request, queue: Queue) -> None:
        self._request = request
        self._queue = queue
        self._endpointer = Endpointer(request.rate, request.silence_ms)
        self._audio = AudioWindow()
        self._activity = ActivityTimer(_samples(request.start_timeout, request), _samples(request.end_timeout, request))
        self._start = 0
        self._spoken = 0  # where the speech of the open utterance begins, behind its pre-roll
        self._next_interim = 0
        self._interim: Decoded | None = None
        self._early: tuple[int, int, Decoded] | None = None
        self._finals: list[Decoded] = []  # that are not decoded yet, as far as we know

    @property
    def heard(self) -> int:
        """How many samples came in."""
        return self._audio.end

    def feed(self, samples: Samples, probabilities: list[float]) -> list[Step]:
        """Take the next samples; return what follows from them, in order.

        `probabilities` are those of speech, one for each window that these samples complete.
        """
        self._audio.append(samples)
        steps: list[Step] = []
        for probability in probabilities:
            mark = self._endpointer.feed(probability)
            if mark is not None:
                steps += self._marked(mark)
        if self._endpointer.speaking:
            steps += self._while_speaking()
        else:
            self._audio.forget_before(self._endpointer.keep_from)
        if self._activity.is_over(self.heard):
            steps.append(SilentTooLong(self.heard))
        return steps

    def finish(self) -> list[Step]:
        """The client sends no more: an open utterance becomes a final as it stands."""
        ended = self._endpointer.finish()
        if ended is None:
            return []
        # Speech that was cut off keeps its last part of a window.
        cut_off = ended.at == ended.end
        return self._marked(Ended(self._audio.end, self._audio.end) if cut_off else ended)

    def close(self) -> None:
        """Give up decodes that nobody waits for any more. Finals too: a client that has left will have them again from
        another stream, and on a server that is behind all others would wait for what nobody reads."""
        self._discard_early()
        self._drop_interim()
        for decoded in self._finals:
            self._queue.drop(decoded)

    def _marked(self, mark: Mark) -> list[Step]:
        match mark:
            case Started(start, at):
                self._activity.began()
                self._start, self._spoken = start, at
                self._next_interim = at + int(INTERIM_EVERY_SECONDS * self._request.rate)
                return [SpeechBegan(at)]
            case Paused(end, _):
                self._discard_early()
                self._early = (self._start, end, self._decode(end, Urgency.EARLY))
                return []
            case Ended(end, at):
                self._activity.stopped(self.heard)
                return [SpeechStopped(at), self._final(end, at)]

    def _final(self, end: int, spoken: int) -> FinalDecode:
        # Results go out in order: an interim that still waits would hold up the final.
        self._drop_interim()
        if self._early is not None and self._early[:2] == (self._start, end):
            decoded = self._early[2]
            self._early = None
            self._queue.confirm(decoded)
        else:
            self._discard_early()
            decoded = self._decode(end, Urgency.FINAL)
        self._finals = [*(one for one in self._finals if not one.done()), decoded]
        return FinalDecode(decoded, self._start, end, spoken)

    def _while_speaking(self) -> list[Step]:
        rate = self._request.rate
        if self._audio.end - self._start >= MAX_UTTERANCE_SECONDS * rate:
            return [self._cut()]
        if not self._request.interim or self._audio.end < self._next_interim:
            return []
        if not self._endpointer.voiced or (self._interim is not None and not self._interim.done()):
            return []
        self._next_interim = self._audio.end + int(INTERIM_EVERY_SECONDS * rate)
        self._interim = self._decode(self._audio.end, Urgency.INTERIM)
        return [InterimDecode(self._interim, self._audio.end)]

    def _cut(self) -> FinalDecode:
        end = self._audio.end
        search = end - CUT_WITHIN_SECONDS * self._request.rate
        cut = search + quietest_point(self._audio.read(search, end), self._request.rate)
        final = self._final(cut, cut)
        self._start = self._spoken = cut
        self._audio.forget_before(cut)
        return final

    def _decode(self, end: int, urgency: Urgency) -> Decoded:
        request = self._request
        interim = urgency is Urgency.INTERIM
        words = not interim and (request.word_times or request.word_confidence)
        samples = self._audio.read(self._start, end)
        silence = (self._spoken - self._start) / request.rate
        utterance = Utterance(samples, request.rate, request.languages, words, interim, request.hints, silence)
        return self._queue.submit(utterance, urgency)

    def _discard_early(self) -> None:
        if self._early is not None:
            self._queue.drop(self._early[2])
            self._early = None

    def _drop_interim(self) -> None:
        if self._interim is not None:
            self._queue.drop(self._interim)
            self._interim = None


def _samples(seconds: float | None, request: Request) -> int | None:
    return None if seconds is None else int(seconds * request.rate)
