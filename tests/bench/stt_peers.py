"""The peers of whisper-server: faster-whisper as it comes, a thread per stream and one model for all of them.

`python -m tests.bench.stt_peers plain|cut|workers STREAMS SECONDS DEVICE MODEL COMPUTE_TYPE` prints one line of JSON.
Voice detection is given to them for nothing: each thread sleeps until the end of an utterance is known, and decodes it.
`plain` is `WhisperModel.transcribe` with its windows of 30 s; `cut` has the windows of whisper-server, and nothing
else of it; `workers` is `cut` as somebody sets it up who has measured: a worker with one thread for each core. None of
them makes interims.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from whisper_server.audio import for_model
from whisper_server.decoder import Decoder
from whisper_server.model_files import default_cache, model_folder
from whisper_server.transcript import Utterance

from tests.bench.stt_lines import RATE, Caller, callers

BEAMS = 5
# What has not been said so long after the last audio will not be waited for.
GRACE_SECONDS = 8.0
Hear = Callable[[npt.NDArray[np.int16], str], str]


def load(device: str, model: str, compute_type: str, **workers: int) -> WhisperModel:
    """Return the model as faster-whisper loads it."""
    folder = str(model_folder(model, default_cache()))
    return WhisperModel(folder, device=device, compute_type=compute_type, **workers)


def plain(model: WhisperModel) -> Hear:
    """Return `WhisperModel.transcribe` with one temperature: its ladder of six would only make it slower."""

    def hear(samples: npt.NDArray[np.int16], language: str) -> str:
        segments, _ = model.transcribe(
            for_model(samples, RATE),
            language=language,
            beam_size=BEAMS,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)

    return hear


def cut(model: WhisperModel) -> Hear:
    """Return a decode in whisper-server's windows, one at a time."""
    decoder = Decoder(model, BEAMS)

    def hear(samples: npt.NDArray[np.int16], language: str) -> str:
        [transcript] = decoder.decode([decoder.prepare(Utterance(samples, RATE, (language,)))])
        return transcript.text if transcript else ""

    return hear


def run(hear: Hear, lines: list[Caller]) -> list[dict[str, Any]]:
    """Return, for each stream, its text and the seconds from the end of speech to each final; None: not in time."""
    results: list[dict[str, Any]] = [{"text": "", "waits": [None] * len(caller.spoken)} for caller in lines]
    began = time.monotonic() + 0.5
    give_up = began + max(len(caller.samples) for caller in lines) / RATE + GRACE_SECONDS

    def listen(caller: Caller, result: dict[str, Any]) -> None:
        for number, spoken in enumerate(caller.spoken):
            time.sleep(max(0.0, began + spoken.known / RATE - time.monotonic()))
            if time.monotonic() > give_up:
                return
            text = hear(caller.samples[spoken.start : spoken.end], caller.language)
            result["text"] += " " + text
            result["waits"][number] = time.monotonic() - began - spoken.at / RATE

    threads = [threading.Thread(target=listen, args=pair) for pair in zip(lines, results, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def main() -> None:
    kind, streams, seconds, device, name, compute_type = sys.argv[1:]
    workers = {"cpu_threads": 1, "num_workers": len(os.sched_getaffinity(0))} if kind == "workers" else {}
    model = load(device, name, compute_type, **workers)
    hear = (plain if kind == "plain" else cut)(model)
    hear(np.zeros(RATE, np.int16), "ru")
    results = run(hear, callers(int(streams), float(seconds)))
    print(json.dumps(results))  # noqa: T201


if __name__ == "__main__":
    main()
