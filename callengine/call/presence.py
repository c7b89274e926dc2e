"""Is there a person on the line? A fax machine, an answering machine and a line that never made a sound are none. Pure.

Fax: ITU-T T.30, section 4.3.3: who calls sends CNG, 1100 Hz for 0.5 s every 3.5 s, who answers CED, 2100 Hz for 2.6 to
4.0 s. An answering machine says so (phrases in `words/*.toml`), or speaks from the first second on and then beeps."""

from callengine.call.events import DialogEvent, ToneHeard
from callengine.call.turn_events import CallerBegan, CallerHeard, CallerPaused, CallerPressed, Tick
from callengine.call.turn_words import TurnWords

FAX, VOICEMAIL, SILENT_LINE = NOBODY = ("fax", "voicemail", "silent line")
YOUNG_SECONDS = 30.0  # of a call: whoever leaves their message after that has talked with us
SOON_SECONDS = 5.0  # a machine speaks so soon after the call began
AT_ONCE_SECONDS = 2.0  # and one that is known by its beep alone
LONG_SECONDS = 4.0  # of speech before the beep; callers say what they want in less
BREATH_SECONDS = 1.5  # within it
BEEP_SECONDS = 3.0  # the beep comes so soon behind it


class Presence:
    """One call's other end, as far as it has shown itself. Times are seconds on one clock."""

    def __init__(self, words: TurnWords, began: float) -> None:
        self._words = words
        self._began = began
        self._first: float | None = None  # when the speech began that has gone on since, breaths apart
        self._spoke_until = began
        self._soon = self._at_once = False  # the first speech began so, and `_at_once`: it goes on
        self._calls_fax: float | None = None  # when the last CNG began
        self.silent = True  # nothing was heard so far, not a sound, not a key

    def feed(self, event: DialogEvent | Tick, now: float) -> str:
        """Take what has happened; returns what is on the line if that is nobody, else nothing."""
        young = now - self._began <= YOUNG_SECONDS
        match event:
            case CallerBegan(began=began):
                self._speech(began)
            case CallerPaused(ended=ended):
                self._spoke_until = ended
            case CallerHeard(text=text) if text.strip():
                if self.silent:  # words without our own detector having heard a voice
                    self._speech(event.began)
                if young and self._soon and self._words.of_voicemail(text):
                    return VOICEMAIL
            case CallerPressed():
                self.silent = self._soon = self._at_once = False
            case ToneHeard():
                self.silent = False
                return self._tone(event) if young else ""
        return ""

    def _speech(self, began: float) -> None:
        if self.silent:
            self._soon = began - self._began <= SOON_SECONDS
            self._at_once = began - self._began <= AT_ONCE_SECONDS
        if self._first is None or began - self._spoke_until > BREATH_SECONDS:
            self._at_once = self._at_once and self._first is None
            self._first = began
        self.silent = False

    def _tone(self, tone: ToneHeard) -> str:
        seconds = tone.ended - tone.began
        if 2080 <= tone.hertz <= 2120 and seconds >= 1.5:
            return FAX
        if 1055 <= tone.hertz <= 1145 and 0.35 <= seconds <= 0.65:
            before, self._calls_fax = self._calls_fax, tone.began
            if before is not None and 2.8 <= tone.began - before <= 4.2:  # T.30 allows 15 %
                return FAX
        return VOICEMAIL if self._at_once and self._beeps(tone) else ""

    def _beeps(self, tone: ToneHeard) -> bool:
        """The tone follows a long speech, or ends it."""
        if self._first is None:
            return False
        until = self._spoke_until if self._spoke_until > self._first else tone.began  # it may be taken for speech
        return until - self._first >= LONG_SECONDS and tone.began - until <= BEEP_SECONDS
