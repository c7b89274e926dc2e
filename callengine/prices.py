"""Money for what was used, by the packaged price table and one of the user's own before it."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callengine.errors import ConfigError
from callengine.ports.usage import SMALLEST, Service, Used
from callengine.toml_lines import line_of

MILLION = 1_000_000
MINUTE = 60
VARIABLE = "PRICES_FILE"
_SERVICE_DEPTH = 2  # in a place that pydantic names, the name of the kind of entry, which is in no file
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Products = Annotated[tuple[str, ...], Field(min_length=1)]

log = structlog.get_logger(__name__)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entry(_Strict):
    """What every entry has. `page` is where the vendor says so, `read` when it was seen to."""

    products: Products
    page: str = ""
    read: date | None = None


class AudioPrice(_Entry):
    """A recogniser's."""

    service: Literal["stt"]
    usd_per_minute: Money


class CharacterPrice(_Entry):
    """A voice's."""

    service: Literal["tts"]
    usd_per_million_characters: Money


class LongPrompt(_Strict):
    """A model's for requests whose whole prompt has more than `over_tokens`."""

    over_tokens: Annotated[int, Field(gt=0)]
    input: Money
    cache_write: Money
    cache_read: Money
    output: Money


class TokenPrice(_Entry):
    """A model's, by the million tokens."""

    service: Literal["llm"]
    input: Money
    cache_write: Money
    cache_read: Money
    output: Money
    long_prompt: LongPrompt | None = None


Price = AudioPrice | CharacterPrice | TokenPrice


class PriceTable(_Strict):
    """A file of prices."""

    price: tuple[Annotated[Price, Field(discriminator="service")], ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """What things cost. Of a product without a price it is said once; what is used of it is counted all the same."""

    entries: Sequence[Price] = ()
    _told: set[tuple[str, str]] = field(default_factory=set, compare=False)

    def priced(self, used: Used, prompt_tokens: int = 0) -> Used:
        """The same with its price, None where there is none. `prompt_tokens`: of the whole request that the tokens
        are of, for models whose long prompts cost more."""
        price = self.find(used.service, used.product)
        if price is None:
            self.ask_for(used.service, [used.product])
            return replace(used, usd=None)
        return replace(used, usd=_cost(price, used, prompt_tokens).quantize(SMALLEST))

    def find(self, service: Service, product: str) -> Price | None:
        """A product's entry. A model's dated name (`claude-haiku-4-5-20251001`) has the price of the model."""
        names = (product, product[:-9]) if product[-9:-8] == "-" and product[-8:].isdecimal() else (product,)
        for name in names:
            for price in self.entries:
                if price.service == service and name in price.products:
                    return price
        return None

    def minute_of(self, product: str) -> float | None:
        """Dollars a minute of a recogniser's; None where there is no price, or nobody sends a bill."""
        price = self.find("stt", product)
        return (float(price.usd_per_minute) or None) if isinstance(price, AudioPrice) else None

    def ask_for(self, service: Service, products: Iterable[str]) -> None:
        """Warn, once each, of products that have no price; without any table nobody asked for money."""
        for product in products:
            if self.entries and (service, product) not in self._told and self.find(service, product) is None:
                self._told.add((service, product))
                log.warning("no_price", service=service, product=product, mend=f"give it one in {VARIABLE}")


def load_prices(path: Path | None) -> Prices:
    """The packaged table, behind that of a file where one is named. Raises ConfigError."""
    packaged = _parse(files("callengine").joinpath("prices.toml").read_text(encoding="utf-8"), "the packaged prices")
    if path is None:
        return Prices(packaged)
    try:
        own = _parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(VARIABLE, f"cannot read {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(VARIABLE, f"{str(path)!r} is not UTF-8 text") from None
    return Prices((*own, *packaged))


def _parse(text: str, where: str) -> tuple[Price, ...]:
    try:
        return PriceTable.model_validate(tomllib.loads(text, parse_float=Decimal)).price
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(VARIABLE, f"{where} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = [step for depth, step in enumerate(first["loc"]) if depth != _SERVICE_DEPTH]
        problem = " ".join(first["msg"].removeprefix("Value error, ").split())
        raise ConfigError(VARIABLE, f"{where}:{line_of(text, place)}: {'.'.join(map(str, place))}: {problem}") from None


def _cost(price: Price, used: Used, prompt_tokens: int) -> Decimal:
    match price:
        case AudioPrice():
            return price.usd_per_minute * Decimal(str(used.seconds)) / MINUTE
        case CharacterPrice():
            return price.usd_per_million_characters * used.characters / MILLION
        case TokenPrice():
            long = price.long_prompt
            rates = long if long is not None and prompt_tokens > long.over_tokens else price
            return (
                rates.input * used.input_tokens
                + rates.cache_write * used.cache_write_tokens
                + rates.cache_read * used.cache_read_tokens
                + rates.output * used.output_tokens
            ) / MILLION
