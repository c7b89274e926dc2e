"""Settings: the defaults, the secrets in files, and one line for what is wrong."""

from pathlib import Path

import pytest
from whisper_server.errors import StartError
from whisper_server.main import main
from whisper_server.settings import load_settings


def test_without_a_token_only_loopback_is_bound() -> None:
    settings = load_settings()
    assert settings.listen == "0.0.0.0:8443"
    assert settings.bind_address == "127.0.0.1:8443"


def test_with_a_token_from_a_file_the_address_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("WHISPER_TOKEN_FILE", str(tmp_path / "token"))
    settings = load_settings()
    assert (settings.token, settings.bind_address) == ("s3cret", "0.0.0.0:8443")
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WHISPER_LISTEN", "8443", "WHISPER_LISTEN: must be HOST:PORT"),
        ("WHISPER_LISTEN", "localhost:99999", "WHISPER_LISTEN: must be HOST:PORT"),
        ("WHISPER_LISTEN", "192.0.2.1:8443", "WHISPER_TOKEN: needed to listen on 192.0.2.1"),
        ("WHISPER_DEVICE", "tpu", "WHISPER_DEVICE: "),
        ("WHISPER_MAX_STREAMS", "many", "WHISPER_MAX_STREAMS: "),
        ("WHISPER_TOKEN_FILE", "/nowhere/token", "WHISPER_TOKEN_FILE: /nowhere/token cannot be read"),
        ("WHISPER_TLS_CERT", "/nowhere/cert", "WHISPER_TLS_CERT: /nowhere/cert cannot be read"),
        ("WHISPER_METRICS_PORT", "none", "WHISPER_METRICS_PORT: "),
        ("WHISPER_FAULTS", "hang=2", "WHISPER_FAULTS: for tests only; WHISPER_LISTEN must name a loopback address"),
        ("WHISPER_FAULTS", "hang", "WHISPER_FAULTS: hang must be a number of seconds, not ''"),
        ("WHISPER_FAULTS", "hang=2,hang=3", "WHISPER_FAULTS: hang is given twice"),
        ("WHISPER_FAULTS", "garbage=1.5", "WHISPER_FAULTS: garbage must be a whole number, not '1.5'"),
        (
            "WHISPER_FAULTS",
            "fire=1",
            "WHISPER_FAULTS: no fault is called 'fire'; known: garbage, hang",
        ),
    ],
)
def test_a_bad_setting_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"whisper-server: {says}")
    assert error.count("\n") == 1


def test_a_key_without_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISPER_TLS_KEY", "-----BEGIN PRIVATE KEY-----")
    with pytest.raises(StartError, match="WHISPER_TLS_CERT and WHISPER_TLS_KEY go together"):
        load_settings()


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for name in (
        "WHISPER_LISTEN",
        "WHISPER_MODEL",
        "WHISPER_TOKEN",
        "WHISPER_METRICS_PORT",
        "WHISPER_EXIT_WITH_PARENT",
    ):
        assert name in shown
