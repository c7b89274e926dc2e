"""How the window, the front and the search of a decode change what Whisper base hears in recorded speech.

`python -m tests.bench.whisper_windows [--sets demo-ru …] [--calls N] [VARIANT …]` prints Markdown tables.

Every clip goes through the server's own voice detection and endpointing (SHORT), one after another with seconds of
silence between, as in a call: after silence Silero finds a soft beginning up to 0.6 s late, and greedy text hangs on
the start. A variant is written `PAD:LEAST[@PRE][,beamN][,ngramN]`: PAD `sound` or `features` is what the zeros behind
the speech fill, up to LEAST seconds and at least 2 s (`sound`) or 1 s (`features`); PRE is the pre-roll in ms.

Words are compared in lower case, ё as е, letters only: digits and number words are left out on both sides, because
Whisper writes either; what became of the demo's numbers is in the column "key": the digits of the order and of the
size, in its clips 02 and 04. A loop is a text, before the guards, that is longer than anyone speaks or that compresses
like repetition.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from whisper_server import guards
from whisper_server.audio import MODEL_RATE, Samples, for_model
from whisper_server.endpointing import PRE_ROLL_MS, Ended, Endpointer, Started
from whisper_server.model_files import default_cache, model_folder
from whisper_server.request import SILENCE_MS
from whisper_server.vad import Silero, VoiceStream

from tests.google_clients import plain
from tests.speech import DEMO, FIXTURES, Clip, load

RATE = 8000
FRAMES_PER_SECOND = 100
SETS: dict[str, Path] = {
    "demo-ru": DEMO / "ru",
    "demo-en": DEMO / "en",
    "ru": FIXTURES / "ru",
    "en": FIXTURES / "en",
}
KEYS = {"02-size": r"225\D+45\D+17", "04-order": r"1\D*0\D*4\D*2"}
SILENCE_SECONDS = (3.0, 9.0)
TAIL_SECONDS = {"sound": 2.0, "features": 1.0}
NUMBERS = re.compile(
    "ноль|один|два|три|четыре|пять|шесть|семь|восемь|девять|десять|шестнадцать|семнадцать|двадцать|сорок|двести|"
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|sixteen|seventeen|twenty|forty|hundred"
)
VARIANTS = [
    "sound:8@250",
    "sound:8",
    "sound:8,beam5",
    "features:8",
    "features:10",
    "features:12",
    "features:10,ngram3",
    "features:10,beam2",
    "features:10,beam5",
]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to decode; `least` in seconds, `pre` in ms."""

    name: str
    pad: str
    least: float
    pre: int
    beam: int
    ngram: int


