"""Two voices: the spare one speaks where the chosen one fails, from the first word, and one line says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
from structlog.testing import capture_logs

from backends.tts.scripted import ScriptedVoice
from callengine.call.failover import FAULTS, OPEN_SECONDS
from callengine.errors import SynthesisError
from callengine.ports.synthesis import Prompt, SpeechStream
from callengine.voice.keeping import KeepingVoice
from callengine.voice.spare import SparedVoice
from callengine.voice.speech import speak_whole

PROMPT = Prompt("Есть зимние шины на любой вкус.", "ru-RU", "Kore")
PLAIN = Prompt(PROMPT.text, "ru-RU")


@dataclass
class Moody:
    """A chosen voice: well, away (`opens` or not), or breaking off after some chunks."""

    well: bool = True
    after: int = 0
    opens: bool = True
    retryable: bool = True
    asked: int = 0
    voice: ScriptedVoice = field(default_factory=lambda: ScriptedVoice(seconds_per_character=0.05))

    async def check(self) -> None:
        await self.voice.check()
        if not self.well:
            raise SynthesisError("moody: away", retryable=self.retryable)

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        self.asked += 1
        if not self.well and not self.opens:
            raise SynthesisError("moody: does not open", retryable=True)
        voice = self.voice if self.well else ScriptedVoice(seconds_per_character=0.05, fail_after=self.after)
        async with voice.open_speech(prompt) as stream:
            yield stream


def both(moody: Moody) -> tuple[SparedVoice, ScriptedVoice]:
    spare = ScriptedVoice(seconds_per_character=0.1)
    return SparedVoice(KeepingVoice(moody), spare), spare


@pytest.mark.parametrize("opens", [True, False])
async def test_the_spare_voice_says_all_of_it_and_one_line_tells(opens: bool, autojump_clock: object) -> None:
    voice, spare = both(Moody(well=False, opens=opens))
    with capture_logs() as logs:
        for _ in range(2):
            assert await speak_whole(voice, PROMPT) == await speak_whole(spare, PLAIN)
    assert [entry["event"] for entry in logs] == ["the spare voice speaks"]


async def test_a_voice_that_breaks_off_is_followed_by_the_whole(autojump_clock: object) -> None:
    voice, spare = both(Moody(well=False, after=2))
    speech = await speak_whole(voice, PROMPT)
    whole = await speak_whole(spare, PLAIN)
    begun = len(speech.slin) - len(whole.slin)
    assert begun == 2 * 1600 * 2  # two chunks of 200 ms
    assert speech.slin.endswith(whole.slin)
    assert [(w.start, w.position - begun // 2) for w in speech.words[-len(whole.words) :]] == [
        (w.start, w.position) for w in whole.words
    ]
    assert voice.cached(PROMPT) is None  # what the spare voice said is not the chosen one's


async def test_after_faults_in_a_row_nobody_waits_until_one_finds_it_well(autojump_clock: object) -> None:
    moody = Moody(well=False)
    voice, spare = both(moody)
    for _ in range(FAULTS + 3):
        await speak_whole(voice, PROMPT)
    assert moody.asked == FAULTS
    moody.well = True
    await speak_whole(voice, PROMPT)
    assert moody.asked == FAULTS
    await trio.sleep(OPEN_SECONDS)
    with capture_logs() as logs:
        speech = await speak_whole(voice, PROMPT)
    assert [entry["event"] for entry in logs] == ["the chosen voice is back"]
    assert len(speech.slin) < len((await speak_whole(spare, PLAIN)).slin)
    assert voice.cached(PROMPT) == speech


async def test_a_voice_that_is_away_at_the_start_is_no_reason_not_to_serve(autojump_clock: object) -> None:
    voice, spare = both(Moody(well=False))
    await voice.check()
    await voice.warm((PROMPT,))
    assert await speak_whole(voice, PROMPT) == await speak_whole(spare, PLAIN)


async def test_a_voice_that_refuses_us_is(autojump_clock: object) -> None:
    voice, _ = both(Moody(well=False, retryable=False))
    with pytest.raises(SynthesisError, match="moody: away"):
        await voice.check()


async def test_fixed_phrases_stay_at_hand_while_the_voice_is_away(autojump_clock: object) -> None:
    moody = Moody()
    voice, _ = both(moody)
    await voice.warm((PROMPT,))
    moody.well = False
    assert voice.cached(PROMPT) == await speak_whole(voice, PROMPT)
    assert moody.asked == 1


async def test_where_both_fail_it_is_an_error(autojump_clock: object) -> None:
    voice = SparedVoice(KeepingVoice(Moody(well=False)), ScriptedVoice(fail_after=0))
    with pytest.raises(SynthesisError, match="scripted voice"):
        await speak_whole(voice, PROMPT)
