"""What a caller of `callengine call` does, from the greeting to the goodbye."""

from dataclasses import dataclass

import trio

from callengine.caller.phone import Phone


@dataclass(frozen=True, slots=True)
class Script:
    """Recordings (name, 8 kHz slin) in order, keys after them, and how the caller takes turns."""

    recordings: tuple[tuple[str, bytes], ...] = ()
    digits: str = ""
    talk_over_seconds: float | None = None  # None: waits until the agent has stopped
    pause_seconds: float = 0.6
    stay_seconds: float = 2.0  # after the last answer: the agent may have more to say, or hang up
    max_seconds: float = 120.0


async def run_script(phone: Phone, script: Script) -> bool:
    """Play a script; True when the caller got through all of it, whoever then hung up."""
    told_all = False
    with trio.move_on_after(script.max_seconds):
        told_all = await _tell_all(phone, script)
        if told_all and await phone.agent_silent(script.stay_seconds):
            phone.hang_up()
    phone.hang_up()
    return told_all


async def _tell_all(phone: Phone, script: Script) -> bool:
    for name, slin in script.recordings:
        if not await _take_turn(phone, script):
            return False
        phone.tell_playing(name)
        if not await phone.say(slin):
            return False
    if not script.digits:
        return True
    return await _take_turn(phone, script) and await phone.press(script.digits)


async def _take_turn(phone: Phone, script: Script) -> bool:
    if script.talk_over_seconds is None:
        return await phone.agent_silent(script.pause_seconds)
    return await phone.agent_speaking(script.talk_over_seconds)
