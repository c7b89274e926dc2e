"""Does the agent speak? Pure: told when which audio came, it says when speech began and when it stopped."""

import numpy as np

from callengine.caller.wire import FRAME_BYTES, SAMPLE_RATE

# Above the +8/-8 that A-law makes of silence and above a voice's dither; far below a spoken vowel.
AUDIBLE = 64


def is_audible(slin: bytes) -> bool:
    """True where any sample of 16-bit slin stands out of line noise."""
    samples = np.frombuffer(slin, dtype="<i2")
    return bool(samples.size) and bool(np.max(np.abs(samples.astype(np.int32))) > AUDIBLE)


def speech_end(slin: bytes) -> int:
    """The number of bytes up to and with the last frame of a recording that holds speech; 0 where none does.

    Speech is what reaches 2 % of the recording's own peak: room noise after the last word must not count.
    """
    samples = np.abs(np.frombuffer(slin, dtype="<i2").astype(np.int32))
    if not samples.size or samples.max() <= AUDIBLE:
        return 0
    loud = np.flatnonzero(samples > max(AUDIBLE, samples.max() // 50))
    return (int(loud[-1]) * 2 // FRAME_BYTES + 1) * FRAME_BYTES


class Ear:
    """Follows one side's speech in stretches: silence of `pause_seconds` ends one. Times are any steady clock's.

    Of a side that sends its silence, only silence that was heard is any: while nothing comes, it may be held back in
    the middle of a word. One that sends speech alone is silent as long as it sends nothing."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._sends_silence = False
        self._heard_silence = 0.0  # seconds of it since the last speech
        self.speaking_since: float | None = None
        self.last_speech: float | None = None

    def hear(self, now: float, slin: bytes) -> bool:
        """Take what came at `now`, 8 kHz; True when a stretch of speech begins with it."""
        if not is_audible(slin):
            self._sends_silence = True
            self._heard_silence += len(slin) / 2 / SAMPLE_RATE
            return False
        self.last_speech = now
        self._heard_silence = 0.0
        if self.speaking_since is not None:
            return False
        self.speaking_since = now
        return True

    def silent_for(self, now: float) -> float:
        """Seconds of silence since the last speech; 0 before any."""
        if self.last_speech is None:
            return 0.0
        return self._heard_silence if self._sends_silence else now - self.last_speech

    def stopped(self, now: float) -> float | None:
        """How long the agent spoke, once, when the stretch of speech has ended; else None."""
        if self.speaking_since is None or self.last_speech is None or self.silent_for(now) < self._pause_seconds:
            return None
        spoke = self.last_speech - self.speaking_since
        self.speaking_since = None
        return spoke
