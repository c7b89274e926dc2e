"""The process that speaks: requests on standard input, speech at 8 kHz on standard output (`espeak_frames`).

It is a process of its own because espeak's callback takes the interpreter's lock and resampling is work: neither
belongs where the media clock ticks. It ends when its standard input does.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import soxr

from backends.tts import espeak_frames as frames
from backends.tts.espeak_library import EspeakLibrary
from backends.tts.shaping import RATE, Samples, Shaper, gain_for
from callengine.errors import SynthesisError
from callengine.ports.synthesis import SpeechChunk, WordMark

CHUNK_SAMPLES = 3200  # 400 ms: few wake-ups for the engine, and made in under a millisecond
_REFERENCES = {"ru": "Добрый день, магазин слушает вас.", "": "Hello, this is the shop, how can I help you?"}

Write = Callable[[SpeechChunk], None]


class Utterance:
    """One request on its way from raw samples to chunks."""

    def __init__(self, request: frames.SpeakRequest, source_rate: int, gain: float, write: Write) -> None:
        self.text = request.text
        self._starts = _word_starts(request.text)
        self._scale = RATE / source_rate
        self._resampler = soxr.ResampleStream(source_rate, RATE, 1, dtype="int16", quality="HQ")
        self._shaper = Shaper(gain)
        self._write = write
        self._marks: list[WordMark] = []  # positions before the shaper cuts silence off the front
        self._last_word = -1
        self._ready: list[Samples] = []
        self._sent = 0

    def feed(self, samples: Samples, words: list[tuple[int, int]]) -> None:
        """Take raw speech from espeak, as `OnSpeech` says."""
        for at, sample in words:
            start = self._starts.get(at, -1)
            if start > self._last_word:
                self._marks.append(WordMark(start, round(sample * self._scale)))
                self._last_word = start
        self._ready.append(self._shaper.feed(self._resampler.resample_chunk(samples)))
        if sum(map(len, self._ready)) >= CHUNK_SAMPLES:
            self._flush()

    def finish(self) -> None:
        self._ready.append(self._shaper.feed(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True)))
        self._ready.append(self._shaper.finish())
        self._flush(last=True)

    def _flush(self, *, last: bool = False) -> None:
        speech = np.concatenate(self._ready)
        end = self._sent + len(speech)
        here = [self._moved(mark) for mark in self._marks if last or mark.position - self._shaper.skipped < end]
        if len(speech):
            bounded = tuple(WordMark(mark.start, min(mark.position, end - 1)) for mark in here)
            self._write(SpeechChunk(speech.astype("<i2").tobytes(), bounded))
        self._marks = self._marks[len(here) :]
        self._ready = []
        self._sent = end

    def _moved(self, mark: WordMark) -> WordMark:
        return WordMark(mark.start, max(mark.position - self._shaper.skipped, 0))


def _word_starts(text: str) -> dict[int, int]:
    """For every character of a word (a run without white space) where its word begins."""
    return {at: word.start() for word in re.finditer(r"\S+", text) for at in range(word.start(), word.end())}


class Speaker:
    """The library with the gain of every voice used so far."""

    def __init__(self) -> None:
        self._library = EspeakLibrary()
        self._gains: dict[str, float] = {}

    def speak(self, request: frames.SpeakRequest, write: Write) -> None:
        """Speak one request. Raises SynthesisError."""
        self._library.set_voice(request.voice)
        utterance = Utterance(request, self._library.rate, self._gain(request), write)
        self._library.speak(utterance.text, request.rate, utterance.feed)
        utterance.finish()

    def _gain(self, request: frames.SpeakRequest) -> float:
        if request.voice not in self._gains:
            pieces: list[Samples] = []
            reference = _REFERENCES.get(request.language.split("-")[0], _REFERENCES[""])
            self._library.speak(reference, 1.0, lambda samples, _words: pieces.append(samples))
            self._gains[request.voice] = gain_for(np.concatenate(pieces))
        return self._gains[request.voice]


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until their end."""
    speaker = Speaker()
    while len(header := requests.read(frames.HEADER.size)) == frames.HEADER.size:
        _kind, length = frames.HEADER.unpack(header)
        request = frames.decode_request(requests.read(length))
        try:
            speaker.speak(request, lambda chunk: _write(answers, frames.encode_speech(chunk)))
        except SynthesisError as error:
            _write(answers, frames.encode_frame(frames.FAULT, str(error).encode()))
        else:
            _write(answers, frames.encode_frame(frames.END))


def _write(answers: BinaryIO, frame: bytes) -> None:
    answers.write(frame)
    answers.flush()


def main() -> None:
    # Ctrl-C in a terminal reaches every process of the group; the engine decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the C library prints must not land among the frames
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # the engine is gone; nothing is left to flush


if __name__ == "__main__":
    main()
