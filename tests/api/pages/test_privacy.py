"""The privacy officer's page: who sees it, what stands out and why, finding one's way, and who was turned away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from domain.casework import tasks
from domain.casework.proofs import GivenProof
from domain.follow_ups.week_row import Week
from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.people import people
from domain.record import reads
from domain.record.reads import Ground, Purpose
from domain.record.unusual import unusual_reads
from models.base import table_of
from models.casework import Case, Evidence
from models.outbox import Notice
from models.participant import Participant
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.casework import approve, complete, open_onboarding, step
from tests.cast import AT, LOADING, TODAY, Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.following import WORKER, admitted, agreed, followed, row_of
from tests.noting import write_note
from tests.referring import ROMARIN, declare_admission, participant_of, refer
from tests.sealing import head, seal_all

_event = table_of(Event)
_evidence = table_of(Evidence)
_participant = table_of(Participant)
_case = table_of(Case)
_notice = table_of(Notice)

#: Tuesday 10 November 2026, 10:00 in Montréal: a day and an hour at which people work.
WORKED = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
#: The Remembrance of another place; here the Saturday after it, and the night.
SATURDAY = WORKED + timedelta(days=4)
NIGHT = WORKED + timedelta(hours=13)


def officer(cast: Cast, **more: Any) -> TestClient:
    return client_for(cast.database, cast.people["privacy_officer"], **more)


def read(
    cast: Cast,
    who: str,
    *,
    at: datetime = WORKED,
    thing: UUID | None = None,
    ground: Ground = "part",
    times: int = 1,
    at_once: int = 1,
    purpose: Purpose | None = None,
    case_id: UUID | None = None,
) -> None:
    """So many readings, each an act of its own; or one act that reads `at_once` things."""
    for _ in range(times):
        with cast.session() as session:
            for _ in range(at_once):
                reads.record_read(
                    session,
                    "evidence",
                    thing or uuid4(),
                    what="document",
                    ground=ground,
                    by=cast.actor(who),
                    at=at,
                    purpose=purpose,
                    case_id=case_id,
                )


def reasons(cast: Cast) -> dict[str, set[str]]:
    """Why each person's readings stand out."""
    with cast.session() as session:
        found = unusual_reads(session, at=AT)
    names = {person_id: name for name, person_id in cast.people.items()}
    why: dict[str, set[str]] = {}
    for one in found:
        why.setdefault(names[surely(one.line.actor_id)], set()).update(reason.code for reason in one.reasons)
    return why


