"""What a person is given says all that is held of them in words: no code of the program's, in either language."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from api.views import person_papers
from api.views.person_papers import PARTS, paper_of
from domain.files.pdf_words import words_of as words_of_pdf
from domain.follow_ups import CASE_SAID, RAISED
from domain.follow_ups.week_row import CHOICES, WORDS, Week
from domain.kernel import first, of, seal
from domain.participants import ToldField, Who
from domain.record import record_export
from domain.rights import packages, requests
from domain.rights.held import Held, held_of
from locales import LANGUAGES, show_day
from meetings.documents import issuing
from meetings.documents.person_data import as_csv, as_json
from models.consent import CONSENT_PURPOSES, DISCLOSURE_GROUNDS, SIGNED_BY
from models.destruction import DESTRUCTION_GROUNDS, KEEPING_CHANGES
from models.discussion import CASE_OUTCOMES, PROCESSES, CaseDiscussion, ProcessMark
from models.follow_up import ASSIGNMENT_KINDS, COMMUNICATIONS, MEANS, FollowUp, SelfReport
from models.lifecycles import DESTRUCTION, FOLLOW_UP
from models.participant import MEETING_OUTCOMES, MEETING_WAYS, RECRUITER_LEVELS, RISK_LEVELS
from models.referral import ADMISSION_OUTCOMES, CRITERIA, FINDINGS, TRIAGE_RESULTS, WAYS
from models.right import RightsRequest
from tests.cast import AT, TODAY, Cast
from tests.domain.rights.test_requests import GIVEN
from tests.following import WORKER
from tests.meetings.test_agenda_rules import _a_meeting
from tests.noting import write_note
from tests.rights import written_of

OFFICER: Final = "privacy_officer"
DAY: Final = timedelta(days=1)
#: Every code that a piece of some kind may have in a field.
CODES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **{("weekly_note", name): codes for name, codes in CHOICES.items()},
    ("weekly_note", "communications"): COMMUNICATIONS,
    ("discussion", "outcome"): CASE_OUTCOMES[1:],
    ("self_report", "result"): RISK_LEVELS,
    ("identity", "gender"): ("woman", "man", "other"),
    ("referral", "way"): WAYS,
    ("triage", "result"): TRIAGE_RESULTS,
    ("finding", "criterion"): CRITERIA,
    ("finding", "finding"): FINDINGS,
    ("admission", "result"): ADMISSION_OUTCOMES,
    ("first_meeting", "way"): MEETING_WAYS,
    ("first_meeting", "outcome"): MEETING_OUTCOMES,
    ("risk", "result"): (*RISK_LEVELS, *RECRUITER_LEVELS),
    ("consent", "purpose"): CONSENT_PURPOSES,
    ("sharing", "purpose"): ("referral",),  # that it is to share says the title
    ("consent", "signed_by"): SIGNED_BY,
    ("follow_up", "state"): FOLLOW_UP.states,
    ("assignment", "part"): ASSIGNMENT_KINDS,
    ("attempt", "means"): MEANS,
    ("disclosure", "ground"): DISCLOSURE_GROUNDS,
    ("kept_until", "change"): KEEPING_CHANGES,
    ("destruction", "ground"): DESTRUCTION_GROUNDS,
    ("destruction", "state"): DESTRUCTION.states,
}


@pytest.fixture
def participant(cast: Cast) -> UUID:
    """Somebody who is followed, and of whom a note names others."""
    return written_of(cast)


def request_of(session: Session, cast: Cast, language: str) -> RightsRequest:
    given = replace(GIVEN, language=language)
    request_id = requests.receive(session, given, by=cast.actor(OFFICER), at=AT)
    row = first(session, of(RightsRequest).where(RightsRequest.id == request_id))
    assert row is not None
    return row


@pytest.mark.usefixtures("participant")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_a_piece_may_hold_is_said_in_words(cast: Cast, language: str) -> None:
    with cast.session() as session:
        row = request_of(session, cast, language)
        for (kind, name), codes in CODES.items():
            for code in codes:
                value: Any = [code] if name == "communications" else code
                paper = paper_of(session, row, [Held(kind, TODAY, {name: value})], known_as="#2026-01", on=TODAY)
                (piece,) = (piece for part in paper.parts for piece in part.pieces)
                ((label, said, *_),) = piece.facts
                assert code in person_papers._OF_KIND.get((kind, name), person_papers._OF_WORDS), (kind, name, code)
                assert said, (kind, name, code)
                assert label != name, (kind, name)


@pytest.mark.usefixtures("participant")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_that_people_write_in_has_its_name(cast: Cast, language: str) -> None:
    written = {
        "weekly_note": WORDS,
        "discussion": ("raised", "note", "follows"),
        "identity": tuple(one.name for one in fields(Who)),
        "referral": tuple(one.name for one in fields(ToldField) if one.name != "facts"),
        "finding": ("fact",),
    }
    with cast.session() as session:
        row = request_of(session, cast, language)
        for kind, names in written.items():
            piece = Held(kind, TODAY, {}, dict.fromkeys(names, "Bonjour."))
            paper = paper_of(session, row, [piece], known_as="#2026-01", on=TODAY)
            (shown,) = (piece for part in paper.parts for piece in part.pieces)
            assert not [label for label, *_ in shown.words if label in names], kind


def test_each_kind_of_piece_stands_in_one_part_of_the_paper() -> None:
    kinds = [kind for _, part in PARTS for kind in part]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_newly_held_is_on_the_paper_and_in_the_table_in_words(
    cast: Cast, participant: UUID, language: str
) -> None:
    """A whole week, what the committee spoke of, the processes, a questionnaire and a workbook that left."""
    with cast.session() as session:
        _lived(session, cast, participant)
        row, by = request_of(session, cast, language), cast.actor(OFFICER)
        packages.mask(session, row.id, ["Romarin Tilleul", "438 555-0188"], seen=None, by=by, at=AT)
        looked_at = packages.prepare(session, row.id, by=by, at=AT)
        assert not [one.words for one in looked_at.pointed if one.sure]
        packages.make(session, row.id, looked_at.digest, seen=None, by=by, at=AT)
        _, pieces = packages.opened(session, row.id, by=by, at=AT)
        newly = {"weekly_note", "discussion", "processes", "self_report", "workbook"}
        assert newly <= {one.kind for one in pieces}
        paper = paper_of(session, row, pieces, known_as="#2026-01", on=TODAY)
        for piece in (piece for part in paper.parts for piece in part.pieces):
            for label, said, *_ in piece.facts:
                assert not any("_" in word for word in (label, said)), (piece.title, label, said)
        read = " ".join(" ".join(words_of_pdf(issuing.give(paper, language).content)).split())
        for words in (*_OF_LIFE[language], "Une rechute.", "On continue.", "Elle va mieux."):
            assert words in read, words
        table, between = as_csv(paper).decode("utf-8-sig"), {"fr": ";", "en": ","}[language]
        rows = list(csv.reader(io.StringIO(table, newline=""), delimiter=between))
        assert len({len(row) for row in rows}) == 1
        for cells in _IN_TABLE[language]:
            wanted = [show_day(language, TODAY) if cell is None else cell for cell in cells]
            assert any(row[1:] == wanted for row in rows), cells
        data = as_json(paper).decode()
        for said in (read, table, data):
            assert "Tilleul" not in said
            assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", said), "an id says nothing to a person"
        codes = {code for one in CODES.values() for code in one if "_" in code}
        assert not codes & {cell for row in rows for cell in row}
        fields = [one for piece in json.loads(data)["pieces"] for one in piece["fields"]]
        assert all(one["label"] and one["value"] for one in fields)
        assert {"name": "need", "code": "stability"}.items() <= next(
            one for one in fields if one["name"] == "need"
        ).items()


#: What of this life is read on the paper.
_OF_LIFE: Final = {
    "fr": ("stabilité", "téléphone", "très satisfait", "Relation", "Jaune", "Classeur"),
    "en": ("stability", "telephone", "very satisfied", "Relationship", "Yellow", "Workbook"),
}


#: What of this life is read in the table, by the language: its cells, with TODAY in words at `None`.
_IN_TABLE: Final = {
    "fr": (
        ("Votre suivi", "Note de la semaine", "23 novembre 2026", "Besoin visé", "stabilité"),
        ("Votre suivi", "Devant le Comité clinique", None, "Ce que votre intervenant·e a soulevé", "Une rechute."),
    ),
    "en": (
        ("Your follow-up", "Weekly note", "November 23, 2026", "Need targeted", "stability"),
        ("Your follow-up", "Before the Clinical Committee", None, "What your worker raised", "Une rechute."),
    ),
}


def _lived(session: Session, cast: Cast, participant_id: UUID) -> None:
    """A week with all its choices, a discussion, processes, a questionnaire, and a workbook that left."""
    follow_up = first(session, of(FollowUp).where(FollowUp.participant_id == participant_id))
    assert follow_up is not None
    by, me = cast.actor(WORKER), cast.people[WORKER]
    here: dict[str, Any] = {"program_id": cast.program_id, "follow_up_id": follow_up.id}
    monday = TODAY - timedelta(days=TODAY.weekday())
    week = Week(
        met=1,
        minutes=60,
        communications=COMMUNICATIONS,
        need="stability",
        main_activity="Une marche.",
        worker_satisfaction="satisfied",
        participant_satisfaction="very_satisfied",
        activity_type="medical",
        summary="Elle va mieux.",
        other_information="Elle a une clé.",
        other_workers="Personne.",
    )
    write_note(session, follow_up.id, monday, week, by=by, at=AT + timedelta(minutes=1))
    case_id = uuid4()
    raised = seal(session, participant_id, f"{RAISED}/{case_id}", {"raised": "Une rechute."})
    said = seal(session, participant_id, f"{CASE_SAID}/{case_id}", {"note": "On continue.", "follows": "Rappeler."})
    session.add(
        CaseDiscussion(
            **here,
            id=case_id,
            raised=raised,
            urgent=True,
            raised_by=by.person_id,
            raised_at=AT,
            meeting_id=_a_meeting(session, cast),
            outcome="goes_on",
            said=said,
            recorded_by=by.person_id,
            recorded_at=AT,
        )
    )
    session.add(ProcessMark(**here | dict.fromkeys(PROCESSES, True), week=monday, marked_by=me, marked_at=AT))
    session.add(SelfReport(**here, n=1, done_on=TODAY, risk="yellow", recorded_by=me, recorded_at=AT))
    session.flush()
    record_export(session, "follow_up", follow_up.id, what="workbook", lines=1, ground="part", by=by, at=AT)


def test_every_kind_that_is_held_has_its_part(cast: Cast, participant: UUID) -> None:
    with cast.session() as session:
        _lived(session, cast, participant)
        kinds = {one.kind for one in held_of(session, participant)}
    assert kinds <= {kind for _, part in PARTS for kind in part}
