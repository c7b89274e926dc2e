"""What of a call's audio each stream is sent, and which of its transcripts count: positions only. Pure.

Audio stays owed until a final covers it (or it proved to be no speech): whichever stream comes next is sent all that
is owed, and a transcript of what is final already counts no more (DESIGN 4.5). Positions are the call's samples."""

from dataclasses import dataclass

from callengine.call.placement import Placement
from callengine.media.audio import RATE

SPEECH_CHUNK = RATE // 10  # while somebody speaks or a final is owed: it waits for the silence behind it
SILENCE_CHUNK = RATE * 8 // 10  # a message costs Python the same whatever its size; speech flushes it at once
UNSURE_CHUNK = RATE * 3 // 10  # what sounds and is not confirmed as speech (that flushes it), or may be held back: the
# voice gate stays open for so long, so no opening is missed
PRE_ROLL = RATE * 7 // 10  # before speech began: Silero finds a soft beginning up to 0.6 s late
QUIET_REPLAY = 2 * RATE  # of silence, sent again to a new stream: a soft word may be in it that is not heard yet
COVERED = RATE // 2  # a final may end so much before our own detector heard the end
SETTLED = 5 * RATE  # speech that a stream had so long, and has no word for, was a noise
HANG_OVER = 2 * RATE  # silence behind speech that is streamed in any case: recognisers know an end by it
OWED = 10 * RATE  # an interim without a final is forgotten so long behind its end
FORCED = RATE // 2  # a final that ends so close to where a stream was cut, in mid-speech, was forced by the cut
LATE, LAST = 0.8, 0.95  # of a stream's longest life: 240 s and 285 s of Google's 300


@dataclass(frozen=True, slots=True)
class Sound:
    """A look at the caller's audio: what the ring holds, and what the call's own detector makes of it."""

    start: int  # of the ring
    end: int
    voiced: bool  # the cheap detector's gate is open
    speaking: bool  # confirmed
    since: int | None  # where the speech begins that has no final yet
    until: int  # where speech last paused
    seen: int  # what the detector has looked at, on a busy machine seconds behind: silence after that is not known yet

    @property
    def active(self) -> bool:
        """Somebody speaks, or words are owed for what was said."""
        return self.voiced or self.since is not None


