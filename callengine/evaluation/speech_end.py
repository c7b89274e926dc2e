"""Where the speech of a recording ends: Silero's last window over one half (DESIGN section 6)."""

from callengine.media.silero import SileroModel, VoiceState
from callengine.media.vad import WINDOW_SAMPLES

_SPEECH = 0.5


def speech_end(model: SileroModel, slin: bytes) -> int | None:
    """Samples from the beginning to the end of speech; None where there is none."""
    state, end = VoiceState(), None
    size = 2 * WINDOW_SAMPLES
    for at in range(0, len(slin) - size + 1, size):
        if model.compute([slin[at : at + size]], [state])[0] >= _SPEECH:
            end = (at + size) // 2
    return end
