"""No page that shows what counts as ended after a restore says that it stands: each says what it counts as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from uuid import uuid4

import pytest
from sqlmodel import Session, col, select

from api.views.undecided import SAID
from domain.record.apart import CLOSINGS
from domain.restored.matters import OPEN_MEANWHILE
from models.agreement import Agreement, AgreementVersion
from models.casework import Account
from models.committee import Committee, SeatHolder
from models.consent import Consent
from models.destruction import Destruction
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting
from models.minutes import Decision, Endorsement
from models.outbox import Notice
from models.participant import Barred, CandidateWorker
from models.program import Absence, Tenure
from models.referral import Referral
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, Cast
from tests.conftest import Copies
from tests.matrix.world import World
from tests.matters import left

KEPT_CLOSED: Final = sorted(verb for verb, closing in CLOSINGS.items() if closing.matter and verb not in OPEN_MEANWHILE)
#: What no page shows until it is decided.
LEFT_OUT: Final = (
    "research_consent.withdrawn",
    "staff_research_consent.withdrawn",
    "study.ended",
    "study.recipient_removed",
)


@pytest.fixture
def world(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[World]:
    """A program with something of every kind."""
    name, built = the_world_template
    with copies.of(name) as database:
        yield built.on(database)


def test_each_act_that_keeps_something_closed_has_its_sentence() -> None:
    said = {verb for verbs in SAID.values() for verb in verbs}
    assert sorted({*said, *LEFT_OUT}) == KEPT_CLOSED


#: What had ended, as its line of the ledger has it, and the pages that show it.
_Shown = tuple[dict[str, Any], list[str]]


class Ground(NamedTuple):
    """The world, and its rows as they are now."""

    session: Session
    world: World


def _any(at: Ground, table: Any, *where: Any) -> Any:
    found = at.session.scalars(select(table).where(*where).order_by(table.id)).first()
    assert found is not None, f"the world has no {table.__name__} like that"
    return found


def _access(at: Ground) -> _Shown:
    whose = at.world.people["worker_ccsmtl"]
    about = {"subject_kind": "person", "subject_id": whose, "person_id": whose}
    return about, [f"/people/{whose}", f"/people/{whose}/access", "/access"]


def _account(at: Ground) -> _Shown:
    about, pages = _access(at)
    whose = about["person_id"]
    at.session.add(
        Account(program_id=at.world.cast.program_id, person_id=whose, system="mail", user_name="ada", opened_at=AT)
    )
    return about, pages[:1]


def _tenure(at: Ground) -> _Shown:
    held = _any(at, Tenure, Tenure.person_id == at.world.people["worker_ccsmtl"])
    about = {"subject_kind": "person", "subject_id": held.person_id, "person_id": held.person_id}
    facts = {"role": held.role, "organization": str(held.organization_id)}
    return {**about, "facts": facts}, [f"/people/{held.person_id}"]


def _departure(at: Ground) -> _Shown:
    about, pages = _tenure(at)
    return {**about, "facts": {"organization": about["facts"]["organization"]}}, [*pages, "/people"]


def _seat(at: Ground) -> _Shown:
    held = _any(at, SeatHolder, col(SeatHolder.ends_on).is_(None), col(SeatHolder.withdrawn_at).is_(None))
    about = {"subject_kind": "seat", "subject_id": held.seat_id, "person_id": held.person_id}
    return about, [f"/people/{held.person_id}"]


def _guest(at: Ground) -> _Shown:
    whose = at.world.people["worker_ccsmtl"]
    meeting = _any(at, Meeting)
    return {"subject_kind": "meeting", "subject_id": meeting.id, "person_id": whose}, [f"/people/{whose}"]


def _seat_alone(at: Ground) -> _Shown:
    about, pages = _seat(at)
    return {**about, "person_id": None}, pages


def _committee(at: Ground) -> _Shown:
    committee = _any(at, Committee, Committee.key == "clinical")
    return {"subject_kind": "committee", "subject_id": committee.id}, ["/committees/clinical"]


def _absence(at: Ground) -> _Shown:
    away = _any(at, Absence, col(Absence.cancelled_at).is_(None), col(Absence.deputy_id).is_not(None))
    facts = {"absence": str(away.id), "instead_of": str(away.deputy_id)}
    about = {"subject_kind": "person", "subject_id": away.person_id, "facts": facts}
    return about, [f"/people/{away.person_id}"]


def _consent(at: Ground) -> _Shown:
    given = _any(at, Consent, col(Consent.withdrawn_on).is_(None), col(Consent.replaced_at).is_(None))
    facts = {"purpose": given.purpose}
    if given.organization_id:
        facts["organization"] = str(given.organization_id)
    about = {"subject_kind": "participant", "subject_id": given.participant_id, "facts": facts}
    pages = [f"/participants/{given.participant_id}"]
    followed = at.session.scalars(select(FollowUp.id).where(FollowUp.participant_id == given.participant_id)).first()
    return about, [*pages, f"/follow-ups/{followed}"] if followed else pages


def _barred(at: Ground) -> _Shown:
    bar = _any(at, Barred, col(Barred.lifted_at).is_(None))
    about = {"subject_kind": "participant", "subject_id": bar.participant_id, "person_id": bar.person_id}
    return about, [f"/participants/{bar.participant_id}"]


def _part(at: Ground) -> _Shown:
    part = _any(at, Assignment, col(Assignment.ended_at).is_(None), col(Assignment.withdrawn_at).is_(None))
    about = {"subject_kind": "follow_up", "subject_id": part.follow_up_id, "facts": {"worker": str(part.person_id)}}
    return about, [f"/follow-ups/{part.follow_up_id}", "/caseload"]


def _meets(at: Ground) -> _Shown:
    pair = _any(at, CandidateWorker, col(CandidateWorker.ended_at).is_(None))
    facts = {"worker": str(pair.worker_id)}
    about = {"subject_kind": "participant", "subject_id": pair.participant_id, "facts": facts}
    return about, [f"/participants/{pair.participant_id}"]


def _draft(at: Ground) -> _Shown:
    draft = _any(at, Referral, Referral.state == "draft")
    return {"subject_kind": "referral", "subject_id": draft.id}, ["/referrals"]


def _file(at: Ground) -> _Shown:
    asked = _any(at, Destruction, Destruction.state == "asked")
    here = f"/participants/{asked.participant_id}"
    return {"subject_kind": "participant", "subject_id": asked.participant_id}, [here, f"{here}/destruction"]


def _version(at: Ground) -> _Shown:
    version = _any(at, AgreementVersion, AgreementVersion.state == "in_force")
    place = at.session.scalars(select(Agreement.organization_id).where(Agreement.id == version.agreement_id)).one()
    about = {"subject_kind": "agreement_version", "subject_id": version.id}
    here = f"/program/agreements/{version.agreement_id}?n={version.n}"
    return about, [here, "/program", f"/partners/{place}"]


def _organization(at: Ground) -> _Shown:
    _, pages = _version(at)
    return {"subject_kind": "organization", "subject_id": pages[-1].rpartition("/")[2]}, pages


def _decision(at: Ground) -> _Shown:
    decision = _any(at, Decision, col(Decision.withdrawn_by_id).is_(None))
    return {"subject_kind": "decision", "subject_id": decision.id}, [f"/decisions/{decision.id}"]


def _answer(at: Ground) -> _Shown:
    said = _any(at, Endorsement, col(Endorsement.said).is_not(None))
    facts = {"organization": str(said.organization_id)}
    about = {"subject_kind": "decision", "subject_id": said.decision_id, "facts": facts}
    return about, [f"/decisions/{said.decision_id}"]


def _words(at: Ground) -> _Shown:
    meeting = _any(at, Meeting, Meeting.state == "held")
    facts = {"of": "meeting", "subject": str(meeting.id)}
    about = {"subject_kind": "meeting", "subject_id": uuid4(), "facts": facts}
    return about, [f"/meetings/{meeting.id}", f"/meetings/{meeting.id}/minutes"]


def _letter(at: Ground) -> _Shown:
    letter = _any(at, Notice, col(Notice.template).not_in(("invitation", "enrolment")))
    return {"subject_kind": "notice", "subject_id": letter.id}, [f"/post/{letter.id}"]


#: Where each of them is shown, to the coordinator.
WHERE: Final[Mapping[str, Callable[[Ground], _Shown]]] = {
    **dict.fromkeys(("access.ended", "passkey.removed", "identity.linked", "person.updated"), _access),
    "account.closed": _account,
    **dict.fromkeys(("tenure.ended", "tenure.taken_back"), _tenure),
    **dict.fromkeys(("departure.opened", "departure.last_day_over"), _departure),
    **dict.fromkeys(("seat.left", "seat.withdrawn"), _seat),
    "guest.withdrawn": _guest,
    "seat.ended": _seat_alone,
    "committee.ended": _committee,
    **dict.fromkeys(("absence.cancelled", "absence.deputy_changed"), _absence),
    **dict.fromkeys(("consent.withdrawn", "consent.replaced", "consent.narrowed"), _consent),
    "participant.barred": _barred,
    "participant.meets_no_more": _meets,
    "follow_up.part_ended": _part,
    "referral.left": _draft,
    **dict.fromkeys(SAID["file"], _file),
    **dict.fromkeys(SAID["agreement"], _version),
    "organization.ended": _organization,
    **dict.fromkeys(SAID["decision"], _decision),
    "decision.word_taken_back": _answer,
    **dict.fromkeys(SAID["words"], _words),
    **dict.fromkeys(SAID["letter"], _letter),
}


@contextmanager
def _waiting(session: Session, verb: str, about: dict[str, Any]) -> Iterator[None]:
    matter = left(session, CLOSINGS[verb].matter, verb, n=9_000 + sorted(CLOSINGS).index(verb), **about)
    session.commit()
    yield
    matter.decision, matter.decided_at, matter.decided_as = "noted", AT, "coordinator"
    session.commit()


@pytest.mark.nightly
def test_each_place_that_shows_what_counts_as_ended_says_so_until_it_is_decided(world: World) -> None:
    assert sorted({*WHERE, *LEFT_OUT}) == KEPT_CLOSED
    reader = client_for(world.cast.database, world.people["coordinator"], at=AT)
    silent = []
    for verb, where in WHERE.items():
        sentences = {words for verbs in SAID.values() if (words := verbs.get(verb))}

        def said(page: str, sentences: set[str] = sentences) -> int:
            return sum(map(text_of(reader.get(page).text).count, sentences))

        with world.cast.session() as session:
            about, pages = where(Ground(session, world))
            session.commit()
            before = {page: said(page) for page in pages}
            holds = text_of(reader.get(pages[0]).text).count("Holds")
            with _waiting(session, verb, about):
                if verb.startswith("consent."):
                    assert text_of(reader.get(pages[0]).text).count("Holds") == holds - 1
                silent += [(verb, page) for page in pages if said(page) <= before[page]]
            silent += [(f"{verb}, decided", page) for page in pages if said(page) != before[page]]
    assert silent == []


@pytest.mark.ci
def test_other_programs_are_told_the_same_of_consents_absences_and_parts(world: World) -> None:
    reader = client_for(world.cast.database, world.people["coordinator"], at=AT)

    def told(verb: str) -> list[str]:
        with world.cast.session() as session:
            about, pages = WHERE[verb](Ground(session, world))
            path, field = {
                "consent.withdrawn": (pages[0], "consents"),
                "absence.cancelled": (pages[0], "absences"),
                "follow_up.part_ended": (pages[0], "workers"),
            }[verb]
            with _waiting(session, verb, about):
                found = reader.get(f"/api/v1{path}").json()[field]
        return [words for one in found for words in one["undecided"]]

    assert told("consent.withdrawn") == ["Counts as withdrawn until the privacy officer decides."]
    assert told("absence.cancelled") == ["Counts as cancelled until the coordination or the privacy officer decides."]
    assert told("follow_up.part_ended") == ["Their part counts as ended until the privacy officer decides."]


def test_who_decides_is_led_to_the_matter_and_the_others_read_the_sentence_alone(cast: Cast) -> None:
    whose = cast.people["worker_ccsmtl"]
    with cast.session() as session:
        held = session.scalars(select(Tenure).where(Tenure.person_id == whose)).one()
        facts = {"role": held.role, "organization": str(held.organization_id)}
        matter = left(session, "role", "tenure.ended", whose, 7, person_id=whose, facts=facts)
        way = f'href="/restored?after=6#m-{matter.id}"'
    said = "Counts as ended until the coordination or the privacy officer decides."
    for name, decides in (("coordinator", True), ("privacy_officer", False), ("manager_em", False)):
        page = client_for(cast.database, cast.people[name], at=AT).get(f"/people/{whose}").text
        assert said in text_of(page)
        assert (way in page) is decides, name
