"""The reader: turns the media clock's marks into events for the dialog. It never touches the wire."""

import trio

from callengine.call.events import DialogEvent
from callengine.call.turn_events import CallerBegan, CallerPaused, CallerPressed
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.media.marks import DigitPressed, LineEnded, SpeechBegan, SpeechPaused


async def run_reader(leg: Leg, events: trio.MemorySendChannel[DialogEvent]) -> LineEnded:
    """Pass on what the caller does until the line ends; returns how it ended."""
    async for mark in leg.marks:
        match mark:
            case SpeechBegan(position=position):
                await events.send(CallerBegan(leg.began + position / RATE))
            case SpeechPaused(position=position):
                await events.send(CallerPaused(leg.began + position / RATE))
            case DigitPressed(digit=digit):
                await events.send(CallerPressed(digit))
            case LineEnded():
                return mark
            case _:
                pass  # a UUID said twice changes nothing
    return leg.ended or LineEnded("hangup")
