"""From decoded utterances to the text of results: agreement between interims, spaces between finals, punctuation."""

import re
from dataclasses import replace

from whisper_server.agreement import Words, agreed
from whisper_server.events import Final, Interim
from whisper_server.request import Request
from whisper_server.transcript import Transcript


class Wording:
    """Follows one stream's results in order, because each depends on those before it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._space = ""
        self._stable: Words = ()
        self._previous: Words = ()

    def interim(self, transcript: Transcript, end: float) -> Interim:
        """Return the interim that this decode of the open utterance makes; the last final's text is not in it."""
        current = tuple(self._styled(transcript.text).split())
        self._stable = agreed(self._stable, self._previous, current)
        self._previous = current
        stable = " ".join(self._stable)
        tail = " ".join(current[len(self._stable) :])
        if tail and stable:
            tail = " " + tail
        if stable:
            return Interim(self._space + stable, tail, end, transcript.language)
        return Interim("", self._space + tail, end, transcript.language)

    def final(self, transcript: Transcript, start: float, end: float) -> Final:
        """Return the final of the utterance that began at `start`, and begin the next one."""
        text = self._space + self._styled(transcript.text)
        words = tuple(
            replace(word, text=self._styled(word.text), start=start + word.start, end=min(start + word.end, end))
            for word in transcript.words
        )
        self._space = " "
        self.nothing()
        return Final(text, end, transcript.language, transcript.confidence, words)

    def nothing(self) -> None:
        """The utterance held no words: the next one begins."""
        self._stable = self._previous = ()

    def _styled(self, text: str) -> str:
        if self._request.punctuation:
            return text
        # As Google without automatic punctuation: bare words in lower case; hyphens and apostrophes belong to words.
        return " ".join(re.sub(r"[^\w\s'’-]|(?<!\w)[-'’]|[-'’](?!\w)", " ", text).lower().split())
