"""What keeps Whisper from saying what nobody said. Each guard is a plain rule on text and scores.

Thresholds of `is_silence` and `is_noise` are Whisper's own. A guard that would drop real words is worse than
none, so loops are cut only where the text is longer than anyone can say in that time.
"""

import re
import zlib

NO_SPEECH = 0.6
LOW_LOGPROB = -1.0
MAX_COMPRESSION = 2.4
# Fast Russian speech is 15 to 18 letters and spaces a second.
MAX_CHARS_PER_SECOND = 20.0
_LONGEST_LOOP_WORDS = 12


def max_tokens(seconds: float) -> int:
    """Return how many tokens speech of this length can need."""
    return int(10 * seconds) + 20


def is_silence(no_speech_probability: float, average_logprob: float) -> bool:
    """Whisper's rule: it thinks that nobody spoke and is unsure of its own text."""
    return no_speech_probability > NO_SPEECH and average_logprob < LOW_LOGPROB


def is_noise(text: str) -> bool:
    """Whisper's rule: text that compresses this well is repetition, not speech."""
    data = text.encode()
    return len(data) > len(zlib.compress(data)) * MAX_COMPRESSION


def has_words(text: str) -> bool:
    """Return whether there is a letter or a digit in it."""
    return re.search(r"\w", text) is not None


def without_loop(text: str, seconds: float) -> str:
    """Cut a phrase that repeats to the end of the text, where the whole cannot have been said in `seconds`.

    The last repetition may be unfinished, as it is when the model ran out of tokens.
    """
    if len(text) <= MAX_CHARS_PER_SECOND * seconds:
        return text
    words = text.split()
    keys = [re.sub(r"\W", "", word).lower() for word in words]
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
