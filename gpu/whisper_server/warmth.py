"""Keeping the model warm: the first decode after loading, or after a night without calls, takes seconds longer."""

import asyncio
import logging

import numpy as np

from whisper_server.decoding import DecodeQueue
from whisper_server.errors import DecodeError
from whisper_server.schedule import Urgency
from whisper_server.transcript import Utterance

log = logging.getLogger(__name__)

# Long enough to cost nothing, short enough that a GPU has not gone to sleep deeply.
REST_SECONDS = 120.0


def warm_up_utterance() -> Utterance:
    """Return a second of faint noise; words are asked for, so that every part of the model runs."""
    noise = np.random.default_rng(0).integers(-300, 300, 16_000).astype(np.int16)
    return Utterance(noise, 16_000, (), words=True)


async def keep_warm(queue: DecodeQueue, rest_seconds: float = REST_SECONDS) -> None:
    """For ever: decode something where nothing was decoded for so long."""
    while True:
        await asyncio.sleep(rest_seconds)
        if queue.rested_seconds < rest_seconds:
            continue
        try:
            await queue.submit(warm_up_utterance(), Urgency.EARLY)
        except DecodeError as error:
            # The next caller would have met it; whoever watches the log knows before.
            log.error("the model failed while nobody spoke: %s", error)
