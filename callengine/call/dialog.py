"""The dialog: one loop that takes what the caller does, asks the turn-taking table, and does what it says.

It never waits for anything but the next event: answers are made in a task of their own, which the loop may cancel."""

from dataclasses import replace

import trio

from callengine import metrics
from callengine.call.ahead import Ahead
from callengine.call.answer import make_answer, request_of
from callengine.call.events import AnswerDone, AnswerHeard, AnswerStarted, DialogEvent, ToneHeard, TransferOrdered
from callengine.call.filler import fill_silence, fillers_of
from callengine.call.handover import give_up, to_person
from callengine.call.keeping import Keeping, begin_history
from callengine.call.opening import opening_of
from callengine.call.opinions import Opinions
from callengine.call.parts import Call, Ending
from callengine.call.presence import Presence
from callengine.call.record import Record
from callengine.call.reprompts import Reprompts
from callengine.call.speaker import AnswerEnds, Say, Speaker
from callengine.call.summary import plain_summary
from callengine.call.time_limit import TimeLimit
from callengine.call.timing import ResponseTimes
from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    Answer,
    CallerPressed,
    CallerUnheard,
    CorrectRecord,
    Do,
    Event,
    LastWords,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turn_words import load_turn_words
from callengine.call.turns import Turns
from callengine.errors import ReasoningError
from callengine.ports.reasoning import CallerSaid

CLOSING_SIGNS = " \"'»”)"  # behind a question mark

Events = trio.MemorySendChannel[DialogEvent]


