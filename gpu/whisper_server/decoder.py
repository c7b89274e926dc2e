"""Whisper on CTranslate2: a batch of utterances in, their texts out, through `encode` and `generate` directly.

Finals are searched with five beams: of 32 decodes of an order's number and a tyre's size, cut as in a call, all had
the digits right and 2.3 % of the words were wrong, against 31 and 17 % greedily, for a fifth more CPU. Zeros go behind
the sound: behind the features, as in faster-whisper, they gained nothing over 70 clips. `no_repeat_ngram_size` is left
alone: it gained nothing either, and people do say a number twice. All by `tests/bench/whisper_windows.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_ctranslate2_storage, merge_punctuations

from whisper_server import guards
from whisper_server.audio import MODEL_RATE, for_model
from whisper_server.metrics import GUARDED
from whisper_server.prompts import Prompts
from whisper_server.schedule import Shape
from whisper_server.transcript import Transcript, Utterance, Word
from whisper_server.windows import window_seconds

# A short window tempts the base model to say its text again ("July July", "8 8"). Writing times it stops where speech
# does, but it spells a single word worse. Of a word or two (less than this, post-roll included) beams without times are
# compared nearer to their whole probability than to that of their average word, by which "July July" is likelier.
# Never so for longer speech: there a sentence alone is likelier than with the one behind it.
# The measured table is in docs/howto/gpu-node.md.
BRIEF_SECONDS = 1.1
_BRIEF_LENGTH_PENALTY = 0.5

_PREPENDED = "\"'“¿([{-«"
_APPENDED = "\"'.。,，!！?？:：”)]}、»"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An utterance ready for the model: `features` are [mel bands, frames] of the window, `hints` tokens."""

    utterance: Utterance
    shape: Shape
    seconds: float
    hints: tuple[int, ...]
    features: npt.NDArray[np.float32]


class Decoder:
    """A loaded model. Any thread may ask; CTranslate2 decodes so many batches at once as it has workers."""

    def __init__(self, model: WhisperModel, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size
        self._prompts = Prompts(model)

    def prepare(self, utterance: Utterance) -> Prepared:
        """Compute the features; about 4 ms of one core for a window of 8 s. Any thread may ask."""
        audio = for_model(utterance.samples, utterance.rate)
        seconds = len(audio) / MODEL_RATE
        window = window_seconds(seconds)
        padded = np.pad(audio, (0, max(0, int(window * MODEL_RATE) - len(audio))))[: int(window * MODEL_RATE)]
        hints = self._prompts.hints(utterance.hints)
        beams = 1 if utterance.interim else self._beam_size
        brief = seconds - utterance.silence < BRIEF_SECONDS
        prompt = len(self._prompts.prompt("en", hints, times=not brief))
        # Aligning words is a pass over the encoder's output of one utterance in one language.
        shape = Shape(window, prompt, beams, brief, alone=utterance.words)
        features = self._model.feature_extractor(padded, padding=0)
        return Prepared(utterance, shape, seconds, hints, features)

    def decode(self, batch: Sequence[Prepared]) -> list[Transcript | None]:
        """Return what was said in each, None where the guards hold that nobody spoke; all must have one shape."""
        encoded = self._model.model.encode(get_ctranslate2_storage(np.stack([one.features for one in batch])))
        languages = self._languages(encoded, batch)
        shape = batch[0].shape
        prompts = [
            self._prompts.prompt(language, one.hints, times=not shape.brief)
            for language, one in zip(languages, batch, strict=True)
        ]
        longest = max(guards.max_tokens(one.seconds) for one in batch)
        results = self._model.model.generate(
            encoded,
            prompts,
            beam_size=shape.beams,
            length_penalty=_length_penalty(shape),
            max_length=min(len(prompts[0]) + longest, self._model.max_length),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            self._transcript(encoded, one, language, result)
            for one, language, result in zip(batch, languages, results, strict=True)
        ]

    def _transcript(self, encoded: Any, one: Prepared, language: str, result: Any) -> Transcript | None:
        tokenizer = self._prompts.tokenizer(language)
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        tokens = tokens[: guards.max_tokens(one.seconds)]
        # CTranslate2's score is the sum over the tokens, times among them, by a power of their number; the end token
        # counts too.
        number = len(result.sequences_ids[0])
        logprob = result.scores[0] * number ** _length_penalty(one.shape) / (number + 1)
        whole = tokenizer.decode(tokens).strip()
        text = guards.without_loop(whole, one.seconds - one.utterance.silence)
        heard = guards.Heard(text, tuple(tokens), one.seconds, result.no_speech_prob, logprob)
        if why := guards.objection(heard):
            GUARDED.labels(why).inc()
            return None
        words: tuple[Word, ...] = ()
        if one.utterance.words:
            said = tokens if text == whole else tokenizer.encode(" " + text)
            words = self._words(encoded, tokenizer, said, one.seconds)
        return Transcript(text, language, min(1.0, math.exp(logprob)), words)

    def _languages(self, encoded: Any, batch: Sequence[Prepared]) -> list[str]:
        if not self._model.model.is_multilingual:
            return ["en"] * len(batch)
        wanted = [one.utterance.languages for one in batch]
        if all(len(languages) == 1 for languages in wanted):
            return [language for (language,) in wanted]
        found = self._model.model.detect_language(encoded)
        return [_likeliest(ranked, languages) for ranked, languages in zip(found, wanted, strict=True)]

    def _words(self, encoded: Any, tokenizer: Tokenizer, tokens: list[int], seconds: float) -> tuple[Word, ...]:
        frames = max(1, int(seconds * self._model.frames_per_second))
        alignment = self._model.find_alignment(tokenizer, [tokens], encoded, frames)[0]
        merge_punctuations(alignment, _PREPENDED, _APPENDED)
        return tuple(
            Word(word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"]))
            for word in alignment
            if word["word"].strip()
        )


def _length_penalty(shape: Shape) -> float:
    return _BRIEF_LENGTH_PENALTY if shape.brief else 1.0


def _likeliest(ranked: list[tuple[str, float]], wanted: tuple[str, ...]) -> str:
    """The first language that is wanted, all of them where none is named; CTranslate2 writes them as `<|ru|>`."""
    codes = (token.strip("<|>") for token, _ in ranked)
    return next(code for code in codes if not wanted or code in wanted)
