"""Speech over the agent at any time, of any length: silence at once, and the rest later, or never; no frame twice."""

import math
from dataclasses import dataclass, replace

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.call.turns import TurnTimes
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, said, spoken_frames
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice, read_stamp

TIMES = TurnTimes()
ANSWER = "Это очень длинный ответ, который никто не дослушает до самого конца, и ещё немного о погоде за окном. " * 2
ANSWER_SECONDS = len(ANSWER.rstrip()) * 0.02
QUESTION_SECONDS = 0.5
WINDOW = 0.032  # of the detector
FRAME = 0.02
SLACK = 1e-6
KNOCK = 0.05  # what the detector has seen to be over when the decision is due


@dataclass
class Heard:
    """What a play over an answer came to: the caller's speech, and the agent's frames after the answer began."""

    stage: Stage
    voice: StampedVoice
    began: float  # when the caller began to speak over the agent
    answered: float  # when the answer began

    def runs(self) -> list[tuple[float, float]]:
        """From when to when the answer sounded, run by run."""
        found: list[tuple[float, float]] = []
        for message in self.stage.asterisk.frames():
            if message.at < self.answered or read_stamp(message.payload) is None:
                continue
            if found and math.isclose(message.at - found[-1][1], FRAME, abs_tol=SLACK):
                found[-1] = (found[-1][0], message.at)
            else:
                found.append((message.at, message.at))
        return found


async def play_over(words: str, after: float, seconds: float, interims: float) -> Heard:
    """Ask, and `after` seconds into the answer speak `words` (or make a noise: no words) for so long."""
    voice = StampedVoice()
    parts = replace(
        Parts(),
        agent=AGENT,
        voice=voice,
        recognizer=ScriptedRecognizer(["вопрос", words], interim_every_seconds=interims),
        dialog=ScriptedDialog((ANSWER, "Хорошо.")),
    )
    async with open_stage(parts) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(QUESTION_SECONDS)
        answered = await stage.asterisk.agent_speaks()
        await trio.sleep(after)
        began = trio.current_time()
        stage.asterisk.talk(seconds)
        await trio.sleep(seconds + 4.0 if words else 8.5)
        stage.asterisk.hang_up()
    check_call(stage, voice)
    return Heard(stage, voice, began, answered)


def decision(after: float) -> float:
    """How long speech over the agent lasts before it counts; right at the answer's start it may be the agent's echo."""
    return TIMES.echo_barge_in if after <= TIMES.echo_guard + 2 * WINDOW else TIMES.barge_in


async def noise(after: float, seconds: float) -> None:
    heard = await play_over("", after, seconds, 0.0)
    runs = heard.runs()
    assert len(runs) <= 2
    if seconds < KNOCK:
        assert len(runs) == 1, "a cough silenced the agent"
    if len(runs) == 2:
        (_, silent), (resumed, _) = runs
        assert silent - heard.began <= decision(after) + 3 * FRAME + WINDOW
        # of a long one the final is waited for; and never does the agent go on into what is still sounding
        waits_since = silent if seconds < TIMES.words_wait / 2 - 2 * WINDOW else heard.began + seconds
        assert heard.began + seconds <= resumed <= waits_since + 2.0
    assert said(heard.stage)[2:] == [("agent", ANSWER.strip(), False)], "something was lost of the answer"
    assert all(part.whole for part in spoken_frames(heard.stage, heard.voice))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, ANSWER_SECONDS - 1.5), st.floats(0.02, 1.5))
def test_after_a_noise_the_agent_goes_on(after: float, seconds: float) -> None:
    run_virtual(noise, after, seconds)


async def words(after: float, seconds: float, interims: float) -> None:
    heard = await play_over("а на лето?", after, seconds, interims)
    (_, silent), *later = heard.runs()
    assert silent - heard.began <= decision(after) + 3 * FRAME + WINDOW
    everything = spoken_frames(heard.stage, heard.voice)
    assert [part.text for part in everything][-1] == "Хорошо."
    assert len(later) == 1, "the answer went on after words were recognised"
    role, text, interrupted = said(heard.stage)[2]
    assert (role, interrupted) == ("agent", True)
    assert ANSWER.startswith(text)
    assert said(heard.stage)[3:] == [("caller", "а на лето?", False), ("agent", "Хорошо.", False)]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, ANSWER_SECONDS - 1.5), st.floats(0.3, 3.0), st.sampled_from((0.0, 0.2)))
def test_words_over_the_agent_silence_it_for_good(after: float, seconds: float, interims: float) -> None:
    run_virtual(words, after, seconds, interims)


async def murmur(after: float) -> None:
    """«Угу» of 0.4 s over an answer."""
    heard = await play_over("угу", after, 0.4, 0.2)
    runs = heard.runs()
    assert len(runs) <= 2
    if len(runs) == 2:
        (_, silent), (resumed, _) = runs
        assert silent - heard.began <= decision(after) + 3 * FRAME + WINDOW
        # the pause is marked four windows after the sound; words come with it at the latest
        assert resumed <= heard.began + 0.4 + 5 * WINDOW + TIMES.murmur_wait + 2 * FRAME
    assert said(heard.stage)[2:] == [("agent", ANSWER.strip(), False)]
    assert all(part.whole for part in spoken_frames(heard.stage, heard.voice))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.7, ANSWER_SECONDS - 2.0))
def test_the_agent_goes_on_after_a_back_channel(after: float) -> None:
    run_virtual(murmur, after)
