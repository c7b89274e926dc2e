"""What the model is told before it decodes: language, task, and the phrases that a client expects to hear.

It is told to leave times out, which nobody reads, for brief answers only: writing when speech ends it knows that it
has ended. Without times the base model says a phrase two or three times to fill its window (`decoder` has the rule).
"""

from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

# Whisper's context holds 448 tokens; a long list of phrases leaves no room for speech and costs time in each decode.
MAX_HINT_TOKENS = 50


class Prompts:
    """The prompts of one model. Any thread may ask.

    Phrases that nobody says cost the base model some words: over 70 prompts 22.2 instead of 20.3 % of the Russian and
    4.7 instead of 3.1 % of the English words were wrong, with five shop words as hints; none of them was made up.
    """

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._tokenizers: dict[str, Tokenizer] = {}

    def tokenizer(self, language: str) -> Tokenizer:
        """Return the tokenizer for Whisper's language code."""
        if language not in self._tokenizers:
            model = self._model
            self._tokenizers[language] = Tokenizer(
                model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]

    def hints(self, phrases: tuple[str, ...]) -> tuple[int, ...]:
        """Return the tokens that the phrases become, as many whole phrases as there is room for.

        As faster-whisper's `hotwords`: the phrases stand where the text before this one would.
        """
        tokenizer = self.tokenizer("en")  # text tokens are the same in all languages
        tokens: list[int] = []
        for phrase in phrases:
            more = tokenizer.encode((", " if tokens else " ") + phrase.strip())
            if len(tokens) + len(more) > MAX_HINT_TOKENS:
                break
            tokens += more
        return (tokenizer.sot_prev, *tokens) if tokens else ()

    def prompt(self, language: str, hints: tuple[int, ...], *, times: bool) -> list[int]:
        """Return the prompt; its length does not depend on the language."""
        tokenizer = self.tokenizer(language)
        return [*hints, *tokenizer.sot_sequence, *([] if times else [tokenizer.no_timestamps])]
