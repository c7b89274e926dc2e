"""No dead air: while the model or a tool works and nothing is heard, a short phrase in the agent's voice."""

from collections.abc import Iterator
from itertools import cycle

import trio

from callengine.agent import AgentProfile
from callengine.call.speaker import Say, Speaker
from callengine.media.audio import FRAME_SECONDS, RATE
from callengine.media.leg import Leg
from callengine.ports.synthesis import Prompt

SILENCE_SECONDS = 0.8  # of an answer in the making; shorter ones are how people talk
AGAIN_SECONDS = 5.0


def fillers(agent: AgentProfile) -> Iterator[Prompt]:
    """The agent's fillers for one call, in turn: with two of them none is said twice in a row."""
    return cycle(map(agent.prompt, agent.fillers))


async def fill_silence(leg: Leg, speaker: Speaker, prompts: Iterator[Prompt]) -> None:
    """Say a filler whenever the answer that begins now has left the caller in silence; until it is cancelled."""
    number, quiet_from, patience = speaker.number, trio.current_time(), SILENCE_SECONDS
    while speaker.number == number:
        now = trio.current_time()
        ahead = (leg.playout.queued - leg.playout.played) / RATE
        if ahead or leg.talking or speaker.busy:
            await trio.sleep(max(ahead, FRAME_SECONDS))
            continue
        due = max(quiet_from, leg.silent_from) + patience
        if now < due:
            await trio.sleep_until(due)
            continue
        filler = next(prompts, None)
        if filler is None:
            return
        await speaker.say(Say(number, filler, filler=True))
        quiet_from, patience = trio.current_time(), AGAIN_SECONDS
