"""An export for the research: what it costs to make and to download, by how many people are in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from sqlmodel import Session

from adapters.people_keys import FilePeopleKeys, make_people_keys
from bench.figures import Cost, Ratio, costing, median, ms, table, timing
from bench.ground import Ground, now
from domain.kernel import Actor, col, new_key, only, scalar, surely
from domain.participants import ParticipantIdentity, sealed_identity
from domain.research import FIELDS, EthicsApproval, StudyDescription, exports, studies
from models.consent import ResearchConsent
from models.follow_up import FollowUp, WeeklyNote
from models.participant import DataKey, Participant
from models.program import Person
from models.research import StudyRecipient

#: So many weeks are on record of each.
_WEEKS: Final = 26


def measure(ground: Ground, folder: Path, *, sizes: Sequence[int], rounds: int) -> Iterator[Ratio]:
    """Make exports of ever more people, and download each; hold the largest against the smallest, a person."""
    at, keys = now(), FilePeopleKeys(folder / "research-keys")
    make_people_keys(folder / "research-keys")
    costs: dict[int, tuple[Cost, Cost, float]] = {}
    there = 0
    with session_with(ground, keys) as session:
        study_id = _study(session, ground, at)
        session.commit()
    for size in sizes:
        with session_with(ground, keys) as session:
            for n in range(there, size):
                somebody(session, ground, n, at, weeks=_WEEKS, consents=True)
            session.commit()
        there = size
        ground.settle()
        costs[size] = _cost_of(ground, keys, study_id, at, rounds)
    rows = {
        f"{size} people": (ms(made.cpu_of_all), f"{statements:.0f}", ms(given.cpu_of_all), ms(median(made.seconds)))
        for size, (made, given, statements) in costs.items()
    }
    print(table("10. An export for the research", ("making, CPU", "statements", "a file, CPU", "making"), rows))
    least, most = min(sizes), max(sizes)
    times = most / least
    made, given, statements = costs[most]
    of_least = costs[least]
    yield Ratio("research.make_a_person", made.cpu_of_all / of_least[0].cpu_of_all / times, at_most=1.5)
    yield Ratio("research.download_a_person", given.cpu_of_all / of_least[1].cpu_of_all / times, at_most=1.5)
    yield Ratio("research.statements_a_person", statements / of_least[2] / times, at_most=1.2)


def session_with(ground: Ground, keys: FilePeopleKeys) -> Session:
    """A session that opens what is sealed."""
    session = ground.session()
    session.info["keys"] = keys
    return session


def _cost_of(
    ground: Ground, keys: FilePeopleKeys, study_id: UUID, at: datetime, rounds: int
) -> tuple[Cost, Cost, float]:
    """The costs of making an export and of giving one of its files, and the statements of making it."""
    made, given, statements = Cost(), Cost(), list[int]()
    for _ in range(rounds):
        with session_with(ground, keys) as session:
            export_id, before = exports.ask(session, study_id, by=ground.coordinator, at=at), ground.statements
            with costing(ground.servers) as cost, timing(cost):
                exports.approve(session, export_id, by=Actor("privacy_officer", _approver(session, ground)), at=at)
            statements.append(ground.statements - before)
            made.add(cost)
            with costing(ground.servers) as cost, timing(cost):
                exports.file_of_export(session, export_id, "data.csv", "fr")
            given.add(cost)
            session.rollback()
    return made, given, median(statements)


def _approver(session: Session, ground: Ground) -> UUID:
    """Another person than who asked."""
    others = only(Person.id).where(col(Person.id) != ground.coordinator.person_id).limit(1)
    found: UUID = surely(scalar(session, others))
    return found


def _study(session: Session, ground: Ground, at: datetime) -> UUID:
    today = at.date()
    said = StudyDescription(
        title_fr="Mesure",
        title_en="Measure",
        purpose_fr="Mesurer.",
        purpose_en="Measure.",
        ethics=EthicsApproval("CER", "CER-1", today + timedelta(days=365)),
        first_month=today - timedelta(days=400),
        last_month=today,
        fields=tuple(FIELDS),
    )
    study_id = studies.open_study(session, said, by=ground.coordinator, at=at)
    person = ground.coordinator.person_id
    assert person is not None
    session.add(
        StudyRecipient(program_id=ground.program_id, study_id=study_id, person_id=person, named_by=person, named_at=at)
    )
    return study_id


def somebody(session: Session, ground: Ground, n: int, at: datetime, *, weeks: int, consents: bool = False) -> UUID:
    """The id of a person who entered half a year ago or earlier, with a note in each of so many weeks."""
    entered = at.date() - timedelta(days=200 + n % 90 + 7 * max(0, weeks - _WEEKS))
    person = ground.coordinator.person_id
    assert person is not None
    participant_id, follow_up_id = uuid4(), uuid4()
    here: dict[str, Any] = {"program_id": ground.program_id}
    new_key(session, participant_id)
    who = ParticipantIdentity(given_name="Brume", family_name="Rosée", birth_date=date(2004 + n % 9, 3, 1))
    session.add(
        Participant(
            **here,
            id=participant_id,
            candidate_ref=_reference(n),
            number=f"#2026-{1000 + n}",
            state="admitted",
            admitted_on=entered,
            area=("laval", "montreal", "longueuil")[n % 3],
            **sealed_identity(session, participant_id, who),
        )
    )
    session.flush()
    session.add(DataKey(**here, participant_id=participant_id, made_at=at))
    if consents:
        kept: dict[str, Any] = {"kept_by": person, "kept_at": at, "recorded_at": at}
        session.add(ResearchConsent(**here, **kept, participant_id=participant_id, signed_on=entered))
    session.add(
        FollowUp(
            **here,
            id=follow_up_id,
            participant_id=participant_id,
            state_since=entered,
            state_at=at,
            state_as="coordinator",
            active_since=entered,
            active_at=at,
            opened_on=entered,
            opened_at=at,
        )
    )
    session.flush()
    first = entered - timedelta(days=entered.weekday())
    session.add_all(
        WeeklyNote(
            **here,
            follow_up_id=follow_up_id,
            week=first + timedelta(weeks=week),
            met=1 + (n + week) % 2,
            minutes=60,
            is_complete=True,
            written_by=person,
            written_at=at,
        )
        for week in range(weeks)
    )
    session.flush()
    return participant_id


def _reference(n: int) -> str:
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "C-" + "".join(letters[n // 32**place % 32] for place in range(6))
