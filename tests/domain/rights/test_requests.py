"""A person's request about their own data: by when, who may ask, what they are given, and what nobody reads in it."""

from __future__ import annotations

import csv
import inspect
import io
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import LargeBinary, select, update
from sqlmodel import Session, SQLModel

from api.views.person_papers import paper_of
from domain.accompaniment import barring
from domain.casework import tasks
from domain.files.pdf_words import words_of as words_of_pdf
from domain.kernel import Refusal
from domain.kernel.rows import first, of
from domain.participants import destroy_again, disclosures
from domain.participants.identity import identity_within, sealed_identity
from domain.participants.locking import hold_participant
from domain.participants.still_needed import refuse_while_talked_about
from domain.record import record_read
from domain.rights import Held, done_first, finding, held, packages, requests, statements, told, who_read
from domain.rights.requests import Answered, RequestGiven
from meetings.documents import issuing, person_data
from models.base import table_of
from models.casework import Task
from models.participant import Participant
from models.record import Event
from models.right import RightsPackage, RightsRequest
from models.tables import metadata
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, WORKER
from tests.refusing import refused
from tests.rights import written_of

DAY: Final = timedelta(days=1)
OFFICER: Final = "privacy_officer"
GIVEN: Final = RequestGiven("access", TODAY, "self", "card_shown", TODAY, "fr", file="#2026-01")
HANDED: Final = Answered(TODAY, "in_person", "Remis en main propre.")

_task = table_of(Task)
_event = table_of(Event)


@pytest.fixture
def participant(cast: Cast) -> UUID:
    """Somebody who is followed, and of whom a note names others."""
    return written_of(cast)


def received(session: Session, cast: Cast, **more: Any) -> UUID:
    return requests.receive(session, replace(GIVEN, **more), by=cast.actor(OFFICER), at=AT)


def made(session: Session, cast: Cast, request_id: UUID, masks: Sequence[str]) -> UUID:
    """A package, looked at and made."""
    by = cast.actor(OFFICER)
    packages.mask(session, request_id, masks, seen=None, by=by, at=AT)
    looked_at = packages.prepare(session, request_id, by=by, at=AT)
    return packages.make(session, request_id, looked_at.digest, seen=None, by=by, at=AT)


def row_of_package(session: Session, package_id: UUID) -> RightsPackage:
    row = first(session, of(RightsPackage).where(RightsPackage.id == package_id))
    assert row is not None
    return row


def row_with(session: Session, request_id: UUID) -> RightsRequest:
    row = first(session, of(RightsRequest).where(RightsRequest.id == request_id))
    assert row is not None
    return row


def task_of(session: Session, request_id: UUID) -> Any:
    return session.execute(
        select(_task).where(_task.c.item == str(request_id)).order_by(_task.c.opened_at.desc(), _task.c.due_on.desc())
    ).first()


@pytest.mark.usefixtures("participant")
def test_a_request_has_the_days_of_the_program_and_a_task_that_names_nobody(cast: Cast) -> None:
    with cast.session() as session:
        request_id = received(session, cast)
        assert row_with(session, request_id).due_on == TODAY + 20 * DAY
        task = task_of(session, request_id)
        assert (task.due_on, task.state) == (TODAY + 20 * DAY, "open")
        assert "2026-01" not in task.title_fr + task.title_en


