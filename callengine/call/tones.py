"""Listening for tones while a call is young: fax and answering machines are there from the beginning."""

import trio

from callengine.call.events import DialogEvent, ToneHeard
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.media.tones import ToneListener

LOOK_SECONDS = 0.5  # the call is ended for a tone: half a second later is soon enough
LISTENED_SECONDS = 30.0


async def listen_for_tones(leg: Leg, events: trio.MemorySendChannel[DialogEvent]) -> None:
    """Tell the dialog of every tone of the call's first half minute."""
    listener, due = ToneListener(), leg.began
    while listener.position < LISTENED_SECONDS * RATE:
        due += LOOK_SECONDS
        await trio.sleep_until(due)
        if listener.position < leg.ring.start:
            listener.skip(leg.ring.start)
        for tone in listener.feed(leg.ring.read(listener.position, leg.ring.end)):
            await events.send(ToneHeard(tone.hertz, leg.began + tone.begin / RATE, leg.began + tone.end / RATE))
