"""Text to speech: what a call asks of a voice. Audio is slin at 8 kHz, whatever the voice makes inside."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from callengine.ports.bridge import Bridge


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to be spoken: at most a sentence or two. `language` is BCP-47; `rate` 1.0 is the voice's own pace."""

    text: str
    language: str
    voice: str = ""
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class WordMark:
    """The word that begins at character `start` of the prompt's text begins at sample `position` of its speech."""

    start: int
    position: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a paid service was given to say: characters, as it counts them, of `product` (its name in the price
    table)."""

    product: str
    characters: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of a prompt's speech: 8 kHz slin (even length), and the words that begin in it if the voice can tell.

    `billed`: what the prompt costs, once, with its first sound; None where it costs nothing or was made before."""

    slin: bytes
    words: tuple[WordMark, ...] = ()
    billed: Spoken | None = None


class SpeechStream(Protocol):
    """The speech of one prompt, as it is made."""

    async def receive(self) -> SpeechChunk | None:
        """The next piece, or None at the end. Raises SynthesisError."""
        ...


class Synthesizer(Protocol):
    """A voice backend, ready. It is given text that is fit to be spoken: no figures, no markup."""

    async def check(self) -> None:
        """Raise SynthesisError when the voice cannot speak."""
        ...

    def open_speech(self, prompt: Prompt) -> AbstractAsyncContextManager[SpeechStream]:
        """The prompt's speech; leaving the block abandons what is not made yet."""
        ...


class Voice(Synthesizer, Protocol):
    """A voice as calls have it: any text is taken, and what was made before is at hand."""

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        """The whole speech of a prompt if it is at hand without waiting, else None."""
        ...

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        """Make the speech of fixed phrases now, so that `cached` has them. Raises SynthesisError."""
        ...


class SpeechStore(Protocol):
    """Speech kept outside the process, for all nodes. It may forget, and it is never in a call's way."""

    async def get(self, key: str) -> SpeechChunk | None:
        """The whole speech kept under a key; None also where the store is away or slow."""
        ...

    def put_nowait(self, key: str, speech: SpeechChunk) -> None:
        """Keep a whole speech, some time soon, if it can be done."""
        ...


# The entry-point group `callengine.tts`: `open_voice(settings, bridge)`.
OpenVoice = Callable[[Any, Bridge], AbstractAsyncContextManager[Synthesizer]]
