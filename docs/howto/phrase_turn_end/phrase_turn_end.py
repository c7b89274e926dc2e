"""An end-of-turn model that has learnt from some lines what a caller says who goes on, and what one who has finished.

Small, and whole: it learns when the engine starts, answers off the loop, says where it has no opinion, and raises the
port's one error. A larger one differs in `learn` and `Model` alone."""

import re
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import trio

from callengine.errors import ConfigError, TurnEndError
from callengine.ports.bridge import Bridge
from callengine.ports.turn_end import SaidSoFar

LINES = Path(__file__).with_name("lines.toml")
FEATURES = 4096
STEPS, RATE, KEPT = 400, 0.5, 0.002  # gradient steps, their size, and how strongly small weights are preferred
WHOLE_SECONDS, MORE_SECONDS = 0.35, 1.2  # the pause behind a turn that is over, and behind one that is not
SURE = 0.75  # a probability nearer to a half than this is no opinion
AT_ONCE = 4  # threads; a question that waits for one is late by itself


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt of one language: a weight for every feature."""

    weights: np.ndarray

    def over(self, text: str) -> float:
        """The probability that a turn of these words is over."""
        score = float(self.weights[features_of(text)].sum())
        return float(1 / (1 + np.exp(-np.clip(score, -30, 30))))


class PhraseTurnEnd:
    """The port's `TurnEnd`."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models
        self._threads = trio.CapacityLimiter(AT_ONCE)

    async def pause(self, said: SaidSoFar) -> float | None:
        """None for a language without lines, for figures (the engine's table knows numbers), and where it is unsure."""
        model = self._models.get(said.language.split("-")[0].lower())
        if model is None or not _words(said.text) or _words(said.text)[-1].isdecimal():
            await trio.lowlevel.checkpoint()
            return None
        # Microseconds here. A model that takes milliseconds must not hold the loop, which carries every call's audio;
        # with `abandon_on_cancel` the engine need not wait for one that is late.
        over = await trio.to_thread.run_sync(model.over, said.text, abandon_on_cancel=True, limiter=self._threads)
        if not np.isfinite(over):
            raise TurnEndError("phrase: the model gives no probability; its lines may hold something odd")
        if over >= SURE:
            return WHOLE_SECONDS
        return MORE_SECONDS if over <= 1 - SURE else None


def features_of(text: str) -> list[int]:
    """Where the words of a text stand among the features: the last ones, their endings, and how many there are."""
    words = ["^", "^", *_words(text)]
    last, before = words[-1], words[-2]
    named = ["all", f"n{min(len(words), 7)}", f"1:{last}", f"2:{before} {last}", f"b:{before}"]
    named += [f"e:{last[-size:]}" for size in (1, 2, 3)] + [f"f:{before[-2:]} {last[-2:]}"]
    return [crc32(name.encode()) % FEATURES for name in named]


def learn(over: Sequence[str], more: Sequence[str]) -> Model:
    """Logistic regression by gradient descent: some milliseconds for a hundred lines."""
    told = np.array([features_of(text) for text in (*over, *more)])
    wanted = np.concatenate([np.ones(len(over)), np.zeros(len(more))])
    weights = np.zeros(FEATURES)
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(-weights[told].sum(axis=1))) - wanted
        slope = np.bincount(told.ravel(), np.repeat(wrong, told.shape[1]), FEATURES) / len(told)
        weights -= RATE * (slope + KEPT * weights)
    return Model(weights)


def learn_languages(path: Path) -> dict[str, Model]:
    """A model for each language of a file of lines."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: learn(lines["over"], lines["more"]) for name, lines in tables.items() if name != "check"}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("ё", "е"))


@asynccontextmanager
async def open_turn_end(settings: Any, bridge: Bridge) -> AsyncIterator[PhraseTurnEnd]:
    """The entry point. What is slow to make is made here, before the first call. Raises ConfigError."""
    try:
        models = await trio.to_thread.run_sync(learn_languages, LINES)
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigError("TURN_END", f"phrase: {LINES} cannot be learnt from: {error!r}") from None
    yield PhraseTurnEnd(models)
