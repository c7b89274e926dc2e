"""Silero voice detection, v6, on ONNX Runtime: one network for the process, a state of its own per stream.

The network takes 32 ms (256 samples at 8 kHz, 512 at 16 kHz) preceded by the last 4 ms of the window before.
The file `silero_vad.onnx` is Silero's, under the MIT licence beside it.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from whisper_server.audio import Samples

WINDOW_MS = 32
_CONTEXT_MS = 4
_MODEL = Path(__file__).with_name("silero_vad.onnx")


class Silero:
    """The network itself; a window costs about 0.1 ms of one core."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(_MODEL, options, providers=["CPUExecutionProvider"])

    def open_stream(self, rate: int) -> "SileroStream":
        """Return the detector of a new stream at 8000 or 16000 Hz."""
        return SileroStream(self._session, rate)


class SileroStream:
    """Voice detection of one stream: feeds whole windows, keeps the rest for later."""

    def __init__(self, session: ort.InferenceSession, rate: int) -> None:
        self._session = session
        self._rate = np.array(rate, np.int64)
        self._context = rate * _CONTEXT_MS // 1000
        self.window = rate * WINDOW_MS // 1000
        self._held = np.zeros(self._context, np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)

    def feed(self, samples: Samples) -> list[float]:
        """Return the probability of speech, 0..1, of each window that these samples complete."""
        self._held = np.concatenate((self._held, samples.astype(np.float32) / np.float32(32768)))
        probabilities = []
        while len(self._held) >= self._context + self.window:
            frame = self._held[: self._context + self.window]
            inputs = {"input": frame[np.newaxis], "state": self._state, "sr": self._rate}
            output, self._state = self._session.run(None, inputs)
            probabilities.append(float(output[0, 0]))
            self._held = self._held[self.window :]
        return probabilities
