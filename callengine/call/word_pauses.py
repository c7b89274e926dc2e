"""The table of words as a model of the port `TurnEnd`: what `TURN_END=words` names, and a plug-in may lean on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from callengine.call.turn_words import load_turn_words
from callengine.call.turns import Turns
from callengine.call.utterance import Utterance
from callengine.ports.bridge import Bridge
from callengine.ports.turn_end import SaidSoFar


def word_pause(said: SaidSoFar) -> float:
    """The seconds of silence that end this turn by its words alone."""
    turn = Utterance(interim=said.text)
    return Turns(utterance=turn, words=load_turn_words(said.language), asked=bool(said.question)).pause


class WordPauses:
    """The port's `TurnEnd`."""

    async def pause(self, said: SaidSoFar) -> float:
        await trio.lowlevel.checkpoint()
        return word_pause(said)


@asynccontextmanager
async def open_turn_end(settings: Any, bridge: Bridge | None) -> AsyncIterator[WordPauses]:
    """The entry point `words`."""
    await trio.lowlevel.checkpoint()
    yield WordPauses()
