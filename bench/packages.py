"""What a person is given of a long file: what it costs to look at it, to make it, and to print it, by its weeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlmodel import Session

from adapters.people_keys import FilePeopleKeys, make_people_keys
from api.views.person_papers import paper_of
from bench.figures import Cost, Ratio, costing, median, ms, table, timing
from bench.ground import Ground, now
from bench.research import session_with, somebody
from domain.follow_ups import NOTE
from domain.kernel import Actor, every, first, of, rewrite, seal, surely
from domain.record import record_read
from domain.rights import RequestGiven, packages, requests
from meetings.documents import issuing, person_data
from models.follow_up import FollowUp, WeeklyNote
from models.right import RightsRequest

#: The issue's own: four years of weeks, made and given.
MOST_SECONDS: Final = 5
#: Whose names are looked for in it.
_OTHERS: Final = 200
#: So often each week was read.
_READINGS: Final = 5
_SAID: Final = "Semaine difficile; on prépare la visite de lundi, et le rendez-vous du mois. " * 6


def measure(
    ground: Ground, folder: Path, *, weeks: Sequence[int], rounds: int, others: int = _OTHERS
) -> Iterator[Ratio]:
    """Give files of ever more weeks, among others whose names are looked for; hold the longest against the shortest."""
    at, keys = now(), FilePeopleKeys(folder / "package-keys")
    make_people_keys(folder / "package-keys")
    with session_with(ground, keys) as session:
        for n in range(others):
            somebody(session, ground, 5_000 + n, at, weeks=0)
        asked = {each: _asked(session, ground, 6_000 + n, each, at) for n, each in enumerate(weeks)}
        session.commit()
    ground.settle()
    costs = {each: _cost_of(ground, keys, asked[each], at, rounds) for each in weeks}
    rows = {
        f"{each} weeks": (ms(looked.cpu_of_all), ms(made.cpu_of_all), ms(given.cpu_of_all), ms(_seconds(*those)))
        for each, those in costs.items()
        for looked, made, given in (those,)
    }
    heads = ("looking, CPU", "making, CPU", "PDF, table and data, CPU", "all by the clock")
    print(table(f"16. What a person is given of their file, among {others} others", heads, rows))
    least, most = min(weeks), max(weeks)
    yield Ratio("packages.seconds", _seconds(*costs[most]), at_most=MOST_SECONDS, unit="s")
    dearer = sum(one.cpu_of_all for one in costs[most]) / sum(one.cpu_of_all for one in costs[least])
    yield Ratio("packages.make_a_week", dearer / (most / least), at_most=1.5)


def _seconds(*costs: Cost) -> float:
    return sum(median(one.seconds) for one in costs)


def _asked(session: Session, ground: Ground, n: int, weeks: int, at: datetime) -> UUID:
    """The request of a person with so many weeks of sealed words, each of them read some times."""
    participant_id = somebody(session, ground, n, at, weeks=weeks)
    follow_up = surely(first(session, of(FollowUp).where(FollowUp.participant_id == participant_id)))
    for note in every(session, of(WeeklyNote).where(WeeklyNote.follow_up_id == follow_up.id)):
        said = {"summary": f"{_SAID}{note.week}.", "other_information": f"{_SAID[:80]}{note.week}."}
        rewrite(
            session, WeeklyNote, note.id, has_words=True, words=seal(session, participant_id, f"{NOTE}/{note.id}", said)
        )
        for _ in range(_READINGS):
            record_read(session, "weekly_note", note.id, what=NOTE, ground="role", by=ground.coordinator, at=at)
    day = at.date()
    given = RequestGiven("access", day, "self", "card_shown", day, "fr", file=f"#2026-{1000 + n}")
    request_id = requests.receive(session, given, by=ground.coordinator, at=at)
    packages.mask(session, request_id, ["Rosée"], seen=None, by=ground.coordinator, at=at)
    return request_id


def _cost_of(
    ground: Ground, keys: FilePeopleKeys, request_id: UUID, at: datetime, rounds: int
) -> tuple[Cost, Cost, Cost]:
    """The costs of looking at what is given, of making it, and of its three files; nothing is kept."""
    looked, made, given, by = Cost(), Cost(), Cost(), ground.coordinator
    for _ in range(rounds):
        with session_with(ground, keys) as session:
            with costing(ground.servers) as cost, timing(cost):
                prepared = packages.prepare(session, request_id, by=by, at=at)
            looked.add(cost)
            with costing(ground.servers) as cost, timing(cost):
                packages.make(session, request_id, prepared.digest, seen=None, by=by, at=at)
            made.add(cost)
            with costing(ground.servers) as cost, timing(cost):
                _files(session, request_id, by, at)
            given.add(cost)
            session.rollback()
    return looked, made, given


def _files(session: Session, request_id: UUID, by: Actor, at: datetime) -> None:
    row = surely(first(session, of(RightsRequest).where(RightsRequest.id == request_id)))
    _, pieces = packages.opened(session, request_id, by=by, at=at)
    paper = paper_of(session, row, pieces, known_as="#2026-01", on=at.date())
    for content in (issuing.give(paper, "fr").content, person_data.as_csv(paper), person_data.as_json(paper)):
        assert content
