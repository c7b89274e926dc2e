"""What the model is told before it decodes, with the base model itself."""

from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from whisper_server.decoder import Decoder
from whisper_server.model_files import model_folder
from whisper_server.transcript import Utterance

from tests.google_clients import sentences
from tests.servers import CACHE

pytestmark = pytest.mark.integration


class Overheard:
    """CTranslate2's model, and the prompts of each batch that it was given."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.prompts: list[list[list[int]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: list[list[int]], **how: Any) -> Any:
        self.prompts.append(prompts)
        return self._model.generate(encoded, prompts, **how)


def test_the_model_is_not_told_what_was_said_before() -> None:
    model = WhisperModel(str(model_folder("base", CACHE)), device="cpu", compute_type="int8")
    model.model = overheard = Overheard(model.model)
    decoder = Decoder(model, beam_size=5)

    def heard(number: int, hints: tuple[str, ...] = ()) -> str | None:
        samples = np.frombuffer(sentences("ru")[number].slin, "<i2")
        [transcript] = decoder.decode([decoder.prepare(Utterance(samples, 8000, ("ru",), hints=hints))])
        return transcript and transcript.text

    first = heard(0)
    assert first is not None
    assert heard(1, ("Нокиан",)) != first
    assert heard(0) == first
    told = [prompt for [prompt] in overheard.prompts]
    tokenizer = model.hf_tokenizer
    assert [tokenizer.decode(prompt, skip_special_tokens=False) for prompt in told] == [
        "<|startoftranscript|><|ru|><|transcribe|>",
        "<|startofprev|> Нокиан<|startoftranscript|><|ru|><|transcribe|>",
        "<|startoftranscript|><|ru|><|transcribe|>",
    ]
