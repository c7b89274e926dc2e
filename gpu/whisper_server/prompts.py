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

    A full stop closes the phrases. Without one the model goes on in the sentence that they seem to begin: over 70
    prompts in which nobody says any of five shop words 24.8 % of the Russian and 10.3 % of the English words were
    wrong, with it 19.6 and 3.2, without phrases 20.3 and 4.8 (base, five beams); none was made up. Of six prompts that
    base mishears, behind 0, 0.35 and 0.7 s of silence, 44 % of the words were wrong without phrases, 20 % with the
    right ones and 12 % with the full stop.
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

        As faster-whisper's `hotwords`: the phrases stand where the text before this one would, as a sentence.
        """
        tokenizer = self.tokenizer("en")  # text tokens are the same in all languages
        tokens: list[int] = []
        for phrase in phrases:
            more = tokenizer.encode((", " if tokens else " ") + phrase.strip())
            if len(tokens) + len(more) > MAX_HINT_TOKENS:
                break
            tokens += more
        return (tokenizer.sot_prev, *tokens, *tokenizer.encode(".")) if tokens else ()

    def prompt(self, language: str, hints: tuple[int, ...], *, times: bool) -> list[int]:
        """Return the prompt; its length does not depend on the language."""
        tokenizer = self.tokenizer(language)
        return [*hints, *tokenizer.sot_sequence, *([] if times else [tokenizer.no_timestamps])]
