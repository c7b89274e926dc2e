"""The speaker: makes the agent's prompts audible, in order, ahead of the playout; knows at any moment what was heard.

An answer has a number; what belongs to an answer that was flushed is dropped wherever it is on its way."""

from dataclasses import dataclass

import trio

from callengine.call.events import AnswerHeard, DialogEvent
from callengine.call.history import Piece, heard_text
from callengine.call.meter import Meter
from callengine.media.audio import FRAME_BYTES, RATE, whole_frames
from callengine.media.leg import Leg
from callengine.ports.synthesis import Prompt, SpeechChunk, Voice

AHEAD_SECONDS = 6.0  # speech made before it is played: a barge-in throws it away, so not more
PROMPTS = 2
NEARLY_OVER_SECONDS = 0.4  # a filler that is, is heard to its end


@dataclass(frozen=True, slots=True)
class Say:
    """A prompt of the answer `number`. `filler`: it is to be heard only until the answer is ready."""

    number: int
    prompt: Prompt
    filler: bool = False


@dataclass(frozen=True, slots=True)
class AnswerEnds:
    """The answer `number` has no more prompts."""

    number: int


class Speaker:
    """One call's voice. `number` is the answer being spoken; nothing of another one is played."""

    def __init__(self, leg: Leg, voice: Voice, events: trio.MemorySendChannel[DialogEvent], meter: Meter) -> None:
        self._leg = leg
        self._voice = voice
        self._events = events
        self._meter = meter
        self._prompts_in, self._prompts = trio.open_memory_channel[Say | AnswerEnds](PROMPTS)
        self._scope = trio.CancelScope()
        self._pieces: list[Piece] = []
        self._making = False
        self.number = 0

    @property
    def busy(self) -> bool:
        """A prompt is being made audible, or waits to be."""
        return self._making or self._prompts.statistics().current_buffer_used > 0

    def begin(self) -> int:
        """A new answer; returns its number."""
        self.number += 1
        self._pieces = []
        return self.number

    async def say(self, item: Say | AnswerEnds) -> None:
        """Hand over a prompt, or the end of an answer; waits while two are waiting already."""
        await self._prompts_in.send(item)

    def heard(self) -> str:
        """What of the current answer has gone out so far, as text."""
        return heard_text(self._pieces, self._leg.playout.played)

    def flush(self) -> str:
        """Stop within a frame and drop the rest of the answer. Returns what of it was heard."""
        self._leg.playout.flush()
        heard = self.heard()
        self.number += 1
        self._pieces = []
        self._scope.cancel("flushed")
        return heard

    async def run(self) -> None:
        """Speak prompts as they come, for ever. Raises SynthesisError."""
        async for item in self._prompts:
            if item.number != self.number:
                continue
            self._making = True
            with trio.CancelScope() as self._scope:
                if isinstance(item, Say):
                    await self._speak(item)
                else:
                    await self._await_played(item.number)
            self._making = False

    async def _speak(self, item: Say) -> None:
        playout = self._leg.playout
        await playout.wait_played(playout.queued - int(AHEAD_SECONDS * RATE))
        if item.number != self.number:  # a flush has woken this task before it could cancel it
            return
        self._cut_filler()
        piece = Piece(item.prompt.text, playout.queued, playout.queued, filler=item.filler)
        self._pieces.append(piece)
        if (whole := self._voice.cached(item.prompt)) is not None:
            self._put(piece, whole, whole_frames(whole.slin))
        else:
            await self._stream(piece, item.prompt)
        piece.complete = True

    async def _stream(self, piece: Piece, prompt: Prompt) -> None:
        rest = b""
        async with self._voice.open_speech(prompt) as stream:
            while (chunk := await stream.receive()) is not None:
                self._meter.speech(chunk.billed)
                slin = rest + chunk.slin
                whole = len(slin) - len(slin) % FRAME_BYTES
                self._put(piece, chunk, slin[:whole])
                rest = slin[whole:]
                playout = self._leg.playout
                await playout.wait_played(playout.queued - int(AHEAD_SECONDS * RATE))
        self._put(piece, SpeechChunk(b""), whole_frames(rest))

    def _put(self, piece: Piece, chunk: SpeechChunk, frames: bytes) -> None:
        if not self._pieces or self._pieces[-1] is not piece:
            return  # flushed while this chunk was on its way
        if all(made.end == made.begin for made in self._pieces if made.filler == piece.filler):
            self._leg.playout.first = self._leg.playout.queued
        self._leg.playout.put(frames)
        piece.words += chunk.words
        piece.end = self._leg.playout.queued

    def _cut_filler(self) -> None:
        """An answer does not wait for a filler, unless that is nearly over. What was heard of it stays said."""
        playout = self._leg.playout
        if self._pieces and self._pieces[-1].filler and playout.queued - playout.played > NEARLY_OVER_SECONDS * RATE:
            filler = self._pieces[-1]
            playout.flush()
            filler.text, filler.end = heard_text([filler], playout.played), playout.played

    async def _await_played(self, number: int) -> None:
        await self._leg.playout.wait_played(self._leg.playout.queued)
        if number == self.number:
            await self._events.send(AnswerHeard(number))


async def play_out(leg: Leg, voice: Voice, prompt: Prompt, meter: Meter) -> None:
    """Say one prompt outside any answer and wait until it has been heard. Raises SynthesisError."""
    leg.playout.flush()
    if (whole := voice.cached(prompt)) is not None:
        slin = whole.slin
    else:
        slin = b""
        async with voice.open_speech(prompt) as stream:
            while (chunk := await stream.receive()) is not None:
                meter.speech(chunk.billed)
                slin += chunk.slin
    leg.playout.put(whole_frames(slin))
    await leg.playout.wait_played(leg.playout.queued)