def documented(cast: Cast) -> tuple[UUID, UUID]:
    """A case, and a document in it that the coordinator gave."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    with cast.session() as session:
        task = step(session, case_id, "prepare_file_passwords")["id"]
        proof = GivenProof("document", "preuve.txt", b"shown")
        tasks.complete_task(session, task, by=cast.actor("coordinator"), at=AT, evidence=[proof])
        evidence: UUID = session.execute(select(_evidence.c.id).where(_evidence.c.task_id == task)).scalar_one()
    return case_id, evidence


@pytest.mark.parametrize("name", ["coordinator", "administrator", "director_ccsmtl", "worker_codim", "researcher"])
@pytest.mark.parametrize(
    "path", ["/privacy", "/privacy/refusals", "/privacy/incidents", "/privacy/incidents/register.csv"]
)
def test_nobody_else_sees_who_reads_what(cast: Cast, name: str, path: str) -> None:
    client = client_for(cast.database, cast.people[name])
    assert client.get(path).status_code == 404
    assert 'href="/privacy"' not in client.get("/people").text


def test_where_there_is_nothing_a_line_says_so(cast: Cast) -> None:
    page = text_of(officer(cast).get("/privacy").text)
    assert "Nothing unusual" in page
    assert "No reading" in page
    assert "Nothing is sealed yet" in page
    assert "No refusals" in text_of(officer(cast).get("/privacy/refusals").text)


@pytest.mark.ci
def test_a_document_that_is_downloaded_is_a_line_with_who_what_when_and_why(cast: Cast) -> None:
    case_id, evidence = documented(cast)
    reader = client_for(cast.database, cast.people["manager_em"])
    assert reader.get(f"/evidence/{evidence}").content == b"shown"
    page = text_of(officer(cast).get("/privacy").text)
    assert re.search(r"Document: .+ \(Émeraude Quartz – .+\)", page)
    assert "Perle Obsidienne (" in page
    assert "their own part in it" in page
    assert "preuve.txt" not in page, "a file's own name may say more than its step"
    for thing in (evidence, case_id):
        about = text_of(officer(cast).get(f"/privacy?thing={thing}").text)
        assert "Who saw this:" in about
        assert "Perle Obsidienne" in about
    assert count(officer(cast).get(f"/privacy?thing={uuid4()}")) == 0


@pytest.mark.ci
def test_whoever_saw_anything_of_one_participant_s_file_is_listed_by_the_number(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        theirs, others = followed(session, cast, "#2026-07"), followed(session, cast, "#2026-08")
        for follow_up, words in ((theirs, "Elle va bien."), (others, "Lui aussi.")):
            week = Week(met=1, summary=words)
            write_note(session, follow_up, TODAY, week, by=cast.actor(WORKER), at=AT)
        participant_id = row_of(session, theirs)["participant_id"]
    worker = client_for(cast.database, cast.people[WORKER])
    for follow_up in (theirs, others):
        assert worker.get(f"/follow-ups/{follow_up}/notes/{TODAY}").status_code == 200
    stranger = client_for(cast.database, cast.people["director_codim"])
    assert stranger.get(f"/participants/{participant_id}").status_code == 404
    asked = officer(cast)
    for path in ("/privacy?file=%232026-07", "/privacy?file=2026-07", f"/privacy?thing={participant_id}"):
        page = text_of(asked.get(path).text)
        assert "Text of a weekly note: #2026-07" in page
        assert "#2026-08" not in page
        assert count(asked.get(path)) == 1
    assert "Wanted to see: #2026-07" in text_of(asked.get("/privacy/refusals?file=2026-07").text)
    assert count(asked.get("/privacy/refusals?file=2026-08")) == 0
    assert len(asked.get("/api/v1/privacy/readings?file=2026-07").json()["items"]) == 1
    assert count(asked.get("/privacy?file=2026-09")) == count(asked.get("/privacy?file=%25")) == 0


@pytest.mark.ci
def test_a_document_of_somebodys_case_is_listed_by_their_number(cast: Cast) -> None:
    declare_admission(cast)
    referrals = refer(cast), refer(cast, ROMARIN)
    with cast.session() as session:
        theirs, other = (
            session.get_one(Participant, (cast.program_id, participant_of(session, one))) for one in referrals
        )
        case_id = session.scalars(select(_case.c.id).where(_case.c.participant_id == theirs.id)).one()
        paths = [f"/privacy?file={theirs.candidate_ref}", f"/privacy?thing={theirs.id}"]
        others = f"/privacy?file={other.candidate_ref}"
    read(cast, "manager_em", case_id=case_id)
    read(cast, "manager_em", case_id=uuid4())
    asked = officer(cast)
    for path in paths:
        assert count(asked.get(path)) == 1, path
    assert count(asked.get(others)) == 0


@pytest.mark.ci
def test_a_letter_of_somebodys_case_that_someone_opens_is_listed_by_their_number(cast: Cast) -> None:
    declare_admission(cast)
    referrals = refer(cast), refer(cast, ROMARIN)
    with cast.session() as session:
        theirs, other = (
            session.get_one(Participant, (cast.program_id, participant_of(session, one))).candidate_ref
            for one in referrals
        )
        (letter,) = session.scalars(select(_notice.c.id).where(_notice.c.calls.contains([theirs]))).all()
    reader = client_for(cast.database, cast.people["officer"])
    for path in (f"/post/{letter}", f"/post/{letter}/letter.eml", f"/api/v1/post/{letter}"):
        assert reader.get(path).status_code == 200
    asked = officer(cast)
    assert count(asked.get(f"/privacy?file={theirs}")) == 3
    assert count(asked.get(f"/privacy?file={other}")) == 0


@pytest.mark.ci
def test_no_page_of_the_thing_itself_tells_who_looked(cast: Cast) -> None:
    case_id, evidence = documented(cast)
    client_for(cast.database, cast.people["manager_em"]).get(f"/evidence/{evidence}")
    coordinator = client_for(cast.database, cast.people["coordinator"])
    for path in (f"/cases/{case_id}", "/activity?all=yes", "/api/v1/events?limit=200"):
        assert '"read"' not in coordinator.get(path).text
        assert "read:" not in text_of(coordinator.get(path).text)


@pytest.mark.ci
def test_a_letter_that_someone_opens_is_a_line(cast: Cast) -> None:
    open_onboarding(cast)
    coordinator = client_for(cast.database, cast.people["coordinator"])
    place = re.search(r'href="(/post/[0-9a-f-]{36})"', coordinator.get("/post").text)
    assert place is not None
    coordinator.get(place[1])
    coordinator.get(f"{place[1]}/letter.eml")
    page = text_of(officer(cast).get("/privacy").text)
    assert page.count("Letter: ") == 2
    assert "coordination of the program" in page


# What stands out.


def test_what_is_read_at_work_within_ones_part_does_not_stand_out(cast: Cast) -> None:
    read(cast, "manager_em", times=5)
    assert reasons(cast) == {}


def test_many_more_than_this_persons_usual_stand_out(cast: Cast) -> None:
    for days in range(1, 6):
        read(cast, "manager_em", at=WORKED - timedelta(days=7 * days), times=3)
        read(cast, "coordinator", at=WORKED - timedelta(days=7 * days), times=8)
    read(cast, "manager_em", times=11)
    read(cast, "coordinator", times=20)
    assert reasons(cast) == {"manager_em": {"many"}}


def test_ten_in_a_day_are_never_too_many_and_eleven_of_a_newcomer_are(cast: Cast) -> None:
    read(cast, "manager_em", times=10)
    read(cast, "manager_la", times=11)
    assert reasons(cast) == {"manager_la": {"many"}}
    with cast.session() as session:
        assert len(unusual_reads(session, at=AT)) == 1, "it is said once for the day"


def test_a_page_that_shows_many_files_is_one_reading(cast: Cast) -> None:
    read(cast, "manager_la", at_once=11)
    assert reasons(cast) == {}
    read(cast, "manager_em", at=NIGHT, at_once=11)
    with cast.session() as session:
        (found,) = unusual_reads(session, at=AT)
    assert [reason.code for reason in found.reasons] == ["night"]
    assert len(found.by_line) == 11
    page = officer(cast).get("/privacy").text
    assert "and 10 other files or documents with it" in page
    assert page.count("At night") == 12, "once for the reading, and on each of its lines below"
    (told,) = officer(cast).get("/api/v1/privacy/unusual-readings").json()
    assert (told["reasons"], sorted(told["lines"])) == (["night"], sorted(found.by_line))


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NIGHT, "night"),
        (WORKED.replace(hour=10, minute=59), "night"),  # 5:59 in Montréal
        (SATURDAY, "closed"),
        (datetime(2026, 10, 12, 15, 0, tzinfo=UTC), ""),  # Thanksgiving, but more than 30 days ago
        (datetime(2026, 11, 1, 3, 30, tzinfo=UTC), "night"),  # 23:30 on a Saturday: the hour is what is told
        (WORKED.replace(hour=11), ""),  # 6:00
    ],
)
def test_the_night_and_days_not_worked_are_the_programs_own(cast: Cast, at: datetime, code: str) -> None:
    read(cast, "manager_em", at=at)
    assert reasons(cast).get("manager_em", set()) == ({code} if code else set())


def test_what_lies_outside_ones_own_follow_ups_stands_out_and_says_what_for(cast: Cast) -> None:
    read(cast, "worker_codim", ground="purpose", purpose=Purpose.URGENT_HELP)
    assert reasons(cast) == {"worker_codim": {"outside"}}
    page = text_of(officer(cast).get("/privacy").text)
    assert "Outside the reader’s own follow-ups" in page
    assert "urgent help" in page


def test_what_was_refused_first_and_read_afterwards_stands_out(cast: Cast) -> None:
    case_id, evidence = documented(cast)
    stranger = client_for(cast.database, cast.people["worker_codim"], at=AT - timedelta(days=1))
    assert stranger.get(f"/evidence/{evidence}").status_code == 404
    read(cast, "manager_la", thing=evidence, case_id=case_id, at=AT - timedelta(hours=1))
    assert reasons(cast) == {}, "another person's refusal is not theirs"
    read(cast, "worker_codim", thing=evidence, case_id=case_id, at=AT - timedelta(hours=1))
    assert reasons(cast) == {"worker_codim": {"insisted"}}


@pytest.mark.ci
def test_what_was_refused_of_a_file_and_read_elsewhere_in_it_stands_out(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        theirs, others = followed(session, cast, "#2026-07"), followed(session, cast, "#2026-08")
        participant_id, other_id = (row_of(session, one)["participant_id"] for one in (theirs, others))
        joined = admitted(session, cast, "#2026-09")
        session.execute(update(_participant).where(_participant.c.id == joined).values(joined_to_id=participant_id))
    stranger = client_for(cast.database, cast.people["director_codim"], at=WORKED - timedelta(hours=1))
    assert stranger.get(f"/participants/{joined}").status_code == 404
    read(cast, "director_codim", thing=other_id)
    assert reasons(cast) == {}, "another file"
    read(cast, "director_codim", thing=theirs)
    assert reasons(cast) == {"director_codim": {"insisted"}}
    stranger.get(f"/participants/{participant_id}")
    read(cast, "director_codim", thing=uuid4(), case_id=participant_id)
    with cast.session() as session:
        told = [reason for one in unusual_reads(session, at=AT) for reason in one.reasons]
    assert [reason.facts["times"] for reason in told] == [2, 2], "each refusal of it once"


def test_one_who_leaves_soon_and_still_reads_stands_out(cast: Cast) -> None:
    with cast.session() as session:
        rows = session.execute(text("select person_id, id from tenure"))
        tenures = {row.person_id: row.id for row in rows}
        for who, days in (("police", 14), ("specialist", 15)):
            people.end_tenure(
                session, tenures[cast.people[who]], ends_on=WORKED.date() + timedelta(days=days), by=LOADING, at=AT
            )
    for who in ("police", "specialist"):
        read(cast, who)
    assert reasons(cast) == {"police": {"leaving"}}


def test_several_reasons_come_first_and_each_is_said(cast: Cast) -> None:
    read(cast, "manager_em", at=SATURDAY)
    read(cast, "worker_codim", at=NIGHT, ground="purpose", purpose=Purpose.HAND_OVER)
    page = officer(cast).get("/privacy").text
    unusual = text_of(page[page.index('id="unusual"') : page.index('id="readings"')])
    assert unusual.index("Garnet Schist") < unusual.index("Perle Obsidienne")
    assert "At night" in unusual
    assert "On a day that is not worked" in unusual


@pytest.mark.ci
def test_every_unusual_reading_is_reached_and_says_why_wherever_it_stands(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.privacy.UNUSUAL_SHOWN", 2)
    monkeypatch.setattr("api.pages.privacy.PAGE_SIZE", 3)
    read(cast, "manager_em", at=NIGHT, times=5)
    read(cast, "manager_em", at=WORKED)
    client, seen, page, path = officer(cast), set(), "", "/privacy"
    while path:
        page = client.get(path).text
        seen |= set(re.findall(r'<li id="n-(\d+)-unusual">', page))
        more = re.search(r'href="(/privacy\?unusual_from=\d+)#unusual"', page)
        path = more[1] if more else ""
    assert len(seen) == 5
    assert 'href="/privacy#unusual"' in page, "and back to the first"
    older = re.search(r'href="(/privacy\?before=\d+)"', client.get("/privacy").text)
    assert older is not None
    for query, marked in (
        (older[1], 3),
        (f"/privacy?person={cast.people['manager_em']}", 2),
        ("/privacy?on=2026-11-10", 2),
    ):
        assert client.get(query).text.count("At night") == marked, query


def test_the_other_programs_readings_are_not_in_it(cast: Cast) -> None:
    read(cast.other, "coordinator", at=NIGHT)
    page = text_of(officer(cast).get("/privacy").text)
    assert "Nothing unusual" in page
    assert "No reading" in page


# Finding one's way.


def test_it_is_found_by_person_and_by_local_day(cast: Cast) -> None:
    read(cast, "manager_em", at=datetime(2026, 11, 11, 4, 30, tzinfo=UTC))  # 23:30 of the 10th in Montréal
    read(cast, "coordinator")
    client = officer(cast)
    assert count(client.get("/privacy")) == 2
    assert count(client.get(f"/privacy?person={cast.people['manager_em']}")) == 1
    assert count(client.get("/privacy?on=2026-11-10")) == 2
    assert count(client.get("/privacy?on=2026-11-11")) == 0


def test_every_line_is_reached_by_paging_once_and_in_order(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.privacy.PAGE_SIZE", 4)
    read(cast, "manager_em", times=10)
    client = officer(cast)
    seen: list[int] = []
    path = "/privacy"
    while path:
        page = client.get(path).text
        seen += [int(n) for n in re.findall(r'<li id="n-(\d+)">', page)]
        older = re.search(r'href="(/privacy\?[^"]*before=[^"]*)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    with cast.session() as session:
        everything = list(
            session.scalars(select(_event.c.n).where(_event.c.verb == "read").order_by(_event.c.n.desc()))
        )
    assert seen == everything
    assert len(seen) == 10


@pytest.mark.parametrize("query", ["on=nonsense", "person=nonsense", "thing=nonsense", "on=2026-13-01"])
@pytest.mark.parametrize("path", ["/privacy", "/privacy/refusals"])
def test_a_question_that_makes_no_sense_is_said(cast: Cast, path: str, query: str) -> None:
    page = officer(cast).get(f"{path}?{query}")
    assert page.status_code == 422
    assert "One thing to correct" in page.text


@pytest.mark.ci
def test_who_was_turned_away_is_told_with_what_and_why(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    stranger = client_for(cast.database, cast.people["worker_codim"])
    stranger.get(f"/cases/{case_id}")
    stranger.post(f"/cases/{case_id}/cancellation", data={"reason": "x", "seen": "1"})
    stranger.get(f"/cases/{uuid4()}")
    page = text_of(officer(cast).get("/privacy/refusals").text)
    assert "Wanted to see: Émeraude Quartz" in page
    assert "Wanted to see: a case" in page
    assert "Garnet Schist" in page
    assert "it is not theirs, or does not exist" in page
    assert count(officer(cast).get(f"/privacy/refusals?person={cast.people['police']}")) == 0


def test_a_purpose_is_wanted_outside_ones_own_follow_ups(cast: Cast) -> None:
    for purpose in (None, Purpose.COORDINATION):
        with pytest.raises(Refusal) as refused:
            read(cast, "worker_codim", ground="purpose", purpose=purpose)
        assert refused.value.code == "read.purpose.missing"
    assert count(officer(cast).get("/privacy")) == 0


def count(answer: Any) -> int:
    found = re.search(r'id="(?:readings|refusals)-title">[^<]*<span class="count">(\d+)', answer.text)
    assert found is not None
    return int(found[1])


def test_the_page_says_how_far_the_record_is_sealed(cast: Cast) -> None:
    seal_all(cast, FakeSealKeys())
    page = text_of(officer(cast).get("/privacy").text)
    assert f"is number {head(cast).number}." in page
    assert "No seal went out by letter yet." in page
