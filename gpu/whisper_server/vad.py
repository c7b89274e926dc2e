"""Silero voice detection, v6, on ONNX Runtime: one network for the process, a state of its own per stream.

The network takes 32 ms (256 samples at 8 kHz, 512 at 16 kHz) preceded by the last 4 ms of the window before, of many
streams at once: alone a window costs about 0.09 ms of one core, among 64 others 0.03.
The file `silero_vad.onnx` is Silero's, under the MIT licence beside it.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from whisper_server.audio import Samples

WINDOW_MS = 32
_CONTEXT_MS = 4
_MODEL = Path(__file__).with_name("silero_vad.onnx")
# With this many streams open it pays to wait a moment for others: ten of them then share a run of the network.
_MANY_STREAMS = 8
_GATHER_SECONDS = 0.01


class VoiceStream:
    """Voice detection's memory of one stream: samples that make no whole window yet, and the network's state."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.context = rate * _CONTEXT_MS // 1000
        self.window = rate * WINDOW_MS // 1000
        self.state = np.zeros((2, 128), np.float32)
        self._held = np.zeros(self.context, np.float32)

    def hold(self, samples: Samples) -> None:
        """Take samples that follow the last ones."""
        self._held = np.concatenate((self._held, samples.astype(np.float32) / np.float32(32768)))

    @property
    def has_window(self) -> bool:
        """Whether a whole window is there."""
        return len(self._held) >= self.context + self.window

    def take(self) -> np.typing.NDArray[np.float32]:
        """Return the next window with its context."""
        frame = self._held[: self.context + self.window]
        self._held = self._held[self.window :]
        return frame


class Silero:
    """The network itself."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(_MODEL, options, providers=["CPUExecutionProvider"])

    def run(self, streams: Sequence[VoiceStream]) -> list[list[float]]:
        """Return, for each stream, the probability of speech, 0..1, of each window that it holds."""
        found: dict[int, list[float]] = {id(stream): [] for stream in streams}
        for rate in {stream.rate for stream in streams}:
            while ready := [stream for stream in streams if stream.rate == rate and stream.has_window]:
                inputs = {
                    "input": np.stack([stream.take() for stream in ready]),
                    "state": np.stack([stream.state for stream in ready], axis=1),
                    "sr": np.array(rate, np.int64),
                }
                output, states = self._session.run(None, inputs)
                for index, stream in enumerate(ready):
                    found[id(stream)].append(float(output[index, 0]))
                    stream.state = states[:, index]
        return [found[id(stream)] for stream in streams]


class VoiceDetection:
    """The network for all streams of a process: what comes in at about the same time goes through it together."""

    def __init__(self) -> None:
        self._silero = Silero()
        self._waiting: list[tuple[VoiceStream, asyncio.Future[list[float]]]] = []
        self.open_streams = 0

    async def detect(self, stream: VoiceStream, samples: Samples) -> list[float]:
        """Return the probability of speech of each window that these samples complete; one call at a time a stream."""
        stream.hold(samples)
        if not stream.has_window:
            return []
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[float]] = loop.create_future()
        if not self._waiting:
            loop.call_later(_GATHER_SECONDS if self.open_streams >= _MANY_STREAMS else 0, self._run)
        self._waiting.append((stream, found))
        return await found

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        results = self._silero.run([stream for stream, _ in waiting])
        for (_, found), probabilities in zip(waiting, results, strict=True):
            if not found.cancelled():
                found.set_result(probabilities)
