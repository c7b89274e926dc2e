"""The price table: real prices for what is used by default, one's own before them, and no guess."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.ports.usage import Used
from callengine.prices import Prices, TokenPrice, load_prices

MILLION = 1_000_000
OWN = """
[[price]]
service = "stt"
products = ["whisper", "google/v2/chirp_3"]
usd_per_minute = 0.001
"""


def cost(used: Used, prompt_tokens: int = 0) -> Decimal | None:
    return load_prices(None).priced(used, prompt_tokens).usd


def test_every_packaged_price_says_where_and_when_it_was_read() -> None:
    for price in load_prices(None).entries:
        if price.products != ("whisper", "scripted"):
            assert price.page.startswith("https://")
            assert price.read is not None
            assert date(2026, 8, 1) < price.read


def test_the_default_model_has_a_price() -> None:
    assert isinstance(load_prices(None).find("llm", Settings().claude_model), TokenPrice)


@pytest.mark.parametrize(
    ("used", "usd"),
    [
        (Used("stt", "google/v2/chirp_3", seconds=180), "0.048"),
        (Used("stt", "google/v1/latest_long", seconds=60), "0.024"),
        (Used("stt", "whisper", seconds=60), "0"),
        (Used("tts", "google/Chirp3-HD", characters=1000), "0.03"),
        (Used("tts", "google/Wavenet", characters=1000), "0.004"),
        (Used("llm", "claude-haiku-5-5", input_tokens=MILLION), "0.1"),
        (Used("llm", "claude-haiku-5-5", cache_write_tokens=MILLION), "0.125"),
        (Used("llm", "claude-haiku-5-5", cache_read_tokens=1), "0.00000001"),
        (Used("llm", "claude-sonnet-5-5", output_tokens=100), "0.001"),
        (Used("llm", "claude-haiku-4-5-20251001", output_tokens=MILLION), "5"),
    ],
)
def test_what_things_cost(used: Used, usd: str) -> None:
    assert cost(used) == Decimal(usd)


def test_a_long_prompt_makes_all_tokens_of_its_request_dearer() -> None:
    output = Used("llm", "claude-haiku-5-5", output_tokens=MILLION)
    assert cost(output, prompt_tokens=100_000) == Decimal("0.5")
    assert cost(output, prompt_tokens=100_001) == Decimal("2.5")


def test_what_has_no_price_is_said_once_and_has_no_cost() -> None:
    prices = load_prices(None)
    with capture_logs() as logs:
        prices.ask_for("llm", ["claude-haiku-5-5", "claude-x"])
        for _ in range(2):
            assert prices.priced(Used("llm", "claude-x", input_tokens=5)) == Used("llm", "claude-x", input_tokens=5)
    assert [(line["event"], line["log_level"], line["product"]) for line in logs] == [
        ("no_price", "warning", "claude-x")
    ]


def test_a_recogniser_s_minute() -> None:
    prices = load_prices(None)
    minutes = [prices.minute_of(product) for product in ("google/v2/chirp_3", "google/v1/latest_long", "whisper", "")]
    assert minutes == [0.016, 0.024, None, None]


def test_no_product_is_of_two_services() -> None:
    assert cost(Used("tts", "google/v2/chirp_3", characters=5)) is None


def test_one_s_own_prices_come_first(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(OWN, encoding="utf-8")
    prices = load_prices(file)
    assert prices.priced(Used("stt", "whisper", seconds=60)).usd == Decimal("0.001")
    assert prices.priced(Used("stt", "google/v2/chirp_3", seconds=60)).usd == Decimal("0.001")
    assert prices.priced(Used("stt", "google/v2/long", seconds=60)).usd == Decimal("0.016")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[price]\n", "is not TOML"),
        (OWN.replace("0.001", '"cheap"'), ":5: price.0.usd_per_minute: "),
        (OWN.replace("0.001", "-1"), ":5: price.0.usd_per_minute: "),
        (OWN.replace("usd_per_minute = 0.001", ""), "usd_per_minute: Field required"),
        (OWN.replace("stt", "tts"), "usd_per_million_characters: Field required"),
        (OWN.replace("stt", "fax"), "price.0: "),
        (OWN + 'euro = "yes"\n', ":6: price.0.euro: Extra inputs"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_prices(file)
    assert str(caught.value).startswith("PRICES_FILE: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PRICES_FILE: cannot read"):
        load_prices(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xff")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_prices(tmp_path / "bytes.toml")


def test_without_a_table_nothing_has_a_price() -> None:
    with capture_logs() as logs:
        assert Prices().priced(Used("stt", "whisper", seconds=1)).usd is None
    assert logs == []
