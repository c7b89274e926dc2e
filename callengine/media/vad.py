"""Voice detection in two steps: WebRTC's detector on every frame opens a gate, Silero confirms where the gate is open.

Pure: the gate counts frames, the tracker turns Silero's probabilities into speech that began and paused. WebRTC's
detector (2 us a frame) misses little but calls nearly everything speech; Silero decides."""

from callengine.media.marks import SpeechBegan, SpeechPaused

WINDOW_SAMPLES = 256  # Silero's window at 8 kHz: 32 ms
GATE_CLOSE_FRAMES = 15  # 300 ms without a voiced frame
SPEECH_PROBABILITY = 0.5
SILENCE_PROBABILITY = 0.35
CONFIRM_WINDOWS = 2
PAUSE_WINDOWS = 4  # 128 ms: a candidate end, not yet the end of a turn


class Gate:
    """Open while the cheap detector hears anything like a voice. Opens on 2 voiced frames of 3."""

    __slots__ = ("_recent", "_unvoiced", "open")

    def __init__(self) -> None:
        self.open = False
        self._recent = 0
        self._unvoiced = 0

    def feed(self, voiced: bool) -> bool:
        """Take one frame's verdict. Returns True when the gate has just opened or closed."""
        if self.open:
            self._unvoiced = 0 if voiced else self._unvoiced + 1
            if self._unvoiced >= GATE_CLOSE_FRAMES:
                self.open = False
                self._recent = 0
                return True
            return False
        self._recent = (self._recent << 1 | voiced) & 0b111
        if voiced and self._recent.bit_count() >= 2:
            self.open = True
            self._unvoiced = 0
            return True
        return False


class SpeechTracker:
    """Speech from probabilities of consecutive windows: began after two at 0.5, paused after four under 0.35."""

    __slots__ = ("_first", "_last", "_loud", "_quiet", "speaking")

    def __init__(self) -> None:
        self.speaking = False
        self._loud = 0  # consecutive windows of speech, not yet confirmed
        self._quiet = 0  # consecutive windows of silence within speech
        self._first = 0
        self._last = 0

    @property
    def quiet(self) -> bool:
        """In speech, but the newest window was silent: it may be over."""
        return self.speaking and self._quiet > 0

    def feed(self, probability: float, begin: int) -> SpeechBegan | SpeechPaused | None:
        """Take the probability of the window that begins at sample `begin`."""
        if probability >= SPEECH_PROBABILITY:
            self._last = begin + WINDOW_SAMPLES
            self._quiet = 0
            if self.speaking:
                return None
            self._loud += 1
            if self._loud == 1:
                self._first = begin
            if self._loud < CONFIRM_WINDOWS:
                return None
            self.speaking = True
            return SpeechBegan(self._first)
        self._loud = 0
        if self.speaking and probability < SILENCE_PROBABILITY:
            self._quiet += 1
            if self._quiet >= PAUSE_WINDOWS:
                return self.close()
        return None

    def close(self) -> SpeechPaused | None:
        """The gate has closed: whatever was speech is over."""
        self._loud = self._quiet = 0
        if not self.speaking:
            return None
        self.speaking = False
        return SpeechPaused(self._last)
