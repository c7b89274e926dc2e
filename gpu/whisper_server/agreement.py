"""LocalAgreement-2: words that two decodes in a row agree on are stable; the rest may still change.

Published with whisper_streaming (Macháček, Dabre, Bojar 2023). What was once called stable is never taken back.
"""

import re

Words = tuple[str, ...]


def agreed(stable: Words, previous: Words, current: Words) -> Words:
    """Return the new stable prefix, given the last one and the last two decodes of the growing utterance."""
    count = 0
    for one, other in zip(previous, current, strict=False):
        if _key(one) != _key(other):
            break
        count += 1
    if count <= len(stable):
        return stable
    return stable + current[len(stable) : count]


def _key(word: str) -> str:
    return re.sub(r"\W", "", word).lower() or word
