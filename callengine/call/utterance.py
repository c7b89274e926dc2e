"""What the caller has said in one turn, pieced together from finals, the newest interim and keys. Pure."""

from dataclasses import dataclass, field

STABLE = 0.8
COVERS_SECONDS = 0.35  # a final that ends this close before the end of speech covers it
AFTER_SECONDS = 0.5  # recognisers end a transcript a little after the speech


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

    @property
    def text(self) -> str:
        """The words so far: finals, then the interim that goes beyond them; or the keys."""
        parts = [part for part in (*self.finals, self.interim) if part]
        return " ".join(parts) if parts else self.digits

    @property
    def complete(self) -> bool:
        """Finals cover the speech up to its end: nothing more will come for it."""
        return bool(self.finals) and self.paused is not None and self.final_end >= self.paused - COVERS_SECONDS

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

    def press(self, digit: str) -> None:
        self.digits += digit

    def covers(self, began: float, ended: float, final: bool) -> bool:
        """A transcript is of this turn's audio, and not of what came after it."""
        if self.paused is None or ended > self.paused + AFTER_SECONDS:
            return False
        return began < self.paused if final else True

    def correct(self, text: str) -> bool:
        """A final that came after the turn was answered: it takes the interim's place. True when the text changed."""
        before = self.text
        self.interim = ""
        if text.strip():
            self.finals.append(text.strip())
        if not self.text:
            self.interim = before
        return self.text != before
