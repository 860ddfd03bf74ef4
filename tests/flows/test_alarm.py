"""Who runs the installation is written to when the engine needs them: once an hour at most, in codes."""

from __future__ import annotations

import threading
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import delete, insert

from domain.mail import Mailbox
from flows.alarm import AGAIN_AFTER, BETWEEN_LETTERS, LASTS, WITHOUT_PREFECT, Alarm
from flows.marks import set_mark, set_trouble
from models.base import table_of
from models.engine import Beat
from models.ports import Later
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

    def fails(self, code: str = "error.ConnectionError") -> None:
        with self.cast.session() as session:
            set_trouble(session, "remind", code, self.clock.now)

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
    for minutes in range(0, 26 * 60, 15):
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
