"""What our own children are told: their settings, and nothing of ours."""

from callengine.services.own_parts import passed_on, whisper_settings


def test_no_secret_of_the_engine_reaches_a_child() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/root",
        "API_TOKEN": "s3cret",
        "ANTHROPIC_API_KEY": "s3cret",
        "DATABASE_URL": "postgresql://u:s3cret@h/d",
        "HTTPS_PROXY": "http://u:s3cret@proxy",
        "WHISPER_TOKEN": "s3cret",
        "WHISPER_TOKEN_FILE": "/run/s3cret",
        "WHISPER_TLS_KEY": "s3cret",
        "WHISPER_LISTEN": "0.0.0.0:8443",
        "WHISPER_MODEL": "small",
    }
    assert passed_on(environ) == {"PATH": "/bin", "HOME": "/root"}
    assert whisper_settings(environ) == {"WHISPER_MODEL": "small"}
