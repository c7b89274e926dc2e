"""Small parts every voice needs: a speech that is at hand already, and joining a speech into one chunk."""

from contextlib import AbstractAsyncContextManager

import trio

from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Spoken, Synthesizer, WordMark


class WholeSpeech:
    """A stream of one chunk."""

    def __init__(self, chunk: SpeechChunk) -> None:
        self._chunk: SpeechChunk | None = chunk

    async def receive(self) -> SpeechChunk | None:
        await trio.lowlevel.checkpoint()
        chunk, self._chunk = self._chunk, None
        return chunk


async def speak_whole(voice: Synthesizer, prompt: Prompt) -> SpeechChunk:
    """All of a prompt's speech as one chunk. Raises SynthesisError."""
    return await gather(voice.open_speech(prompt))


async def gather(opening: AbstractAsyncContextManager[SpeechStream]) -> SpeechChunk:
    """A stream read to its end, as one chunk. Raises SynthesisError."""
    pieces: list[bytes] = []
    words: list[WordMark] = []
    billed: Spoken | None = None
    async with opening as stream:
        while (chunk := await stream.receive()) is not None:
            pieces.append(chunk.slin)
            words.extend(chunk.words)
            billed = billed or chunk.billed
    return SpeechChunk(b"".join(pieces), tuple(words), billed)
