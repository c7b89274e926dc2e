"""What one call has used of paid services, as it is used: since the last turn that was recorded, and in all."""

import math

from callengine import metrics
from callengine.media.audio import RATE
from callengine.ports.reasoning import Usage
from callengine.ports.synthesis import Spoken
from callengine.ports.usage import Bill, Used, added
from callengine.prices import Prices


class Meter:
    """One call's. `total` is all it has used."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._open: Bill = ()
        self.total: Bill = ()

    def tokens(self, usage: Usage) -> None:
        """A part of a reply was read or written."""
        metrics.count_tokens(usage)
        used = Used(
            "llm",
            usage.model,
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        self._note(self._prices.priced(used, usage.prompt_tokens))

    def speech(self, spoken: Spoken | None) -> None:
        """A service has spoken; None: nothing that has to be paid for."""
        if spoken is not None:
            self._note(priced_speech(self._prices, spoken))

    def audio(self, product: str, seconds: float) -> None:
        """A recogniser has been sent audio."""
        self._note(self._prices.priced(Used("stt", product, seconds=seconds)))

    def take(self) -> Bill:
        """What was used since the last take."""
        taken, self._open = self._open, ()
        return taken

    def put_back(self, bill: Bill) -> None:
        """What was taken for a turn that is not to be recorded."""
        self._open = added(self._open, bill)

    def _note(self, used: Used) -> None:
        metrics.count_use(used)
        self._open, self.total = added(self._open, (used,)), added(self.total, (used,))


class StreamMeter:
    """The audio of one recogniser's stream. Google rounds each stream up to a whole second, so a second is used as soon
    as it has begun (cloud.google.com/speech-to-text/pricing); what is sent again to another stream is used again."""

    def __init__(self, meter: Meter, product: str) -> None:
        self._meter = meter
        self._product = product
        self._samples = self._billed = 0

    def sent(self, samples: int) -> None:
        """So much more has been sent, at RATE."""
        self._samples += samples
        begun = math.ceil(self._samples / RATE)
        if begun > self._billed:
            self._meter.audio(self._product, begun - self._billed)
            self._billed = begun


def priced_speech(prices: Prices, spoken: Spoken) -> Used:
    """What a service has spoken, with its price."""
    return prices.priced(Used("tts", spoken.product, characters=spoken.characters))
