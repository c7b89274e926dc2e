"""Where utterances begin and end: a pure machine over the probability of speech of each 32 ms window.

It knows no clock and no audio: windows go in, positions in samples since the start of the stream come out.
"""

from dataclasses import dataclass

from whisper_server.vad import WINDOW_MS

SPEECH_FROM = 0.5
# Silero's own hysteresis: a window still counts as speech down to 0.15 below the threshold that began it.
SPEECH_UNTIL = 0.35
MIN_SPEECH_WINDOWS = 3
# After seconds of silence Silero finds a soft beginning late: on 252 recorded clips in calls with 3 to 9 s between
# them 31 were found over 250 ms late and 4 over 500, at most 571. A first syllable cut off spoils the whole text
# ("Скажите … 1042" came out as "Жить … 1.04"), and silence in front costs nothing.
PRE_ROLL_MS = 700
# A pause is also the post-roll: what is decoded at the pause is then exactly what the final holds.
PAUSE_WINDOWS = 6


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody speaks; `start` is where the audio to decode begins, pre-roll included; `at` where speech was found."""

    start: int
    at: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Speech stopped a moment ago and may go on; `end` is where the audio would end, `at` where speech did."""

    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over; `end` is where its audio ends, post-roll included, `at` where speech did."""

    end: int
    at: int


Mark = Started | Paused | Ended


class Endpointer:
    """Finds utterances in one stream; `silence_ms` of silence end one. Utterances never overlap."""

    def __init__(self, rate: int, silence_ms: int) -> None:
        self._per_ms = rate // 1000
        self._window = WINDOW_MS * self._per_ms
        # To the nearest window: 500 ms is 16 windows, 512 ms.
        self._silence_windows = max(PAUSE_WINDOWS + 1, round(silence_ms / WINDOW_MS))
        self._position = 0
        self._floor = 0
        self._run = 0
        self._quiet = 0
        self._speaking = False

    @property
    def speaking(self) -> bool:
        """True from `Started` to `Ended`."""
        return self._speaking

    @property
    def voiced(self) -> bool:
        """True while the last window of an utterance was speech."""
        return self._speaking and self._quiet == 0

    def feed(self, probability: float) -> Mark | None:
        """Take the next window; return what it decided, if anything."""
        self._position += self._window
        if self._speaking:
            return self._while_speaking(probability)
        return self._while_silent(probability)

    def finish(self) -> Ended | None:
        """The stream is over: return the end of an utterance that was still open."""
        if not self._speaking:
            return None
        return self._end()

    @property
    def keep_from(self) -> int:
        """While silent: no later `Started` will name a position before this one."""
        onset = self._position - self._run * self._window
        return max(self._floor, onset - PRE_ROLL_MS * self._per_ms)

    def _while_silent(self, probability: float) -> Mark | None:
        if probability < SPEECH_FROM:
            self._run = 0
            return None
        self._run += 1
        if self._run < MIN_SPEECH_WINDOWS:
            return None
        mark = Started(start=self.keep_from, at=self._position - self._run * self._window)
        self._speaking = True
        self._run = self._quiet = 0
        return mark

    def _while_speaking(self, probability: float) -> Mark | None:
        if probability >= SPEECH_UNTIL:
            self._quiet = 0
            return None
        self._quiet += 1
        if self._quiet >= self._silence_windows:
            return self._end()
        if self._quiet == PAUSE_WINDOWS:
            return Paused(*self._edge())
        return None

    def _edge(self) -> tuple[int, int]:
        at = self._position - self._quiet * self._window
        return min(self._position, at + PAUSE_WINDOWS * self._window), at

    def _end(self) -> Ended:
        mark = Ended(*self._edge())
        self._floor = mark.end
        self._speaking = False
        self._run = self._quiet = 0
        return mark
