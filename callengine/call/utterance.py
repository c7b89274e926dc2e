"""What the caller has said in one turn, pieced together from finals, the newest interim and keys. Pure.

Transcripts are told apart by their place in the call, never by their words: audio that a final covers is never added
again, whichever transcript of it comes late, or comes twice from a stream that replayed it."""

from dataclasses import dataclass, field

STABLE = 0.8
NEW_SECONDS = 0.15  # an interim that ends this close behind a final has no word that the final has not
COVERS_SECONDS = 0.35  # a final that ends this close before the end of speech covers it
AFTER_SECONDS = 0.5  # recognisers end a transcript a little after the speech
SILENCE_SECONDS = 2.5  # or with the silence by which they knew its end


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a final, and the time they cover."""

    text: str
    began: float
    ended: float


@dataclass(slots=True)
class Utterance:
    """One turn of the caller, while it grows."""

    began: float | None = None
    paused: float | None = None  # when the caller last fell silent; None while speaking
    finals: list[Words] = field(default_factory=list)
    final_end: float = float("-inf")  # of the turns before as well: their audio comes into no other turn
    interim: str = ""
    interim_began: float = float("-inf")
    interim_end: float = float("-inf")
    stability: float = 0.0  # of the interim: a stable one gives way only to a stable one
    digits: str = ""
    pressed: float = float("-inf")  # when the last key was

    @property
    def text(self) -> str:
        """What was said so far: finals, the interim that goes beyond them, and the keys."""
        finals = (final.text for final in self.finals)
        return " ".join(part for part in (*finals, self.interim, self.digits) if part)

    @property
    def complete(self) -> bool:
        """Finals cover the speech up to its end: nothing more will come for it."""
        return bool(self.finals) and self.paused is not None and self.final_end >= self.paused - COVERS_SECONDS

    @property
    def covered(self) -> bool:
        """Finals and interim together reach the end of the speech."""
        return self.paused is not None and max(self.final_end, self.interim_end) >= self.paused - COVERS_SECONDS

    def hear(self, text: str, span: tuple[float, float], final: bool, stability: float) -> None:
        """Take a transcript of the time `span`. An interim replaces the interim before it; a final what it covers."""
        began, ended = span
        if final:
            self._make_final(Words(text.strip(), began, ended))
        elif self._is_new(began, ended) and (stability >= STABLE or self.stability < STABLE):
            self.interim, self.stability = text.strip(), stability
            self.interim_began, self.interim_end = began, ended

    def press(self, digit: str, now: float) -> None:
        """Take a key."""
        self.digits += digit
        self.pressed = now

    def covers(self, began: float, ended: float, spoken_since: bool) -> bool:
        """A transcript is of this turn's audio, and not of what came after it.

        One that takes in the silence after the turn is of the turn if the caller has not spoken since; but finals that
        cover the turn leave no word for it, though it is dated from the last of them on."""
        if self.paused is None or began >= self.paused:
            return False
        return ended <= self.paused + (AFTER_SECONDS if spoken_since or self.complete else SILENCE_SECONDS)

    def correct(self, text: str, span: tuple[float, float]) -> bool:
        """A final that came after the turn was answered: it takes the interim's place. True when the text changed."""
        before = self.text
        self._make_final(Words(text.strip(), *span))
        if self.finals:
            self.interim = ""
        return self.text != before

    def go_on(self, later: "Utterance") -> None:
        """What was taken for another turn is more of this one."""
        self.finals += later.finals
        if later.interim:
            self.interim, self.stability = later.interim, later.stability
            self.interim_began, self.interim_end = later.interim_began, later.interim_end

    def next(self) -> "Utterance":
        """The turn after this one, or instead of it: it has no words yet, and none from the audio of this one."""
        return Utterance(final_end=self.final_end)

    def _is_new(self, began: float, ended: float) -> bool:
        """An interim of this time has words that no final has: most of its audio lies behind the last one."""
        return ended > self.final_end + NEW_SECONDS and (began + ended) / 2 > self.final_end

    def _make_final(self, words: Words) -> None:
        """Add a final, unless its audio is final already; a longer one of the same audio takes the shorter's place."""
        if words.ended <= self.final_end:
            return
        if words.text:
            self.finals = [final for final in self.finals if not _within(final, words)]
            self.finals.append(words)
        self.final_end = words.ended
        if self.interim_began < words.ended:  # it was heard from the final before on: these are its words
            self.interim, self.stability = "", 0.0


def _within(one: Words, other: Words) -> bool:
    return other.began < (one.began + one.ended) / 2 < other.ended
