"""What the model is told before it decodes, with the base model itself."""

from typing import Any

import grpc
import jiwer
import numpy as np
import pytest
from faster_whisper import WhisperModel
from google.cloud import speech_v1
from whisper_server.decoder import Decoder
from whisper_server.model_files import model_folder
from whisper_server.transcript import Utterance

from tests.google_clients import client_v1, config_v1, plain, sentences
from tests.servers import CACHE

pytestmark = pytest.mark.integration

# What the base model mishears, and the phrase that a shop with such calls would name: not the whole sentence.
MISHEARD = {
    "all-circuits-busy-now": "все линии",
    "auth-incorrect": "неверен, введите",
    "cannot-complete-as-dialed": "набранный номер",
    "feature-not-avail-line": "эта услуга",
}


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
        return transcript.text if transcript else None

    first = heard(0)
    assert first is not None
    assert heard(1, ("Нокиан",)) != first
    assert heard(0) == first
    told = [prompt for [prompt] in overheard.prompts]
    tokenizer = model.hf_tokenizer
    assert [tokenizer.decode(prompt, skip_special_tokens=False) for prompt in told] == [
        "<|startoftranscript|><|ru|><|transcribe|>",
        "<|startofprev|> Нокиан.<|startoftranscript|><|ru|><|transcribe|>",
        "<|startoftranscript|><|ru|><|transcribe|>",
    ]


def test_phrases_that_the_client_expects_are_heard_where_they_are_said(whisper_address: str) -> None:
    """An optimum of the search may fall elsewhere on another processor, so the words of all of them are counted."""
    clips = [clip for clip in sentences("ru") if clip.name in MISHEARD]
    assert len(clips) == len(MISHEARD)

    def heard(name: str, phrases: list[str]) -> str:
        [slin] = [clip.slin for clip in clips if clip.name == name]
        config = config_v1(speech_contexts=[speech_v1.SpeechContext(phrases=phrases)])
        sound = speech_v1.RecognitionAudio(content=slin)
        answer = client_v1(channel).recognize(config=config, audio=sound, retry=None, timeout=60)
        return plain(" ".join(result.alternatives[0].transcript for result in answer.results))

    with grpc.insecure_channel(whisper_address) as channel:
        said = [plain(clip.text) for clip in clips]
        unaided = [heard(clip.name, []) for clip in clips]
        aided = [heard(clip.name, [MISHEARD[clip.name]]) for clip in clips]
    assert jiwer.wer(said, aided) < jiwer.wer(said, unaided) / 2
