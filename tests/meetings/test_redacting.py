"""A name that got in is taken out by two people, from every copy, and papers can leave again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.casework import assigning, tasks
from domain.kernel import sealed_words
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.kernel.scope import program_of
from domain.mail import name_answers
from domain.mail.envelopes import texts_of
from domain.mail.name_gate import NameGate
from domain.mail.notices import COORDINATION
from domain.people import absences
from domain.record import incident_versions, incidents
from domain.record.incident_entries import IncidentEntry
from domain.roles.roles import standing
from meetings import agenda_requests, assembling, decisions, minutes, redacting, schedule
from meetings.agenda_items import items_of
from meetings.documents.issuing import refuse_names
from meetings.meeting_words import GONE
from models.agenda import AgendaItem, AgendaVersion
from models.base import table_of
from models.casework import Responsibility, Task
from models.meeting import Meeting
from models.minutes import Minutes
from models.outbox import Notice
from models.record import Event, IncidentVersion
from models.redaction import Redaction, WordKey
from tests.api.pages.gathered import END, hold
from tests.cast import AT, TODAY, Cast
from tests.meetings.sitting import seat_everyone
from tests.models.conftest import as_superuser
from tests.referring import ONDINE, refer

HOUR = timedelta(hours=1)
NAME = f"{ONDINE.given_name} {ONDINE.family_name}"

_meeting = table_of(Meeting)
_redaction = table_of(Redaction)
_notice = table_of(Notice)
_event = table_of(Event)
_key = table_of(WordKey)
_task = table_of(Task)
_chain = table_of(Responsibility)


def raises(code: str) -> AbstractContextManager[object]:
    return pytest.raises(Refusal, match=code.replace(".", r"\."))


def held_with_a_name(cast: Cast) -> UUID:
    """A meeting whose minutes were circulated with a name in them; afterwards somebody of that name is referred."""
    held = hold(cast, typed=NAME)
    with cast.session() as session:
        minutes.circulate(session, held.meeting_id, by=cast.actor("coordinator"), at=END)
    refer(cast)
    return held.meeting_id


def ask(cast: Cast, meeting_id: UUID, by: Actor | None = None) -> UUID:
    with cast.session() as session:
        return redacting.ask(session, "meeting", meeting_id, [NAME.lower()], by=by or cast.actor("coordinator"), at=END)


def everything_kept(cast: Cast) -> str:
    """Every value of every table, as whoever holds the database reads it: letters and files with what they say."""
    with as_superuser(cast.database) as connection:
        tables = connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'").scalars()
        rows = [connection.exec_driver_sql(f'select * from "{table}"').all() for table in tables]  # noqa: S608 - names of our tables
    return "\n".join(text for found in rows for row in found for value in row for text in said_in(value))


def said_in(value: object) -> Iterator[str]:
    """A value as text: bytes as they are read, of a letter each part too, as its reader sees it."""
    if not isinstance(value, bytes):
        yield str(value)
        return
    yield value.decode("utf-8", "replace")
    if b"\r\nContent-Type: " in value:
        for part in message_from_bytes(value, policy=policy.default).walk():
            if not part.is_multipart():
                said = bytes(part.get_payload(decode=True)).decode("utf-8", "replace")
                yield re.sub(r"\r?\n[ \t]", "", said)


@pytest.mark.ci
def test_a_name_goes_from_items_notes_decisions_minutes_and_letters_and_papers_leave_again(cast: Cast) -> None:
    meeting_id = held_with_a_name(cast)
    with cast.session() as session:
        content = minutes.content_of(minutes.minutes_of(session, meeting_id))
        with raises("document.names"):
            refuse_names(session, content)
    redaction_id = ask(cast, meeting_id)
    with cast.session() as session:
        sealed_before = session.scalars(select(table_of(Minutes).c.sealed)).one()
        n = redacting.confirm(session, redaction_id, by=cast.actor("privacy_officer"), at=END)
        assert n > 0
    with cast.session() as session:
        written = minutes.minutes_of(session, meeting_id)
        content = minutes.content_of(written)
        assert ONDINE.family_name not in str(content)
        assert GONE["fr"] in str(content)
        assert GONE["en"] in str(content)
        refuse_names(session, content)
        assert all(NAME not in str(row) for row in items_of(session, meeting_id))
        assert written.circulations == 2, "whoever has the minutes gets them anew"
        letters = session.execute(select(_notice.c.message, _notice.c.state, _notice.c.template)).all()
        texts = [str(message_from_bytes(one.message, policy=policy.default)) for one in letters]
        assert not any("Foug" in text for text in texts)
        states = {one.state for one in letters if one.template == "meeting_minutes"}
        assert states == {"withdrawn", "queued"}, "what had not left is withdrawn"
        sealed_words.destroy_keys(session, at=END)
        with raises("keys.gone"):
            sealed_words.open_words(session, f"minutes/{written.id}", sealed_before)
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_why_a_decision_is_not_on_management_and_what_waits_for_a_meeting_are_redacted_too(cast: Cast) -> None:
    held = hold(cast, typed=NAME)
    by = cast.actor("coordinator")
    with cast.session() as session:
        assert NAME in decisions.decision_of(session, held.quiet).why_not_management
        waits = agenda_requests.request(
            session, "steering", title_fr=f"Lettre de {NAME}", title_en="Letter", by=by, at=END
        )
        task_id = decisions.decision_of(session, held.owed).task_id
        tasks.complete_task(session, surely(task_id), by=cast.actor("officer"), at=END, note=f"Écrit avec {NAME}")
    redaction_id = ask(cast, held.meeting_id)
    with cast.session() as session:
        redacting.confirm(session, redaction_id, by=cast.actor("privacy_officer"), at=END)
    with cast.session() as session:
        title = session.scalars(select(table_of(AgendaItem).c.title_fr).where(table_of(AgendaItem).c.id == waits)).one()
        assert title == f"Lettre de {GONE['fr']}"
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_what_is_written_with_the_tasks_of_a_meeting_and_of_the_partners_goes_too(cast: Cast) -> None:
    """As where a manager does not say for a partner whether it endorses a decision, and writes why not."""
    held = hold(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        here = session.execute(
            select(_task).where(_task.c.step == "decision.endorse", _task.c.item == str(held.budget))
        )
        to_endorse, *_ = here.mappings().all()
        chain = session.execute(select(_chain.c.links).where(_chain.c.id == to_endorse["owed_by_id"])).scalar_one()
        (holder,) = standing(session, TODAY).falls(chain).holders
        actor = Actor(holder.role, holder.person_id, holder.organization_id)
        tasks.hand_back_task(session, to_endorse["id"], by=actor, at=END, reason=f"À dire par {NAME}")
        closing = assigning.assign(
            session,
            "meeting.close",
            str(held.meeting_id),
            title_fr="Clore la rencontre",
            title_en="Close the meeting",
            chain=COORDINATION,
            due_on=TODAY,
            by=by,
            at=END,
        )
        tasks.complete_task(session, closing, by=by, at=END, note=f"Avec {NAME}")
    redaction_id = ask(cast, held.meeting_id)
    with cast.session() as session:
        redacting.confirm(session, redaction_id, by=cast.actor("privacy_officer"), at=END)
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_the_words_of_a_decision_go_from_the_agendas_that_look_at_it_again_whichever_is_asked_of(cast: Cast) -> None:
    """The title of such an item says them, on the agenda of another meeting."""
    held = hold(cast, typed=NAME)
    by = cast.actor("coordinator")
    with cast.session() as session:
        (coming,) = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned"))
        assembling.assemble(session, coming, by=by, at=END)
        assert any(NAME in row.title_fr for row in items_of(session, coming))
    redaction_id = ask(cast, coming)
    with cast.session() as session:
        redacting.confirm(session, redaction_id, by=cast.actor("privacy_officer"), at=END)
        assert NAME not in decisions.decision_of(session, held.owed).text_fr
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_the_record_keeps_a_digest_of_before_and_after_and_who_the_two_were(cast: Cast) -> None:
    meeting_id = held_with_a_name(cast)
    redaction_id = ask(cast, meeting_id)
    with cast.session() as session:
        redacting.confirm(session, redaction_id, by=cast.actor("privacy_officer"), at=END)
    with cast.session() as session:
        row = session.execute(select(_redaction).where(_redaction.c.id == redaction_id)).one()
        told = session.scalars(select(_event.c.facts).where(_event.c.verb == "redaction.done")).one()
        assert (told["before"], told["after"]) == (row.before, row.after)
        assert row.before != row.after
        assert row.words is None
        assert (row.asked_by, row.settled_by) == (cast.people["coordinator"], cast.people["privacy_officer"])
        assert "Ondine" not in str(session.scalars(select(_event.c.facts)).all())


@pytest.mark.ci
def test_two_people_take_words_out_under_whichever_hat(cast: Cast) -> None:
    meeting_id = hold(cast, typed=NAME).meeting_id
    coordinator, officer = cast.actor("coordinator"), cast.actor("privacy_officer")
    redaction_id = ask(cast, meeting_id)
    tricks = [
        coordinator,
        Actor("privacy_officer", coordinator.person_id),
        Actor("privacy_officer", coordinator.person_id, acting_for=officer.person_id),
        Actor("privacy_officer", officer.person_id, acting_for=coordinator.person_id),
        Actor.system("rounds"),
    ]
    for by in tricks:
        with cast.session() as session, raises("redaction.own"):
            redacting.confirm(session, redaction_id, by=by, at=END)
        with cast.session() as session, raises("redaction.own"):
            redacting.decline(session, redaction_id, by=by, at=END)
    with cast.session() as session:
        absences.record_absence(
            session,
            person_id=cast.people["coordinator"],
            starts_on=TODAY,
            ends_on=END.date(),
            deputy_id=cast.people["manager_ccsmtl"],
            by=coordinator,
            at=AT,
        )
    with cast.session() as session, raises("redaction.own"):
        redacting.confirm(session, redaction_id, by=Actor("privacy_officer", cast.people["manager_ccsmtl"]), at=END)
    deputy = Actor("coordinator", cast.people["officer"], acting_for=officer.person_id)
    second = ask(cast, meeting_id, by=deputy)
    with cast.session() as session, raises("redaction.own"):
        redacting.confirm(session, second, by=officer, at=END)
    with cast.session() as session:
        redacting.decline(session, redaction_id, by=officer, at=END)
    with cast.session() as session, raises("redaction.settled"):
        redacting.confirm(session, redaction_id, by=officer, at=END)
    with cast.session() as session, raises("redaction.not_yours"):
        redacting.take_back(session, second, by=officer, at=END)
    with cast.session() as session:
        redacting.take_back(session, second, by=deputy, at=END)
        assert NAME in str(items_of(session, meeting_id)), "nothing was taken out"


@pytest.mark.ci
def test_what_is_asked_is_sealed_and_stands_somewhere(cast: Cast) -> None:
    meeting_id = hold(cast, typed="Perle Rare").meeting_id
    by = cast.actor("coordinator")
    for words, code in (
        ([], "redaction.words.missing"),
        (["  "], "redaction.words.missing"),
        (["a"], "redaction.words.malformed"),
        (["x" * 201], "redaction.words.too_long"),
        (["Nulle Part"], "redaction.nothing"),
        (["Perl"], "redaction.nothing"),
    ):
        with cast.session() as session, raises(code):
            redacting.ask(session, "meeting", meeting_id, words, by=by, at=END)
    with cast.session() as session:
        asked = redacting.ask(session, "meeting", meeting_id, ["perle  rare"], by=by, at=END)
        row = redacting.find(session, asked)
        assert row is not None
        assert redacting.words_of(session, row) == ["perle rare"]
        assert b"perle" not in surely(row.words)
        assert all(
            "Perle" in place.before and "Perle" not in place.after
            for place in redacting.places_of(session, "meeting", meeting_id, ["perle rare"])
        )


def test_an_incident_is_redacted_in_every_version_and_the_record_still_verifies(cast: Cast) -> None:
    officer, coordinator = cast.actor("privacy_officer"), cast.actor("coordinator")
    entry = IncidentEntry(cast.organizations["ccsmtl"], f"Le dossier de {NAME}", "Un sac perdu.", TODAY)
    with cast.session() as session:
        incident_id = incidents.enter(session, entry, by=officer, at=AT)
        incidents.complete(
            session,
            incident_id,
            IncidentEntry(entry.organization_id, entry.information, f"{NAME} l’a dit.", TODAY),
            seen=1,
            by=officer,
            at=AT,
        )
    with cast.session() as session:
        before = session.scalars(select(table_of(IncidentVersion).c.words)).all()
        asked = redacting.ask(session, "incident", incident_id, [NAME], by=officer, at=AT)
        with raises("redaction.own"):
            redacting.confirm(session, asked, by=officer, at=AT)
    with cast.session() as session:
        redacting.confirm(session, asked, by=coordinator, at=AT)
    with cast.session() as session:
        assert incident_versions.altered(session) == []
        stood = incident_versions.versions(session, incident_id)
        assert len(stood) == 2
        assert not any(ONDINE.given_name in str(one.stood) for one in stood)
        assert stood[1].stood["circumstances"] == f"{GONE['']} l’a dit."
        assert sealed_words.destroy_keys(session, at=AT) == 1
        with raises("keys.gone"):
            sealed_words.open_words(session, f"incident/{incident_id}/1", before[0])
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_notes_minutes_and_the_register_stand_nowhere_in_the_clear(cast: Cast) -> None:
    said = "Parole-Plantée"
    meeting_id = hold(cast, typed=said).meeting_id
    with cast.session() as session:
        incidents.enter(
            session,
            IncidentEntry(cast.organizations["ccsmtl"], said, said, TODAY),
            by=cast.actor("privacy_officer"),
            at=AT,
        )
        notes = session.scalars(select(table_of(AgendaItem).c.note)).all()
        assert any(notes)
        assert not any(said.encode() in note for note in notes if note)
        written = session.execute(select(table_of(Minutes))).one()
        assert said.encode() not in written.sealed
        assert said in str(minutes.minutes_of(session, meeting_id).content)
        kept = session.execute(select(table_of(IncidentVersion))).one()
        assert said not in str(kept.stood)
        assert session.scalars(select(_key.c.id).where(_key.c.program_id == program_of(session))).all() != []


def test_a_word_that_may_be_a_name_is_asked_about_once_in_each_text(cast: Cast) -> None:
    refer(cast)
    by, text = cast.actor("coordinator"), "Ondine Bouchard présente le budget."
    with cast.session() as session:
        gate = NameGate.here(session)
        (hit,) = name_answers.unanswered(session, gate, text)
        assert not gate.stops(text)
        assert name_answers.answer(session, text, [hit], by=by, at=AT) == 1
        assert name_answers.answer(session, text, [hit], by=by, at=AT) == 0
        assert name_answers.unanswered(session, gate, text) == ()
        assert name_answers.unanswered(session, gate, f"{text} Elle revient.") != (), "another text is asked anew"
    assert "Ondine" not in everything_kept(cast)


@pytest.mark.ci
def test_an_agenda_as_it_went_out_says_what_is_left_under_its_own_digest(cast: Cast) -> None:
    meeting_id = hold(cast, typed=NAME).meeting_id
    with cast.session() as session:
        row = session.execute(select(table_of(AgendaVersion))).first()
        assert row is None or NAME not in str(row.content)
        assert redacting.places_of(session, "meeting", meeting_id, [NAME]) != []


@pytest.mark.ci
def test_a_name_goes_from_places_as_calendars_were_told_them_and_the_meetings_can_be_called_off(cast: Cast) -> None:
    """Of one meeting alone and of every date of a season, in letters that their keys tell nothing of."""
    by, place = cast.actor("coordinator"), f"Chez {NAME}, salle B, au deuxième étage de la maison"
    with cast.session() as session:
        seat_everyone(session, cast)
        first, last = date(2026, 12, 2), date(2026, 12, 16)
        schedule.plan_season(session, "clinical", first=first, last=last, hour=time(9, 30), place=place, by=by, at=AT)
        days = [datetime(2026, 12, day, 13, 0) for day in (10, 17)]
        schedule.plan_meetings(session, "steering", days, place=place, by=by, at=AT)
        rows = session.execute(select(_meeting.c.id, _meeting.c.series_id).order_by(_meeting.c.starts)).all()
    assert NAME in everything_kept(cast)
    refer(cast)
    with raises("document.names"), cast.session() as session:
        schedule.cancel_meeting(session, rows[0].id, reason="Tempête", by=by, at=AT + HOUR)
    for meeting_id in (rows[1].id, *(row.id for row in rows if row.series_id is None)):
        asked = ask(cast, meeting_id)
        with cast.session() as session:
            redacting.confirm(session, asked, by=cast.actor("privacy_officer"), at=AT + HOUR)
    kept = everything_kept(cast)
    assert NAME not in kept
    with cast.session() as session:
        told = session.execute(select(_notice.c.template).where(_notice.c.created_at == AT + HOUR)).scalars().all()
        assert "meeting_changed" in told, "calendars get what is left"
        schedule.cancel_meeting(session, rows[0].id, reason="Tempête", by=by, at=AT + 2 * HOUR)
        schedule.move_meeting(session, rows[-1].id, datetime(2026, 12, 17, 15, 0), by=by, at=AT + 2 * HOUR)
    kept = everything_kept(cast)
    assert NAME not in kept


def test_a_name_that_stands_in_letters_alone_can_be_taken_out_of_them(cast: Cast) -> None:
    """The place was corrected since: what went out before holds it all the same."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        seat_everyone(session, cast)
        day = datetime(2026, 12, 10, 13, 0)
        schedule.plan_meetings(session, "steering", [day], place=f"Chez {NAME}", by=by, at=AT)
        (meeting_id,) = session.scalars(select(_meeting.c.id))
        schedule.change_place(session, meeting_id, place="Salle A", by=by, at=AT + HOUR)
    asked = ask(cast, meeting_id)
    with cast.session() as session:
        redacting.confirm(session, asked, by=cast.actor("privacy_officer"), at=AT + 2 * HOUR)
    assert NAME not in everything_kept(cast)


