"""How long a recogniser may say nothing while somebody speaks before its stream counts as hung. Pure.

A noise is answered by nothing as well: the first hang only opens another stream, the next one is a fault, and what
three streams have no word for was a noise. Not so what is too long for one: streams are opened for it, less and less
often, until one has words for it or the ring has let it go, which is told (`hearing`)."""

from callengine.call.hearing import Sound
from callengine.media.audio import RATE
from callengine.ports.recognition import Final, Interim, RecognizerEvent, SpeechEnded

HANG_SECONDS = 4.0  # behind the end of speech
MOST_HANGS = 3
MOST_SURE_HANGS = 6  # of what is no noise: 24 s, then less often, for a replay is billed
WHILE_SPEAKING = 3  # times as long while somebody still speaks: a busy server sheds interims
LONGEST_SECONDS = 64.0
LEAST_SPEECH = RATE * 3 // 10  # what is shorter may be nothing to a recogniser
SURE_SPEECH = RATE * 3 // 2  # so much is no noise


class Patience:
    """With one call's streams. Times are seconds on one clock, positions the call's samples."""

    def __init__(self) -> None:
        self.hangs = 0  # in a row
        self.sure = False  # of the last one: there were words
        self._heard = 0  # the stream has said something about the audio up to here
        self._finished = 0  # and has said all that it will about the audio up to here
        self._words = False  # an interim stands without a final
        self._waiting: float | None = None  # since when it owes us something

    def begin(self, position: int) -> None:
        """A new stream, sent audio from `position` on."""
        self._heard = self._finished = position
        self._waiting, self._words = None, False

    def hear(self, event: RecognizerEvent, position: int) -> None:
        """The stream has said something, about the audio up to the call's `position`."""
        self._heard, self._waiting = max(self._heard, position), None
        match event:
            case Interim(text=text):
                self._words = bool(text)
            case Final():
                self._finished, self._words, self.hangs = max(self._finished, position), False, 0
            case SpeechEnded() if not self._words:  # whether it had words or not; with an interim, a final is owed
                self._finished = max(self._finished, position)
            case _:
                pass

    def for_noise(self, sound: Sound) -> bool:
        """True when speech that is over may be taken for a noise if nothing comes: the stream owes no word of it."""
        if sound.since is None:
            return True
        return self._speech(sound) < (SURE_SPEECH if self.hangs >= MOST_HANGS else LEAST_SPEECH)

    def settle(self) -> None:
        """Nothing is owed any more."""
        self.hangs, self._waiting = 0, None

    def ends(self, sound: Sound, now: float) -> bool:
        """True when the stream counts as hung; it has to be given up."""
        if sound.since is None or self._speech(sound) < LEAST_SPEECH:
            self._waiting = None
            return False
        if self._waiting is None:
            self._waiting = now
        sure = self._speech(sound) >= SURE_SPEECH
        over = self.hangs + 1 - (MOST_SURE_HANGS if sure else MOST_HANGS)
        wait: float = min(LONGEST_SECONDS, HANG_SECONDS * 2 ** max(0, over))
        waited = now - self._waiting
        if sound.speaking:
            limit = wait * WHILE_SPEAKING
        else:
            limit, waited = wait, min(waited, (sound.seen - sound.until) / RATE)
        if waited < limit:
            return False
        self.hangs += 1
        self.sure = sure
        return True

    def _speech(self, sound: Sound) -> int:
        """Samples of speech that the stream has said nothing about; once it is over, nothing final."""
        assert sound.since is not None
        if sound.speaking:
            return sound.end - max(sound.since, self._heard)
        return sound.until - max(sound.since, self._finished)
