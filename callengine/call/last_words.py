"""What a caller hears outside any conversation, before their call ends here."""

import structlog
import trio

from callengine.call.meter import Meter
from callengine.call.speaker import play_out
from callengine.media.leg import Leg
from callengine.ports.synthesis import Prompt, Voice

LONGEST_SECONDS = 8.0

log = structlog.get_logger(__name__)


async def say_last_words(leg: Leg, voice: Voice, prompt: Prompt, meter: Meter) -> bool:
    """Say a prompt, best effort: without a line or a voice the call ends all the same. Also while being cancelled.
    True when it was heard whole."""
    heard = False
    try:
        with trio.move_on_after(LONGEST_SECONDS, shield=True) as speaking:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_await_line_end, leg, speaking)
                await play_out(leg, voice, prompt, meter)
                heard = True
                nursery.cancel_scope.cancel("it has been heard")
    except* Exception:
        log.warning("last_words_failed", exc_info=True)
    return heard


async def _await_line_end(leg: Leg, speaking: trio.CancelScope) -> None:
    async for _ in leg.marks:
        pass  # what the caller does now changes nothing
    speaking.cancel("the line ended")
