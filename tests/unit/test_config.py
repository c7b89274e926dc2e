"""Settings: a wrong one is one line that names its variable, a secret is never shown."""

from ipaddress import ip_network
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from callengine.config import Settings, load_settings
from callengine.errors import ConfigError

SECRETS = sorted(
    name.upper() for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)
)


def test_an_empty_environment_is_a_whole_demo() -> None:
    settings = load_settings({})
    assert settings.embedded is True
    assert (settings.audiosocket_port, settings.api_host, settings.api_port) == (9092, "127.0.0.1", 8080)
    assert settings.call_language == "ru-RU"
    assert ip_network("10.0.0.0/8") in settings.allowed_peers
    assert load_settings({"MAX_CALLS": "", "UNKNOWN": "x"}).max_calls == 200


def test_values_are_of_their_types() -> None:
    environ = {
        "EMBEDDED": "off", "ALLOWED_PEERS": "192.0.2.0/24, ::1/128,", "MAX_CALL_SECONDS": "12.5",
        "STORE_API_URL": "http://store:3000/api/v1/", "DATA_DIR": "/var/lib/x",
    }  # fmt: skip
    settings = load_settings(environ)
    assert settings.embedded is False
    assert settings.allowed_peers == (ip_network("192.0.2.0/24"), ip_network("::1/128"))
    assert settings.max_call_seconds == 12.5
    assert settings.store_api_url == "http://store:3000/api/v1"
    assert settings.data_dir == Path("/var/lib/x")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EMBEDDED", "perhaps"),
        ("STT_GATE", "perhaps"),
        ("REALTIME", "perhaps"),
        ("AUDIOSOCKET_PORT", "65536"),
        ("AUDIOSOCKET_PORT", "-1"),
        ("API_PORT", "http"),
        ("ALLOWED_PEERS", "10.0.0.0/33"),
        ("ALLOWED_PEERS", "10.0.0.1/8"),
        ("ALLOWED_PEERS", "localhost"),
        ("MAX_CALLS", "0"),
        ("MAX_CALLS", "1.5"),
        ("MAX_CALL_SECONDS", "0"),
        ("MAX_CALL_SECONDS", "nan"),
        ("NO_MEDIA_SECONDS", "-1"),
        ("DRAIN_SECONDS", "soon"),
        ("CALL_LANGUAGE", "russian"),
        ("CALL_LANGUAGE", "ru_RU"),
        ("RECORDING", "perhaps"),
        ("RECORDING_RETENTION_DAYS", "-1"),
        ("RETENTION_DAYS", "a year"),
        ("RECORDING_S3_ENDPOINT", "s3.example.com"),
        ("CLAUDE_MAX_TOKENS", "0"),
        ("CLAUDE_EFFORT", "heroic"),
        ("CLAUDE_FIRST_TOKEN_SECONDS", "0"),
        ("CLAUDE_TURN_SECONDS", "-1"),
        ("CLAUDE_HISTORY_TOKENS", "10"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "two\nlines"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({variable: value})
    line = str(caught.value)
    assert line.startswith(f"{variable}: ")
    assert "\n" not in line
    assert repr(value) in line
    assert caught.value.variable == variable
    assert "value error" not in line.lower()


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_read_from_a_file_and_shown_nowhere(variable: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    secret.chmod(0o640)
    settings = load_settings({f"{variable}_FILE": str(secret)})
    value = getattr(settings, variable.lower())
    assert value.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings) + str(settings)
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match=f"^{variable}_FILE: everybody can read "):
        load_settings({f"{variable}_FILE": str(secret)})


def test_claude_answers_where_there_is_a_key() -> None:
    assert load_settings({}).dialog_backend == "scripted"
    assert load_settings({"ANTHROPIC_API_KEY": "k"}).dialog_backend == "claude"
    assert load_settings({"ANTHROPIC_API_KEY": "k", "DIALOG_BACKEND": "scripted"}).dialog_backend == "scripted"


def test_the_variable_itself_wins_over_its_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("file", encoding="utf-8")
    settings = load_settings({"NODE_NAME": "own", "NODE_NAME_FILE": str(tmp_path / "x")})
    assert settings.node_name == "own"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        with pytest.raises(ConfigError) as caught:
            load_settings({"API_TOKEN_FILE": str(path)})
        assert str(caught.value).startswith("API_TOKEN_FILE: cannot read ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_a_secret_that_everybody_can_read_is_refused_with_the_mend(mode: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret", encoding="utf-8")
    (tmp_path / "token").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load_settings({"API_TOKEN_FILE": str(tmp_path / "token")})
    line = str(caught.value)
    assert line.startswith("API_TOKEN_FILE: everybody can read ")
    assert line.endswith(f"(mode {mode:04o}): chmod 640 {tmp_path / 'token'}")
    assert "s3cret" not in line
    assert load_settings({"NODE_NAME_FILE": str(tmp_path / "token")}).node_name == "s3cret", "no secret"


def test_a_secret_s_file_without_one_is_no_setting_left_out(tmp_path: Path) -> None:
    (tmp_path / "token").touch(mode=0o600)
    with pytest.raises(ConfigError, match=r"API_TOKEN_FILE: .* is empty"):
        load_settings({"API_TOKEN_FILE": str(tmp_path / "token")})


def test_registration_is_required_where_it_is_said() -> None:
    assert not load_settings({}).require_registration
    assert load_settings({"REQUIRE_REGISTRATION": "on"}).require_registration


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"MAX_CALLS": "many", "API_TOKEN": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_settings_do_not_change_and_read_no_environment_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_CALLS", "7")
    assert Settings().max_calls == 200
    with pytest.raises(ValidationError):
        load_settings({}).max_calls = 3
