"""What the demo's caller says: recordings in the package, each with its words, and whose voices are heard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from callengine.caller.speech import load_speech
from callengine.errors import ConfigError

Language = Literal["ru", "en"]
TAGS = {"ru": "ru-RU", "en": "en-GB"}
# recordings/README.md says where they are from.
VOICES = {
    "ru": "a synthetic voice (Festival, msu_ru_nsh_clunits)",
    "en": "a synthetic voice (Piper, en_US-joe-medium)",
}
AGENT_VOICE = "espeak-ng"
SPOKEN_OVER = "enough"  # the recording that interrupts the agent has this in its name


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording: its place in the call (from 1), its words, 8 kHz slin, and whether it is said over the agent."""

    number: int
    words: str
    slin: bytes
    over_agent: bool


def load_utterances(language: Language) -> list[Utterance]:
    """The caller's side of the call in order. Raises ConfigError where the package lacks a file."""
    folder = Path(__file__).parent / "recordings" / language
    recordings = sorted(folder.glob("*.wav"))
    if not recordings:
        raise ConfigError("--language", f"there is no recorded speech in {folder}; is callengine installed whole?")
    return [
        Utterance(number, _words(path), load_speech(path, "--language"), SPOKEN_OVER in path.stem)
        for number, path in enumerate(recordings, 1)
    ]


def _words(recording: Path) -> str:
    return recording.with_suffix(".txt").read_text(encoding="utf-8").strip()
