"""What Google's settings come to: the endpoint, the proxy, the credentials, and one line for each that is wrong."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import DefaultCredentialsError

from backends.addresses import GOOGLE_SPEECH, address_of
from backends.google_cloud.channel import proxy_option
from backends.google_cloud.credentials import find_identity
from backends.stt import google, wire_v1, wire_v2
from backends.stt.wire import Dialect
from callengine.config import load_settings
from callengine.errors import ConfigError
from callengine.ports.recognition import StreamSpec

RUSSIAN = StreamSpec("ru-RU", endpointing="SUPERSHORT")
NOTHING: Any = None  # a refused setting never comes to the bridge


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service account's key as Google hands it out, of nobody."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = tmp_path_factory.mktemp("google") / "key.json"
    account = {
        "type": "service_account", "project_id": "a-shop", "private_key_id": "1", "private_key": pem,
        "client_email": "shop@a-shop.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    path.write_text(json.dumps(account), encoding="utf-8")
    return path


def test_credentials_make_google_the_default(key_file: Path) -> None:
    assert load_settings({}).stt_backend == "whisper"
    assert load_settings({"GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}).stt_backend == "google"
    both = {"GOOGLE_APPLICATION_CREDENTIALS": str(key_file), "STT_BACKEND": "whisper"}
    assert load_settings(both).stt_backend == "whisper"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STT_CHUNK_MS", "961"),
        ("STT_CHUNK_MS", "10"),
        ("STT_ENDPOINTING", "LONG"),
        ("GOOGLE_STT_API_VERSION", "v3"),
        ("GOOGLE_STT_LOCATION", "eu/x"),
    ],
)
def test_a_bad_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: "):
        load_settings({variable: value})


@pytest.mark.parametrize(
    ("endpoint", "location", "address"),
    [
        ("", "eu", ("eu-speech.googleapis.com:443", False)),
        ("", "europe-west4", ("europe-west4-speech.googleapis.com:443", False)),
        ("", "global", ("speech.googleapis.com:443", False)),
        ("speech.example.com", "eu", ("speech.example.com:443", False)),
        ("speech.example.com:8443", "eu", ("speech.example.com:8443", False)),
        ("grpc://127.0.0.1:8443", "eu", ("127.0.0.1:8443", True)),
    ],
)
def test_where_google_is(endpoint: str, location: str, address: tuple[str, bool]) -> None:
    assert address_of(endpoint, GOOGLE_SPEECH, location, "GOOGLE_STT_ENDPOINT") == address


async def refusal(**environ: str) -> ConfigError:
    settings = load_settings({"STT_BACKEND": "google", **environ})
    with pytest.raises(ConfigError) as caught:
        async with google.open_recognizer(settings, NOTHING):
            pytest.fail("it was opened")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("endpoint", ["grpc://host", "https://host", "host:http", "grpc://host:1/path"])
async def test_a_wrong_endpoint_is_named(endpoint: str) -> None:
    assert (await refusal(GOOGLE_STT_ENDPOINT=endpoint)).variable == "GOOGLE_STT_ENDPOINT"


async def test_chirp_is_not_in_v1() -> None:
    error = await refusal(GOOGLE_STT_API_VERSION="v1", GOOGLE_STT_MODEL="chirp_3")
    assert str(error) == "GOOGLE_STT_MODEL: chirp_3 is served by v2 alone; set GOOGLE_STT_API_VERSION=v2"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot read "),
        ("not json", "is not a JSON key file"),
        ("[1]", "is not a JSON key file"),
        ('{"type": "service_account"}', "no credentials that can be used"),
    ],
)
async def test_credentials_that_cannot_be_used_are_one_line(text: str | None, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    error = await refusal(GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert error.variable == "GOOGLE_APPLICATION_CREDENTIALS"
    assert problem in str(error)


async def test_a_machine_without_credentials_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(scopes: Sequence[str]) -> None:
        raise DefaultCredentialsError("none were found")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", nothing)
    assert (await refusal()).variable == "GOOGLE_APPLICATION_CREDENTIALS"


async def test_a_service_account_signs_for_itself(key_file: Path) -> None:
    """A signature and no token server: nothing is asked when a call begins."""
    identity = await find_identity(key_file)
    assert identity.project == "a-shop"
    headers: dict[str, str] = {}

    def no_request(*_args: object, **_rest: object) -> None:
        pytest.fail("a token server was asked")

    # of a host not like this one, the library also asks in the background where the account may be used from
    url = "https://speech.eu.rep.googleapis.com/"
    await trio.to_thread.run_sync(identity.credentials.before_request, no_request, "POST", url, headers)
    assert headers["authorization"].startswith("Bearer ey")


def test_a_proxy_in_either_case_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_option("eu-speech.googleapis.com:443") == ("grpc.enable_http_proxy", 0)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert proxy_option("eu-speech.googleapis.com:443") == ("grpc.http_proxy", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.googleapis.com")
    assert proxy_option("eu-speech.googleapis.com:443") == ("grpc.enable_http_proxy", 0)


def test_what_v2_is_asked_for() -> None:
    dialect = Dialect("chirp_3", "projects/p/locations/eu/recognizers/_")
    message = wire_v2.configuration(dialect, RUSSIAN, ("зимние шины",))
    assert message.recognizer == "projects/p/locations/eu/recognizers/_"
    config = message.streaming_config.config
    assert (list(config.language_codes), config.model) == (["ru-RU"], "chirp_3")
    assert config.explicit_decoding_config.sample_rate_hertz == 8000
    assert config.adaptation.phrase_sets[0].inline_phrase_set.phrases[0].value == "зимние шины"
    features = message.streaming_config.streaming_features
    assert (features.interim_results, features.endpointing_sensitivity) == (True, 2)


def test_what_a_model_does_not_know_is_not_asked_of_it() -> None:
    message = wire_v2.configuration(google._dialect("r", "telephony"), RUSSIAN, ("зимние шины",))
    assert not message.streaming_config.config.HasField("adaptation")
    assert message.streaming_config.streaming_features.endpointing_sensitivity == 0


def test_what_v1_is_asked_for() -> None:
    message = wire_v1.configuration(Dialect("phone_call"), RUSSIAN, ("зимние шины",))
    config = message.streaming_config.config
    assert (config.language_code, config.model, config.use_enhanced) == ("ru-RU", "phone_call", True)
    assert list(config.speech_contexts[0].phrases) == ["зимние шины"]
    assert message.streaming_config.interim_results
