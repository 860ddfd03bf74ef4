"""A consent to the program that is taken back: people are asked what follows, and nothing is blocked in silence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import SMTP
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.accompaniment import barring, consents, states, withdrawals
from domain.accompaniment.consent_forms import SignedForm
from domain.accompaniment.consents import STORE
from domain.accompaniment.withdrawals import FOLLOWS, SPEAK, STOPPED, STOPS, StillAsked
from domain.casework import asking, tasks
from domain.follow_ups import assigning
from domain.people import absences
from domain.roles.roles import standing
from flows import contacts
from models.base import table_of
from models.outbox import Notice
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.flows.support import means_of
from tests.following import (
    SECOND,
    THIRD,
    WORKER,
    agreed,
    followed,
    known_as_somebody,
    left_without_consent,
    parts,
    row_of,
    tasks_of,
    told_of,
)
from tests.refusing import refused

_notice = table_of(Notice)

SIGNED = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True)
DAY = timedelta(days=1)


def _follow(cast: Cast) -> UUID:
    """A follow-up by a pair of somebody who consented to the program, and another one beside it."""
    with cast.session() as session:
        agreed(session, cast)
        followed(session, cast, "#2026-09")
        found = followed(session, cast, second=SECOND)
        participant_id = row_of(session, found)["participant_id"]
        known_as_somebody(session, participant_id)
        left_without_consent(session, participant_id)
        signing.sign(session, participant_id, "program", SIGNED, by=cast.actor(WORKER), at=AT)
    return found


@pytest.fixture
def follow_up(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, _follow)


def _withdrawn(session: Session, cast: Cast, follow_up: UUID) -> UUID:
    participant_id: UUID = row_of(session, follow_up)["participant_id"]
    (row,) = [
        one
        for one in consents.consents_of(session, participant_id)
        if one.withdrawn_on is None and one.replaced_at is None
    ]
    consents.withdraw(session, row.id, by=cast.actor(WORKER), at=AT)
    return participant_id


@dataclass(frozen=True)
class _Letter:
    template: str
    to: UUID
    subject: str
    text: str


def _letters(session: Session) -> list[_Letter]:
    """What people are told of consents by mail."""
    rows = session.execute(select(_notice).where(_notice.c.template.like("%consent%")).order_by(_notice.c.n))
    return [
        _Letter(row.template, row.person_id, row.subject, message_from_bytes(row.message, policy=SMTP).as_string())
        for row in rows
    ]


def _open(session: Session, step: str) -> list[tuple[str, str]]:
    return [(one["title_en"], one["state"]) for one in tasks_of(session, step)]


@pytest.mark.ci
def test_the_worker_and_the_coordinator_are_asked_at_once_and_nothing_stops(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = _withdrawn(session, cast, follow_up)
        assert withdrawals.asked(session, participant_id) == StillAsked(worker=True, coordinator=True)
        assert row_of(session, follow_up)["state"] == "active"
        ((title, _),) = _open(session, SPEAK)
        assert "#2026-01" in title
        assert "Ondine" not in title
        withdrawals.ask_what_follows(session, participant_id, by=cast.actor("coordinator"), at=AT)
        assert (len(_open(session, SPEAK)), len(_open(session, FOLLOWS))) == (1, 1), "once"
    for name, word in ((WORKER, "Speak with #2026-01"), ("coordinator", "See what follows: #2026-01")):
        assert word in client_for(cast.database, cast.people[name], at=AT).get("/").text, name
    assert "#2026-01" not in client_for(cast.database, cast.people[SECOND], at=AT).get("/").text


def test_it_ends_with_the_follow_up_or_with_a_consent_signed_anew(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = _withdrawn(session, cast, follow_up)
        signing.sign(session, participant_id, "program", SIGNED, by=cast.actor(WORKER), at=AT)
        assert withdrawals.asked(session, participant_id) is None
        assert {state for step in (SPEAK, FOLLOWS) for _, state in _open(session, step)} == {"done"}
        _withdrawn(session, cast, follow_up)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT)
        assert withdrawals.asked(session, participant_id) is None
        with refused("consent.nothing_asked"):
            withdrawals.go_on(session, participant_id, for_everyone=True, by=cast.actor("coordinator"), at=AT)


def test_a_consent_signed_anew_is_the_coordinator_s_to_store_with_the_copy_given(cast: Cast, follow_up: UUID) -> None:
    worker, coordinator = cast.actor(WORKER), cast.actor("coordinator")
    with cast.session() as session:
        participant_id = _withdrawn(session, cast, follow_up)
        assert [state for _, state in _open(session, STORE)] == ["cancelled"], "what was taken back is not asked for"
        first = signing.sign(session, participant_id, "program", SIGNED, by=worker, at=AT + DAY)
        second = signing.sign(session, participant_id, "program", SIGNED, by=worker, at=AT + 2 * DAY)
        assert [state for _, state in _open(session, STORE)] == ["cancelled", "cancelled", "open"], "of the last one"
        assert "#2026-01" in _open(session, STORE)[-1][0]
        signing.store(session, first, copy_given_on=TODAY, by=coordinator, at=AT + 2 * DAY)
        assert _open(session, STORE)[-1][1] == "open", "the form that was replaced is another one"
    page = client_for(cast.database, cast.people["coordinator"], at=AT + 2 * DAY).get("/").text
    assert f"/participants/{participant_id}#consent" in page
    with cast.session() as session:
        signing.store(session, second, copy_given_on=TODAY, by=coordinator, at=AT + 3 * DAY)
        assert _open(session, STORE)[-1][1] == "done"


def test_where_a_follow_up_is_taken_up_again_without_a_consent_the_coordinator_is_asked(
    cast: Cast, follow_up: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        participant_id = _withdrawn(session, cast, follow_up)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT)
        assert withdrawals.asked(session, participant_id) is None
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT)
        assert withdrawals.asked(session, participant_id) == StillAsked(worker=False, coordinator=True)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
        signing.sign(session, participant_id, "program", SIGNED, by=cast.actor(WORKER), at=AT)
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT)
        assert withdrawals.asked(session, participant_id) is None, "a consent stands"


def _shares(session: Session, cast: Cast, follow_up: UUID, partner: str, signed: SignedForm = SIGNED) -> UUID:
    return signing.sign(
        session,
        row_of(session, follow_up)["participant_id"],
        "sharing",
        signed,
        organization_id=cast.organizations[partner],
        by=cast.actor(WORKER),
        at=AT,
    )


def test_of_what_is_over_nobody_is_asked(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        for partner in ("spvm", "codim"):
            _shares(session, cast, follow_up, partner)
        consents.withdraw(session, _standing(session, cast, follow_up, "spvm"), by=cast.actor(WORKER), at=AT)
        states.complete(session, follow_up, participant_agrees=True, by=cast.actor(WORKER), at=AT)
        assert {state for step in (STOPS, STOPPED) for _, state in _open(session, step)} == {"done"}
        consents.withdraw(session, _standing(session, cast, follow_up, "codim"), by=cast.actor(WORKER), at=AT)
        _withdrawn(session, cast, follow_up)
        assert withdrawals.asked(session, participant_id) is None
        assert withdrawals.asked_of_partners(session, participant_id) is None


def _standing(session: Session, cast: Cast, follow_up: UUID, partner: str) -> UUID:
    participant_id = row_of(session, follow_up)["participant_id"]
    return signing.standing(session, participant_id, "sharing", cast.organizations[partner])


def _is_away(session: Session, cast: Cast, first: int, last: int) -> None:
    """The worker is away for these days, and who acts for them is of the partner that is to be left out."""
    absences.record_absence(
        session,
        person_id=cast.people[WORKER],
        starts_on=TODAY + first * DAY,
        ends_on=TODAY + last * DAY,
        deputy_id=cast.people[THIRD],
        by=cast.actor("coordinator"),
        at=AT,
    )


def _take_back_from_a_deputy_s_partner(session: Session, cast: Cast, follow_up: UUID) -> None:
    for partner in ("codim", "anonyme"):
        _shares(session, cast, follow_up, partner)
    consents.withdraw(session, _standing(session, cast, follow_up, "anonyme"), by=cast.actor("coordinator"), at=AT)


def _has_it(session: Session, day: int) -> list[set[UUID]]:
    """On whom each open task of the worker's about partners falls on a day."""
    today = standing(session, TODAY + day * DAY)
    return [{one.person_id for one in today.falls(row.links).holders} for row in asking.open_ones(session, STOPS)]


