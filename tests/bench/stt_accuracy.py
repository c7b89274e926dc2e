"""Words wrong: whisper-server's ear against faster-whisper offline, beam 5, in the same run, on the same prompts.

`python -m tests.bench.stt_accuracy [--speech FOLDER LANGUAGE]… [--slice FIRST LAST]`; a folder holds NAME.wav (8 kHz,
mono, 16 bit) and NAME.txt; `tests/fixtures/make_speech.py --all` writes hundreds. Our side is voice detection,
endpointing (SHORT) and the decoder as a stream would have them, a second of silence on either side; their side is
`WhisperModel.transcribe` of the whole clip. Words are compared in the spelling of `callengine evaluate`. The reach:
within one point of each other.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from whisper_server.decoder import Decoder
from whisper_server.transcript import Utterance

from callengine.evaluation.scoring import compare, total
from callengine.evaluation.words import normalised
from tests.bench.stt_lines import RATE, utterances
from tests.bench.stt_peers import BEAMS, load, plain
from tests.speech import FIXTURES, Clip
from tests.speech import load as load_clips

SHORT_SECONDS = 1.1
COLUMNS = (
    "system",
    "language",
    "prompts",
    "WER %",
    f"WER % under {SHORT_SECONDS} s",
    "WER % of longer ones",
    "CPU ms a prompt, p50",
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip, what was made of it, and the CPU seconds that took."""

    clip: Clip
    text: str
    spent: float

    @property
    def is_short(self) -> bool:
        """Whether it is what a caller answers in a word or two."""
        return len(self.clip.slin) < SHORT_SECONDS * RATE * 2


def ours(decoder: Decoder, clip: Clip, language: str) -> str:
    """Return what our server makes of a clip between two silences."""
    silence = np.zeros(RATE, np.int16)
    line = np.concatenate([silence, np.frombuffer(clip.slin, "<i2"), silence])
    texts = []
    for spoken in utterances(line):
        before = (spoken.onset - spoken.start) / RATE
        utterance = Utterance(line[spoken.start : spoken.end], RATE, (language,), silence=before)
        texts += [heard.text for heard in decoder.decode([decoder.prepare(utterance)]) if heard is not None]
    return " ".join(texts)


def hear_all(hear: Callable[[Clip], str], clips: list[Clip]) -> list[Heard]:
    """Hear clips one after another."""
    heard = []
    for clip in clips:
        began = time.process_time()
        text = hear(clip)
        heard.append(Heard(clip, text, time.process_time() - began))
    return heard


def row(system: str, language: str, heard: list[Heard]) -> str:
    """Return the Markdown line of one system in one language."""
    sets = heard, [one for one in heard if one.is_short], [one for one in heard if not one.is_short]
    wrong = [_wrong(some, language) for some in sets]
    spent = f"{1000 * statistics.median(one.spent for one in heard):.0f}"
    return f"| {' | '.join([system, language, str(len(heard)), *wrong, spent])} |\n"


def _wrong(heard: list[Heard], language: str) -> str:
    words = ((normalised(one.clip.text, language), normalised(one.text, language)) for one in heard)
    rate = total(compare(*pair) for pair in words).rate
    return "–" if rate is None else f"{100 * rate:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_accuracy", description=__doc__)
    default = [[str(FIXTURES / "ru"), "ru"], [str(FIXTURES / "en"), "en"]]
    parser.add_argument("--speech", nargs=2, action="append", metavar=("FOLDER", "LANGUAGE"))
    parser.add_argument("--slice", nargs=2, type=int, default=[0, sys.maxsize], metavar=("FIRST", "LAST"))
    parser.add_argument("--model", nargs=3, default=["cpu", "base", "int8"], metavar=("DEVICE", "NAME", "COMPUTE_TYPE"))
    chosen = parser.parse_args()
    model = load(*chosen.model)
    decoder, offline = Decoder(model, BEAMS), plain(model)
    sys.stdout.write(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n")
    for folder, language in chosen.speech or default:
        clips = load_clips(Path(folder))[slice(*chosen.slice)]
        systems: dict[str, Callable[[Clip], str]] = {
            "whisper-server": lambda clip, language=language: ours(decoder, clip, language),
            "offline, beam 5": lambda clip, language=language: offline(np.frombuffer(clip.slin, "<i2"), language),
        }
        for system, hear in systems.items():
            sys.stdout.write(row(system, language, hear_all(hear, clips)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
