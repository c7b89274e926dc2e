"""What a call opens with, phrase by phrase, each said once the one before was heard."""

from callengine.call.parts import Call

Opening = list[tuple[str, bool]]  # phrases, and whether nothing interrupts them


def opening_of(call: Call) -> Opening:
    """That the call is recorded, where it is, then the greeting; or, on a connection that goes on with a call, that."""
    agent = call.agent
    if call.resumed is not None:  # where the caller still waits for an answer, it begins with that
        return [] if call.resumed.unanswered else [(agent.back_again or agent.greeting, False)]
    greeting = (agent.greeting, agent.greeting_uninterruptible)
    recorded = call.services.recorder is not None and bool(agent.recording_notice)
    return [(agent.recording_notice, True), greeting] if recorded else [greeting]
