"""A caller who speaks in bursts, and a recogniser that says of each whatever it likes, whenever it likes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import trio
from hypothesis import strategies as st

from callengine.call.parts import CallLimits
from callengine.call.turns import TurnTimes
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_call
from tests.sim.echoing import ORDER, ORDERING, EchoingDialog
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice
from tests.sim.told import Told, ToldRecognizer

WORDS = ("шины", "ещё зимние", ORDERING)
STABLE = 0.9
# beside the ticks of the clock and the steps of the detector: what happens in one instant has no order
TIMES = TurnTimes(end_pause=0.507, number_pause=1.007, final_wait=1.607, rest_wait=3.007, no_input=60.0)
ODD = 0.003


@dataclass(frozen=True, slots=True)
class Burst:
    """The caller is silent for `gap` seconds, speaks for `seconds`, and the recogniser says `told` of it."""

    gap: float
    seconds: float
    told: tuple[Told, ...]


def parts_for(bursts: Sequence[Burst], dialog: EchoingDialog, on: bool) -> Parts:
    return replace(
        Parts(),
        recognizer=ToldRecognizer([burst.told for burst in bursts]),
        voice=StampedVoice(),
        dialog=dialog,
        toolbox=ScriptedToolbox((ORDER,), {ORDER.name: {"done": True}}, delay_seconds=0.2),
        agent=AGENT,
        limits=CallLimits(times=TIMES, speculate=on),
    )


async def hold(parts: Parts, bursts: Sequence[Burst], patience: float = 0.0) -> Stage:
    """The caller's part; `patience`: the seconds that the agent is given to answer each burst."""
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        for burst in bursts:
            await trio.sleep(burst.gap)
            await stage.asterisk.speak(burst.seconds)
            await trio.sleep(patience)
        await trio.sleep(6.0)
        stage.asterisk.hang_up()
    assert isinstance(parts.voice, StampedVoice)
    check_call(stage, parts.voice)
    return stage


@st.composite
def wordings(draw: st.DrawFn, words: str) -> str:
    """The same words in other letters and signs, or other words."""
    shapes: tuple[Callable[[str], str], ...] = (
        str.upper,
        str.title,
        lambda text: f"{text}?",
        lambda text: f"{text.replace('ё', 'е')}.",
        str,
    )
    other = draw(st.booleans()) and draw(st.booleans())
    return draw(st.sampled_from(shapes))("другие слова" if other else words)


@st.composite
def bursts_of_speech(draw: st.DrawFn, final_by: float = 4.0) -> list[Burst]:
    bursts = []
    for _ in range(draw(st.integers(1, 3))):
        words = draw(st.sampled_from(WORDS))
        after = st.sampled_from([at for at in (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9, 1.7, 3.5) if at <= final_by])
        stability = st.sampled_from((STABLE, STABLE, 0.5))
        interims = [
            Told(draw(after) + ODD * (at + 2), draw(wordings(words)), draw(stability))
            for at in range(draw(st.integers(0, 3)))
        ]
        final = Told(draw(after) + ODD, draw(wordings(words)))
        gap = draw(st.sampled_from((0.1, 0.25, 0.4, 0.55, 0.7, 1.0, 2.0, 3.0)))
        bursts.append(Burst(gap, draw(st.sampled_from((0.3, 0.5, 0.9))), (*interims, final)))
    return bursts


DIALOGS = st.builds(
    EchoingDialog,
    first_seconds=st.sampled_from((0.0, 0.1, 0.3, 0.8, 2.0)),
    word_seconds=st.sampled_from((0.0, 0.05, 0.3)),
)
