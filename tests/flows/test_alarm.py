"""Who runs the installation is written to when the engine needs them: once an hour at most, in codes."""

from __future__ import annotations

import threading
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import delete, insert

from domain.mail import Mailbox
from flows.alarm import (
    AGAIN_AFTER,
    BETWEEN_LETTERS,
    LASTS,
    LATE,
    SENDING,
    SILENT,
    STARTS_WITHIN,
    WITHOUT_PREFECT,
    Alarm,
)
from flows.marks import set_mark, set_trouble
from flows.troubles import DOORS
from models.base import table_of
from models.engine import Beat
from models.ports import Later, Refused
from tests.cast import AT, Cast
from tests.flows.support import Clock, Mailbag, means_of

_beat = table_of(Beat)

TO = "operations@program.example"


class Installation:
    """One installation, with its mail and its time, and as many that look after it as are asked for."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.clock, self.bag = cast, Clock(), Mailbag()

    def alarm(self) -> Alarm:
        sender = Mailbox("spheres@program.example", "SPHÈRES")
        return Alarm(means_of(self.cast, self.clock, self.bag), sender, Mailbox(TO), "https://spheres.example")

    def beats(self, *, prefect: bool = True) -> None:
        """A worker gives a sign of life."""
        with self.cast.session() as session:
            session.execute(delete(_beat))
            session.execute(insert(_beat).values(process="worker-1", at=self.clock.now, prefect_up=prefect))

    def fails(self, code: str = "error.ConnectionError", key: str = "remind") -> None:
        with self.cast.session() as session:
            set_trouble(session, key, code, self.clock.now)

    def is_done(self, key: str) -> None:
        with self.cast.session() as session:
            set_mark(session, key, self.clock.now, "prefect")

    def letters(self) -> list[str]:
        """The texts of the letters that left."""
        found = []
        for _, message in self.bag.sent:
            part = message_from_bytes(message, policy=policy.default).get_body(("plain",))
            assert part is not None
            found.append(" ".join(str(part.get_content()).split()))
        return found


@pytest.fixture
def here(cast: Cast) -> Installation:
    return Installation(cast)


def test_an_engine_in_which_all_is_well_is_written_about_to_nobody(here: Installation) -> None:
    alarm = here.alarm()
    for _ in range(3):
        here.beats()
        assert not alarm.look()
        here.clock.pass_by(hours=1)
    assert here.bag.sent == []


def test_a_pool_without_a_worker_is_told_once_it_lasts_in_both_languages_with_its_code(here: Installation) -> None:
    alarm = here.alarm()
    here.beats()
    alarm.look()
    here.clock.pass_by(seconds=40)
    assert not alarm.look(), "a worker that starts again takes some seconds"
    here.clock.pass_by(minutes=1)
    assert alarm.look()
    assert [to for to, _ in here.bag.sent] == [TO]
    (letter,) = here.letters()
    assert "Aucun processus du moteur ne donne signe de vie" in letter
    assert "No worker of the engine gives a sign of life" in letter
    assert letter.count("[engine.silent]") == 2


def test_a_worker_that_is_back_at_the_next_look_is_not_told_of(here: Installation) -> None:
    alarm = here.alarm()
    for _ in range(10):
        alarm.look()
        here.clock.pass_by(seconds=50)
        here.beats()
        alarm.look()
        here.clock.pass_by(seconds=50)
    assert here.bag.sent == []


def test_a_round_that_fails_is_told_by_its_key_and_code_at_once_and_not_once_it_is_done(here: Installation) -> None:
    here.beats()
    here.fails()
    assert here.alarm().look()
    (letter,) = here.letters()
    assert "[remind: error.ConnectionError]" in letter
    with here.cast.session() as session:
        set_mark(session, "remind", AT, "worker")
    here.clock.pass_by(days=2)
    here.beats()
    assert not here.alarm().look()


def test_prefect_is_told_of_where_it_is_away_for_long(here: Installation) -> None:
    alarm = here.alarm()
    for _ in range(15):
        here.beats(prefect=False)
        assert not alarm.look()
        here.clock.pass_by(minutes=1)
    here.beats(prefect=False)
    assert alarm.look()
    assert f"[{WITHOUT_PREFECT}]" in here.letters()[0]
    assert LASTS[WITHOUT_PREFECT] == timedelta(minutes=15)


def test_the_same_troubles_are_told_once_a_day_and_others_once_an_hour(here: Installation) -> None:
    sent = []
    for minutes in range(0, 26 * 60, 30):
        here.clock.now = AT + timedelta(minutes=minutes)
        here.beats()
        if minutes in (0, 30):
            here.fails("error.OSError" if minutes else "error.ConnectionError")
        if here.alarm().look():
            sent.append(timedelta(minutes=minutes))
    assert sent == [timedelta(0), BETWEEN_LETTERS, BETWEEN_LETTERS + AGAIN_AFTER]


def test_a_letter_that_the_relay_does_not_take_now_is_sent_at_the_next_look(here: Installation) -> None:
    here.beats()
    here.fails()
    here.bag.answers = [Later("connect")]
    assert not here.alarm().look()
    assert here.alarm().look()


def test_where_two_look_at_the_same_moment_one_writes(here: Installation) -> None:
    here.beats()
    here.fails()
    both = [threading.Thread(target=here.alarm().look) for _ in range(4)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(here.bag.sent) == 1


def test_where_our_account_was_refused_it_is_written_within_the_hour_after_it_is_put_right(here: Installation) -> None:
    """The relay's word expires at night and is put right in the morning; the trouble is the same all the while."""
    here.beats()
    here.fails()
    here.bag.answers = [Refused(permanent=False, code="535")] * 3
    tried = []
    for minutes in range(0, 5 * 60, 10):
        here.clock.now = AT + timedelta(minutes=minutes)
        here.beats()
        before = len(here.bag.sent)
        left = here.alarm().look()
        if len(here.bag.sent) > before:
            tried.append((minutes, left))
    assert tried == [(0, False), (60, False), (120, False), (180, True)]