@pytest.mark.usefixtures("participant")
def test_a_notice_in_time_gives_more_days_once_and_a_late_one_none(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        requests.extend(session, request_id, TODAY, seen=None, by=by, at=AT)
        assert task_of(session, request_id).due_on == TODAY + 30 * DAY
        with refused("rights.extended"):
            requests.extend(session, request_id, TODAY, seen=None, by=by, at=AT)
        late = received(session, cast, kind="who_read")
        with refused("rights.extended_late"):
            requests.extend(session, late, TODAY + 21 * DAY, seen=None, by=by, at=AT + 21 * DAY)


@pytest.mark.usefixtures("participant")
def test_nobody_wins_days_by_taking_a_request_back_and_down_again(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        first_one = received(session, cast)
        requests.extend(session, first_one, TODAY, seen=None, by=by, at=AT)
        requests.withdraw(session, first_one, seen=None, by=by, at=AT + 19 * DAY)
        again = requests.receive(session, replace(GIVEN, received_on=TODAY + 19 * DAY), by=by, at=AT + 19 * DAY)
        assert row_with(session, again).due_on == task_of(session, again).due_on == TODAY + 30 * DAY
        with refused("rights.extended"):
            requests.extend(session, again, TODAY + 19 * DAY, seen=None, by=by, at=AT + 19 * DAY)
        requests.withdraw(session, again, seen=None, by=by, at=AT + 20 * DAY)
        later = replace(GIVEN, received_on=TODAY + 30 * DAY)
        anew = requests.receive(session, later, by=by, at=AT + 30 * DAY)
        assert row_with(session, anew).due_on == TODAY + 50 * DAY, "those days are over: it is another request"
        with refused("task.by_its_act"):
            tasks.complete_task(session, task_of(session, anew).id, by=by, at=AT + 30 * DAY)


def test_from_fourteen_on_a_person_asks_alone_and_who_turned_fourteen_gets_it_themselves(
    cast: Cast, participant: UUID
) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        with refused("rights.asked_by"):
            received(session, cast, asked_by="parental_authority")
        born(session, participant, TODAY.replace(year=TODAY.year - 14) + DAY)  # fourteen tomorrow
        with refused("rights.asked_by"):
            received(session, cast)
        request_id = received(session, cast, asked_by="parental_authority")
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        with refused("rights.asked_by"):
            done_first.answer(session, request_id, replace(HANDED, on=TODAY + DAY), seen=None, by=by, at=AT + DAY)
        done_first.answer(session, request_id, HANDED, seen=None, by=by, at=AT + DAY)


def born(session: Session, participant_id: UUID, day: date) -> None:
    who = replace(identity_within(session, participant_id), birth_date=day, age=None, age_on=None)
    table = table_of(Participant)
    session.execute(
        update(table).where(table.c.id == participant_id).values(**sealed_identity(session, participant_id, who))
    )


@pytest.mark.usefixtures("participant")
def test_a_package_that_is_made_twice_is_one_until_somebody_reads_the_file(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        first_made = made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        digest = row_of_package(session, first_made).digest
        assert packages.make(session, request_id, digest, seen=None, by=by, at=AT) == first_made
        packages.prepare(session, request_id, by=by, at=AT)
        assert packages.make(session, request_id, digest, seen=None, by=by, at=AT) != first_made, "who read it since"


@pytest.mark.usefixtures("participant")
def test_what_is_masked_is_nowhere_in_what_is_given(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        pointed = {one.words: one.sure for one in packages.prepare(session, request_id, by=by, at=AT).pointed}
        assert pointed["Romarin Tilleul"]
        assert "Églantine Rosier" in pointed, "which no list of names has to know"
        assert not any("Ondine" in words for words in pointed), "their own name is theirs"
        made(session, cast, request_id, list(pointed))
        _, pieces = packages.opened(session, request_id, by=by, at=AT)
        content = paper_of(session, row_with(session, request_id), pieces, known_as="#2026-01", on=TODAY)
        paper = issuing.give(content, "fr")
        read = " ".join(words_of_pdf(paper.content))
        assert "Fougère-Lys" in read
        data = person_data.as_json(content).decode()
        for name in ("Romarin", "Tilleul", "glantine", "Rosier", "0188"):
            assert name not in read + data, name
        assert "Elle a vu [masqué]" in data
        assert "Fougère-Lys" in data
        assert paper.name == f"{TODAY.isoformat()}-demande-{row_with(session, request_id).number}.pdf"
        assert all(one["kind"] and one["title"] for one in json.loads(data)["pieces"])
        stored = session.execute(select(table_of(RightsPackage).c.sealed)).scalar_one()
        assert b"Elle a vu" not in stored


@pytest.mark.usefixtures("participant")
def test_nothing_is_made_while_another_on_file_is_legible_nor_after_a_mask_was_taken_out(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        with refused("rights.not_masked"):
            packages.make(session, request_id, "0" * 64, seen=None, by=by, at=AT)
        packages.mask(session, request_id, ["Églantine Rosier"], seen=None, by=by, at=AT)
        looked_at = packages.prepare(session, request_id, by=by, at=AT)
        with refused("rights.names_another"):
            packages.make(session, request_id, looked_at.digest, seen=None, by=by, at=AT)
        packages.mask(session, request_id, ["Romarin Tilleul", "Églantine", "438 555-0188"], seen=None, by=by, at=AT)
        looked_at = packages.prepare(session, request_id, by=by, at=AT)
        packages.mask(session, request_id, ["Romarin Tilleul", "438 555-0188"], seen=None, by=by, at=AT)
        with refused("rights.changed_since"):
            packages.make(session, request_id, looked_at.digest, seen=None, by=by, at=AT)
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        packages.mask(session, request_id, ["Romarin Tilleul"], seen=None, by=by, at=AT)
        assert packages.standing(session, request_id) is None, "what was made with other masks is removed"


def test_nobody_is_told_of_a_report_to_youth_protection(cast: Cast, participant: UUID) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        for ground, what in (("ypa_39_1", "Signalement"), ("court_order", "Dossier produit")):
            disclosures.disclose(
                session,
                participant,
                ground,
                to_whom="Un juge",
                what=what,
                disclosed_on=TODAY,
                only_necessary=True,
                by=cast.actor("coordinator"),
                at=AT,
            )
        request_id = received(session, cast)
        told = [one for one in packages.prepare(session, request_id, by=by, at=AT).pieces if one.kind == "disclosure"]
        assert [one.words["what"] for one in told] == ["Dossier produit"]


@pytest.mark.usefixtures("participant")
def test_who_read_tells_the_role_and_organization_and_never_the_name_and_cannot_be_masked(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast, kind="who_read")
        made(session, cast, request_id, ["Romarin Tilleul", "responsable de la protection"])
        _, pieces = packages.opened(session, request_id, by=by, at=AT)
        read = [one.said for one in pieces if one.kind == "reading"]
        assert {"role": "privacy_officer", "what": "package", "purpose": "request_of_person"}.items() <= read[
            -1
        ].items()
        assert read[-1]["organization"] == str(cast.organizations["ccsmtl"])
        told = json.dumps([one.to_json() for one in pieces])
        assert cast.members[OFFICER].name not in told
        assert str(cast.people[OFFICER]) not in told


@pytest.mark.usefixtures("participant")
def test_what_is_made_is_opened_until_its_last_day_and_then_removed(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        packages.opened(session, request_id, by=by, at=AT + 30 * DAY)
        with refused("rights.no_package"):
            packages.opened(session, request_id, by=by, at=AT + 31 * DAY)
        assert packages.over(session, TODAY + 30 * DAY) == []
        assert packages.over(session, TODAY + 31 * DAY) == [request_id]
        assert packages.remove_over(session, request_id, by=by, at=AT + 31 * DAY) == 1
        assert session.execute(select(table_of(RightsPackage).c.sealed)).scalar_one() is None


@pytest.mark.usefixtures("participant")
def test_somebody_who_is_not_on_file_is_answered_and_no_word_of_them_is_kept(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        with refused("rights.file.not_held"):
            received(session, cast, file="#2026-77")
        request_id = received(session, cast, file="", kind="complaint", asked="Je m’appelle Lavande Sureau.")
        row = row_with(session, request_id)
        assert (row.participant_id, row.asked) == (None, None)
        done_first.answer(session, request_id, HANDED, seen=None, by=by, at=AT)
        row = row_with(session, request_id)
        assert (row.state, row.answer) == ("answered", None)
        assert task_of(session, request_id).state == "done"


@pytest.mark.usefixtures("participant")
def test_the_same_is_asked_once_and_another_right_beside_it(cast: Cast) -> None:
    with cast.session() as session:
        received(session, cast)
        with refused("rights.asked"):
            received(session, cast, file="2026-01")
        received(session, cast, kind="portability")


def test_an_answer_takes_the_package_the_correction_and_the_restriction_first(cast: Cast, participant: UUID) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        access = received(session, cast)
        with refused("rights.no_package"):
            done_first.answer(session, access, HANDED, seen=None, by=by, at=AT)
        correction = received(session, cast, kind="correction", asked="Ma date de naissance est fausse.")
        with refused("rights.not_corrected"):
            done_first.answer(session, correction, HANDED, seen=None, by=by, at=AT)
        done_first.accept_correction(session, correction, seen=None, by=by, at=AT)
        with refused("rights.not_corrected"):
            done_first.answer(session, correction, HANDED, seen=None, by=by, at=AT)
        asked = session.execute(select(_task).where(_task.c.step == done_first.CORRECT)).one()
        assert "#2026-01" in asked.title_fr
        tasks.complete_task(session, asked.id, by=cast.actor("coordinator"), at=AT)
        done_first.answer(session, correction, HANDED, seen=None, by=by, at=AT)
        limit = received(session, cast, kind="restriction", person_id=cast.people[SECOND])
        with refused("rights.not_barred"):
            done_first.answer(session, limit, HANDED, seen=None, by=by, at=AT)
        done_first.restrict(session, limit, seen=None, by=by, at=AT)
        assert barring.is_barred(session, participant, cast.people[SECOND])
        done_first.answer(session, limit, HANDED, seen=None, by=by, at=AT)


def test_a_restriction_that_was_made_is_not_called_refused_and_is_made_anew_where_it_was_lifted(
    cast: Cast, participant: UUID
) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        limit = received(session, cast, kind="restriction", person_id=cast.people[SECOND])
        done_first.restrict(session, limit, seen=None, by=by, at=AT)
        with refused("rights.barred_already"):
            done_first.refuse(session, limit, "outside", HANDED, in_part=False, seen=None, by=by, at=AT)
        barring.lift(session, participant, cast.people[SECOND], by=cast.actor("coordinator"), at=AT)
        with refused("rights.not_barred"):
            done_first.answer(session, limit, HANDED, seen=None, by=by, at=AT)
        done_first.restrict(session, limit, seen=None, by=by, at=AT)
        done_first.answer(session, limit, HANDED, seen=None, by=by, at=AT)
        assert barring.is_barred(session, participant, cast.people[SECOND])
        with refused("rights.over"):
            done_first.restrict(session, limit, seen=None, by=by, at=AT)


def test_a_person_has_two_workers_kept_away_at_once(cast: Cast, participant: UUID) -> None:
    by, both = cast.actor(OFFICER), (cast.people[WORKER], cast.people[SECOND])
    with cast.session() as session:
        for worker in both:
            limit = received(session, cast, kind="restriction", person_id=worker)
            done_first.restrict(session, limit, seen=None, by=by, at=AT)
            with refused("rights.asked"):
                received(session, cast, kind="restriction", person_id=worker)
        assert all(barring.is_barred(session, participant, worker) for worker in both)


@pytest.mark.usefixtures("participant")
def test_nobody_makes_a_correction_that_was_refused_and_none_that_was_made_is_called_refused(cast: Cast) -> None:
    by, words = cast.actor(OFFICER), {"kind": "correction", "asked": "Ma date de naissance est fausse."}
    asked = select(_task).where(_task.c.step == done_first.CORRECT).order_by(_task.c.opened_at.desc())
    with cast.session() as session:
        one = received(session, cast, **words)
        done_first.accept_correction(session, one, seen=None, by=by, at=AT)
        done_first.refuse(session, one, "accurate", HANDED, in_part=False, seen=None, by=by, at=AT)
        assert session.execute(asked).one().state == "cancelled"
        other = received(session, cast, **words)
        done_first.accept_correction(session, other, seen=None, by=by, at=AT + DAY)
        tasks.complete_task(
            session, session.execute(asked.limit(1)).one().id, by=cast.actor("coordinator"), at=AT + DAY
        )
        with refused("rights.corrected_already"):
            done_first.refuse(session, other, "accurate", HANDED, in_part=False, seen=None, by=by, at=AT + DAY)
        done_first.refuse(session, other, "accurate", HANDED, in_part=True, seen=None, by=by, at=AT + DAY)


def test_what_a_person_says_stands_beside_what_was_not_corrected(cast: Cast, participant: UUID) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast, kind="correction", asked="Ce n’est pas ce que j’ai dit.")
        with refused("rights.not_refused"):
            statements.state(session, request_id, "follow_up", "Je ne l’ai pas dit.", seen=None, by=by, at=AT)
        with refused("rights.reason.missing"):
            done_first.refuse(
                session, request_id, "accurate", replace(HANDED, words=""), in_part=False, seen=None, by=by, at=AT
            )
        done_first.refuse(session, request_id, "accurate", HANDED, in_part=False, seen=None, by=by, at=AT)
        statements.state(session, request_id, "follow_up", "Je ne l’ai pas dit.", seen=None, by=by, at=AT)
        assert statements.beside(session, participant) == ["follow_up"]
        (said,) = statements.read(
            session, participant, frozenset({"follow_up"}), by=cast.actor(WORKER), at=AT, ground="part"
        )
        assert said.words == "Je ne l’ai pas dit."
        lines = session.execute(select(_event.c.facts).where(_event.c.verb == "read").order_by(_event.c.n)).scalars()
        assert [facts["what"] for facts in lines][-1] == "statement"


@pytest.mark.usefixtures("participant")
@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_nobody_opens_what_was_made_once_the_request_is_taken_back_or_refused(cast: Cast, how: str) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        if how == "withdrawn":
            requests.withdraw(session, request_id, seen=None, by=by, at=AT)
        else:
            done_first.refuse(session, request_id, "health", HANDED, in_part=False, seen=None, by=by, at=AT)
        with refused("rights.no_package"):
            packages.opened(session, request_id, by=by, at=AT)
        table = table_of(RightsPackage)
        assert session.execute(select(table.c.sealed, table.c.removed_as)).one() == (None, how)


@pytest.mark.usefixtures("participant")
def test_a_withdrawn_request_is_over_and_its_task_is_called_off(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        requests.withdraw(session, request_id, seen=1, by=by, at=AT)
        assert task_of(session, request_id).state == "cancelled"
        with refused("rights.over"):
            requests.withdraw(session, request_id, seen=None, by=by, at=AT)
        with refused("rights.over"):
            packages.mask(session, request_id, [], seen=None, by=by, at=AT)


def test_a_file_that_is_asked_about_is_not_destroyed_before_the_answer(cast: Cast, participant: UUID) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        file = hold_participant(session, participant)
        with refused("retention.asked_for"):
            refuse_while_talked_about(session, file)
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        done_first.answer(session, request_id, HANDED, seen=None, by=by, at=AT)
        refuse_while_talked_about(session, file)


def test_a_file_that_is_destroyed_again_after_a_restore_takes_its_requests_and_packages_along(
    cast: Cast, participant: UUID
) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast)
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        destroy_again(session, participant, by=by, at=AT)
        row = row_with(session, request_id)
        assert (row.state, task_of(session, request_id).state) == ("stopped", "cancelled")
        assert session.execute(select(table_of(RightsPackage).c.sealed)).scalar_one() is None
        with refused("rights.no_package"):
            packages.opened(session, request_id, by=by, at=AT)


@pytest.mark.usefixtures("participant")
def test_a_number_that_was_lost_is_found_by_the_whole_name_with_the_birth_date_and_by_nothing_less(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        born_on = identity_within(session, participant_of(session)).birth_date
        assert born_on is not None
        who = finding.NameGiven("ondine", "FOUGERE-LYS", born_on)
        assert finding.find_files(session, who, by=by, at=AT) == ["#2026-01"]
        for other in (
            replace(who, birth_date=born_on + DAY),
            replace(who, given_name="Ondin"),
            replace(who, family_name="Tilleul"),
        ):
            assert finding.find_files(session, other, by=by, at=AT) == [], "it is not there, whoever is"
        with refused("rights.whole_name"):
            finding.find_files(session, replace(who, family_name=" "), by=by, at=AT)
        told = session.execute(select(_event).where(_event.c.verb == finding.LOOKED_FOR)).all()
        assert [one.facts["found"] for one in told] == [1, 0, 0, 0]
        assert "ndine" not in str([one.facts for one in told])
        (read,) = (one for one in session.execute(select(_event)) if one.facts.get("what") == "looked_up")
        assert read.facts["purpose"] == "request_of_person"


@pytest.mark.usefixtures("participant")
def test_nobody_tries_out_names_and_whom_the_person_barred_finds_nothing(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        participant_id = participant_of(session)
        born_on = identity_within(session, participant_id).birth_date
        assert born_on is not None
        who = finding.NameGiven("Ondine", "Fougère-Lys", born_on)
        for _ in range(finding.MOST_AN_HOUR - 1):
            assert finding.find_files(session, who, by=by, at=AT)
        barring.bar(session, participant_id, cast.people[OFFICER], by=cast.actor("coordinator"), at=AT)
        assert finding.find_files(session, who, by=by, at=AT) == []
        with refused("rights.looked_often"):
            finding.find_files(session, who, by=by, at=AT)
        assert finding.find_files(session, who, by=by, at=AT + timedelta(hours=2)) == []


@pytest.mark.usefixtures("participant")
def test_two_windows_look_for_no_more_names_than_one(cast: Cast) -> None:
    by, told = cast.actor(OFFICER), list[str]()
    who = finding.NameGiven("Ondine", "Fougère-Lys", date(2010, 1, 2))
    with cast.session() as session:
        for _ in range(finding.MOST_AN_HOUR - 1):
            finding.find_files(session, who, by=by, at=AT)
    start = threading.Barrier(3)

    def look() -> None:
        start.wait(10)
        with cast.session() as session:
            try:
                finding.find_files(session, who, by=by, at=AT)
            except Refusal as refusal:
                told.append(refusal.code)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told == ["rights.looked_often"] * 2


def participant_of(session: Session) -> UUID:
    """Whose number is #2026-01."""
    found: UUID = session.execute(
        select(table_of(Participant).c.id).where(table_of(Participant).c.number == "#2026-01")
    ).scalar_one()
    return found


@pytest.mark.usefixtures("participant")
def test_what_a_person_may_take_elsewhere_is_a_table_too_and_says_no_formula(cast: Cast) -> None:
    by = cast.actor(OFFICER)
    with cast.session() as session:
        request_id = received(session, cast, kind="portability")
        made(session, cast, request_id, ["Romarin Tilleul", "438 555-0188"])
        _, pieces = packages.opened(session, request_id, by=by, at=AT)
        assert {one.kind for one in pieces} <= {"identity", "referral", "consent", "sharing", "research", "break"}
        formula = Held("break", TODAY, {}, {"words": "=1+1", "fact": "Oui; =1+1, =1+1"})
        row = row_with(session, request_id)
        paper = paper_of(session, row, [*pieces, formula], known_as="#2026-01", on=TODAY)
        for language, between, fact in (("fr", ";", "Oui; =1+1, '=1+1"), ("en", ",", "Oui; '=1+1, =1+1")):
            table = io.StringIO(person_data.as_csv(replace(paper, language=language)).decode("utf-8-sig"), newline="")
            lines = list(csv.reader(table, delimiter=between))
            assert "Ondine" in [line[-1] for line in lines]
            assert [line[-1] for line in lines[-2:]] == ["'=1+1", fact]


@pytest.mark.usefixtures("participant")
def test_a_deputy_who_read_is_told_by_their_own_role_and_a_joined_file_brings_its_readings(cast: Cast) -> None:
    """Who acts for another reads in the place of that one; what was read of a file before it was joined counts too."""
    with cast.session() as session:
        participant_id = participant_of(session)
        acting = replace(
            cast.actor("coordinator"), person_id=cast.people["manager_la"], acting_for=cast.people["coordinator"]
        )
        record_read(session, "participant", participant_id, what="identity", ground="role", by=acting, at=AT)
        joined = of_another(session, participant_id)
        record_read(session, "participant", joined, what="findings", ground="role", by=cast.actor("coordinator"), at=AT)
        read = {one.said["what"]: one.said for one in who_read.readings_of(session, "#2026-01")}
    assert read["identity"]["role"] == "coordinator"
    assert read["findings"]["organization"] == read["identity"]["organization"] != ""
    assert cast.members["manager_la"].name not in str(read)


def of_another(session: Session, to: UUID) -> UUID:
    """The file of another candidate, as it is once it was joined to this one."""
    table = table_of(Participant)
    other: UUID = session.execute(select(table.c.id).where(table.c.id != to).limit(1)).scalar_one()
    session.execute(update(table).where(table.c.id == other).values(joined_to_id=to))
    return other


def test_every_column_with_words_of_a_participant_is_given_or_said_not_to_be() -> None:
    """A new table with sealed words is read in what a person is given, or says in `NOT_GIVEN` why not."""
    theirs = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        if {"participant_id", "follow_up_id"} & set(table.c.keys()) or table.name == "participant"
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    read = inspect.getsource(held) + inspect.getsource(told)
    models = {mapper.local_table.name: mapper.class_.__name__ for mapper in SQLModel._sa_registry.mappers}  # type: ignore[attr-defined]
    unread = {
        one
        for one in theirs - held.NOT_GIVEN.keys()
        if models[one.partition(".")[0]] not in read
        or (one != "participant.sealed" and f".{one.partition('.')[2]}" not in read)
    }
    assert unread == set()
