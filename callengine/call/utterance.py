"""What the caller has said in one turn, pieced together from finals, the newest interim and keys. Pure."""

from dataclasses import dataclass, field

STABLE = 0.8
COVERS_SECONDS = 0.35  # a final that ends this close before the end of speech covers it
AFTER_SECONDS = 0.5  # recognisers end a transcript a little after the speech
SILENCE_SECONDS = 2.5  # or with the silence by which they knew its end


@dataclass(slots=True)
class Utterance:
    """One turn of the caller, while it grows."""

    began: float | None = None
    paused: float | None = None  # when the caller last fell silent; None while speaking
    finals: list[str] = field(default_factory=list)
    final_end: float = float("-inf")
    interim: str = ""
    interim_end: float = float("-inf")
    stability: float = 0.0  # of the interim: a stable one gives way only to a stable one
    digits: str = ""
    pressed: float = float("-inf")  # when the last key was

    @property
    def text(self) -> str:
        """What was said so far: finals, the interim that goes beyond them, and the keys."""
        return " ".join(part for part in (*self.finals, self.interim, self.digits) if part)

    @property
    def complete(self) -> bool:
        """Finals cover the speech up to its end: nothing more will come for it."""
        return bool(self.finals) and self.paused is not None and self.final_end >= self.paused - COVERS_SECONDS

    @property
    def covered(self) -> bool:
        """Finals and interim together reach the end of the speech."""
        return self.paused is not None and max(self.final_end, self.interim_end) >= self.paused - COVERS_SECONDS

    def hear(self, text: str, ended: float, final: bool, stability: float) -> None:
        """Take a transcript. An interim replaces the interim before it; a final replaces it for good."""
        text = text.strip()
        if final:
            if text:
                self.finals.append(text)
            self.final_end = max(self.final_end, ended)
            if self.interim_end <= self.final_end:
                self.interim, self.stability = "", 0.0
        elif stability >= STABLE or self.stability < STABLE:
            self.interim, self.interim_end, self.stability = text, ended, stability

    def press(self, digit: str, now: float) -> None:
        """Take a key."""
        self.digits += digit
        self.pressed = now

    def covers(self, began: float, ended: float, spoken_since: bool) -> bool:
        """A transcript is of this turn's audio, and not of what came after it.

        One that takes in the silence after the turn is of the turn if the caller has not spoken since."""
        if self.paused is None or began >= self.paused:
            return False
        return ended <= self.paused + (AFTER_SECONDS if spoken_since else SILENCE_SECONDS)

    def correct(self, text: str) -> bool:
        """A final that came after the turn was answered: it takes the interim's place. True when the text changed."""
        before = self.text
        if text.strip():
            self.finals.append(text.strip())
        if self.finals:
            self.interim = ""
        return self.text != before
