"""Whom a participant barred finds nothing of them: no case, no task, no line of any list, whatever else they are.

Every page and answer is asked, so that a new one that shows somebody of whom it did not ask this is found here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from api.access.permissions import Asker
from api.access.tasks import seen_of
from domain.accompaniment import barring, workers
from domain.admissions import duplicates, first_meetings
from domain.casework import board, tasks
from domain.kernel.rows import col, every, of
from domain.kernel.scope import program_of
from domain.mail import notices
from domain.participants.locking import case_of
from domain.people.absences import record_absence
from domain.roles.roles import standing
from flows.digests import write_digests
from flows.ladders import RungsUsed
from models.base import table_of
from models.casework import Case, Task
from models.follow_up import FollowUp
from models.outbox import Notice
from models.participant import Participant
from models.record import Event
from models.referral import Referral
from tests.api.application import app_on, client_for
from tests.casework import complete, step
from tests.cast import AT, TODAY, Cast
from tests.conftest import Copies
from tests.flows.support import Clock, body, letters, means_of
from tests.following import WORKER, agreed, followed, row_of
from tests.matrix.asked import routes_of
from tests.raw_rows import many
from tests.referring import ONDINE, ROMARIN, declare_admission, participant_of, refer, triaged

_case = table_of(Case)
_task = table_of(Task)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)
_referral = table_of(Referral)
_notice = table_of(Notice)
_event = table_of(Event)

#: Who acts for the coordinator while they are away, and whom every participant has barred.
BARRED: Final = "deputy"
#: Who was to meet a candidate, made contact, and was barred by them.
JADE: Final = "worker_codim"

#: What an address names of somebody: whoever they barred opens none.
OF_SOMEBODY: Final = ("participant_id", "follow_up_id", "case_id", "task_id")
#: What else an address holds that is no id.
WITHIN: Final = {"week": "2026-11-16", "period": "2026", "year": "2026", "language": "en", "form": "pdf"}
#: The lists in which whom they did not bar finds somebody.
LISTS: Final = frozenset(
    {
        *("/", "/cases", "/caseload", "/referrals", "/board", "/activity", "/activities"),
        *("/api/v1/work", "/api/v1/cases", "/api/v1/caseload", "/api/v1/referrals", "/api/v1/events"),
    }
)


@dataclass(frozen=True)
class There:
    """A program with candidates and participants in every state that a list has, before and after they barred some."""

    cast: Cast
    met: UUID  # whom the worker was to meet, and made contact with
    named: frozenset[str]  # the references and numbers under which each is shown
    things: dict[str, list[str]]  # the ids of what is theirs, by their name in an address
    before: dict[str, str]  # what whoever acts for the coordinator was answered before they were barred, by address


@pytest.fixture(scope="module")
def there(copies: Copies, cast_template: tuple[str, Cast]) -> Iterator[There]:
    """One to triage, one for the committee, one who was met; one followed, one whom nobody has, one to be destroyed."""
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        by = cast.actor("coordinator")
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)
        refer(cast, ROMARIN)
        triaged(cast, refer(cast, ONDINE))
        met = triaged(cast, refer(cast, ONDINE), "forwarded")
        with cast.session() as session:
            workers.forward(session, met, cast.people[JADE], by=by, at=AT)
            workers.ask_to_find_out(session, met, by=by, at=AT)
            case_id = session.scalars(select(_case.c.id).where(_case.c.participant_id == met)).one()
        complete(cast, case_id, "make_contact", by=cast.actor(JADE))
        with cast.session() as session:
            followed(session, cast, "#2026-01", worker=WORKER)
            followed(session, cast, "#2026-02", worker=None)
            over = row_of(session, followed(session, cast, "#2026-03", worker=WORKER))["participant_id"]
            long_ago = TODAY.replace(year=2020)
            session.execute(update(_participant).where(_participant.c.id == over).values(retain_until=long_ago))
            session.execute(update(_task).where(_task.c.case_id == case_id).values(due_on=long_ago))
            record_absence(
                session,
                person_id=cast.people["coordinator"],
                starts_on=TODAY,
                ends_on=TODAY,
                deputy_id=cast.people[BARRED],
                kinds=["tasks", "approvals"],
                by=by,
                at=AT,
            )
        with cast.session() as session:
            named, things = _theirs(session)
        made = There(cast, met, named, things, {})
        made.before.update({address: text for address, (_, text) in _walk(made, LISTS).items()})
        with cast.session() as session:
            for participant_id in things["participant_id"]:
                barring.bar(session, UUID(participant_id), cast.people[BARRED], by=by, at=AT)
            barring.bar(session, met, cast.people[JADE], by=by, at=AT)
        with cast.session() as session:
            things.update(_theirs(session)[1])  # with what was asked meanwhile
        yield made


def _theirs(session: Session) -> tuple[frozenset[str], dict[str, list[str]]]:
    here = program_of(session)
    people = many(session, select(_participant).where(_participant.c.program_id == here))
    cases = session.scalars(select(_case.c.id).where(_case.c.participant_id.is_not(None))).all()
    of_them = _task.c.case_id.is_(None) | (_task.c.case_id.in_(cases) & _task.c.state.in_(["open", "done"]))
    things = {
        "participant_id": [row["id"] for row in people],
        "case_id": cases,
        "task_id": session.scalars(select(_task.c.id).where(of_them)).all(),
        "follow_up_id": session.scalars(select(_follow_up.c.id)).all(),
        "referral_id": session.scalars(select(_referral.c.id)).all(),
    }
    named = frozenset(row["number"] or row["candidate_ref"] for row in people)
    return named, {name: [str(one) for one in found] for name, found in things.items()}


def _addresses(there: There) -> Iterator[str]:
    """Every page and answer whose address names nothing, or what is somebody's, or somebody of the program."""
    people = [str(there.cast.people[name]) for name in (JADE, WORKER, "coordinator")]
    places = [str(there.cast.organizations[name]) for name in ("codim", "ccsmtl")]
    things = {**there.things, "person_id": people, "organization_id": places}
    for route in routes_of(app_on(there.cast.database)):
        names = re.findall(r"{(\w+)", route.path)
        if route.writes or not set(names) <= {*things, *WITHIN}:
            continue
        for chosen in itertools.product(*(things.get(name) or [WITHIN[name]] for name in names)):
            yield re.sub(r"{[^}]+}", "{}", route.path).format(*chosen)


