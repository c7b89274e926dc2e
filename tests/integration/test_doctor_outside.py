"""The doctor beside what an engine asks of others: the Store, recogniser, voice, Claude, and the way there."""

import socket
from contextlib import closing

import pytest

from callengine.doctor.backends import look_at_dialog, look_at_fallback, look_at_recogniser, look_at_voice
from callengine.doctor.clock import look_at_clock
from callengine.doctor.network import HANDSHAKES, handshakes, look_at_network
from callengine.doctor.store import look_at_store
from tests.examined import examined, red, told
from tests.messages_api.server import KEY, running_messages_api
from tests.misbehaving_speech import misbehaving
from tests.store_child import running_store

pytestmark = pytest.mark.integration


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


async def test_a_store_with_its_tools_and_one_that_refuses_the_token() -> None:
    with running_store("right") as url:
        found = await examined(look_at_store, STORE_API_URL=url, STORE_API_TOKEN="right")
        assert red(found) == []
        assert "bears the agents' tools (ru-RU " in found[0].says
        assert f"the Store at {url} answers in" in found[1].says
        wrong = await examined(look_at_store, STORE_API_URL=url, STORE_API_TOKEN="s3cret-and-wrong")
    assert "STORE_API_TOKEN" in red(wrong)[0]
    assert "s3cret" not in str(wrong)


async def test_an_agent_that_cannot_be_read_is_the_settings_line() -> None:
    [found] = await examined(look_at_store, STORE_API_URL="http://127.0.0.1:1", AGENT_FILE="/nowhere.toml")
    assert (found.verdict, "see settings" in found.says) == ("note", True)


async def test_claude_by_its_model_s_card_and_with_a_wrong_key() -> None:
    with running_messages_api() as url:
        claude = {"DIALOG_BACKEND": "claude", "ANTHROPIC_BASE_URL": url}
        [well] = await examined(look_at_dialog, claude, ANTHROPIC_API_KEY=KEY)
        assert well.verdict == "ok"
        assert well.says.startswith("Claude (claude-haiku-5-5) answers in")
        wrong = await examined(look_at_dialog, claude, ANTHROPIC_API_KEY="s3cret-and-wrong")
        compared = await examined(look_at_clock, claude, ANTHROPIC_API_KEY=KEY)
    assert "ANTHROPIC_API_KEY" in red(wrong)[0]
    assert "s3cret" not in str(wrong)
    assert red(compared) == [], "its clock is ours"
    away = await examined(look_at_dialog, claude, ANTHROPIC_API_KEY=KEY)
    assert "ANTHROPIC_BASE_URL" in red(away)[0]


async def test_a_recogniser_that_refuses_and_a_fallback_that_is_away() -> None:
    with misbehaving("denied") as address:
        google = {"STT_BACKEND": "google", "GOOGLE_STT_ENDPOINT": f"grpc://{address}"}
        [line] = red(await examined(look_at_recogniser, google))
    assert "look at GOOGLE_APPLICATION_CREDENTIALS" in line
    spare = {"STT_FALLBACK": "whisper", "WHISPER_URL": f"grpc://127.0.0.1:{closed_port()}"}
    [line] = red(await examined(look_at_fallback, spare))
    assert "look at WHISPER_URL" in line
    [none] = await examined(look_at_fallback)
    assert none.verdict == "note"


async def test_a_voice_and_its_spare() -> None:
    found = await examined(look_at_voice, TTS_FALLBACK="espeak")
    assert [verdict for verdict, _ in told(found)] == ["ok", "ok"], found
    assert [finding.says.partition(" answers")[0] for finding in found] == [
        "the voice 'scripted'",
        "the voice 'espeak'",
    ]
    [line] = red(await examined(look_at_voice, TTS_BACKEND="nobody"))
    assert line.startswith("TTS_BACKEND: no backend is called 'nobody'")


async def test_handshakes_are_timed_and_nothing_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=HANDSHAKES) as listener:
        round_trips = await handshakes(*listener.getsockname())
        assert len(round_trips) == HANDSHAKES
        assert all(seconds > 0 for seconds in round_trips)
        for _ in range(HANDSHAKES):
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1) == b""


async def test_the_table_has_a_row_for_each_and_names_the_setting_of_one_that_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=2 * HANDSHAKES) as listener:
        port = listener.getsockname()[1]
        found = await examined(
            look_at_network,
            ASTERISK_ARI_URL=f"http://127.0.0.1:{closed_port()}",
            STORE_API_URL=f"http://user:s3cret@127.0.0.1:{port}/api",
            STT_BACKEND="whisper",
            WHISPER_URL=f"grpc://127.0.0.1:{port}",
            MAX_CALLS="50",
        )
    asterisk, store, whisper, uplink = (says for _, says in told(found))
    assert "is ASTERISK_ARI_URL right?" in asterisk
    assert (found[0].verdict, found[3].verdict) == ("fail", "note")
    assert f"the Store (127.0.0.1:{port}): round trip" in store
    assert "wanted < 10 ms" in store
    assert "whisper-server" in whisper
    assert "50 streams send 7.1 Mbit/s" in uplink
    assert "s3cret" not in str(found)


async def test_behind_a_proxy_nothing_is_measured_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    found = await examined(look_at_network, DIALOG_BACKEND="claude", ANTHROPIC_API_KEY="s3cret")
    [claude] = [finding for finding in found if finding.says.startswith("Claude")]
    assert claude.verdict == "note"
    assert "not measured, HTTPS_PROXY lies between" in claude.says
    assert "s3cret" not in str(found)
