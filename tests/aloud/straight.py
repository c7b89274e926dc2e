"""A line in one stream from its beginning to its end, as fast as it is taken: what an undisturbed call would hear."""

import trio

from callengine.media.audio import RATE
from callengine.ports.recognition import Final, Recognizer, RecognizerStream, StreamSpec
from tests.aloud.lines import Line

CHUNK_BYTES = RATE // 5


async def heard_straight(recognizer: Recognizer, line: Line) -> str:
    """All finals. What a recogniser makes of audio does not depend on when it comes."""
    finals: list[str] = []
    async with recognizer.open_stream(StreamSpec(line.tag)) as stream, trio.open_nursery() as nursery:
        nursery.start_soon(_say, stream, line.audio)
        while (event := await stream.receive()) is not None:
            if isinstance(event, Final):
                finals.append(event.text)
    return " ".join(finals)


async def _say(stream: RecognizerStream, audio: bytes) -> None:
    for at in range(0, len(audio), CHUNK_BYTES):
        await stream.send(audio[at : at + CHUNK_BYTES])
    await stream.finish()
