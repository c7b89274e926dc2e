"""What the callers of the bench put on the line: recorded prompts, and noises that mean nothing.

Where speech begins and ends in a sound is Silero's word (DESIGN section 6), with the engine's own rule for what is
speech (`SpeechTracker`): begins are dated back to the first window."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from faster_whisper import decode_audio

from backends.tts.espeak_frames import SpeakRequest
from backends.tts.espeak_worker import Speaker
from callengine.call.turn_words import Tail, load_turn_words
from callengine.media.marks import SpeechBegan
from callengine.media.silero import SileroModel, VoiceState
from callengine.media.vad import SPEECH_PROBABILITY, WINDOW_SAMPLES, SpeechTracker
from tests.speech import load

RATE = 8000
FRAME_SAMPLES = 160
LEAD = 9 * WINDOW_SAMPLES  # of silence before and behind, for the detector
LEADS = tuple(LEAD + shift for shift in range(0, WINDOW_SAMPLES, WINDOW_SAMPLES // 4))
LINE_SECONDS = (1.3, 4.5)
LONGEST_NOISE = 1.5
PEAK = 0.5  # of full scale: noises are as loud as a loud voice
QUIET = 0.02
Samples = npt.NDArray[np.int16]
# Single sounds; a hand on a door is three of one.
KNOCKS = (
    *("default_wood_footstep.1", "default_wood_footstep.2", "default_place_node.1", "default_place_node.2"),
    *("default_place_node.3", "default_place_node_hard.1", "default_place_node_hard.2", "default_dug_node.1"),
    *("default_dug_node.2", "default_chest_open", "default_chest_close", "default_hard_footstep.1"),
    *("default_hard_footstep.2", "default_hard_footstep.3", "default_dig_choppy.1", "default_dig_choppy.2"),
    *("default_dig_choppy.3", "default_dig_cracky.1", "default_dig_cracky.2", "default_dug_metal.1"),
    *("default_dug_metal.2", "default_place_node_metal.1", "default_dig_metal", "doors_door_open", "doors_door_close"),
    *("doors_steel_door_open", "doors_steel_door_close", "doors_fencegate_close"),
)
DOOR = ("default_wood_footstep.1", "default_place_node.1", "default_dug_node.1", "default_hard_footstep.1")
UNLIKE = ("Robot", "Singer")  # voices that are no caller's
KNOCK_SPACING = 0.22  # seconds
MURMURS = ("угу", "ага", "да", "да-да", "так", "ясно", "понятно", "хорошо", "мгм", "ладно")


@dataclass(frozen=True, slots=True)
class Sound:
    """`slin` at 8 kHz, in whole frames; `text`: what a recogniser makes of it, "" for nothing. `began` and `ended`:
    samples of the speech in it, None where the detector finds none. The end may lie a little behind a sound that is
    cut short: that is the detector's word for it."""

    name: str
    kind: str
    slin: bytes
    text: str
    began: int | None
    ended: int | None

    @property
    def frames(self) -> int:
        return len(self.slin) // 2 // FRAME_SAMPLES


def prompts(folder: Path, count: int) -> list[Sound]:
    """So many recorded prompts of one to four seconds with texts of their own, Russian and English in turn."""
    languages = [load(folder / "prompts" / language) for language in ("ru", "en")]
    longest = max(map(len, languages))
    clips = [clips[at] for at in range(longest) for clips in languages if at < len(clips)]
    found: dict[str, Sound] = {}
    for clip in clips:
        if len(found) == count:
            break
        if not LINE_SECONDS[0] <= len(clip.slin) / 2 / RATE <= LINE_SECONDS[1] or clip.text in found:
            continue
        sound = _sound(clip.name, "speech", np.frombuffer(clip.slin, "<i2"), clip.text)
        if sound.began is not None:
            found[clip.text] = sound
    return list(found.values())


def plain(sound: Sound, language: str) -> bool:
    """Behind its words the turn-taking table waits for its usual pause."""
    return load_turn_words(language).tail(sound.text) is Tail.PLAIN


