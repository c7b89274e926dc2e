"""Silero's voice detector at 8 kHz, for many calls in one run.

Model and calling convention: snakers4/silero-vad v6 (MIT), `silero_vad.onnx`: input [calls, 32 + 256] float32 in -1..1
(the last 32 samples of the window before, then the window), state [2, calls, 128], rate; gives [calls, 1], state."""

from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Protocol

import numpy as np
import onnxruntime
import trio
from numpy.typing import NDArray

from callengine.media.audio import RATE, level
from callengine.media.vad import WINDOW_SAMPLES

CONTEXT_SAMPLES = 32
Floats = NDArray[np.float32]


@dataclass(slots=True)
class VoiceState:
    """What the model remembers of one call."""

    memory: Floats = field(default_factory=lambda: np.zeros((2, 128), dtype=np.float32))
    context: Floats = field(default_factory=lambda: np.zeros(CONTEXT_SAMPLES, dtype=np.float32))


class SpeechModel(Protocol):
    """Probabilities of speech for one window of each of several calls."""

    async def probabilities(self, windows: list[bytes], states: list[VoiceState]) -> list[float]:
        """`windows` hold 256 samples of slin each; `states` are updated in place."""
        ...


class SileroModel:
    """The real model, in one worker thread (onnxruntime lets go of the interpreter while it computes)."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = files("callengine.media").joinpath("silero_vad.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._limiter = trio.CapacityLimiter(1)
        self._rate = np.array(RATE, dtype=np.int64)

    async def probabilities(self, windows: list[bytes], states: list[VoiceState]) -> list[float]:
        return await trio.to_thread.run_sync(partial(self.compute, windows, states), limiter=self._limiter)

    def compute(self, windows: list[bytes], states: list[VoiceState]) -> list[float]:
        """The same without a thread."""
        audio = np.frombuffer(b"".join(windows), dtype="<i2").reshape(-1, WINDOW_SAMPLES).astype(np.float32) / 32768.0
        inputs = np.concatenate([np.stack([state.context for state in states]), audio], axis=1)
        memory = np.stack([state.memory for state in states], axis=1)
        output, memory = self._session.run(None, {"input": inputs, "state": memory, "sr": self._rate})
        for index, state in enumerate(states):
            state.context = audio[index, -CONTEXT_SAMPLES:]
            state.memory = memory[:, index]
        return [float(value) for value in output[:, 0]]


class LevelModel:
    """Loudness instead of a model, for simulations in virtual time: no thread, no file."""

    def __init__(self, threshold: float = 300.0) -> None:
        self._threshold = threshold

    async def probabilities(self, windows: list[bytes], states: list[VoiceState]) -> list[float]:
        await trio.lowlevel.checkpoint()
        return [1.0 if level(window) > self._threshold else 0.0 for window in windows]
