"""A rich conversation in a few seconds of virtual time, for tests that end or disturb it anywhere.

Greeting; a question, answered with a tool; a question over the answer; a noise over the next answer; goodbye."""

from dataclasses import dataclass

import trio

from backends.dialog.fixed import FixedReply, ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.agent import AgentProfile
from callengine.ports.reasoning import END_CALL
from callengine.ports.tools import ToolCall, ToolSpec
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.asterisk import SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.stamped import StampedVoice

LOOK = ToolSpec("look", "Look it up.", {"type": "object", "properties": {}})
AGENT = AgentProfile(
    language="ru-RU",
    greeting="Добрый день, магазин шин.",
    goodbye="До свидания.",
    apology="Простите, у нас неполадка.",
    transferring="Соединяю.",
    too_long="Время вышло.",
    no_input=("Слушаю вас.",),
)
REPLIES: tuple[FixedReply, ...] = (
    ["Сейчас посмотрю.", ToolCall("a", "look")],
    "Есть четыре штуки на складе, и ещё две придут завтра к обеду, отложить их для вас?",
    "Летние тоже есть, но только на семнадцать дюймов. Привезём в пятницу, позвоним утром.",
    ["Всего доброго, звоните.", ToolCall("b", END_CALL.name)],
)
TEXTS = ("есть зимние шины?", "а летние?", "", "спасибо, до свидания")
SPEECH = ((0.8, 0.5), (3.5, 0.6), (6.2, 0.3), (9.0, 0.5))  # when the caller speaks, and how long
PLAY_SECONDS = 11.5  # the longest that an undisturbed play takes


@dataclass(frozen=True, slots=True)
class Delays:
    """How slow every part is, in seconds."""

    recognizer: float = 0.0
    interims: float = 0.0  # one so often; 0: none
    dialog: float = 0.1
    words: float = 0.0  # between two of the dialog
    tool: float = 0.3
    voice: float = 0.05
    chunks: float = 0.0


def rich_parts(delays: Delays = Delays(), word_times: bool = True) -> Parts:
    """The parts of the play, as slow as wanted; the voice is stamped."""
    return Parts(
        recognizer=ScriptedRecognizer(
            TEXTS, final_delay_seconds=delays.recognizer, interim_every_seconds=delays.interims
        ),
        voice=StampedVoice(
            first_delay_seconds=delays.voice,
            chunk_samples=1234,  # never whole frames
            chunk_delay_seconds=delays.chunks,
            word_times=word_times,
        ),
        dialog=ScriptedDialog(REPLIES, first_delay_seconds=delays.dialog, delta_delay_seconds=delays.words),
        toolbox=ScriptedToolbox((LOOK,), {"look": {"count": 4}}, delay_seconds=delays.tool),
        agent=AGENT,
    )


async def speak_all(asterisk: SimulatedAsterisk) -> None:
    """The caller's part of the play; whatever the agent does."""
    began = trio.current_time()
    for at, seconds in SPEECH:
        await trio.sleep_until(began + at)
        asterisk.talk(seconds)
