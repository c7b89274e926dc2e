"""A recogniser that knows the bench's sounds to the sample, as a server of Google's service in a process of its own.

It is sent what the engine sends; a sound it knows is found by a piece of it. Delays are in the audio's own time, which
is the caller's: an interim every 300 ms of speech comes `INTERIM_SECONDS` behind the words it has, the final the stated
time behind the end of speech. What it does not know has no words.

`python -m tests.bench.dialog.recogniser SOUNDS.json FINAL_SECONDS` says its port and ends with its standard input."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np

from tests.bench.dialog.sounds import Sound
from tests.bench.speech_service import Response, serve_speech
from tests.bench.stand_in import RATE
from tests.own_process import in_own_process

INTERIM_SECONDS = 0.2
INTERIM_EVERY = RATE * 3 // 10
KEY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Known:
    """A sound with words: a piece of it in hex, where in it that piece lies, where its speech begins and ends."""

    key: str
    at: int
    began: int
    ended: int
    text: str


def known(sound: Sound) -> Known:
    """The piece is the first in the speech that is sound."""
    assert sound.began is not None
    assert sound.ended is not None
    samples = np.abs(np.frombuffer(sound.slin, "<i2").astype(np.int32))
    at = sound.began + int(np.flatnonzero(samples[sound.began :] > samples.max() // 4)[0])
    return Known(sound.slin[2 * at : 2 * at + KEY_BYTES].hex(), at, sound.began, sound.ended, sound.text)


@contextmanager
def recogniser(sounds: Sequence[Sound], final_seconds: float) -> Iterator[str]:
    """Run it; gives its `host:port`."""
    every = [known(sound) for sound in sounds if sound.text and sound.began is not None]
    words = {one.key: one for one in every}.values()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([asdict(one) for one in words], file)
        file.flush()
        with in_own_process("tests.bench.dialog.recogniser", file.name, str(final_seconds)) as address:
            yield address


@dataclass(slots=True)
class Said:
    """What is to be said once the audio has come up to the sample `at`, `delay` seconds behind that."""

    at: int
    delay: float
    response: Any


@dataclass
class Listening:
    """One stream."""

    keys: Sequence[tuple[bytes, Known]]
    final_seconds: float
    position: int = 0
    _tail: bytes = b""
    _due: list[Said] = field(default_factory=list)

    def feed(self, slin: bytes) -> list[tuple[float, Any]]:
        """Take audio; what is to be said, with the seconds from now."""
        window = self._tail + slin
        first = self.position - len(self._tail) // 2
        for key, sound in self.keys:
            found = window.find(key)
            if found >= 0 and found % 2 == 0:
                self._expect(sound, first + found // 2 - sound.at)
        self._tail = window[-(KEY_BYTES - 2) :]
        self.position += len(slin) // 2
        ready = [said for said in self._due if said.at <= self.position]
        self._due = [said for said in self._due if said.at > self.position]
        return [(max(0.0, said.delay - (self.position - said.at) / RATE), said.response) for said in ready]

    def _expect(self, sound: Known, start: int) -> None:
        words = sound.text.split()
        spoken = sound.ended - sound.began
        for heard in range(INTERIM_EVERY, spoken, INTERIM_EVERY):
            text = " ".join(words[: max(1, len(words) * heard // spoken)])
            at = start + sound.began + heard
            self._due.append(Said(at, INTERIM_SECONDS, _response(text, at, final=False)))
        end = start + sound.ended
        self._due.append(Said(end, self.final_seconds, _response(sound.text, end, final=True)))


def _response(text: str, end: int, *, final: bool) -> Any:
    response = Response()
    result = response.results.add(is_final=final, stability=0.9)
    result.alternatives.add(transcript=text)
    result.result_end_offset.seconds, rest = divmod(end, RATE)
    result.result_end_offset.nanos = rest * 1_000_000_000 // RATE
    return response


async def serve(words: Sequence[Known], final_seconds: float) -> None:
    """Serve until standard input closes."""
    keys = [(bytes.fromhex(one.key), one) for one in words]

    async def recognize(_messages: object, context: Any) -> None:
        listening, saying = Listening(keys, final_seconds), asyncio.Lock()

        async def say(seconds: float, response: Any) -> None:
            await asyncio.sleep(seconds)
            async with saying:
                await context.write(response)

        await context.read()
        async with asyncio.TaskGroup() as group:
            while (message := await context.read()) is not grpc.aio.EOF:
                for seconds, response in listening.feed(message.audio):
                    group.create_task(say(seconds, response))

    await serve_speech(recognize)


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as listed:
        found = [Known(**each) for each in json.load(listed)]
    asyncio.run(serve(found, float(sys.argv[2])))
