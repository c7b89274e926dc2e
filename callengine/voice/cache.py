"""Speech of fixed phrases, kept in memory: what was asked for least recently goes first."""

from collections import OrderedDict

from callengine.ports.synthesis import Prompt, SpeechChunk

DEFAULT_BYTES = 8 << 20  # 8 minutes of slin at 8 kHz


class SpeechCache:
    """Whole speeches by prompt (text, language, voice and rate), at most `most_bytes` of slin."""

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._speeches: OrderedDict[Prompt, SpeechChunk] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """What is kept, of slin."""
        return self._bytes

    def get(self, prompt: Prompt) -> SpeechChunk | None:
        """The whole speech of a prompt, or None."""
        speech = self._speeches.get(prompt)
        if speech is not None:
            self._speeches.move_to_end(prompt)
        return speech

    def put(self, prompt: Prompt, speech: SpeechChunk) -> None:
        """Keep a speech; one that is larger than the cache is not kept."""
        self._bytes -= len(old.slin) if (old := self._speeches.pop(prompt, None)) else 0
        if len(speech.slin) > self._most_bytes:
            return
        self._speeches[prompt] = speech
        self._bytes += len(speech.slin)
        while self._bytes > self._most_bytes:
            _, oldest = self._speeches.popitem(last=False)
            self._bytes -= len(oldest.slin)