class Hearing:
    """One call's recognition, through all its streams. `chunk`: samples sent at once while somebody speaks."""

    def __init__(self, chunk: int = SPEECH_CHUNK) -> None:
        self.chunk = chunk
        self.final = 0  # the end of the last final
        self.sent = 0  # the stream was sent the call's audio up to here, or is not to have it
        self.looked = 0  # where the ring ended at the last look
        self.placed = Placement()
        self.lost: list[tuple[int, int]] = []  # audio that no stream will be sent any more; taken by who records it
        self._idle: float | None = None  # samples of silence that may be held back; None: all is sent
        self._settled = 0  # nothing before needs to be heard again
        self._words_until = -OWED  # the end of the newest interim that no final has covered
        self._new_final = False  # since the last look
        self._opened = 0  # where the ring ended when the stream was opened
        self._active_until = 0
        self._closing = False
        self._cut: int | None = None  # where the stream was half-closed, if that was in mid-speech

    # A stream's life

    def open(self, sound: Sound, idle: float | None = None) -> None:
        """A new stream: it begins with all that is owed. `idle`: silence may be held back, for so many samples."""
        owed = self.owed_from(sound)
        begin = max(owed, sound.start)
        if begin > owed and (sound.since is not None or self._words_owed):
            self._lose(owed, begin)
        self.sent = self.looked = begin
        self.placed = Placement(end=begin)
        self._idle, self._opened, self._active_until = idle, sound.end, sound.end
        self._closing, self._cut, self._new_final = False, None, False

    def close(self, sound: Sound) -> None:
        """The stream is about to be half-closed: a final of speech that this cuts does not count."""
        self._closing = True
        self._cut = self.sent if sound.voiced or sound.speaking else None

    def rotates(self, sound: Sound, age_seconds: float, max_seconds: float | None) -> bool:
        """True when another stream should take over: at the first silence or final late in this one's life, or at its
        end. What a stream was sent of the past counts for its age too."""
        if max_seconds is None:
            return False
        age = max(age_seconds, self.placed.length / RATE)
        idle_or_final = self._new_final or not (sound.active or self._words_owed)
        return age >= LAST * max_seconds or (idle_or_final and age >= LATE * max_seconds)

    # What is owed

    def owed_from(self, sound: Sound) -> int:
        """Where the audio begins that another stream would have to hear."""
        floor = max(self.final, self._settled)
        if self._words_owed:
            return floor
        begin = sound.seen - QUIET_REPLAY
        if sound.since is not None:
            begin = min(begin, sound.since - PRE_ROLL)
        return max(floor, begin)

    def release(self, sound: Sound) -> int:
        """The ring may let go what lies before: nobody will want to hear it again. Never what no stream was sent yet:
        one that takes audio slowly is still owed the silence, in which our detector may have missed a word."""
        self._settled = max(self._settled, min(self.owed_from(sound), self.sent))
        return self._settled

    def settles(self, sound: Sound, may_be_noise: bool) -> bool:
        """True when no word is owed for the speech so far: a final covers it, it was a noise, or it is lost."""
        if sound.speaking or sound.since is None:
            return False
        noise = (
            may_be_noise
            and not self._words_owed
            and min(self.sent, sound.seen) - SETTLED >= max(sound.until, self._opened)
        )
        if not noise and max(self.final, self._settled) + COVERED < sound.until:
            return False
        self._settled = max(self._settled, min(sound.until, self.sent))
        return True

    @property
    def _words_owed(self) -> bool:
        return self.final < self._words_until and self.sent < self._words_until + OWED

    # Audio

    def next_look(self, sound: Sound) -> int:
        """Where the ring ends when there is enough to look at again."""
        if sound.speaking or sound.since is not None:
            return self.looked + self.chunk
        unsure = sound.voiced or self._idle is not None
        return self.looked + max(self.chunk, UNSURE_CHUNK if unsure else SILENCE_CHUNK)

    def look(self, sound: Sound) -> None:
        """Take note of new audio: `next_part` is asked for what of it is to be sent."""
        before, self.looked, self._new_final = self.looked, sound.end, False
        if self._idle is None:
            return
        if sound.active:
            self._active_until = sound.end
            if self.placed.end < self.sent:  # silence was held back: what lies just before the speech is sent after all
                self.sent = min(self.sent, max(self.placed.end, before - PRE_ROLL))
        elif sound.end - self._active_until > HANG_OVER:
            silent = sound.end - self.placed.end
            self.sent = max(self.sent, sound.end if silent < self._idle / 2 else sound.end - self.chunk)

    def next_part(self, ring_start: int, longest: int) -> tuple[int, int] | None:
        """The next samples to send, at most `longest`: from where to where. None when the stream has all it is to."""
        if self.sent < ring_start:
            self._lose(self.sent, min(ring_start, self.looked))
            self.sent = ring_start
        if self.sent >= self.looked:
            return None
        begin, self.sent = self.sent, min(self.looked, self.sent + longest)
        self.placed.place(begin, self.sent)
        return begin, self.sent

    def _lose(self, begin: int, end: int) -> None:
        if begin < end:
            self.lost.append((begin, end))
            self._settled = max(self._settled, end)

    # Transcripts

    def take_interim(self, end: int, text: str) -> tuple[int, int] | None:
        """Where an interim lies that ends at the stream's `end`: behind the last final. None when it does not count."""
        stop = self.placed.ending(end)
        if self._closing or stop <= self.final:
            return None
        self._words_until = stop if text else self.final
        return self.final, stop

    def take_final(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a final lies, from the stream's `start` to `end`. None when it does not count: its audio (or most of
        it) is final already, or the end of the stream forced it out in mid-speech: the next one is sent the whole."""
        begin, stop = self.placed.beginning(start), self.placed.ending(end)
        said_before = stop <= self.final or stop - self.final < self.final - begin
        if said_before or (self._cut is not None and stop > self._cut - FORCED):
            return None
        begin, self.final, self._new_final = max(begin, self.final), stop, True
        return begin, stop
