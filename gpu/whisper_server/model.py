"""Loading the model for the machine at hand, and warming it up."""

import os
from dataclasses import dataclass

import ctranslate2
from faster_whisper import WhisperModel

from whisper_server.decoder import Decoder
from whisper_server.errors import StartError
from whisper_server.model_files import model_folder
from whisper_server.schedule import Rules
from whisper_server.settings import Settings
from whisper_server.warmth import warm_up_utterance

_NO_GPU = (
    "and no GPU is seen here: nvidia-smi must show one, in a container too (NVIDIA Container Toolkit); else cpu or auto"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be loaded and where, with every default filled in."""

    name: str
    device: str
    compute_type: str
    workers: int
    cpu_threads: int
    max_streams: int
    rules: Rules


def plan(settings: Settings) -> Plan:
    """Fill in the defaults that depend on the machine. Raises `StartError` where a GPU is wanted and none is here."""
    gpu = settings.device != "cpu" and ctranslate2.get_cuda_device_count() > 0
    if settings.device == "cuda" and not gpu:
        raise StartError(f"WHISPER_DEVICE: cuda, {_NO_GPU}")
    cores = os.cpu_count() or 1
    threads = settings.cpu_threads or min(cores, 4)
    workers = settings.workers or (1 if gpu else threads)
    return Plan(
        name=settings.model or ("large-v3" if gpu else "base"),
        device="cuda" if gpu else "cpu",
        compute_type=settings.compute_type or ("float16" if gpu else "int8"),
        workers=workers,
        cpu_threads=max(1, threads // workers),
        max_streams=settings.max_streams or (24 if gpu else 4 * cores),
        rules=_rules(settings, workers, gpu=gpu),
    )


def _rules(settings: Settings, workers: int, *, gpu: bool) -> Rules:
    """A GPU does 16 at nearly the price of one, so it is worth waiting for them.

    A core decodes finals (base, int8, five beams, 8 s) alone in 260 to 310 ms of its time each, two at once in 217,
    four in 200; but four hold the core for all of 0.8 s. By two threads together they took 395, 294 and 269 ms of the
    processor: threads wait for each other. So a CPU has a worker for each core, and batches of two.
    """
    most = settings.batch_size or (16 if gpu else 2 if workers > 1 else 4)
    wait_ms = settings.batch_wait_ms if settings.batch_wait_ms is not None else (30 if gpu else 0)
    # One worker of several is left to finals, so that none waits for interims.
    return Rules(most=most, fill_seconds=wait_ms / 1000, interim_batches=max(1, workers - 1))


def load_decoder(chosen: Plan, settings: Settings) -> Decoder:
    """Load the model and decode once, so that the first caller does not wait. Blocks. Raises `StartError`."""
    folder = model_folder(chosen.name, settings.cache)
    try:
        model = WhisperModel(
            str(folder),
            device=chosen.device,
            compute_type=chosen.compute_type,
            cpu_threads=chosen.cpu_threads,
            num_workers=chosen.workers,
        )
        decoder = Decoder(model, settings.beam_size)
        decoder.decode([decoder.prepare(warm_up_utterance())])
    except (RuntimeError, ValueError) as error:
        what = f"{chosen.name} on {chosen.device} as {chosen.compute_type}"
        raise StartError(f"WHISPER_MODEL: {what} cannot be loaded: {str(error).splitlines()[0]}") from error
    return decoder
