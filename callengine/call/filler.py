"""No dead air: while the model or a tool works and nothing is heard, a short phrase in the agent's voice.

An agent without fillers may be silent for longer, and not for ever: it says "one moment", where its file has that."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import trio

from callengine.agent import AgentProfile
from callengine.call.speaker import Say, Speaker
from callengine.media.audio import FRAME_SECONDS, RATE
from callengine.media.leg import Leg
from callengine.ports.synthesis import Prompt

SILENCE_SECONDS = 0.8  # of an answer in the making; shorter ones are how people talk
AGAIN_SECONDS = 5.0
LONGEST_SECONDS = 8.0  # of silence, where the agent has no fillers


@dataclass(frozen=True, slots=True)
class Fillers:
    """What is said in one call's silences, in turn (with two fillers none is said twice in a row), and how many seconds
    of silence there may be before the first of an answer."""

    prompts: Iterator[Prompt]
    first_seconds: float


def fillers_of(agent: AgentProfile) -> Fillers:
    """The agent's own."""
    instead = (agent.one_moment,) if agent.one_moment else ()
    first_seconds = SILENCE_SECONDS if agent.fillers else LONGEST_SECONDS
    return Fillers(cycle(map(agent.prompt, agent.fillers or instead)), first_seconds)


async def fill_silence(leg: Leg, speaker: Speaker, fillers: Fillers) -> None:
    """Say a filler whenever the answer that begins now has left the caller in silence; until it is cancelled."""
    number, quiet_from, patience = speaker.number, trio.current_time(), fillers.first_seconds
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
        filler = next(fillers.prompts, None)
        if filler is None:
            return
        await speaker.say(Say(number, filler, filler=True))
        quiet_from, patience = trio.current_time(), max(AGAIN_SECONDS, fillers.first_seconds)