class Dialogue:
    """One call's conversation: the table, the history, and the answer being made."""

    def __init__(self, call: Call, speaker: Speaker, events: Events, record: Record) -> None:
        self._call = call
        self._speaker = speaker
        self._events = events
        self._record = record
        words = load_turn_words(call.agent.language, call.agent.complete)
        self._turns = Turns(call.limits.times, words=words)
        self._presence = Presence(words, call.leg.began)
        self._history = begin_history(call)
        self._keeping = Keeping(call, self._history, record)
        self._ahead = Ahead(call.services.dialog, call.limits.speculate)
        call.services = replace(call.services, dialog=self._ahead)  # answers take what was begun ahead
        self._opinions = Opinions(call.services.turn_end, call.agent.language, events)
        self._thinking = trio.CancelScope()
        self._answering = trio.Lock()  # an answer that was cancelled may still have to wait for a write
        self._times = ResponseTimes()
        self._ending: Ending | None = None
        self._over = False
        self.answers_heard = call.resumed.answers_heard if call.resumed else 0  # to their end; the greeting is one
        self._reprompts = Reprompts(call.agent)
        self._fillers = fillers_of(call.agent)
        self._opening, self._announces = opening_of(call), False  # `_announces`: nothing interrupts what is begun
        self._limit = TimeLimit(call.opened, call.limits.max_seconds, warned=not call.agent.ending_soon)
        self._nursery: trio.Nursery

    async def run(self, events: trio.MemoryReceiveChannel[DialogEvent]) -> Ending:
        """Hold the conversation to its end. Raises what the dialog backend raises."""
        async with trio.open_nursery() as self._nursery:
            try:
                self._open()
                while not self._over:
                    self._take(await self._next_event(events))
                    self._look_ahead()
                    self._keeping.look()
                self._nursery.cancel_scope.cancel("the conversation is over")
            finally:
                # also when the caller has hung up in mid-word: what was heard is what is recorded. Here and not outside
                # the nursery, which may have to wait for a write
                self._end_agent_turn(self._speaker.heard(), interrupted=True)
                self._record.release()
                self._keeping.look()
                self._ahead.drop()
        return self._ending or Ending("completed")

    async def _next_event(self, events: trio.MemoryReceiveChannel[DialogEvent]) -> DialogEvent | Tick:
        deadline, look = self._turns.deadline, self._limit.next_look(trio.current_time())
        with trio.move_on_at(look if deadline is None else min(deadline, look)):
            return await events.receive()
        leg = self._call.leg
        return Tick(quiet=leg.tracker.quiet, owed=leg.speech_since is not None)

    def _take(self, event: DialogEvent | Tick) -> None:
        now = trio.current_time()
        if self._is_to_end(event, now):
            return
        match event:
            case AnswerStarted(number=number):
                if number == self._speaker.number:
                    self._times.first_piece = now
                    self._feed(AgentStarted(announces=self._announces), now)
                    self._announces = False
            case AnswerDone(number=number):
                if number == self._speaker.number and event.ending is not None:
                    self._ending = event.ending
                    self._feed(LastWords(), now)
            case AnswerHeard(number=number):
                if number == self._speaker.number:
                    heard = self._speaker.heard()
                    self._end_agent_turn(heard, interrupted=False)
                    self.answers_heard += not self._opening
                    self._speaker.begin()
                    self._feed(AgentFinished(asked=heard.rstrip(CLOSING_SIGNS).endswith("?")), now)
                    self._go_on_opening()
            case TransferOrdered(target=target):
                summary = plain_summary(self._call.agent, self._call.caller, self._history.items)
                ending = Ending("transferred", "ordered from outside", target, summary)
                self._cut_in(self._call.agent.transferring, ending)
            case CallerPressed(digit="0") if self._zero_leads_away():
                self._cut_in(*to_person(self._call, self._history, self._record))
            case ToneHeard():
                pass  # `_is_to_end` has looked at it
            case _:
                self._feed(event, now)
        self._warn(now)

    def _warn(self, now: float) -> None:
        """Say that the call ends soon, if this is the moment for it."""
        if self._ending is None and self._limit.warns(self._turns, now):
            self._turns.listen(now)
            self._say_fixed(self._call.agent.ending_soon)

    def _is_to_end(self, event: DialogEvent | Tick, now: float) -> bool:
        """Whatever the event means to the conversation: nobody is there, or the time is up."""
        if self._turns.state is not State.CLOSING and (nobody := self._presence.feed(event, now)):
            self._ending, self._over = Ending("no_input", nobody), True  # a machine is told nothing
            return True
        if self._limit.over(now):
            self._cut_in(self._call.agent.too_long, Ending("too_long"))
            return True
        return False

    def _look_ahead(self) -> None:
        self._opinions.look(self._nursery, self._turns, self._history.items, trio.current_time())
        call, history = self._call, self._history
        self._ahead.look(self._nursery, self._turns, lambda text: request_of(call, (*history.items, CallerSaid(text))))

    def _zero_leads_away(self) -> bool:
        number_begun = bool(self._turns.utterance.digits)
        return bool(self._call.agent.transfer.on_zero) and not number_begun and self._turns.state is not State.CLOSING

    def _feed(self, event: Event, now: float) -> None:
        if not isinstance(event, Tick | AgentStarted | AgentFinished | LastWords | CallerUnheard):
            self._reprompts.begin_anew()
        for action in feed(self._turns, event, now):
            self._act(action, now)

    def _act(self, action: Action, now: float) -> None:
        playout = self._call.leg.playout
        match action:
            case Answer():
                self._answer(action, now)
            case CorrectRecord(text=text):
                self._history.correct_caller(text)
                self._record.correct_caller(text)
            case Do.DROP_ANSWER:
                self._thinking.cancel("the caller goes on")
                heard = self._speaker.flush()
                self._history.take_back()
                self._record.take_back()
                if heard:  # a filler
                    self._history.agent(heard, interrupted=True)
                    self._record.agent(heard, (self._call.leg.spoke_at, now), True, {})
            case Do.PAUSE:
                playout.pause()
                if self._turns.speech_began is not None:
                    metrics.barge_in_seconds.observe(now - self._turns.speech_began)
            case Do.RESUME:
                playout.resume()
            case Do.FLUSH:
                self._thinking.cancel("the caller has the word")
                self._end_agent_turn(self._speaker.flush(), interrupted=True)
            case Do.REPROMPT:
                self._say_fixed(*self._reprompts.next(silent=self._presence.silent))
            case Do.ONE_MOMENT:
                self._ask_to_wait()
            case Do.HANG_UP:
                self._over = True

    # Answers

    def _open(self) -> None:
        """Greet; or tell the caller that the call goes on, and answer what is still to be answered."""
        before = self._call.resumed
        if before is not None and before.unanswered:
            self._nursery.start_soon(self._think, self._speaker.begin(), self._thinking, self._call.agent.back_again)
        self._go_on_opening()

    def _go_on_opening(self) -> None:
        """The next phrase, unless the caller has the word: then they are answered, and know what the call is."""
        phrase, announces = self._opening.pop(0) if self._opening else ("", False)
        if phrase and self._turns.state is State.LISTENING and not self._turns.utterance.text:
            self._announces = announces
            self._say_fixed(phrase)

    def _answer(self, answer: Answer, now: float) -> None:
        self._ending = None
        self._history.caller(self._ahead.as_sent(answer.text))
        self._record.caller(answer.text, self._turns.answered.began, answer.speech_ended)
        self._times = ResponseTimes(answer.speech_ended, answer.pause_over, now, flush=self._call.leg.flush_seconds)
        self._thinking = trio.CancelScope()
        self._nursery.start_soon(self._think, self._speaker.begin(), self._thinking)

    async def _think(self, number: int, scope: trio.CancelScope, opening: str = "") -> None:
        first, times = True, self._times

        def began() -> None:
            times.first_token = times.first_token or trio.current_time()

        async def say(text: str, rate: float = 1.0) -> None:
            nonlocal first
            if first:
                first = False
                await self._events.send(AnswerStarted(number))
            await self._speaker.say(Say(number, self._call.agent.prompt(text, rate)))

        with scope:
            async with trio.open_nursery() as beside:
                beside.start_soon(fill_silence, self._call.leg, self._speaker, self._fillers)
                async with self._answering:
                    if opening:
                        await say(opening)
                    try:
                        ending = await make_answer(self._call, self._history, self._record, say, began)
                    except ReasoningError as error:
                        ending = await give_up(self._call, self._history, self._record, say, error)
                beside.cancel_scope.cancel("answered")
            await self._finish_answer(number, ending)

    async def _finish_answer(self, number: int, ending: Ending | None) -> None:
        await self._events.send(AnswerDone(number, ending))
        await self._speaker.say(AnswerEnds(number))

    def _say_fixed(self, text: str, ending: Ending | None = None) -> None:
        """An answer that needs no thinking: a phrase of the agent file."""
        self._times = ResponseTimes()
        self._ending = ending
        self._thinking = trio.CancelScope()
        self._nursery.start_soon(self._speak_fixed, self._speaker.begin(), text, self._thinking)

    async def _speak_fixed(self, number: int, text: str, scope: trio.CancelScope) -> None:
        ending = self._ending
        with scope:
            await self._events.send(AnswerStarted(number))
            await self._speaker.say(Say(number, self._call.agent.prompt(text)))
            await self._finish_answer(number, ending)

    def _ask_to_wait(self) -> None:
        if phrase := self._call.agent.one_moment:
            self._say_fixed(phrase)

    def _cut_in(self, text: str, ending: Ending | None) -> None:
        """Whatever is going on: say this, then end the call so, if it is to end."""
        self._thinking.cancel("something else is said")
        self._end_agent_turn(self._speaker.flush(), interrupted=True)
        self._turns.state, self._turns.deadline = State.LISTENING, None
        self._say_fixed(text, ending)

    def _end_agent_turn(self, heard: str, interrupted: bool) -> None:
        """The agent's turn is over: it enters the history and the record as what was heard of it."""
        leg = self._call.leg
        if heard:
            self._times.first_frame = leg.spoke_at
        stages = self._times.stages()
        self._history.agent(heard, interrupted)
        ended = trio.current_time() if leg.talking else leg.silent_from
        self._record.agent(heard, (leg.spoke_at, ended), interrupted, stages)
        metrics.observe_stages(stages)
        self._times = ResponseTimes()
