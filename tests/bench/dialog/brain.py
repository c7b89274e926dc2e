"""What the stand-in for Claude answers: each sound's words have an answer, and who has asked for it is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.dialog.sounds import Sound
from tests.messages_api import Act


@dataclass
class Brain:
    """`answers` by the words of the caller's last turn; `token_seconds` pass before the first of one."""

    token_seconds: float
    answers: dict[str, str] = field(default_factory=dict)

    def learn(self, sounds: Sequence[Sound], answer: Any) -> None:
        """The n-th sound is answered by `answer(n)`."""
        self.answers = {sound.text: answer(number) for number, sound in enumerate(sounds)}

    def choose(self, asked: Mapping[str, Any]) -> Act:
        """What the stand-in does with a request."""
        texts = [block.get("text", "") for block in asked["messages"][-1]["content"]]
        answer = next((self.answers[text] for text in reversed(texts) if text in self.answers), "Да.")
        return Act(answer, silent_for=self.token_seconds)
