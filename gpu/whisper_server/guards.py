"""What keeps Whisper from saying what nobody said. Each guard is a plain rule on text and scores.

Thresholds of `is_silence` and `is_noise` are Whisper's own. A guard that would drop real words is worse than
none, so loops are cut only where the text is longer than anyone can say in that time.

Three more guards stand elsewhere: only what voice detection calls speech is decoded at all (`endpointing`), no text
of before is given to the model (`decoder`), and there is no more room for tokens than speech can need (`max_tokens`).
"""

import re
import zlib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

NO_SPEECH = 0.6
LOW_LOGPROB = -1.0
MAX_COMPRESSION = 2.4
# Fast Russian speech is 15 to 18 letters and spaces a second.
MAX_CHARS_PER_SECOND = 20.0
# Who says the same sentence twice breathes in between.
MAX_CHARS_PER_SECOND_TWICE = 16.0
_LONGEST_LOOP_WORDS = 12
# Nobody says a syllable more often in a second than this.
MAX_REPEATS_PER_SECOND = 6.0
# An artefact is a whole text of training subtitles. Real callers may say such a thing, but then not out of silence.
ARTEFACT_SECONDS = 4.0
ARTEFACT_NO_SPEECH = 0.2
_ARTEFACTS = frozenset(
    line.strip()
    for line in Path(__file__).with_name("artefacts.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model made of `seconds` of sound: its tokens, their text after `without_loop`, and its own doubts."""

    text: str
    tokens: tuple[int, ...]
    seconds: float
    no_speech: float
    logprob: float


def objection(heard: Heard) -> str:
    """Return the name of the first guard that holds that nobody said this; empty where none does."""
    verdicts = {
        "wordless": not has_words(heard.text),
        "silence": is_silence(heard.no_speech, heard.logprob),
        "noise": is_noise(heard.text),
        "stuck": is_stuck(heard.tokens, heard.seconds),
        "too_fast": is_too_fast(heard.text, heard.seconds),
        "artefact": is_artefact(heard.text, heard.seconds, heard.no_speech),
    }
    return next((name for name, objects in verdicts.items() if objects), "")


def max_tokens(seconds: float) -> int:
    """Return how many tokens speech of this length can need."""
    return int(10 * seconds) + 20


def is_silence(no_speech_probability: float, average_logprob: float) -> bool:
    """Whisper's rule: it thinks that nobody spoke and is unsure of its own text."""
    return no_speech_probability > NO_SPEECH and average_logprob < LOW_LOGPROB


def is_noise(text: str) -> bool:
    """Whisper's rule: text that compresses this well is repetition, not speech.

    A letter is one byte here. UTF-8 has two for a Russian one, by which real menus of 17 and 20 s, 2.5 in UTF-8 and 2.0
    so, were repetition; of 909 Russian and English prompts none is above 2.0 so.
    """
    numbers = {letter: number % 256 for number, letter in enumerate(sorted(set(text)))}
    data = bytes(numbers[letter] for letter in text)
    return len(data) > len(zlib.compress(data)) * MAX_COMPRESSION


def is_stuck(tokens: tuple[int, ...], seconds: float) -> bool:
    """One token over and over, more often than a syllable can be said; words that loop are `without_loop`'s."""
    longest = max((len(list(run)) for _, run in groupby(tokens)), default=0)
    return longest > 3 + MAX_REPEATS_PER_SECOND * seconds


def is_too_fast(text: str, seconds: float) -> bool:
    """Far more letters than anyone can say in that time, and no loop in them."""
    return len(text) > 10 + 1.5 * MAX_CHARS_PER_SECOND * seconds


def is_artefact(text: str, seconds: float, no_speech_probability: float) -> bool:
    """A text that Whisper learnt from subtitles of silence (`artefacts.txt`), where little or nothing was said."""
    if seconds > ARTEFACT_SECONDS and no_speech_probability < ARTEFACT_NO_SPEECH:
        return False
    words = re.findall(r"\w+", text.lower().replace("ё", "е"))
    beginnings = {" ".join(words[:count]) + " *" for count in range(1, len(words))}
    return " ".join(words) in _ARTEFACTS or not beginnings.isdisjoint(_ARTEFACTS)


def has_words(text: str) -> bool:
    """Return whether there is a letter or a digit in it."""
    return re.search(r"\w", text) is not None


def without_loop(text: str, seconds: float) -> str:
    """Cut a phrase that repeats to the end of the text, where the whole cannot have been said in `seconds`.

    The last repetition may be unfinished, as it is when the model ran out of tokens.
    """
    words = text.split()
    keys = [re.sub(r"\W", "", word).lower() for word in words]
    half = len(keys) // 2
    if half > 2 and keys == 2 * keys[:half] and len(text) > MAX_CHARS_PER_SECOND_TWICE * seconds:
        return " ".join(words[:half])
    if len(text) <= MAX_CHARS_PER_SECOND * seconds:
        return text
    # At least two words must repeat: one alone may be chance.
    for start in range(len(words) - 2):
        for size in range(1, min(_LONGEST_LOOP_WORDS, len(words) - start - 2) + 1):
            if _loops(keys[start:], size):
                return " ".join(words[: start + size])
    return text


def _loops(keys: list[str], size: int) -> bool:
    pairs = zip(keys[size:-1], keys, strict=False)
    # The very last word may be cut in the middle of its letters.
    return all(a == b for a, b in pairs) and keys[(len(keys) - 1) % size].startswith(keys[-1])
