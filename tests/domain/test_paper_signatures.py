"""A signature on paper: of a day on which its text was there, told to its director, with its file, and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.agreements import signed_files
from domain.agreements.agreements import (
    redraft_version,
    send_version,
    sign_here,
    sign_version,
    signatures_of,
    start_version,
    to_sign,
    withdraw_version,
)
from domain.agreements.succession import begin, renew
from domain.agreements.terminations import call_off_version
from domain.agreements.unsigning import take_back
from domain.agreements.version_text import content_of
from domain.mail import person_of
from models.agreement import AgreementVersion, Signature
from models.base import table_of
from models.outbox import Notice
from models.program import Tenure
from models.record import Event
from tests.agreeing import PDF, agreement_of, code_of, in_force, last_version, second_director
from tests.cast import AT, SINCE, TODAY, Cast, program_file

DAY = timedelta(days=1)
_version, _signature, _event = table_of(AgreementVersion), table_of(Signature), table_of(Event)
_notice, _tenure = table_of(Notice), table_of(Tenure)


def second_of(session: Session, cast: Cast, *, sent: bool = True) -> UUID:
    """The next version of an agreement in force, drafted today."""
    in_force(session, cast)
    version_id = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    if sent:
        send_version(session, version_id, by=cast.actor("coordinator"), at=AT)
    return version_id


def recorded(session: Session, cast: Cast, version_id: UUID, day: date = TODAY, name: str = "director_em") -> str:
    by = cast.actor("coordinator")
    return sign_version(session, version_id, director_id=cast.people[name], signed_on=day, by=by, at=AT)


def unsigned(session: Session, cast: Cast, version_id: UUID, reason: str = "Mauvais jour.") -> None:
    by = cast.actor("coordinator")
    take_back(session, version_id, director_id=cast.people["director_em"], reason=reason, by=by, at=AT)


def state_of(session: Session, version_id: UUID) -> str:
    found: str = session.scalars(select(_version.c.state).where(_version.c.id == version_id)).one()
    return found


def told(session: Session, letter: str) -> list[tuple[UUID, str]]:
    """The readers of a letter, and what it says."""
    asked = select(_notice.c.person_id, _notice.c.message).where(_notice.c.template == letter)
    found = []
    for row in session.execute(asked):
        body = message_from_bytes(row.message, policy=default).get_body(("plain",))
        assert body is not None
        found.append((row.person_id, str(body.get_content())))
    return found


# ----------------------------------------------------------------------------------------- the day on the paper


def test_paper_is_not_signed_before_the_day_on_which_its_text_was_written(cast: Cast) -> None:
    with cast.session() as session:
        version_id = second_of(session, cast)
        assert code_of(lambda: recorded(session, cast, version_id, TODAY - DAY)) == "agreement.signed_before_text"
        assert code_of(lambda: recorded(session, cast, version_id, SINCE)) == "agreement.signed_before_text"
        assert code_of(lambda: recorded(session, cast, version_id, TODAY + DAY)) == "agreement.day_to_come"
        assert signatures_of(session, version_id) == []
        assert recorded(session, cast, version_id) == "signed"


def test_the_day_counts_from_the_last_writing_and_not_from_the_first(cast: Cast) -> None:
    by, later = cast.actor("coordinator"), AT + 3 * DAY
    with cast.session() as session:
        version_id = last_version(session, cast)
        redraft_version(session, version_id, content_of(program_file().value, "en-marge"), by=by, at=later)
        send_version(session, version_id, by=by, at=later)
        sign = partial(sign_version, session, version_id, director_id=cast.people["director_em"], by=by, at=later)
        for day in (TODAY, TODAY + 2 * DAY):
            assert code_of(partial(sign, signed_on=day)) == "agreement.signed_before_text"
        assert sign(signed_on=TODAY + 3 * DAY) == "signed"


def test_a_draft_is_sent_before_a_signature_on_paper_is_recorded(cast: Cast) -> None:
    with cast.session() as session:
        first = last_version(session, cast)
        assert code_of(lambda: recorded(session, cast, first)) == "agreement.not_sent"
        second = second_of(session, cast, sent=False)
        for day in (SINCE, TODAY):
            assert code_of(partial(recorded, session, cast, second, day)) == "agreement.not_sent"


def test_an_agreement_from_before_the_program_keeps_the_day_on_which_it_was_signed_then(cast: Cast) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        assert recorded(session, cast, version_id, SINCE) == "signed"
        (signature,) = signatures_of(session, version_id)
        assert (signature.signed_on, signature.on_paper) == (SINCE, True)


# ------------------------------------------------------------------------------------------------ who is told


def test_a_director_is_told_of_a_signature_recorded_in_their_name_and_of_its_taking_back(cast: Cast) -> None:
    director = cast.people["director_em"]
    with cast.session() as session:
        version_id = second_of(session, cast)
        before = len(told(session, "agreement_signature_recorded"))
        recorded(session, cast, version_id)
        (person_id, message), *_ = told(session, "agreement_signature_recorded")[before:]
        assert person_id == director
        assert f"/program/agreements/{agreement_of(session, cast)}?n=2" in message
        unsigned(session, cast, version_id)
        ((reader, _),) = told(session, "agreement_signature_taken_back")
        assert reader == director
        recorded(session, cast, version_id)
        assert len(told(session, "agreement_signature_recorded")) == before + 2


def test_who_is_told_that_their_signature_no_longer_counts_reads_where_the_reason_is_and_what_they_may_do_now(
    cast: Cast,
) -> None:
    with cast.session() as session:
        version_id = second_of(session, cast)
        recorded(session, cast, version_id)
        unsigned(session, cast, version_id, "Le papier est d’un autre.")
        ((_, message),) = told(session, "agreement_signature_taken_back")
        assert "la page de la version donne le motif" in message
        assert "Le papier est" not in message, "no letter says what was typed"
        assert "elle attend votre signature" in message
    with cast.session() as session:
        version_id = last_version(session, cast, "anonyme")
        director = cast.people["director_la"]
        by = cast.actor("coordinator")
        sign_version(session, version_id, director_id=director, signed_on=SINCE, by=by, at=AT)
        take_back(session, version_id, director_id=director, reason="Erreur.", by=by, at=AT)
        (message,) = [one for reader, one in told(session, "agreement_signature_taken_back") if reader == director]
        assert "elle attend votre signature" not in message, "it is a draft, and with no one"


def test_no_director_is_told_that_they_signed_what_they_signed_themselves(cast: Cast) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        send_version(session, version_id, by=cast.actor("coordinator"), at=AT)
        sign_here(session, version_id, has_read=True, by=cast.actor("director_em"), at=AT)
        assert told(session, "agreement_signature_recorded") == []
        assert [one.on_paper for one in signatures_of(session, version_id)] == [False]


def test_the_letter_of_a_recorded_signature_names_another_than_its_author_to_tell(cast: Cast) -> None:
    with cast.session() as session:
        version_id = second_of(session, cast)
        recorded(session, cast, version_id)
        message = told(session, "agreement_signature_recorded")[-1][1]
        other = message.partition("dites-le sans tarder à ")[2].splitlines()[0]
        assert other
        assert "coordination" not in other
        assert person_of(session, cast.people["coordinator"]).name not in other


def test_who_records_their_own_paper_gets_no_letter_about_it(cast: Cast) -> None:
    by = replace(cast.actor("coordinator"), person_id=cast.people["director_em"])
    with cast.session() as session:
        version_id = last_version(session, cast)
        sign_version(session, version_id, director_id=cast.people["director_em"], signed_on=SINCE, by=by, at=AT)
        assert told(session, "agreement_signature_recorded") == []


def test_those_who_signed_are_told_from_which_day_on_a_version_is_in_force(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id, deputy = last_version(session, cast), second_director(session, cast)
        for director in (cast.people["director_em"], deputy):
            sign_version(session, version_id, director_id=director, signed_on=SINCE, by=by, at=AT)
        start_version(session, version_id, starts_on=TODAY + DAY, by=by, at=AT)
        assert {person for person, _ in told(session, "agreement_begun")} == {cast.people["director_em"], deputy}
        assert all(
            "Lire la version qui entre en vigueur ce jour-là" in one for _, one in told(session, "agreement_begun")
        )
        call_off_version(session, version_id, last=TODAY, by=by, at=AT)
        start_version(session, version_id, starts_on=TODAY + DAY, by=by, at=AT + timedelta(minutes=1))
        assert len(told(session, "agreement_begun")) == 4, "each beginning is told, also of the same day"


def test_a_letter_to_sign_leads_to_the_version_that_it_asks_for(cast: Cast) -> None:
    with cast.session() as session:
        second_of(session, cast)
        _, message = told(session, "agreement_to_sign")[-1]
        assert f"/program/agreements/{agreement_of(session, cast)}?n=2\r\n" in message


# -------------------------------------------------------------------------------------------------- taken back


def test_a_signature_recorded_by_mistake_is_taken_back_and_the_version_waits_as_before(cast: Cast) -> None:
    with cast.session() as session:
        version_id = second_of(session, cast)
        recorded(session, cast, version_id)
        director = cast.people["director_em"]
        assert to_sign(session, director, TODAY) == []
        unsigned(session, cast, version_id)
        assert state_of(session, version_id) == "sent"
        assert signatures_of(session, version_id) == []
        assert [one.id for one in to_sign(session, director, TODAY)] == [version_id]
        kept = session.execute(select(_signature).where(_signature.c.agreement_version_id == version_id)).one()
        assert (kept.taken_back_reason, kept.taken_back_at, kept.signed_on) == ("Mauvais jour.", AT, TODAY)
        line = session.execute(select(_event).where(_event.c.verb == "agreement.signature_taken_back")).one()
        assert line.facts == {"number": 2, "director": str(director), "signed_on": TODAY.isoformat()}
        assert recorded(session, cast, version_id) == "signed", "the right one is recorded anew"


def test_what_was_signed_before_the_program_and_never_sent_is_a_draft_again(cast: Cast) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        recorded(session, cast, version_id, SINCE)
        unsigned(session, cast, version_id)
        assert state_of(session, version_id) == "draft"
        other = content_of(program_file().value, "anonyme")
        redraft_version(session, version_id, other, by=cast.actor("coordinator"), at=AT)
        assert signed_files.altered(session) == [], "a text without a signature that stands may be another"
        assert signed_files.text_stands(session, version_id)


def test_a_version_that_was_sent_and_unsigned_may_be_a_draft_again(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id = second_of(session, cast)
        recorded(session, cast, version_id)
        assert code_of(lambda: withdraw_version(session, version_id, by=by, at=AT)) == "agreement.not_now"
        unsigned(session, cast, version_id)
        withdraw_version(session, version_id, by=by, at=AT)
        assert state_of(session, version_id) == "draft"


def test_of_two_directors_the_other_signature_stands(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        deputy, version_id = second_director(session, cast), last_version(session, cast)
        send_version(session, version_id, by=by, at=AT)
        sign_version(session, version_id, director_id=deputy, signed_on=TODAY, by=by, at=AT)
        assert recorded(session, cast, version_id) == "signed"
        unsigned(session, cast, version_id)
        assert state_of(session, version_id) == "sent"
        assert [one.person_id for one in signatures_of(session, version_id)] == [deputy]


def test_only_paper_is_taken_back_with_a_reason_and_before_the_version_is_set_to_begin(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id = last_version(session, cast)
        send_version(session, version_id, by=by, at=AT)
        assert code_of(lambda: unsigned(session, cast, version_id)) == "agreement.not_now"
        recorded(session, cast, version_id)
        for reason in ("", " . "):
            assert code_of(partial(unsigned, session, cast, version_id, reason)) == "reason.missing"
        other = partial(take_back, session, version_id, reason="Erreur.", by=by, at=AT)
        assert code_of(partial(other, director_id=cast.people["deputy"])) == "signature.unknown"
        start_version(session, version_id, starts_on=TODAY, by=by, at=AT)
        assert code_of(lambda: unsigned(session, cast, version_id)) == "agreement.not_now"
        assert state_of(session, version_id) == "in_force"


def test_what_a_director_signed_themselves_is_taken_back_by_no_one(cast: Cast) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        send_version(session, version_id, by=cast.actor("coordinator"), at=AT)
        sign_here(session, version_id, has_read=True, by=cast.actor("director_em"), at=AT)
        assert code_of(lambda: unsigned(session, cast, version_id)) == "signature.given_here"
        assert state_of(session, version_id) == "signed"


def test_a_text_that_was_changed_under_a_signature_that_stands_is_found_also_after_another_was_taken_back(
    cast: Cast,
) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        recorded(session, cast, version_id, SINCE)
        unsigned(session, cast, version_id)
        recorded(session, cast, version_id, SINCE)
        session.execute(update(_version).where(_version.c.id == version_id).values(notice_days=7))
        assert signed_files.altered(session) == ["En Marge 12-17 1"]


# ---------------------------------------------------------------------------------------------------- its file


def test_the_file_of_a_signature_that_was_taken_back_stays_and_counts_for_nothing(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id = last_version(session, cast)
        recorded(session, cast, version_id, SINCE)
        add = partial(signed_files.add, session, version_id, name="entente.pdf", content=PDF, by=by, at=AT)
        first = add()
        unsigned(session, cast, version_id)
        assert [(one.id, one.is_withdrawn) for one in signed_files.files_of(session, version_id)] == [(first, True)]
        assert code_of(add) == "agreement.not_signed"
        recorded(session, cast, version_id, SINCE + DAY)
        begins = partial(begin, session, version_id, starts_on=TODAY, by=by, at=AT)
        assert code_of(begins) == "agreement.unfiled"
        second = add()
        assert {one.id: one.is_withdrawn for one in signed_files.files_of(session, version_id)} == {
            first: True,
            second: False,
        }
        begins()


@pytest.mark.parametrize("on_paper", [True, False])
def test_a_coordinator_who_directs_a_partner_needs_the_file_of_their_own_paper(cast: Cast, on_paper: bool) -> None:
    """Who records their own signature from paper proves it as for anyone else; on the page they sign without a file."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id = last_version(session, cast)
        directs = (_tenure.c.person_id == cast.people["director_em"]) & (_tenure.c.role == "director")
        session.execute(update(_tenure).where(directs).values(person_id=by.person_id))
        send_version(session, version_id, by=by, at=AT)
        if on_paper:
            assert by.person_id is not None
            sign_version(session, version_id, director_id=by.person_id, signed_on=TODAY, by=by, at=AT)
        else:
            sign_here(session, version_id, has_read=True, by=by, at=AT)
        begins = partial(begin, session, version_id, starts_on=TODAY, by=by, at=AT)
        if on_paper:
            assert code_of(begins) == "agreement.unfiled"
            signed_files.add(session, version_id, name="entente.pdf", content=PDF, by=by, at=AT)
        begins()
        assert state_of(session, version_id) == "in_force"
