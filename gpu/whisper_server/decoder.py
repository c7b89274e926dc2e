"""Whisper on CTranslate2: one utterance in, its text out, through `encode` and `generate` directly.

The window is cut to the utterance instead of Whisper's 30 s. With less than about 5 s of silence after short
speech the base model repeats itself to fill the window, so a window is never under 8 s: measured on 40 Russian
prompts (base, int8, greedy) as 35 % of words wrong at speech + 1 s, 28 % at 6 s, 20 % at 8 s, the same as at 12 s.

Finals are searched with five beams: of 32 decodes of an order's number and a tyre's size, cut as in a call, all had
the digits right and 2.3 % of the words were wrong, against 31 and 17 % greedily, for a fifth more CPU. Zeros go behind
the sound: behind the features, as in faster-whisper, they gained nothing over 70 clips. `no_repeat_ngram_size` is left
alone: it gained nothing either, and people do say a number twice. All by `tests/bench/whisper_windows.py`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from whisper_server import guards
from whisper_server.audio import MODEL_RATE, Samples, for_model

MIN_WINDOW_SECONDS = 8.0
TAIL_SECONDS = 2.0
MAX_WINDOW_SECONDS = 30.0
_PREPENDED = "\"'“¿([{-«"
_APPENDED = "\"'.。,，!！?？:：”)]}、»"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to decode: mono samples at `rate`; `languages` as in `Request`; `words`: times and confidences too.

    An `interim` is decoded greedily: it is said again a second later, and finals wait for it.
    """

    samples: Samples
    rate: int
    languages: tuple[str, ...]
    words: bool = False
    interim: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its times in seconds since the start of the utterance, and its confidence 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said: stripped text, Whisper's language code, confidence 0..1, words where asked for."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()


class Decoder:
    """A loaded model. Not for two threads at once: the queue gives it one utterance at a time."""

    def __init__(self, model: WhisperModel, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size
        self._tokenizers: dict[str, Tokenizer] = {}

    def decode(self, utterance: Utterance) -> Transcript | None:
        """Return what was said, or None where the guards hold that nobody spoke. Blocks for the model's time."""
        audio = for_model(utterance.samples, utterance.rate)
        seconds = len(audio) / MODEL_RATE
        window = min(max(MIN_WINDOW_SECONDS, seconds + TAIL_SECONDS), MAX_WINDOW_SECONDS)
        padded = np.pad(audio, (0, max(0, int(window * MODEL_RATE) - len(audio))))
        encoded = self._model.encode(self._model.feature_extractor(padded, padding=0))
        language = self._language(encoded, utterance.languages)
        tokenizer = self._tokenizer(language)
        beams = 1 if utterance.interim else self._beam_size
        tokens, logprob, silence = self._generate(encoded, tokenizer, seconds, beams)
        heard = tokenizer.decode(tokens).strip()
        text = guards.without_loop(heard, seconds)
        if not guards.has_words(text) or guards.is_silence(silence, logprob) or guards.is_noise(text):
            return None
        words: tuple[Word, ...] = ()
        if utterance.words:
            said = tokens if text == heard else tokenizer.encode(" " + text)
            words = self._words(encoded, tokenizer, said, seconds)
        return Transcript(text, language, min(1.0, math.exp(logprob)), words)

    def _generate(
        self, encoded: Any, tokenizer: Tokenizer, seconds: float, beam_size: int
    ) -> tuple[list[int], float, float]:
        """Return the text's tokens, their average log probability, and the probability that nobody spoke."""
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=beam_size,
            max_length=min(len(prompt) + guards.max_tokens(seconds), self._model.max_length),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        # CTranslate2's score is the sum over the tokens divided by their number; the end token counts too.
        logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        return tokens, logprob, result.no_speech_prob

    def _language(self, encoded: Any, wanted: tuple[str, ...]) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        if len(wanted) == 1:
            return wanted[0]
        ranked: list[str] = [token.strip("<|>") for token, _ in self._model.model.detect_language(encoded)[0]]
        return next(code for code in ranked if not wanted or code in wanted)

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            model = self._model
            self._tokenizers[language] = Tokenizer(
                model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]

    def _words(self, encoded: Any, tokenizer: Tokenizer, tokens: list[int], seconds: float) -> tuple[Word, ...]:
        frames = max(1, int(seconds * self._model.frames_per_second))
        alignment = self._model.find_alignment(tokenizer, [tokens], encoded, frames)[0]
        merge_punctuations(alignment, _PREPENDED, _APPENDED)
        return tuple(
            Word(word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"]))
            for word in alignment
            if word["word"].strip()
        )
