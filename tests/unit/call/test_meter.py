"""What a call has used: since the last turn, in all, and in the metrics."""

from decimal import Decimal

from prometheus_client import REGISTRY

from callengine.call.meter import Meter, StreamMeter
from callengine.ports.reasoning import Usage
from callengine.ports.synthesis import Spoken
from callengine.ports.usage import Used, added
from callengine.prices import load_prices

RATE = 8000


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"callengine_{name}_total", labels) or 0.0


def test_a_second_is_used_as_soon_as_it_has_begun_each_stream_by_itself() -> None:
    meter = Meter(load_prices(None))
    for samples in ((800,) * 11, (RATE, 1), (1,)):
        stream = StreamMeter(meter, "google/v2/chirp_3")
        for sent in samples:
            stream.sent(sent)
    assert meter.total == (Used("stt", "google/v2/chirp_3", seconds=2 + 2 + 1, usd=meter.total[0].usd),)
    assert meter.total[0].usd == 5 * Decimal("0.0002666667")


def test_what_was_taken_is_not_taken_again_and_may_be_put_back() -> None:
    meter = Meter(load_prices(None))
    meter.speech(Spoken("google/Chirp3-HD", 100))
    meter.speech(None)
    taken = meter.take()
    assert taken == (Used("tts", "google/Chirp3-HD", characters=100, usd=Decimal("0.003")),)
    assert meter.take() == ()
    meter.speech(Spoken("google/Chirp3-HD", 11))
    meter.put_back(taken)
    assert (
        meter.take()
        == meter.total
        == added(taken, (Used("tts", "google/Chirp3-HD", characters=11, usd=Decimal("0.00033")),))
    )


def test_use_and_money_are_in_the_metrics() -> None:
    names = [
        ("stt_seconds", {"product": "google/v2/long"}),
        ("tts_characters", {"product": "google/Studio"}),
        ("llm_tokens", {"kind": "cache_read"}),
        ("cost_usd", {"service": "stt"}),
        ("cost_usd", {"service": "tts"}),
        ("cost_usd", {"service": "llm"}),
    ]
    before = [counted(name, **labels) for name, labels in names]
    meter = Meter(load_prices(None))
    meter.audio("google/v2/long", 60)
    meter.speech(Spoken("google/Studio", 1000))
    meter.tokens(Usage("claude-haiku-5-5", 0, 1000))
    meter.tokens(Usage("unknown", 0, 500))
    after = [counted(name, **labels) for name, labels in names]
    assert [round(now - was, 8) for now, was in zip(after, before, strict=True)] == [
        60,
        1000,
        1500,
        0.016,
        0.16,
        0.00001,
    ]
