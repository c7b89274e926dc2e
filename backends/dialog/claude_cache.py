"""How long a prompt's prefix has to be for the Messages API to cache it, by model. Pure.

Shorter ones are served without the cache, and without an error. The numbers are those of
https://platform.claude.com/docs/en/build-with-claude/prompt-caching (cache limitations), as of 8 October 2026."""

import re
from dataclasses import dataclass

SOURCE = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"
READ_ON = "2026-10-08"
LEAST_TOKENS = {
    "claude-fable-5-1": 512,
    "claude-fable-5": 512,
    "claude-mythos-5-1": 512,
    "claude-mythos-5": 512,
    "claude-opus-5-5": 512,
    "claude-opus-5": 512,
    "claude-sonnet-5-5": 512,
    "claude-haiku-5-5": 512,
    "claude-opus-4-8": 1024,
    "claude-opus-4-1": 1024,
    "claude-opus-4": 1024,
    "claude-sonnet-5": 1024,
    "claude-sonnet-4-6": 1024,
    "claude-sonnet-4-5": 1024,
    "claude-sonnet-4": 1024,
    "claude-mythos-preview": 2048,
    "claude-opus-4-7": 2048,
    "claude-3-5-haiku": 2048,
    "claude-opus-4-6": 4096,
    "claude-opus-4-5": 4096,
    "claude-haiku-4-5": 4096,
}
_DATE = re.compile(r"-(\d{8}|latest)$")


@dataclass(frozen=True, slots=True)
class Caching:
    """A prefix (tools and instructions) before a model. `least_tokens` is None for a model that the table lacks."""

    model: str
    prefix_tokens: int
    least_tokens: int | None

    @property
    def warning(self) -> str:
        """One line where the cache never hits, else nothing."""
        if self.least_tokens is None or self.prefix_tokens >= self.least_tokens:
            return ""
        return (
            f"tools and instructions are about {self.prefix_tokens} tokens, and {self.model} caches none under "
            f"{self.least_tokens}: the first turns of a call pay for them in full"
        )


def caching_of(model: str, prefix_tokens: int) -> Caching:
    """What the table says of a prefix; a date at the end of a model's name makes no difference."""
    return Caching(model, prefix_tokens, LEAST_TOKENS.get(_DATE.sub("", model)))