def _walk(there: There, addresses: Iterable[str]) -> dict[str, tuple[int, str]]:
    """What whoever acts for the coordinator is answered there."""
    client = client_for(there.cast.database, there.cast.people[BARRED])
    found = {}
    for address in addresses:
        answer = client.get(address)
        found[address] = answer.status_code, answer.text
    return found


def _told(there: There, text: str) -> set[str]:
    """Whom or what of theirs a text names."""
    ids = itertools.chain.from_iterable(there.things[name] for name in OF_SOMEBODY)
    return {one for one in (*there.named, *ids) if one in text}


@pytest.mark.ci
def test_whoever_is_not_barred_finds_them_in_every_list(there: There) -> None:
    """Or the walk below would find nothing anywhere."""
    assert {address for address in LISTS if not _told(there, there.before[address])} == set()


@pytest.mark.ci
def test_no_page_and_no_answer_names_a_participant_to_whom_they_barred(there: There) -> None:
    found = _walk(there, _addresses(there))
    assert found.keys() >= LISTS
    told = {
        address: names for address, (status, text) in found.items() if status == 200 and (names := _told(there, text))
    }
    assert told == {}
    opened = {
        address
        for address, (status, _) in found.items()
        if status == 200 and any(one in address for name in OF_SOMEBODY for one in there.things[name])
    }
    assert opened == set()


@pytest.mark.ci
def test_whom_a_candidate_barred_neither_sees_nor_takes_back_what_they_did_in_the_case(there: There) -> None:
    cast = there.cast
    with cast.session() as session:
        case_id = session.scalars(select(_case.c.id).where(_case.c.participant_id == there.met)).one()
        task = step(session, case_id, "make_contact")
    assert (task["state"], task["done_by"]) == ("done", cast.people[JADE])
    client = client_for(cast.database, cast.people[JADE])
    asked = [
        *(f"/cases/{case_id}", f"/tasks/{task['id']}", f"/api/v1/tasks/{task['id']}"),
        *(f"/api/v1/cases/{case_id}", f"/api/v1/cases/{case_id}/tasks", f"/api/v1/cases/{case_id}/events"),
    ]
    assert {address: client.get(address).status_code for address in asked} == dict.fromkeys(asked, 404)
    assert str(case_id) not in client.get("/cases?state=").text
    assert str(case_id) not in client.get("/api/v1/cases").text
    seen = {"seen": str(task["version"]), "words": "Par erreur."}
    assert client.post(f"/tasks/{task['id']}/undoing", data=seen).status_code == 404
    undoing = client.post(
        f"/api/v1/tasks/{task['id']}/undoing",
        json={"reason": "Mistaken."},
        headers={"If-Match": f'"{task["version"]}"'},
    )
    assert undoing.status_code == 404
    with cast.session() as session:
        assert step(session, case_id, "make_contact")["state"] == "done"


