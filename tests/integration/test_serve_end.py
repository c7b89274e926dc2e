"""How `callengine serve` ends, and what it survives: SIGTERM, a second one, SIGKILL, the death of a part of its own."""

import fcntl
import signal
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
import pytest
import trio

from callengine.caller.line import NotConnectedError
from callengine.caller.phone import open_phone
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, PATIENCE_SECONDS, closed_record, open_api
from tests.speech import DEMO, load

pytestmark = pytest.mark.integration

INTERRUPTED = 130


async def reachable(address: str) -> bool:
    """Whether anything accepts connections there."""
    host, _, port = address.rpartition(":")
    try:
        await (await trio.open_tcp_stream(host, int(port))).aclose()
    except OSError:
        return False
    return True


async def nothing_left(engine: EngineProcess, family: list[psutil.Process], data_dir: Path) -> None:
    """No process, no port and no lock of an engine that has ended."""
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert alive == []
    assert not await reachable(engine.audiosocket)
    assert not await reachable(engine.api)
    for lock in (data_dir / "lock", data_dir / "postgres/lock", data_dir / "valkey/lock"):
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def words_of_caller(api: httpx.AsyncClient, call_id: UUID) -> str:
    """What the record has of the caller so far: what was said, once it has been answered."""
    turns = (await api.get(f"/api/v1/calls/{call_id}")).json()["turns"]
    return " ".join(turn["text"] for turn in turns if turn["role"] == "caller").lower()


async def until_draining(engine: EngineProcess) -> None:
    async with open_api(engine) as api:
        while (await api.get("/health/accepting")).status_code == 200:
            await trio.sleep(0.02)


async def test_sigterm_lets_a_call_end_and_takes_no_other(tmp_path: Path) -> None:
    with running_engine(tmp_path / "data") as engine, trio.fail_after(PATIENCE_SECONDS):
        family = engine.family()
        async with open_phone("127.0.0.1", engine.port) as phone:
            assert await phone.agent_speaking()
            engine.tell(signal.SIGTERM)
            await until_draining(engine)
            with pytest.raises(NotConnectedError):
                async with open_phone("127.0.0.1", engine.port):
                    pytest.fail("a call was taken while draining")
            heard = phone.stats.frames_received
            assert await phone.say(GOODBYE), "the call that was up goes on"
            assert phone.stats.frames_received > heard
            assert engine.process.poll() is None
        assert await trio.to_thread.run_sync(engine.status) == 0
        await nothing_left(engine, family, tmp_path / "data")
    assert [line["event"] for line in engine.log() if line["event"].startswith("drain")] == ["draining", "drained"]
    assert not [line for line in engine.log() if line["level"] in ("error", "critical")]


async def test_what_does_not_end_in_time_is_handed_over(tmp_path: Path) -> None:
    call_id = uuid4()
    with running_engine(tmp_path / "data", DRAIN_SECONDS="0") as engine, trio.fail_after(PATIENCE_SECONDS):
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            assert await phone.agent_speaking()
            engine.tell(signal.SIGTERM)
            await phone.over()
        assert await trio.to_thread.run_sync(engine.status) == 0
    with running_engine(tmp_path / "data") as engine:
        async with open_api(engine) as api:
            assert (await closed_record(api, call_id))["outcome"] == "handed_over"


async def test_a_second_sigterm_ends_it_at_once(tmp_path: Path) -> None:
    with running_engine(tmp_path / "data") as engine, trio.fail_after(PATIENCE_SECONDS):
        family = engine.family()
        async with open_phone("127.0.0.1", engine.port) as phone:
            assert await phone.agent_speaking()
            engine.tell(signal.SIGTERM)
            await until_draining(engine)
            engine.tell(signal.SIGTERM)
            assert await trio.to_thread.run_sync(engine.status) == INTERRUPTED
            await phone.over()
        await nothing_left(engine, family, tmp_path / "data")


async def test_after_a_kill_the_next_engine_goes_on_with_the_data(tmp_path: Path) -> None:
    call_id = uuid4()
    with running_engine(tmp_path / "data") as engine:
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            assert await phone.agent_silent(0.3)
        async with open_api(engine) as api:
            before = await closed_record(api, call_id)
        async with open_phone("127.0.0.1", engine.port) as phone:
            assert await phone.agent_speaking()
            engine.tell(signal.SIGKILL)
            await phone.over()
        assert engine.status() == -signal.SIGKILL
    with running_engine(tmp_path / "data") as engine:
        async with open_api(engine) as api:
            assert await closed_record(api, call_id) == before
            async with open_phone("127.0.0.1", engine.port) as phone:
                assert await phone.agent_speaking()


async def test_a_store_that_dies_is_started_again_where_it_was(tmp_path: Path) -> None:
    with running_engine(tmp_path / "data") as engine, trio.fail_after(PATIENCE_SECONDS):
        store = next(child for child in engine.family() if "callengine.services.demo_store" in child.cmdline())
        [address] = [
            f"{each.laddr.ip}:{each.laddr.port}" for each in store.net_connections() if each.status == "LISTEN"
        ]
        store.kill()
        while not [line for line in engine.log() if line["event"] == "child_is_back"]:
            await trio.sleep(0.02)
        assert await reachable(address)
        [died] = [line for line in engine.log() if line["level"] == "error"]
        assert died["event"] == "child_died"
        assert died["problem"].startswith("the demo Store was killed by SIGKILL")


@pytest.mark.slow
async def test_a_call_outlives_its_whisper_server(tmp_path: Path) -> None:
    """The caller goes on talking while the recogniser is started again; what is said meanwhile is recognised, after a
    word that asks to wait if it takes long."""
    said = {clip.name: clip.slin for clip in load(DEMO / "ru")}
    call_id, patient = uuid4(), {"STT_BACKEND": "whisper", "STT_AWAY_SECONDS": "55"}
    with running_engine(tmp_path / "data", **patient) as engine, trio.fail_after(PATIENCE_SECONDS):
        whisper = next(child for child in engine.family() if "whisper_server.main" in child.cmdline())
        async with open_api(engine) as api:
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                assert await phone.agent_speaking()
                assert await phone.agent_silent(0.6)
                whisper.kill()
                assert await phone.say(said["01-winter-tyres"])
                while not [line for line in engine.log() if line["event"] == "child_is_back"]:
                    await trio.sleep(0.02)
                while not (heard := await words_of_caller(api, call_id)):
                    await trio.sleep(0.1)
            assert (await closed_record(api, call_id))["outcome"] == "completed"
    assert "зимн" in heard
