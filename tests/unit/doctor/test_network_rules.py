"""The network table: what is required, what is reckoned, and of whom."""

from typing import Any

import pytest
from pydantic import SecretStr

from callengine.config import Settings
from callengine.doctor.network_rules import judge_round_trip, stream_kbits, tell_uplink
from callengine.doctor.peers import peers_of
from callengine.errors import ConfigError


@pytest.mark.parametrize(
    ("samples", "near", "verdict"),
    [
        ([0.0002] * 10, True, "ok"),
        ([0.0049] * 10, True, "ok"),
        ([0.0050] * 10, True, "fail"),
        ([0.0050] * 10, False, "warn"),
        ([0.0002] * 9 + [1.0], True, "ok"),  # one handshake that was lost and sent again
        ([0.0002] * 8 + [0.006] * 2, True, "warn"),
    ],
)
def test_round_trips(samples: list[float], near: bool, verdict: str) -> None:
    found = judge_round_trip("Asterisk (pbx:8088)", samples, 0.005, near=near)
    assert (found.verdict, bool(found.mend)) == (verdict, verdict != "ok")
    assert "Asterisk (pbx:8088): round trip" in found.says
    assert "wanted < 5 ms" in found.says


def test_a_stream_s_bits() -> None:
    # 1,600 bytes of audio, 48 around them, two packets' heads of 66: 1,780 bytes in 100 ms
    assert stream_kbits(100) == pytest.approx(142.4)
    assert stream_kbits(20) == pytest.approx(173.6)
    assert 128 < stream_kbits(960) < stream_kbits(100), "heads weigh less in larger messages"


def test_the_uplink_is_said_to_be_reckoned() -> None:
    found = tell_uplink("Google's recogniser", 50, 100, gated=False)
    assert found.verdict == "note"
    assert "50 streams send 7.1 Mbit/s, 142 kbit/s each; plan 10 Mbit/s; reckoned, not measured" in found.says
    assert "at most (STT_GATE=on)" in tell_uplink("Google's recogniser", 50, 100, gated=True).says


def rows(**settings: Any) -> list[tuple[str, str, int, float]]:
    return [(peer.name, peer.host, peer.port, peer.limit_seconds) for peer in peers_of(Settings(**settings))]


def test_whom_an_engine_talks_to() -> None:
    assert rows(stt_backend="scripted", tts_backend="scripted", dialog_backend="scripted") == []
    assert rows(
        stt_backend="whisper",
        whisper_url="grpc://gpu-1:8443, grpcs://[fd00::2]:8443",
        tts_backend="espeak",
        dialog_backend="scripted",
        asterisk_ari_url="http://pbx:8088/ari",
        store_api_url="https://shop.example/api/v1",
    ) == [
        ("Asterisk", "pbx", 8088, 0.005),
        ("the Store", "shop.example", 443, 0.010),
        ("whisper-server at gpu-1", "gpu-1", 8443, 0.010),
        ("whisper-server at fd00::2", "fd00::2", 8443, 0.010),
    ]


def test_google_and_claude_only_where_they_are_chosen() -> None:
    found = rows(
        stt_backend="whisper", stt_fallback="google", tts_backend="google", google_tts_location="global",
        dialog_backend="claude", anthropic_api_key=SecretStr("key"), google_stt_endpoint="grpc://stand-in:1234",
    )  # fmt: skip
    assert found == [
        ("Google's recogniser", "stand-in", 1234, 0.100),
        ("Google's voice", "texttospeech.googleapis.com", 443, 0.100),
        ("Claude", "api.anthropic.com", 443, 0.100),
    ]
    assert rows(stt_backend="google", tts_backend="espeak", dialog_backend="scripted") == [
        ("Google's recogniser", "eu-speech.googleapis.com", 443, 0.100)
    ]


def test_the_time_is_asked_of_an_origin_without_what_may_be_secret() -> None:
    settings = Settings(store_api_url="http://user:s3cret@store:3000/api/v1?key=s3cret", stt_backend="scripted")
    assert [peer.origin for peer in peers_of(settings) if peer.name == "the Store"] == ["http://store:3000/"]
    assert "s3cret" not in str(peers_of(settings))


def test_an_address_that_is_none() -> None:
    (peer,) = peers_of(Settings(store_api_url="store:x", stt_backend="scripted"))
    assert (peer.host, peer.port) == ("", 0)
    with pytest.raises(ConfigError, match="GOOGLE_STT_ENDPOINT"):
        peers_of(Settings(stt_backend="google", google_stt_endpoint="https://x/"))