@dataclass(slots=True)
class Tally:
    """What a variant heard in one set."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    loops: int = 0
    keys: list[bool] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def variant(text: str) -> Variant:
    """Read a variant as the command line has it. Raises ValueError."""
    match = re.fullmatch(r"(sound|features):([\d.]+)(?:@(\d+))?(?:,beam(\d+))?(?:,ngram(\d+))?", text)
    if match is None:
        raise ValueError(f"{text}: not PAD:LEAST[@PRE][,beamN][,ngramN]")
    pad, least, pre, beam, ngram = match.groups()
    return Variant(text, pad, float(least), int(pre or PRE_ROLL_MS), int(beam or 1), int(ngram or 0))


class Ear:
    """A loaded model that hears an utterance in one variant."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model

    def hear(self, sound: npt.NDArray[np.float32], language: str, how: Variant) -> tuple[str, bool]:
        """Return the text after the guards, and whether the text before them was a loop."""
        seconds = len(sound) / MODEL_RATE
        encoded = self._model.encode(self._features(sound, how))
        tokenizer = Tokenizer(self._model.hf_tokenizer, True, task="transcribe", language=language)
        prompt = [*tokenizer.sot_sequence]
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=how.beam,
            no_repeat_ngram_size=how.ngram,
            max_length=len(prompt) + guards.max_tokens(seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        heard = tokenizer.decode([token for token in result.sequences_ids[0] if token < tokenizer.eot]).strip()
        text = guards.without_loop(heard, seconds)
        dropped = guards.is_silence(result.no_speech_prob, result.scores[0]) or guards.is_noise(text)
        return "" if dropped else text, text != heard or guards.is_noise(heard)

    def _features(self, sound: npt.NDArray[np.float32], how: Variant) -> Any:
        window = min(max(how.least, len(sound) / MODEL_RATE + TAIL_SECONDS[how.pad]), 30.0)
        if how.pad == "sound":
            sound = np.pad(sound, (0, max(0, int(window * MODEL_RATE) - len(sound))))
            return self._model.feature_extractor(sound, padding=0)
        features = self._model.feature_extractor(sound)
        frames = int(window * FRAMES_PER_SECOND) // 2 * 2
        return np.pad(features, ((0, 0), (0, max(0, frames - features.shape[1]))))


@dataclass(frozen=True, slots=True)
class Spoken:
    """One clip of a call: the clip, the call's samples at 8 kHz, the clip's utterances as (floor, onset, end)."""

    clip: Clip
    line: Samples
    spans: list[tuple[int, int, int]]

    def sounds(self, pre: int) -> list[npt.NDArray[np.float32]]:
        """The utterances as the server would decode them with a pre-roll of `pre` ms; they never overlap."""
        starts = [max(floor, onset - pre * RATE // 1000) for floor, onset, _ in self.spans]
        return [for_model(self.line[start:end], RATE) for start, (_, _, end) in zip(starts, self.spans, strict=True)]


def call(clips: list[Clip], silero: Silero, seconds: float) -> list[Spoken]:
    """Say the clips one after another, this much silence before each, and find their utterances."""
    silence = np.zeros(int(seconds * RATE), np.int16)
    line = np.concatenate([part for clip in clips for part in (silence, np.frombuffer(clip.slin, "<i2"))] + [silence])
    endpointer = Endpointer(RATE, SILENCE_MS["SHORT"])
    spans: list[tuple[int, int, int]] = []
    floor = onset = 0
    voice = VoiceStream(RATE)
    voice.hold(line)
    for probability in silero.run([voice])[0]:
        match endpointer.feed(probability):
            case Started(_, at):
                onset = at
            case Ended(end, _):
                spans.append((floor, onset, end))
                floor = end
    ends = np.cumsum([len(silence) + len(clip.slin) // 2 for clip in clips])
    firsts = [0, *ends[:-1]]
    return [
        Spoken(clip, line, [span for span in spans if first <= span[1] < end])
        for clip, first, end in zip(clips, firsts, ends, strict=True)
    ]


def words_of(text: str) -> str:
    """What is compared: the words without numbers."""
    return " ".join(word for word in plain(text).split() if word.isalpha() and NUMBERS.fullmatch(word) is None)


def measure(ear: Ear, clips: list[Clip], language: str, variants: list[Variant], calls: int) -> dict[str, Tally]:
    """Hear every clip in every variant in as many calls, each with another length of silence."""
    tallies = {how.name: Tally() for how in variants}
    silero = Silero()
    # Not whole windows of the voice detection, so that each meets the clip at another point.
    for seconds in np.linspace(*SILENCE_SECONDS, calls) + np.arange(calls) * 0.0137:
        for spoken in call(clips, silero, float(seconds)):
            for how in variants:
                _hear_clip(ear, spoken, language, how, tallies[how.name])
    return tallies


def _hear_clip(ear: Ear, spoken: Spoken, language: str, how: Variant, tally: Tally) -> None:
    texts: list[str] = []
    for sound in spoken.sounds(how.pre):
        cpu, wall = time.process_time(), time.perf_counter()
        text, loop = ear.hear(sound, language, how)
        tally.cpu.append(time.process_time() - cpu)
        tally.wall.append(time.perf_counter() - wall)
        tally.loops += loop
        texts.append(text)
    clip, heard = spoken.clip, " ".join(texts)
    tally.texts.append((clip.name, heard))
    if said := words_of(clip.text):
        tally.said.append(said)
        tally.heard.append(words_of(heard))
    if clip.name in KEYS:
        tally.keys.append(re.search(KEYS[clip.name], heard) is not None)


def table(name: str, tallies: dict[str, Tally]) -> str:
    """A Markdown table of one set."""
    lines = [
        f"\n**{name}**\n",
        "| variant | WER | loops | key | CPU p50, s | wall p50, s |",
        "|---|---|---|---|---|---|",
    ]
    for variant_name, tally in tallies.items():
        wrong = jiwer.wer(tally.said, tally.heard)
        key = f"{sum(tally.keys)}/{len(tally.keys)}" if tally.keys else "–"
        loops = f"{tally.loops}/{len(tally.cpu)}"
        cpu, wall = statistics.median(tally.cpu), statistics.median(tally.wall)
        lines.append(f"| {variant_name} | {wrong:.3f} | {loops} | {key} | {cpu:.2f} | {wall:.2f} |")
    return "\n".join(lines) + "\n"


def listing(tallies: dict[str, Tally]) -> Iterator[str]:
    """A line for each text that each clip was heard as."""
    for name, tally in tallies.items():
        for (clip, heard), times in Counter(tally.texts).items():
            yield f"{name} {clip} x{times}: {heard}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", default=VARIANTS)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--clips", default="", help="a regular expression; only clips whose name it is in")
    parser.add_argument("--calls", type=int, default=6)
    parser.add_argument("--texts", action="store_true", help="also what was heard, with how often")
    parser.add_argument("--threads", type=int, default=min(os.cpu_count() or 1, 4))
    chosen = parser.parse_args()
    folder = model_folder("base", default_cache())
    ear = Ear(WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=chosen.threads))
    for name in chosen.sets:
        clips = [clip for clip in load(SETS[name]) if re.search(chosen.clips, clip.name)]
        variants = [variant(text) for text in chosen.variants]
        tallies = measure(ear, clips, name[-2:], variants, chosen.calls)
        sys.stdout.write(table(name, tallies))
        if chosen.texts:
            sys.stdout.writelines(listing(tallies))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
