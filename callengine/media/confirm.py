"""Confirming speech: one task for all calls runs Silero, batched, over the audio of calls whose gate is open."""

from collections.abc import Callable

import trio

from callengine.media.leg import Leg
from callengine.media.silero import SpeechModel, VoiceState
from callengine.media.vad import WINDOW_SAMPLES

ROUND_SECONDS = 0.032  # one window
MAX_BATCH = 256


async def serve_confirmation(legs: Callable[[], list[Leg]], model: SpeechModel) -> None:
    """Look at every open gate once a window, for ever. `legs` gives the legs being served."""
    due = trio.current_time()
    while True:
        # After a slow round the schedule starts anew: windows are never skipped, only looked at later.
        due = max(due + ROUND_SECONDS, trio.current_time())
        await trio.sleep_until(due)
        while waiting := [leg for leg in legs() if _has_window(leg)]:
            await _confirm(waiting[:MAX_BATCH], model)


async def _confirm(legs: list[Leg], model: SpeechModel) -> None:
    windows = [leg.ring.read(leg.confirm, leg.confirm + WINDOW_SAMPLES) for leg in legs]
    states = [_state(leg) for leg in legs]
    begins = [leg.confirm for leg in legs]
    for leg in legs:
        leg.confirm += WINDOW_SAMPLES
    probabilities = await model.probabilities(windows, states)
    for leg, begin, probability in zip(legs, begins, probabilities, strict=True):
        if leg.gate.open and leg.ended is None:
            leg.mark_speech(leg.tracker.feed(probability, begin))


def _has_window(leg: Leg) -> bool:
    if not leg.gate.open or leg.ended is not None:
        return False
    leg.confirm = max(leg.confirm, leg.ring.start)
    return leg.ring.end >= leg.confirm + WINDOW_SAMPLES


def _state(leg: Leg) -> VoiceState:
    if leg.vad_state is None:
        leg.vad_state = VoiceState()
    return leg.vad_state
