"""`python -m tests.bench.tones`: what listening for tones costs, for 20 ms of a call's first half minute."""

import statistics
import time

import numpy as np

from callengine.call.tones import LISTENED_SECONDS, LOOK_SECONDS
from callengine.media.audio import RATE
from callengine.media.tones import ToneListener

ROUNDS = 40
FRAMES_A_LOOK = LOOK_SECONDS * 50


def measure(level: float) -> tuple[float, float]:
    """Microseconds of a look, and of a frame of it: medians over whole half minutes of noise of a level."""
    looks = int(LISTENED_SECONDS / LOOK_SECONDS)
    noise = np.random.default_rng(0).normal(0, level, int(LOOK_SECONDS * RATE)).astype("<i2").tobytes()
    rounds = []
    for _ in range(ROUNDS):
        listener = ToneListener()
        began = time.process_time()
        for _ in range(looks):
            listener.feed(noise)
        rounds.append((time.process_time() - began) / looks * 1e6)
    look = statistics.median(rounds)
    return look, look / FRAMES_A_LOOK


if __name__ == "__main__":
    for what, level in (("a loud line", 3000.0), ("a quiet one", 10.0)):
        look, frame = measure(level)
        print(f"{what}: a look each {LOOK_SECONDS} s {look:.0f} us, a frame of 20 ms {frame:.2f} us")  # noqa: T201
