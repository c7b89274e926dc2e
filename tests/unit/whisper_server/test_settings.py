"""Settings: the defaults, the secrets in files, and one line for what is wrong."""

from pathlib import Path

import pytest
from whisper_server.errors import StartError
from whisper_server.main import main
from whisper_server.settings import load_settings

PEM = "-----BEGIN PRIVATE KEY-----\n"


def secret_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_without_a_token_only_loopback_is_bound() -> None:
    settings = load_settings()
    assert settings.listen == "0.0.0.0:8443"
    assert settings.bind_address == "127.0.0.1:8443"


def test_with_a_token_from_a_file_the_address_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WHISPER_TOKEN_FILE", secret_file(tmp_path, "s3cret\n"))
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


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o444])
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("WHISPER_TOKEN_FILE", "s3cret", "WHISPER_TOKEN_FILE"),
        ("WHISPER_TLS_KEY_FILE", PEM, "WHISPER_TLS_KEY_FILE"),
        ("WHISPER_TLS_KEY", PEM, "WHISPER_TLS_KEY"),
    ],
)
def test_a_secret_that_everybody_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, name: str, text: str, said: str
) -> None:
    path = secret_file(tmp_path, text, mode)
    monkeypatch.setenv(name, path)
    with pytest.raises(StartError) as refused:
        load_settings()
    assert str(refused.value) == f"{said}: everybody can read {path} (mode 0{mode:o}): chmod 640 {path}"


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_one_for_its_user_or_group_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    monkeypatch.setenv("WHISPER_TOKEN_FILE", secret_file(tmp_path, "s3cret", mode))
    assert load_settings().token == "s3cret"


def test_a_certificate_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WHISPER_TLS_CERT", secret_file(tmp_path, "-----BEGIN CERTIFICATE-----", 0o644))
    monkeypatch.setenv("WHISPER_TLS_KEY", PEM)
    assert load_settings().tls_cert == "-----BEGIN CERTIFICATE-----"


def test_a_secret_without_text_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = secret_file(tmp_path, "\n")
    monkeypatch.setenv("WHISPER_TOKEN_FILE", path)
    with pytest.raises(StartError, match=f"WHISPER_TOKEN_FILE: {path} is empty"):
        load_settings()


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