def test_one_that_dies_as_it_writes_keeps_the_letter_back_for_minutes_and_no_day(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.beats()
    here.fails()

    class Killed(BaseException):
        pass

    def killed(**_: object) -> None:
        raise Killed

    alarm = here.alarm()
    monkeypatch.setattr(here.bag, "send", killed)
    with pytest.raises(Killed):
        alarm.look()
    monkeypatch.undo()
    here.clock.pass_by(seconds=SENDING.total_seconds() - 1)
    here.beats()
    assert not here.alarm().look(), "it may be at it still"
    here.clock.pass_by(seconds=1)
    here.beats()
    assert here.alarm().look()


def test_a_worker_that_died_before_the_clock_was_put_back_is_told_of(here: Installation) -> None:
    alarm = here.alarm()
    here.beats()
    assert not alarm.look()
    here.clock.pass_by(days=-1)
    assert not alarm.look()
    here.clock.pass_by(minutes=1)
    assert alarm.look()


def test_an_engine_that_takes_some_minutes_to_begin_is_no_silent_one_and_one_that_never_begins_is(
    here: Installation,
) -> None:
    """As while a new version brings its database to it: the web is there before the worker."""
    alarm = here.alarm()
    silent_for = 0
    while not alarm.look():
        silent_for += 1
        assert silent_for <= 10
        here.clock.pass_by(minutes=1)
    assert timedelta(minutes=silent_for) == STARTS_WITHIN + LASTS[SILENT]


def test_an_engine_that_began_and_fell_silent_is_told_of_without_that_wait(here: Installation) -> None:
    alarm = here.alarm()
    alarm.look()
    here.beats()
    here.clock.pass_by(seconds=20)
    alarm.look()
    here.clock.pass_by(minutes=1)
    alarm.look()
    here.clock.pass_by(minutes=1)
    assert alarm.look()


def test_a_round_that_does_not_come_and_never_fails_is_told_once_that_lasts(here: Installation) -> None:
    """As where a worker hangs in it: whoever else would do it finds it taken, each time."""
    here.is_done("remind")
    alarm = here.alarm()
    left = []
    for hours in range(25):
        here.clock.now = AT + timedelta(hours=hours)
        here.beats()
        left.append(alarm.look())
    # 14:00 in UTC is 9:00 here: digests leave at 8:00, so that the next are due 23 hours later, and late after that.
    assert not any(left)
    here.clock.pass_by(minutes=15)
    here.beats()
    assert alarm.look()
    (letter,) = here.letters()
    assert f"[remind: {LATE}]" in letter
    assert "does not come" in letter
    here.is_done("remind")
    here.clock.pass_by(hours=30)
    here.is_done("remind")
    here.beats()
    assert not alarm.look()


def test_rounds_that_wait_for_an_engine_that_was_off_are_late_to_no_one_while_it_catches_up(here: Installation) -> None:
    for key in ("sweep", "gatherings"):
        here.is_done(key)
    here.clock.pass_by(days=3)
    alarm = here.alarm()
    here.beats()
    assert not alarm.look()
    here.clock.pass_by(minutes=2)
    for key in ("sweep", "gatherings"):
        here.is_done(key)
    here.clock.pass_by(minutes=13)
    here.beats()
    assert not alarm.look()


def test_a_round_that_is_done_here_no_more_is_told_of_no_more(here: Installation) -> None:
    """A mailbox that was taken out of the settings, and a round that a later version has not."""
    for key in ("incoming", "of_old"):
        here.is_done(key)
        here.fails(key=key)
    alarm = here.alarm()
    for _ in range(5):
        here.beats()
        assert not alarm.look()
        here.clock.pass_by(days=1, minutes=1)


def test_what_is_done_all_the_time_is_told_of_where_it_fails_for_a_minute(here: Installation) -> None:
    alarm = here.alarm()
    here.beats()
    here.fails("error.ValueError", DOORS)
    assert not alarm.look(), "a statement that was beaten once is tried again in a second"
    here.clock.pass_by(minutes=1)
    here.beats()
    assert alarm.look()
    (letter,) = here.letters()
    assert f"[{DOORS}: error.ValueError]" in letter
    assert "Something that is done all the time fails" in letter