def noises(folder: Path) -> list[Sound]:
    """Coughs, knocks and back-channels, each recording once; kinds in the order of the table."""
    games = folder / "usr/share/games"
    voices = games / "hedgewars/Data/Sounds/voices"
    steps = games / "minetest/games/minetest_game/mods"
    coughs = _recorded("cough", sorted(voices.glob("*/PoisonCough.ogg")))
    knocks = _recorded("knock", [path for name in KNOCKS for path in sorted(steps.glob(f"*/sounds/{name}.ogg"))])
    doors = [_knocked(knock) for knock in knocks if knock.name in DOOR]
    hums = _recorded("hmm", [path for path in sorted(voices.glob("*/Hmm.ogg")) if path.parent.name not in UNLIKE], "хм")
    return [*coughs, *knocks, *doors, *hums, *_murmurs()]


def _recorded(kind: str, paths: list[Path], text: str = "") -> list[Sound]:
    unlike: dict[bytes, Path] = {}
    for path in paths:
        unlike.setdefault(path.read_bytes(), path)
    named = [(path.stem if kind == "knock" else f"{path.parent.name}", path) for path in unlike.values()]
    return [_sound(name, kind, _levelled(decode_audio(str(path), sampling_rate=RATE)), text) for name, path in named]


def _knocked(knock: Sound) -> Sound:
    samples = np.frombuffer(knock.slin, "<i2")
    whole = np.zeros(int(2 * KNOCK_SPACING * RATE) + len(samples), np.int32)
    for at in range(3):
        begin = int(at * KNOCK_SPACING * RATE)
        whole[begin : begin + len(samples)] += samples
    return _sound(f"{knock.name} three times", "knock", np.clip(whole, -32768, 32767).astype(np.int16), "")


def _murmurs() -> list[Sound]:
    """Back-channels that no package has as recordings: by espeak, two voices."""
    speaker, found = Speaker(), []
    for voice in ("ru+m3", "ru+f2"):
        for word in MURMURS:
            pieces: list[bytes] = []
            request = SpeakRequest(word, "ru-RU", voice, 1.0)
            speaker.speak(request, lambda chunk: pieces.append(chunk.slin))  # noqa: B023 - called within
            samples = np.frombuffer(b"".join(pieces), "<i2").astype(np.float32)
            found.append(_sound(f"{word} {voice}", "murmur, espeak's", _levelled(samples), word))
    return found


def _levelled(sound: npt.NDArray[np.float32]) -> Samples:
    """Of one peak, without the silence at its ends, not too long."""
    sound = sound * (PEAK / max(float(np.max(np.abs(sound))), 1e-6))
    loud = np.flatnonzero(np.abs(sound) > QUIET)
    sound = sound[loud[0] : min(loud[-1] + 1, loud[0] + int(LONGEST_NOISE * RATE))]
    return np.asarray(np.rint(sound * 32767), np.int16)


def _sound(name: str, kind: str, samples: Samples, text: str) -> Sound:
    whole = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES))
    return Sound(name, kind, whole.astype("<i2").tobytes(), text, *_speech_in(whole))


def _speech_in(samples: Samples) -> tuple[int | None, int | None]:
    """Where speech begins and ends. A detector's windows may lie anywhere; of four ways to lay them the begin is the
    earliest (nobody can be said to have been interrupted before) and the end one in the middle."""
    lines = np.stack([np.pad(samples, (lead, LEAD + WINDOW_SAMPLES + LEAD - lead)) for lead in LEADS])
    states, trackers = [VoiceState() for _ in LEADS], [SpeechTracker() for _ in LEADS]
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for at in range(0, lines.shape[1] - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        windows = [line[at : at + WINDOW_SAMPLES].astype("<i2").tobytes() for line in lines]
        for way, probability in enumerate(_model().compute(windows, states)):
            mark = trackers[way].feed(probability, at - LEADS[way])
            if isinstance(mark, SpeechBegan):
                begins.setdefault(way, max(mark.position, 0))
            if probability >= SPEECH_PROBABILITY:
                ends[way] = at - LEADS[way] + WINDOW_SAMPLES
    if not begins:
        return None, None
    return min(begins.values()), sorted(ends.values())[len(ends) // 2]


@cache
def _model() -> SileroModel:
    return SileroModel()