@pytest.mark.ci
def test_a_season_s_place_is_taken_out_at_once_and_each_person_told_once(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        seat_everyone(session, cast)
        first, last = date(2026, 12, 2), date(2026, 12, 23)
        place = f"Chez {NAME}"
        schedule.plan_season(session, "clinical", first=first, last=last, hour=time(9, 30), place=place, by=by, at=AT)
        meeting_id = session.scalars(select(_meeting.c.id).order_by(_meeting.c.starts)).all()[-1]
        schedule.change_place(session, meeting_id, place=f"{place}, salle C", by=by, at=AT)
        shown = len(redacting.places_of(session, "meeting", meeting_id, [NAME]))
    asked = ask(cast, meeting_id)
    with cast.session() as session:
        assert redacting.confirm(session, asked, by=cast.actor("privacy_officer"), at=AT + HOUR) == shown
        written = session.execute(
            select(_notice.c.person_id, _notice.c.state, _notice.c.message).where(
                _notice.c.created_at == AT + HOUR, _notice.c.template == "meeting_changed"
            )
        ).all()
    assert written
    assert len({row.person_id for row in written}) == len(written), "told once"
    assert "withdrawn" not in {row.state for row in written}
    said = "".join(text for row in written for text in texts_of(row.message))
    assert "Another place" in said
    assert "Now at a place" not in said
    assert all("RRULE" in "".join(texts_of(row.message)) for row in written if b"text/calendar" in row.message), "each"
    assert NAME not in everything_kept(cast)
