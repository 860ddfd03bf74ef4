"""The program’s statement: what is counted, that it leaves once, and that nothing of a participant can be reckoned."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.casework.assigning import assign
from domain.casework.cases import cancel_case
from domain.casework.tasks import complete_task
from domain.mail.notices import COORDINATION
from domain.participants import new_reference
from locales import LANGUAGES, pick
from meetings import decisions
from meetings.statements import program, sheets
from meetings.statements.participants import part_of
from meetings.statements.tables import CountTable, ProgramStatement, as_json, from_json
from models.base import table_of
from models.follow_up import FollowUp
from models.meeting import Meeting
from models.minutes import Attendance, Decision, QuorumStanding
from models.participant import Participant
from models.program import Organization
from models.record import Event
from models.referral import Referral
from tests.agreeing import code_of
from tests.casework import open_onboarding
from tests.cast import AT, Arranged, Cast
from tests.domain.obligations.signed import hold, kept, put_in_force
from tests.meetings.documents.test_issuing import know
from tests.meetings.sitting import seat_everyone

_event = table_of(Event)
_attendance = table_of(Attendance)
_organization = table_of(Organization)
_meeting = table_of(Meeting)
_decision = table_of(Decision)

#: The year is over.
LATER: Final = datetime(2027, 2, 15, 14, 0, tzinfo=UTC)
EVERYONE: Final = ("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme")
#: What is sealed is not opened here.
SEALED: Final = secrets.token_bytes(64)


def _prepare(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """Every agreement in force from 5 January 2026, everyone seated."""
    arranged(cast, _prepare)
    with cast.session() as made:
        yield made


def look(session: Session, key: str = "2026", at: datetime = LATER) -> ProgramStatement:
    return program.look(session, key, at=at)


def table(statement: ProgramStatement, key: str) -> CountTable:
    return next(one for one in statement.tables if one.key == key)


def counts(statement: ProgramStatement, key: str, row: str) -> dict[str, object]:
    found = table(statement, key)
    cells = next(one.cells for one in found.rows if one.key == row)
    return dict(zip((column.key for column in found.columns), cells, strict=True))


def refer(session: Session, cast: Cast, n: int, as_: str, *, received: datetime = AT) -> None:
    """So many referrals received at a moment, each of one person, who stand as `as_` says."""
    for _ in range(n):
        person, referral = uuid4(), uuid4()
        state, result, admitted, follow_up = _STANDS[as_]
        session.add(
            Participant(
                program_id=cast.program_id,
                id=person,
                candidate_ref=f"C-{''.join(secrets.choice('23456789ABCDEFGH') for _ in range(6))}",
                number=f"#2026-{secrets.randbelow(10**9):02d}" if admitted else None,
                state=state,
                sealed=SEALED,
                admitted_on=received.date() if admitted else None,
            )
        )
        session.flush()
        triaged: dict[str, Any] = {"triaged_at": AT, "triaged_by": cast.people["coordinator"]} if result else {}
        session.add(
            Referral(
                reference=new_reference(),
                program_id=cast.program_id,
                id=referral,
                participant_id=person,
                referred_by=cast.people["worker_em"],
                organization_id=cast.organizations["en-marge"],
                way="page",
                state="triaged" if result else "received",
                result=result,
                sealed=SEALED,
                begun_at=received,
                saved_at=received,
                received_at=received,
                **triaged,
            )
        )
        if follow_up:
            session.add(
                FollowUp(
                    program_id=cast.program_id,
                    participant_id=person,
                    state=follow_up,
                    inactive_reason="lost_contact" if follow_up == "inactive" else None,
                    state_since=received.date(),
                    state_at=received,
                    state_as="coordinator",
                    active_since=received.date(),
                    active_at=received,
                    opened_on=received.date(),
                    opened_at=received,
                )
            )
        session.flush()


_STANDS: Final[dict[str, tuple[str, str, bool, str]]] = {
    "waiting": ("candidate", "", False, ""),
    "under_way": ("assigned", "committee", False, ""),
    "refused": ("refused", "refused", False, ""),
    "declined": ("declined", "committee", False, ""),
    "active": ("admitted", "committee", True, "active"),
    "on_break": ("admitted", "forwarded", True, "on_break"),
    "inactive": ("admitted", "committee", True, "inactive"),
    "completed": ("admitted", "committee", True, "completed"),
}


# -------------------------------------------------------------------------------------------------- what is counted


@pytest.mark.ci
def test_meetings_count_those_held_and_how_every_seat_was_filled(session: Session, cast: Cast) -> None:
    hold(session, cast, date(2026, 2, 10), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "alternate"})
    hold(session, cast, date(2026, 5, 12), {**dict.fromkeys(EVERYONE, "remote"), "en-marge": "absent"})
    hold(session, cast, date(2026, 8, 11), {"en-marge": "present"}, quorate=False)
    hold(session, cast, date(2027, 1, 12), dict.fromkeys(EVERYONE, "present"))
    found = counts(look(session), "meetings", "steering")
    assert (found["held"], found["without_quorum"], found["cancelled"]) == (2, 1, 0)
    assert (found["holder"], found["alternate"], found["absent"]) == (10, 1, 1)
    assert found["seats"] == sum(
        int(str(found[one])) for one in ("holder", "alternate", "excused", "absent", "unrecorded")
    )
    assert counts(look(session, "2026-Q1"), "meetings", "steering")["held"] == 1


@pytest.mark.ci
def test_cases_count_by_protocol_what_began_what_ended_and_what_was_late(session: Session, cast: Cast) -> None:
    session.commit()
    open_onboarding(cast, "worker_em", "en-marge")
    other = open_onboarding(cast, "worker_codim", "codim")
    by = cast.actor("coordinator")
    cancel_case(session, other, by=by, at=AT + timedelta(days=1), reason="Ne viendra pas.")
    found = counts(look(session), "cases", "onboarding")
    assert found == {"opened": 2, "closed": 0, "cancelled": 1, "under_way": 1, "late": 2}
    assert counts(look(session, "2027-Q1", datetime(2027, 5, 1, tzinfo=UTC)), "cases", "onboarding")["opened"] == 0
    assert not [one for one in look(session, "2026-Q1").tables if one.key == "cases"], "none was open then"


def taken(
    session: Session,
    cast: Cast,
    meeting_id: UUID,
    n: int,
    *,
    kind: str,
    state: str,
    closed_at: datetime | None = None,
    **owed: object,
) -> None:
    """A decision of a meeting, written as its row."""
    session.execute(
        insert(_decision).values(
            program_id=cast.program_id,
            id=uuid4(),
            committee_id=session.scalar(select(_meeting.c.committee_id).where(_meeting.c.id == meeting_id)),
            meeting_id=meeting_id,
            number=f"CD-2026-{n:03d}",
            kind=kind,
            text_fr="On continue.",
            has_quorum=True,
            quorum=QuorumStanding(True, True, 5, 5, 5, 5),
            state=state,
            endorsement="not_asked",
            counts_since=AT,
            decided_at=AT,
            closed_at=closed_at,
            closed_as="coordinator" if closed_at else None,
            version=1,
            **owed,
        )
    )


def test_decisions_count_those_taken_and_those_closed_and_no_clinical_one(session: Session, cast: Cast) -> None:
    meeting_id = hold(session, cast, date(2026, 11, 23), dict.fromkeys(EVERYONE, "present"))
    for n, (kind, state) in enumerate(
        (("management", "standing"), ("other", "standing"), ("clinical", "standing"), ("management", "withdrawn"))
    ):
        taken(session, cast, meeting_id, n, kind=kind, state=state, closed_at=AT if state == "withdrawn" else None)
    found = counts(look(session), "decisions", "steering")
    assert found == {"taken": 3, "carried_out": 0, "withdrawn": 1, "open": 0, "late": 0, "waiting": 0}
    assert len(decisions.taken_before(session, LATER)) == 4


@pytest.mark.ci
def test_obligations_count_each_period_once_by_clause_and_by_partner_alike(session: Session, cast: Cast) -> None:
    hold(session, cast, date(2026, 5, 12), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
    hold(session, cast, date(2026, 8, 11), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
    kept(session, LATER)
    statement = look(session)
    by_clause, by_partner = (
        {row.key: row.cells for row in table(statement, key).rows}["total"]
        for key in ("obligations", "obligations-by-partner")
    )
    assert by_clause == by_partner
    assert sum(int(str(one)) for one in by_clause) > 50
    assert int(str(counts(statement, "obligations", "ag-m")["missed"])) > 0
    assert int(str(counts(statement, "obligations-by-partner", "en-marge")["missed"])) > 0


@pytest.mark.ci
def test_partners_count_from_the_day_of_their_agreement(session: Session, cast: Cast) -> None:
    found = counts(look(session), "partners", "codim")
    year = (date(2026, 12, 31) - date(2026, 1, 5)).days + 1
    assert int(str(found["promised"])) % year == 0
    hold(session, cast, date(2026, 5, 12), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
    assert counts(look(session), "partners", "en-marge")["absent"] == 1


@pytest.mark.ci
def test_partners_count_what_each_carried_out_of_decisions_and_no_clinical_one(session: Session, cast: Cast) -> None:
    meeting_id = hold(session, cast, date(2026, 10, 6), dict.fromkeys(EVERYONE, "present"))
    in_february = datetime(2027, 2, 1, 15, 0, tzinfo=UTC)
    for n, (place, kind, state, closed_at) in enumerate(
        (
            ("en-marge", "management", "done", AT),
            ("en-marge", "other", "done", AT),
            ("en-marge", "other", "withdrawn", AT),
            ("en-marge", "other", "open", None),
            ("en-marge", "other", "done", in_february),  # at the end of the year it was still to do
            ("en-marge", "clinical", "done", AT),
            ("codim", "management", "done", AT),
        )
    ):
        owed = assign(
            session,
            "follow_up_decision",
            str(n),
            title_fr="Suite",
            title_en="To do",
            chain=COORDINATION,
            due_on=AT.date(),
            by=cast.actor("coordinator"),
            at=AT,
        )
        taken(
            session,
            cast,
            meeting_id,
            n,
            kind=kind,
            state="withdrawn" if state == "withdrawn" else "open",
            closed_at=closed_at if state == "withdrawn" else None,
            owner_role="manager",
            owner_organization_id=cast.organizations[place],
            due_on=AT.date(),
            task_id=owed,
        )
        if state == "done" and closed_at is not None:
            complete_task(session, owed, by=cast.actor("coordinator"), at=closed_at)

    def of(place: str) -> tuple[object, object]:
        found = counts(look(session), "partners", place)
        return found["carried_out"], found["open"]

    assert (of("en-marge"), of("codim"), of("anonyme"), of("total")) == ((2, 2), (1, 0), (0, 0), (3, 2))
    with_others = counts(look(session), "decisions", "steering")
    assert with_others["carried_out"] == 3, "the table by committee says the same"


# ------------------------------------------------------------------------------------------------- bad questions


@pytest.mark.parametrize("key", ["", "26", "2026-Q5", "2026-13", "0026", "2026-Q1 ", "année", "20260"])
def test_what_is_no_period_is_refused(session: Session, key: str) -> None:
    assert code_of(lambda: look(session, key)) == "statement.no_period"


def test_a_period_leaves_only_once_it_is_over(session: Session) -> None:
    for key in ("2026", "2026-Q4", "2031"):
        assert code_of(lambda key=key: look(session, key, AT)) == "statement.not_over"  # type: ignore[misc]
    last_day = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
    assert code_of(lambda: look(session, "2026", last_day)) == "statement.not_over"
    assert look(session, "2026", last_day + timedelta(hours=12)).period == "2026"
    assert look(session, "2026-Q3", AT).ends_on == date(2026, 9, 30)


def test_of_a_time_before_the_program_there_is_nothing(session: Session) -> None:
    for key in ("1899", "2024", "2025-Q4"):
        assert code_of(lambda key=key: look(session, key)) == "statement.nothing"  # type: ignore[misc]
    assert [one.key for one in program.periods(session, AT.date())] == ["2026-Q3", "2026-Q2", "2026-Q1"]
    assert [one.key for one in program.periods(session, LATER.date())][:2] == ["2026", "2026-Q4"]


# ----------------------------------------------------------------------------------------------------- it leaves once


def release(session: Session, cast: Cast, key: str = "2026", at: datetime = LATER) -> program.Release:
    digest = program.digest_of(look(session, key, at))
    return program.release(session, key, digest=digest, by=cast.actor("coordinator"), at=at)


@pytest.mark.ci
def test_what_left_stays_as_it_was_whatever_is_corrected_afterwards(session: Session, cast: Cast) -> None:
    hold(session, cast, date(2026, 5, 12), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
    refer(session, cast, 6, "active")
    left = release(session, cast)
    session.execute(update(_attendance).where(_attendance.c.state == "absent").values(state="excused"))
    refer(session, cast, 1, "active")  # a referral of that year, recorded late: the difference would be one person
    again = program.released(session, "2026")
    assert again is not None
    assert again.statement == left.statement
    assert counts(again.statement, "referrals", "active") == {"referrals": 6}
    assert code_of(lambda: release(session, cast)) == "statement.released_already"
    assert session.scalars(select(_event.c.verb).where(_event.c.verb == program.RELEASED)).all() == [program.RELEASED]


@pytest.mark.ci
def test_nothing_leaves_that_is_not_what_was_seen(session: Session, cast: Cast) -> None:
    seen = program.digest_of(look(session))
    hold(session, cast, date(2026, 5, 12), dict.fromkeys(EVERYONE, "present"))
    by = cast.actor("coordinator")
    assert code_of(lambda: program.release(session, "2026", digest=seen, by=by, at=LATER)) == "statement.changed"
    assert program.released(session, "2026") is None
    assert code_of(lambda: program.require_released(session, "2026", LATER.date())) == "statement.not_released"


@pytest.mark.ci
def test_the_same_counts_looked_at_on_another_day_are_the_same(session: Session) -> None:
    assert program.digest_of(look(session)) == program.digest_of(look(session, at=LATER + timedelta(days=3)))


# ---------------------------------------------------------------------------------------------------- participants


def test_where_nobody_was_ever_referred_there_is_no_such_section(session: Session) -> None:
    assert {one.key for one in look(session).tables}.isdisjoint({"referrals"})


@pytest.mark.ci
def test_counts_of_participants_leave_by_the_year_alone_and_their_cases_are_not_counted_apart(
    session: Session, cast: Cast
) -> None:
    refer(session, cast, 7, "active")
    assert "referrals" in {one.key for one in look(session).tables}
    for key in ("2026-Q1", "2026-Q4"):
        assert {one.key for one in look(session, key).tables}.isdisjoint({"referrals"})


@pytest.mark.ci
def test_each_referral_of_the_year_stands_in_one_part_and_those_of_another_year_in_none(
    session: Session, cast: Cast
) -> None:
    for part in ("waiting", "under_way", "refused", "active", "completed"):
        refer(session, cast, 5, part)
    refer(session, cast, 5, "declined")
    refer(session, cast, 9, "active", received=datetime(2027, 1, 1, 6, 0, tzinfo=UTC))
    refer(session, cast, 9, "active", received=datetime(2025, 12, 31, 12, 0, tzinfo=UTC))
    rows = {row.key: row.cells[0] for row in table(look(session), "referrals").rows}
    assert rows == {
        "waiting": 5,
        "under_way": 5,
        "not_admitted": 10,
        "active": 5,
        "on_break": 0,
        "inactive": 0,
        "completed": 5,
        "total": 30,
    }
    # On New Year's Eve in Montréal it was 2027 in UTC.
    refer(session, cast, 5, "waiting", received=datetime(2027, 1, 1, 4, 0, tzinfo=UTC))
    assert counts(look(session), "referrals", "waiting") == {"referrals": 10}


def test_small_counts_are_hidden_with_another_beside_them(session: Session, cast: Cast) -> None:
    refer(session, cast, 2, "on_break")
    refer(session, cast, 11, "active")
    refer(session, cast, 7, "completed")
    statement = look(session)
    rows = {row.key: row.cells[0] for row in table(statement, "referrals").rows}
    assert (rows["on_break"], rows["active"], rows["completed"], rows["total"]) == (None, None, 7, 20)


@pytest.mark.ci
def test_no_number_of_participants_stands_in_any_other_table(session: Session, cast: Cast) -> None:
    """What is counted elsewhere is the same with nobody and with many."""
    kept(session, LATER)
    before = {one.key: one for one in look(session).tables}
    for part in _STANDS:
        refer(session, cast, 6, part)
    kept(session, LATER)
    after = {one.key: one for one in look(session).tables}
    assert set(after) - set(before) == {"referrals"}
    assert {key: after[key] for key in before} == before


def test_a_year_of_four_referrals_says_only_that_they_were_few(session: Session, cast: Cast) -> None:
    refer(session, cast, 3, "active")
    refer(session, cast, 1, "refused")
    assert {row.cells for row in table(look(session), "referrals").rows} == {(None,)}


@pytest.mark.parametrize(
    ("state", "admitted_on", "part"),
    [("destroyed", None, "not_admitted"), ("destroyed", date(2026, 3, 3), "active"), ("committed", None, "under_way")],
)
def test_whoever_was_destroyed_still_counts(state: str, admitted_on: date | None, part: str) -> None:
    assert part_of("triaged", "committee", state, admitted_on, None) == part


# -------------------------------------------------------------------------------------------------------- as a file


@pytest.mark.ci
def test_the_workbook_holds_the_same_figures_in_both_languages_and_no_formula(session: Session, cast: Cast) -> None:
    hold(session, cast, date(2026, 5, 12), {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
    refer(session, cast, 2, "on_break")
    refer(session, cast, 11, "active")
    session.execute(
        update(_organization).where(_organization.c.key == "codim").values(short_name='=HYPERLINK("https://x","CODIM")')
    )
    kept(session, LATER)
    left = release(session, cast)
    figures = {}
    for language in LANGUAGES:
        file = sheets.program_file(session, left, language)
        assert file.name == {"fr": "2026-bilan-du-programme.xlsx", "en": "2026-program-statement.xlsx"}[language]
        book = load_workbook(BytesIO(file.content))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s", "n"}
        assert '=HYPERLINK("https://x","CODIM")' in {cell.value for cell in cells}
        assert len(book.sheetnames) == len(left.statement.tables) + 1
        figures[language] = [(cell.coordinate, cell.value) for cell in cells if cell.data_type == "n"]
        said = {str(cell.value) for cell in cells}
        assert ("masqué" if language == "fr" else "hidden") in said
        assert file.content == sheets.program_file(session, left, language).content
    assert figures["fr"] == figures["en"]
    assert len(figures["fr"]) > 100


@pytest.mark.ci
def test_json_gives_back_what_left(session: Session, cast: Cast) -> None:
    refer(session, cast, 2, "on_break")
    refer(session, cast, 11, "active")
    left = release(session, cast)
    assert from_json(as_json(left.statement)) == left.statement
    read = as_json(left.statement)
    cells = {row["key"]: row["cells"][0] for one in read["tables"] if one["key"] == "referrals" for row in one["rows"]}
    assert cells["on_break"] is None
    assert cells["total"] == 13


@pytest.mark.ci
def test_a_statement_that_names_a_participant_does_not_leave(session: Session, cast: Cast) -> None:
    left = release(session, cast)
    know(session, "Éloïse Desruisseaux")
    assert sheets.program_file(session, left, "fr").content
    session.rollback()
    naming = from_json(json.loads(json.dumps(as_json(left.statement)).replace("CODIM", "Eloise Desruisseaux")))
    named = program.Release(naming, left.at, left.by_id, left.digest)
    assert code_of(lambda: sheets.program_file(session, named, "fr")) == "document.names"


@pytest.mark.ci
def test_every_word_of_a_table_is_there_in_both_languages(session: Session, cast: Cast) -> None:
    refer(session, cast, 6, "active")
    kept(session, LATER)
    for one in look(session).tables:
        for text in (one.title, one.of, *(column.name for column in one.columns), *(row.name for row in one.rows)):
            assert all(pick(language, text) for language in LANGUAGES)


def test_nothing_of_another_program_is_counted(session: Session, cast: Cast) -> None:
    session.commit()
    with cast.other.session() as elsewhere:
        assert code_of(lambda: program.look(elsewhere, "2026", at=LATER)) == "statement.nothing"
    assert look(session).tables
