"""The engine's own part of a response, and the first greeting frame: everything others do answers at once.

The engine's own part (DESIGN section 6) is read from the record: flush (end of speech detected → last chunk on the
recogniser's wire) + first_token + first_sentence + first_audio (turn decided, the final being there → first speech
frame written). The response at the wire is measured by the caller: its recording is cut where Silero hears its speech
end, and the pause of the turn-taking table (500 ms, a choice and no delay) is taken off."""

import statistics

import httpx
import trio

from callengine.call.turns import TurnTimes
from callengine.caller.phone import open_phone
from callengine.media.silero import SileroModel, VoiceState
from callengine.media.vad import SPEECH_PROBABILITY, WINDOW_SAMPLES
from tests.bench.engine import SHORT, BenchEngine, open_bench_engine
from tests.speech import FIXTURES, load

CALLS, AT_ONCE = 40, 4
SETTLE_SECONDS = 0.6
OWN = ("flush", "first_token", "first_sentence", "first_audio")
RECORD_SECONDS = 1.0  # the journal writes behind


def cut_at_end_of_speech(slin: bytes, model: SileroModel) -> bytes:
    """The recording up to the end of its last window of speech."""
    state, end, size = VoiceState(), 0, WINDOW_SAMPLES * 2
    for begin in range(0, len(slin) - size + 1, size):
        if model.compute([slin[begin : begin + size]], [state])[0] >= SPEECH_PROBABILITY:
            end = begin + size
    return slin[:end]


async def measure() -> dict[str, list[float]]:
    """Milliseconds, each call: `greeting` (connected → its first frame), `own` part, `wire` response less the pause."""
    model = SileroModel()
    clips = [cut_at_end_of_speech(clip.slin, model) for clip in load(FIXTURES / "ru") if len(clip.slin) > 32000]
    found: dict[str, list[float]] = {"greeting": [], "own": [], "wire": []}
    places = trio.CapacityLimiter(AT_ONCE)
    async with open_bench_engine(SHORT) as engine, trio.open_nursery() as nursery:
        for number in range(CALLS):
            await trio.sleep(0.25)  # calls do not come in one instant
            nursery.start_soon(_one_call, engine, clips[number % len(clips)], found, places)
    return found


async def _one_call(
    engine: BenchEngine, clip: bytes, found: dict[str, list[float]], places: trio.CapacityLimiter
) -> None:
    async with places, open_phone(engine.host, engine.port) as phone:
        await phone.agent_silent(SETTLE_SECONDS)
        await phone.say(clip)
        await phone.agent_speaking(0.1)
        found["greeting"].append((phone.stats.greeting_seconds or float("nan")) * 1000)
        found["wire"] += [(seconds - TurnTimes().end_pause) * 1000 for seconds in phone.stats.responses[:1]]
    await trio.sleep(RECORD_SECONDS)
    async with httpx.AsyncClient() as client:
        record = (await client.get(f"{engine.api}/api/v1/calls/{phone.call_id}")).raise_for_status().json()
    stages = [turn["timings"] for turn in record["turns"] if "first_token" in turn["timings"]]
    found["own"] += [sum(stage[name] for name in OWN) * 1000 for stage in stages]


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile, maximum."""
    return statistics.median(values), statistics.quantiles(values, n=20)[-1], max(values)