@pytest.mark.ci
def test_what_asks_something_of_a_file_outside_any_case_is_nobody_s_whom_it_is_kept_from(there: There) -> None:
    cast = there.cast
    with cast.session() as session:
        today = standing(session, TODAY)
        asker = Asker(cast.people[BARRED], today)
        apart = every(session, of(Task).where(col(Task.case_id).is_(None), Task.state == "open"))
        assert {row.step for row in apart} >= {workers.FIND_OUT, workers.FIND_A_WORKER, "follow_up.assign"}
        assert seen_of(session, asker, apart) == []
        assert board.work(session, board.hats_of(session, today, asker.person_id)) == []
    client = client_for(cast.database, cast.people[BARRED])
    for row in apart:
        assert client.get(f"/tasks/{row.id}").status_code == 404
        done = client.post(f"/tasks/{row.id}/completion", data={"seen": str(row.version), "words": "Fait."})
        assert done.status_code == 404


def test_whoever_is_barred_is_told_that_somebody_else_has_to_do_what_falls_to_them(there: There) -> None:
    told = "One of your tasks is hidden"
    assert told in client_for(there.cast.database, there.cast.people[BARRED]).get("/").text
    assert told not in client_for(there.cast.database, there.cast.people[WORKER]).get("/").text


def _told_by_letter(there: There) -> list[str]:
    """What the letters say that tell whoever acts for the coordinator of what waits on others, late as it is."""
    cast = there.cast
    with cast.session() as session:
        late = board.late(session, TODAY, reader=cast.people["coordinator"])
        before = len(letters(cast, "daily_digest"))
    reminded = {row.id: RungsUsed(AT, frozenset({"accountable"})) for row in late}
    assert reminded
    write_digests(means_of(cast, Clock()), cast.program_id, AT, reminded, AT - timedelta(hours=1))
    written = letters(cast, "daily_digest")[before:]
    return [body(letter) for letter in written if letter["person_id"] == cast.people[BARRED]]


def test_no_letter_of_the_morning_tells_whoever_is_barred_of_what_waits_on_others(there: There) -> None:
    assert _told_by_letter(there) == []


def test_letters_are_counted_as_they_are_listed(there: There) -> None:
    client = client_for(there.cast.database, there.cast.people[BARRED])
    officer = client_for(there.cast.database, there.cast.people["officer"])
    counted, listed = [], []
    for reader in (client, officer):
        page = reader.get("/post").text
        counted.append(int(re.findall(r'href="/post\?state=queued"[^>]*>[^<]*<span class="count">(\d+)', page)[0]))
        listed.append(len(reader.get("/api/v1/post?limit=200&state=queued").json()["items"]))
    assert counted == listed
    assert counted[0] < counted[1]


@pytest.mark.ci
def test_what_was_barred_is_there_again_once_it_is_lifted(there: There) -> None:
    cast = there.cast
    with cast.session() as session:
        case_id = session.scalars(select(_case.c.id).where(_case.c.participant_id == there.met)).one()
        barring.lift(session, there.met, cast.people[BARRED], by=cast.actor("coordinator"), at=AT)
    client = client_for(cast.database, cast.people[BARRED])
    assert client.get(f"/cases/{case_id}").status_code == 200
    assert str(case_id) in client.get("/cases").text
    with cast.session() as session:
        task_id = step(session, case_id, "first_meeting")["id"]
    assert client.get(f"/tasks/{task_id}").status_code == 200
    assert client.get(f"/api/v1/tasks/{task_id}").status_code == 200
    for address in ("/", "/board", "/activity", "/api/v1/work", "/api/v1/events"):
        assert _told(there, client.get(address).text), address
    (text,) = _told_by_letter(there)
    assert _told(there, text)


def test_a_letter_that_calls_them_among_others_is_not_read_by_whom_they_barred_since(there: There) -> None:
    """As the digest of somebody's day: its subject calls nobody, and it is of no case."""
    cast = there.cast
    with cast.session() as session:
        if barring.is_barred(session, there.met, cast.people[BARRED]):
            barring.lift(session, there.met, cast.people[BARRED], by=cast.actor("coordinator"), at=AT)
    _told_by_letter(there)
    calling = [letter["id"] for letter in letters(cast, "daily_digest") if _told(there, body(letter))]
    client = client_for(cast.database, cast.people[BARRED])
    assert [bool(_told(there, client.get(f"/post/{letter}").text)) for letter in calling] == [True]
    with cast.session() as session:
        barring.bar(session, there.met, cast.people[BARRED], by=cast.actor("coordinator"), at=AT)
    (letter,) = calling
    page = client.get(f"/post/{letter}", headers={"Accept-Language": "en"}).text
    assert "It concerns a person who has barred you from their file" in page
    assert _told(there, page) == set()
    assert client.get(f"/post/{letter}/letter.eml").status_code == 404
    assert client.get(f"/api/v1/post/{letter}").json()["text"] is None


# From the act that would tell of them.