@pytest.mark.ci
def test_what_is_withdrawn_while_the_worker_is_away_passes_a_deputy_over_whom_it_shuts_out(
    cast: Cast, follow_up: UUID
) -> None:
    """It is the coordinator's meanwhile, the worker's once they are back, and they hear of it by a letter."""
    with cast.session() as session:
        _is_away(session, cast, 0, 1)
        _take_back_from_a_deputy_s_partner(session, cast, follow_up)
        told = [letter.to for letter in _letters(session) if letter.template == "consent_taken_back"]
        assert told == [cast.people[WORKER]]
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]
        withdrawals.ask_who_has_it_now(session, by=cast.actor("coordinator"), at=AT + 2 * DAY)
        assert _has_it(session, 2) == [{cast.people[WORKER]}]
        assert [state for _, state in _open(session, STOPS)] == ["open"]


@pytest.mark.ci
def test_what_was_asked_of_the_worker_stays_theirs_over_days_with_a_deputy_whom_it_shuts_out(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        _take_back_from_a_deputy_s_partner(session, cast, follow_up)
        assert _has_it(session, 0) == [{cast.people[WORKER]}]
        _is_away(session, cast, 1, 2)
        for day, has_it in ((1, "coordinator"), (2, "coordinator"), (3, WORKER), (4, WORKER)):
            withdrawals.ask_who_has_it_now(session, by=cast.actor("coordinator"), at=AT + day * DAY)
            assert _has_it(session, day) == [{cast.people[has_it]}], day
        assert [state for _, state in _open(session, STOPS)] == ["open"]


@pytest.mark.ci
def test_what_passes_a_deputy_over_stays_as_late_as_it_was_and_in_the_words_in_which_it_was_asked(
    cast: Cast, follow_up: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _shares(session, cast, follow_up, "codim")
        _shares(session, cast, follow_up, "anonyme", replace(SIGNED, ends_on=TODAY + DAY))
        withdrawals.ask_of_the_ended(session, by=by, at=AT + 2 * DAY)
        (before,) = tasks_of(session, STOPS)
        assert "has ended" in before["title_en"]
        _is_away(session, cast, 20, 20)
        withdrawals.ask_who_has_it_now(session, by=by, at=AT + 20 * DAY)
        assert _has_it(session, 20) == [{cast.people["coordinator"]}]
        (now,) = tasks_of(session, STOPS)
    assert now == before | {name: now[name] for name in ("owed_by_id", "declared_owed_by_id", "version")}


@pytest.mark.ci
def test_what_a_worker_handed_back_stays_with_who_has_it_and_passes_deputies_over_once_it_is_given_again(
    cast: Cast, follow_up: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _take_back_from_a_deputy_s_partner(session, cast, follow_up)
        (task,) = tasks_of(session, STOPS)
        tasks.hand_back_task(session, task["id"], by=cast.actor(WORKER), at=AT, reason="Better by somebody else.")
        (before,) = tasks_of(session, STOPS)
        _is_away(session, cast, 1, 1)
        withdrawals.ask_who_has_it_now(session, by=by, at=AT + DAY)
        (now,) = tasks_of(session, STOPS)
        assert now == before | {name: now[name] for name in ("declared_owed_by_id", "version")}
        tasks.return_task(session, task["id"], by=by, at=AT + DAY, reason="They ask for the worker.")
        today = standing(session, TODAY + DAY)
        (asked,) = asking.open_ones(session, STOPS)
        assert {one.person_id for one in today.falls(asked.links).holders} == {cast.people["coordinator"]}


@pytest.mark.ci
def test_an_absence_passes_a_deputy_over_from_the_moment_at_which_it_is_recorded(cast: Cast, follow_up: UUID) -> None:
    worker, coordinator = (client_for(cast.database, cast.people[name], at=AT) for name in (WORKER, "coordinator"))
    with cast.session() as session:
        _take_back_from_a_deputy_s_partner(session, cast, follow_up)
        (task,) = tasks_of(session, STOPS)
    away = {"starts_on": TODAY.isoformat(), "ends_on": TODAY.isoformat(), "kinds": ["tasks"]}
    form = {**away, "deputy": str(cast.people[THIRD])}
    assert worker.post(f"/people/{cast.people[WORKER]}/absences", data=form).status_code == 303
    deputy = client_for(cast.database, cast.people[THIRD], at=AT)
    assert "#2026-01" not in deputy.get("/").text
    assert deputy.get(f"/tasks/{task['id']}").status_code == 404
    assert str(task["id"]) in coordinator.get("/").text


@pytest.mark.ci
def test_an_absence_called_off_passes_over_who_then_acts_for_somebody_else(cast: Cast, follow_up: UUID) -> None:
    """The deputy is away too, and their own deputy reads the file; once they are back, they are the one who acts."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        _take_back_from_a_deputy_s_partner(session, cast, follow_up)
        _is_away(session, cast, 0, 1)
        absence = absences.record_absence(
            session, person_id=cast.people[THIRD], starts_on=TODAY, ends_on=TODAY, deputy_id=None, by=by, at=AT
        )
        (task,) = tasks_of(session, STOPS)
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]
    coordinator = client_for(cast.database, cast.people["coordinator"], at=AT)
    assert coordinator.delete(f"/api/v1/absences/{absence}").status_code == 204
    assert client_for(cast.database, cast.people[THIRD], at=AT).get(f"/tasks/{task['id']}").status_code == 404
    with cast.session() as session:
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]


@pytest.mark.ci
def test_a_deputy_whom_the_participant_barred_is_passed_over_and_the_worker_hears_of_it(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        barring.bar(session, participant_id, cast.people[THIRD], by=cast.actor("coordinator"), at=AT)
        _is_away(session, cast, 0, 1)
        shares = [_shares(session, cast, follow_up, partner) for partner in ("anonyme", "spvm")]
        consents.withdraw(session, shares[1], by=cast.actor("coordinator"), at=AT)
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]
        told = [letter.to for letter in _letters(session) if letter.template == "consent_taken_back"]
        assert told == [cast.people[WORKER]]
    assert "#2026-01" in client_for(cast.database, cast.people["coordinator"], at=AT).get("/").text


@pytest.mark.ci
def test_barring_who_acts_for_the_worker_takes_from_them_what_is_asked(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        _is_away(session, cast, 0, 1)
        shares = [_shares(session, cast, follow_up, partner) for partner in ("anonyme", "spvm")]
        consents.withdraw(session, shares[1], by=cast.actor("coordinator"), at=AT)
        assert _has_it(session, 0) == [{cast.people[THIRD]}]
        barring.bar(session, participant_id, cast.people[THIRD], by=cast.actor("coordinator"), at=AT)
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]


@pytest.mark.ci
def test_a_withdrawal_takes_what_was_asked_before_from_a_deputy_whom_it_shuts_out(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        _is_away(session, cast, 0, 1)
        for partner in ("codim", "spvm", "anonyme"):
            _shares(session, cast, follow_up, partner)
        consents.withdraw(session, _standing(session, cast, follow_up, "spvm"), by=cast.actor("coordinator"), at=AT)
        assert _has_it(session, 0) == [{cast.people[THIRD]}], "shared with the deputy's organization"
        consents.withdraw(session, _standing(session, cast, follow_up, "anonyme"), by=cast.actor("coordinator"), at=AT)
        assert _has_it(session, 0) == [{cast.people["coordinator"]}]


def test_what_is_taken_back_of_a_partner_is_asked_of_the_worker_and_the_coordinator_until_they_saw_to_it(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        for partner in ("spvm", "codim"):
            consents.withdraw(session, _shares(session, cast, follow_up, partner), by=cast.actor("coordinator"), at=AT)
        assert withdrawals.asked(session, participant_id) is None, "nothing was taken back of the program"
        assert withdrawals.asked_of_partners(session, participant_id) == StillAsked(worker=True, coordinator=True)
        assert [len(_open(session, step)) for step in (STOPS, STOPPED)] == [1, 1], "once, of both"
        _shares(session, cast, follow_up, "spvm")
        assert withdrawals.asked_of_partners(session, participant_id) == StillAsked(worker=True, coordinator=True)
        withdrawals.go_on(session, participant_id, for_everyone=False, by=cast.actor(WORKER), at=AT)
        assert withdrawals.asked_of_partners(session, participant_id) == StillAsked(worker=False, coordinator=True)
        withdrawals.go_on(session, participant_id, for_everyone=True, by=cast.actor("coordinator"), at=AT)
        assert withdrawals.asked_of_partners(session, participant_id) is None


def test_a_second_of_a_partner_that_is_left_out_leaves_the_pair_and_each_hears_of_it_by_a_letter_without_a_name(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        with_codim = _shares(session, cast, follow_up, "codim")
        consents.withdraw(session, with_codim, by=cast.actor("coordinator"), at=AT)
        assert [part[0] for part in parts(session, follow_up) if part[3] is None] == ["primary"]
        participant_id = row_of(session, follow_up)["participant_id"]
        read = {(letter.template, letter.to): letter for letter in _letters(session)}
    assert set(read) == {("consent_taken_back", cast.people[WORKER]), ("closed_by_consent", cast.people[SECOND])}
    for letter in read.values():
        assert not [word for word in ("Ondine", "Foug", "2026-01", "CODIM") if word in letter.subject + letter.text]
    assert str(participant_id) in read["consent_taken_back", cast.people[WORKER]].text
    assert str(participant_id) not in read["closed_by_consent", cast.people[SECOND]].text


def test_an_earlier_last_day_is_told_by_a_letter_without_a_name_to_whom_it_concerns_and_nothing_stops(
    cast: Cast, follow_up: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _shares(session, cast, follow_up, "spvm")
        with_codim = _shares(session, cast, follow_up, "codim")
        participant_id = row_of(session, follow_up)["participant_id"]

        def kept(**days: date) -> list[consents.KeptTick]:
            standing = consents.standing_of(session, participant_id, TODAY)
            named: dict[UUID | None, date | None] = {cast.organizations[name]: day for name, day in days.items()}
            return [consents.KeptTick(row.id, named.get(row.organization_id, row.ends_on)) for row in standing]

        consents.narrow(session, participant_id, kept(spvm=TODAY + DAY), by=by, at=AT)
        assert [(one.template, one.to) for one in _letters(session)] == [("consent_narrowed", cast.people[WORKER])]
        consents.narrow(session, participant_id, kept(codim=TODAY + 9 * DAY), by=by, at=AT + timedelta(hours=1))
        letters = _letters(session)[1:]
        assert {one.to for one in letters} == {cast.people[WORKER], cast.people[SECOND]}, "who leaves the pair that day"
        assert not [word for one in letters for word in ("Ondine", "Foug", "2026-01", "CODIM") if word in one.text]
        assert [part[0] for part in parts(session, follow_up) if part[3] is None] == ["primary", "second"]
        assert withdrawals.asked_of_partners(session, participant_id) is None, "before the day is over"
        rest = [one for one in kept(spvm=TODAY) if one.consent_id != with_codim]
        consents.narrow(session, participant_id, rest, by=by, at=AT + timedelta(hours=2))
        told = [one.template for one in _letters(session)[3:] if one.to == cast.people[WORKER]]
        assert told == ["consent_taken_back"], "one letter tells the worker of one act"


def test_whoever_records_a_withdrawal_themselves_is_not_written_to(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        consents.withdraw(session, _shares(session, cast, follow_up, "spvm"), by=cast.actor(WORKER), at=AT)
        assert "consent_taken_back" not in [letter.template for letter in _letters(session)]


@pytest.mark.ci
def test_going_on_answers_for_the_worker_and_the_coordinator_has_the_last_word(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = _withdrawn(session, cast, follow_up)
    worker, coordinator = (client_for(cast.database, cast.people[name], at=AT) for name in (WORKER, "coordinator"))
    here = f"/participants/{participant_id}/consents/going-on"
    assert "The consent to the program was withdrawn, or has ended" in worker.get(f"/follow-ups/{follow_up}").text
    assert client_for(cast.database, cast.people[THIRD], at=AT).post(here).status_code == 404
    assert worker.post(here).status_code == 303
    with cast.session() as session:
        assert withdrawals.asked(session, participant_id) == StillAsked(worker=False, coordinator=True)
    assert worker.post(here).status_code == 409, "it was said already"
    said = coordinator.post(f"/api/v1{here}")
    assert (said.status_code, said.json()["what_follows_is_asked_of"]) == (200, [])
    with cast.session() as session:
        assert withdrawals.asked(session, participant_id) is None
        assert row_of(session, follow_up)["state"] == "active"
        assert told_of(session, participant_id)[-2:] == ["consent.goes_on", "consent.goes_on"]


def test_whoever_has_the_participant_now_is_asked_and_no_longer_who_had_them(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        before = cast.people[WORKER]
        _shares(session, cast, follow_up, "codim")
        consents.withdraw(session, _shares(session, cast, follow_up, "spvm"), by=cast.actor(WORKER), at=AT)
        assigning.assign_worker(
            session, follow_up, cast.people[SECOND], instead_of=before, by=cast.actor("coordinator"), at=AT + DAY
        )
    assert contacts.look(means_of(cast, lambda: AT + DAY), cast.program_id, "worker") > 0
    with cast.session() as session:
        assert [state for _, state in _open(session, STOPS)] == ["cancelled", "open"]
        barring.bar(session, participant_id, cast.people[SECOND], by=cast.actor("coordinator"), at=AT + DAY)
        assert withdrawals.asked_of_partners(session, participant_id) == StillAsked(worker=False, coordinator=True)
    seen = client_for(cast.database, cast.people[SECOND], at=AT + DAY).get("/").text
    assert "#2026-01" not in seen, "whom the participant barred reads nothing of them, from that moment on"


@pytest.mark.ci
def test_a_consent_that_has_ended_by_its_day_is_asked_about_once(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        ending = replace(SIGNED, ends_on=TODAY + DAY)
        signing.sign(session, participant_id, "program", ending, by=cast.actor(WORKER), at=AT)

    def look(days: int) -> StillAsked | None:
        contacts.look(means_of(cast, lambda: AT + days * DAY), cast.program_id, "worker")
        with cast.session() as session:
            return withdrawals.asked(session, participant_id)

    assert look(1) is None, "its last day"
    assert look(2) == look(3) == StillAsked(worker=True, coordinator=True)
    with cast.session() as session:
        assert len(_open(session, FOLLOWS)) == 1
        withdrawals.go_on(session, participant_id, for_everyone=True, by=cast.actor("coordinator"), at=AT + 3 * DAY)
    assert look(4) is None, "it was answered"
