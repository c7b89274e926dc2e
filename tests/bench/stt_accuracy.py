"""Words wrong: whisper-server's ear against faster-whisper offline, beam 5, in the same run, on the same prompts.

`python -m tests.bench.stt_accuracy [--speech FOLDER LANGUAGE]…`; a folder holds NAME.wav (8 kHz, mono, 16 bit) and
NAME.txt. Our side is voice detection, endpointing (SHORT) and the decoder as a stream would have them;
their side is `WhisperModel.transcribe` of the whole clip. The reach: within one point of each other.
"""

import argparse
import sys
import time
from pathlib import Path

import jiwer
import numpy as np
from whisper_server.decoder import Decoder
from whisper_server.transcript import Utterance

from tests.bench.stt_lines import RATE, utterances
from tests.bench.stt_peers import BEAMS, load, plain
from tests.google_clients import plain as words_of
from tests.speech import FIXTURES, Clip
from tests.speech import load as load_clips


def ours(decoder: Decoder, clips: list[Clip], language: str) -> list[str]:
    """Return what our server makes of each clip between two silences."""
    silence = np.zeros(RATE, np.int16)
    texts = []
    for clip in clips:
        line = np.concatenate([silence, np.frombuffer(clip.slin, "<i2"), silence])
        heard = []
        for spoken in utterances(line):
            prepared = decoder.prepare(Utterance(line[spoken.start : spoken.end], RATE, (language,)))
            heard += [transcript.text for transcript in decoder.decode([prepared]) if transcript is not None]
        texts.append(" ".join(heard))
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_accuracy", description=__doc__)
    default = [[str(FIXTURES / "ru"), "ru"], [str(FIXTURES / "en"), "en"]]
    parser.add_argument("--speech", nargs=2, action="append", metavar=("FOLDER", "LANGUAGE"))
    parser.add_argument("--model", nargs=3, default=["cpu", "base", "int8"], metavar=("DEVICE", "NAME", "COMPUTE_TYPE"))
    chosen = parser.parse_args()
    model = load(*chosen.model)
    decoder, hear = Decoder(model, BEAMS), plain(model)
    sys.stdout.write("| prompts | language | ours, WER % | offline beam 5, WER % | ours, CPU s | offline, CPU s |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for folder, language in chosen.speech or default:
        clips = load_clips(Path(folder))
        said = [words_of(clip.text) for clip in clips]
        began = time.process_time()
        first = [words_of(text) for text in ours(decoder, clips, language)]
        between = time.process_time()
        second = [words_of(hear(np.frombuffer(clip.slin, "<i2"), language)) for clip in clips]
        spent = between - began, time.process_time() - between
        wrong = [100 * jiwer.wer(said, heard) for heard in (first, second)]
        cells = (len(clips), language, *(f"{value:.1f}" for value in (*wrong, *spent)))
        sys.stdout.write("| " + " | ".join(map(str, cells)) + " |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