@pytest.fixture
def kept_from(cast: Cast) -> UUID:
    """A candidate whom a worker was to meet, and who barred whoever acts for the coordinator that day."""
    by = cast.actor("coordinator")
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    participant_id = triaged(cast, refer(cast, ONDINE), "forwarded")
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[JADE], by=by, at=AT)
        record_absence(
            session,
            person_id=cast.people["coordinator"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people[BARRED],
            kinds=["tasks", "approvals"],
            by=by,
            at=AT,
        )
        barring.bar(session, participant_id, cast.people[BARRED], by=by, at=AT)
    return participant_id


def _written_to(cast: Cast, name: str) -> list[tuple[str, str]]:
    """The letters to somebody, as they read them: the template, and what it says."""
    with cast.session() as session:
        rows = many(session, select(_notice).where(_notice.c.person_id == cast.people[name]).order_by(_notice.c.n))
    return [(row["template"], f"{row['subject']} {body(row)}") for row in rows]


@pytest.mark.ci
def test_no_act_on_a_file_writes_to_whom_its_participant_barred(cast: Cast, kept_from: UUID) -> None:
    """A step that falls to them, a case that ends, and one that begins as the person is referred again."""
    with cast.session() as session:
        reference = session.scalars(select(_participant.c.candidate_ref).where(_participant.c.id == kept_from)).one()
        case_id = session.scalars(select(_case.c.id).where(_case.c.participant_id == kept_from)).one()
        task = step(session, case_id, "make_contact")
        tasks.hand_back_task(session, task["id"], reason="Malade.", by=cast.actor(JADE), at=AT)
        first_meetings.decline(session, kept_from, by=cast.actor(JADE), at=AT)
    again = refer(cast, ONDINE)
    with cast.session() as session:
        of_again = session.scalars(
            select(_participant.c.candidate_ref).where(_participant.c.id == participant_of(session, again))
        ).one()
        duplicates.join_referral(session, again, kept_from, reason="La même", by=cast.actor("coordinator"), at=AT)
        assert case_of(session, kept_from) is not None
    written = _written_to(cast, BARRED)
    assert [template for template, said in written if of_again in said] == ["case_opened", "case_cancelled"]
    assert [template for template, said in written if reference in said] == []


def test_what_a_letter_to_somebody_else_calls_them_is_not_told_by_the_letter_that_it_failed(
    cast: Cast, kept_from: UUID
) -> None:
    with cast.session() as session:
        first_meetings.decline(session, kept_from, by=cast.actor("coordinator"), at=AT)
        (failed,) = session.scalars(select(Notice).where(_notice.c.template == "case_cancelled")).all()
        assert failed.person_id == cast.people[JADE]
        notices.given_up(session, failed, refused=True, at=AT)
        assert [row for row in _written_to(cast, BARRED) if row[0] == "notice_given_up"] == []
        barring.lift(session, kept_from, cast.people[BARRED], by=cast.actor("coordinator"), at=AT)
        notices.given_up(session, failed, refused=True, at=AT)
    assert [template for template, _ in _written_to(cast, BARRED)] == ["notice_given_up"]


@pytest.mark.ci
def test_whom_somebody_barred_is_not_told_that_who_is_referred_may_be_they(cast: Cast, kept_from: UUID) -> None:
    again = refer(cast, ONDINE)
    with cast.session() as session:
        new = participant_of(session, again)
        known_as = session.scalars(select(_participant.c.candidate_ref).where(_participant.c.id == kept_from)).one()
    client = client_for(cast.database, cast.people[BARRED])
    (row,) = client.get("/api/v1/referrals").json()["received"]
    assert (row["participant_id"], row["perhaps_known"]) == (str(new), False)
    assert "Possibly someone" not in client.get(f"/participants/{new}").text
    shown = client.post(f"/participants/{new}/identity").text
    assert ("Fougère-Lys" in shown, known_as in shown, str(kept_from) in shown) == (True, False, False)
    assert client.post(f"/api/v1/participants/{new}/duplicates").json() == []
    joining = {"referral": str(again), "to": str(kept_from), "reason": "La même"}
    assert client.post(f"/participants/{new}/joining", data=joining).status_code == 404
    body_of = {"referral_id": str(again), "to": str(kept_from), "reason": "La même"}
    assert client.post(f"/api/v1/participants/{new}/joining", json=body_of).status_code == 404
    with cast.session() as session:
        seen_by = session.scalars(
            select(_event.c.actor_id).where(_event.c.verb == "read", _event.c.subject_id == kept_from)
        ).all()
        assert seen_by == [], "whoever is not shown them has not read of them"
        barring.lift(session, kept_from, cast.people[BARRED], by=cast.actor("coordinator"), at=AT)
    assert known_as in client.post(f"/participants/{new}/identity").text
    assert client.post(f"/participants/{new}/joining", data=joining).status_code == 303
