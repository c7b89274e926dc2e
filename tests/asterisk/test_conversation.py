"""The demo's whole call, in two languages, by SIP and G.711: Whisper, the shop agent, the Store, espeak-ng."""

from uuid import UUID, uuid4

import numpy as np
import numpy.typing as npt
import pytest
import trio

from backends.tts.espeak import open_voice
from callengine.api.records import CallView
from callengine.demo.report import Report, Spoken, report_on
from callengine.demo.speech import TAGS, Language, Utterance, load_utterances
from callengine.ports.synthesis import Prompt
from callengine.voice.speech import speak_whole
from callengine.voices import compose_voice
from tests.asterisk.alaw import Samples
from tests.asterisk.callers import record
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of, is_sound
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.telephones import address
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk, pytest.mark.slow]

PAUSE_SECONDS = 1.5  # the agent has stopped: between its sentences a busy machine pauses, too
OVER_SECONDS = 1.2  # of the agent's answer, before the caller speaks over it
LOUD = 300
FRAME = 160
ALIKE = 0.95  # espeak never says a thing twice alike to the sample; without its last syllable it is under 0.9
# by turn (from 1): what the answer must hold
EXPECTED: dict[Language, dict[int, str]] = {
    "ru": {
        2: "225/45 R17",
        3: "15 640 рублей",
        4: "Заказ 1042 в пути",
        7: "Спасибо за звонок. До свидания!",
    },
    "en": {
        2: "225/45 R17",
        3: "15,640 roubles",
        4: "Order 1042 is on its way",
        7: "Thank you for calling. Goodbye!",
    },
}
TOOLS = {"find_products", "product_details", "order_status", "opening_hours"}


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_a_whole_conversation(
    language: Language, pbx: Pbx, nodes: Nodes, whisper_address: str, figure: Figure
) -> None:
    settings = {
        "CALL_LANGUAGE": TAGS[language],
        "STT_BACKEND": "whisper",
        "WHISPER_URL": f"grpc://{whisper_address}",
        "TTS_BACKEND": "espeak",
        "DIALOG_BACKEND": "scripted",
        "AGENT_FILE": "",
    }
    with nodes.open("a", **settings) as engine:
        async with open_phone(address(pbx)) as phone:
            conversation = Conversation(language, phone, engine)
            await conversation.hold()
        await conversation.check()
    for number, seconds in conversation.waits.items():
        figure(f"{language}: end of utterance {number} to the answer at the caller's ear", seconds)


class Conversation:
    """One call by the demo's recordings, and what is to come of it."""

    def __init__(self, language: Language, phone: Phone, engine: EngineProcess) -> None:
        self._language = language
        self._phone = phone
        self._engine = engine
        self._uuid: UUID = uuid4()
        self._utterances = load_utterances(language)
        self._spoken: list[Spoken] = []
        self._last_sounds: list[float] = []  # of each utterance, when it was sent
        self.waits: dict[int, float] = {}  # by utterance, for an answer

    async def hold(self) -> None:
        """Call, say everything in its turn, and wait for the agent to hang up."""
        assert await self._phone.dial("100", headers={"X-Call-UUID": str(self._uuid)})
        for utterance in self._utterances:
            assert await self._turn_has_come(utterance), f"{self._language}: hung up before {utterance.words!r}"
            spoken = Spoken(utterance, trio.current_time() - self._phone.answered_at)
            self._spoken.append(spoken)
            assert await self._phone.say(np.frombuffer(utterance.slin, np.int16))
            self._last_sounds.append(next(each.at for each in reversed(self._phone.sent) if is_sound(each.packet)))
        await self._phone.over()

    async def _turn_has_come(self, utterance: Utterance) -> bool:
        if not utterance.over_agent:
            return await self._phone.agent_silent(PAUSE_SECONDS)
        return await self._phone.agent_speaking() and await self._phone.sleep(OVER_SECONDS)

    async def check(self) -> None:
        """The record holds the conversation, and the caller has heard it to its end."""
        found = CallView.model_validate(await record(self._engine, self._uuid, closed=True))
        report = report_on(self._spoken, len(self._utterances), found, "")
        self._print(report, found)
        assert self._phone.ending is not None
        assert self._phone.ending.by == "them"
        assert (report.missing, found.outcome) == ("", "completed")
        answers = {exchange.number: " ".join(turn.text for turn in exchange.answers) for exchange in report.exchanges}
        for number, words in EXPECTED[self._language].items():
            assert words in answers[number]
        assert answers[7] == EXPECTED[self._language][7]
        interrupted = [e.number for e in report.exchanges if any(turn.interrupted for turn in e.answers)]
        assert interrupted == [5], "the sixth is said over the answer before"
        assert {tool.name for tool in found.tools} >= {"find_products", "order_status", "opening_hours"}
        assert not any(tool.is_error for tool in found.tools)
        await self._last_word_is_heard(answers[7])

    async def _last_word_is_heard(self, goodbye: str) -> None:
        last_sentence = goodbye.partition(". ")[2]  # the voice speaks a sentence at a time
        async with open_voice(None, None) as voice:
            speech = await speak_whole(compose_voice(voice), Prompt(last_sentence, TAGS[self._language]))
        alike = last_words_alike(np.frombuffer(speech.slin, np.int16), audio_of(self._phone.heard).samples)
        print(f"{self._language}: the goodbye's last sentence as heard, correlation {alike:.3f}")
        assert alike >= ALIKE

    def _print(self, report: Report, found: CallView) -> None:
        for exchange, said in zip(report.exchanges, self._last_sounds, strict=True):
            ear = self.waits[exchange.number] = response_seconds(self._phone, said)
            print(f"{self._language} {exchange.number} said  {exchange.spoken.utterance.words}")
            print(f"     heard {exchange.recognised}; {exchange.seconds}; at the caller's ear {ear:.2f} s")
        print(f"{self._language} tools: {[(tool.name, dict(tool.arguments)) for tool in found.tools]}")


def response_seconds(phone: Phone, said: float) -> float:
    """From an utterance's last sound to the agent's next first one, as the telephone heard it."""
    return next((timed.at - said for timed in phone.heard if timed.at > said and is_sound(timed.packet)), float("nan"))


def last_words_alike(said: Samples, heard: Samples) -> float:
    """How well the loudness of `said`, frame by frame, is found at the end of what was heard: a correlation."""
    wanted = loudness(said[: np.flatnonzero(np.abs(said) > LOUD)[-1] + 1])
    found = loudness(heard[-4 * len(said) :])
    places = range(len(found) - len(wanted) + 1)
    return max(float(np.corrcoef(wanted, found[place : place + len(wanted)])[0, 1]) for place in places)


def loudness(samples: Samples) -> npt.NDArray[np.float64]:
    """The root mean square of each 20 ms."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    mean: npt.NDArray[np.float64] = (frames**2).mean(axis=1)
    return np.sqrt(mean) + 1e-9
