"""What a letter is known by beyond a restore: a new act is always told, and what is done or found again is not twice.

The restore is a savepoint that is taken back: every row, count and version is as before, and the ledger knows the keys.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from sqlmodel import Session

from domain.accompaniment import withdrawals
from domain.agreements import letters as agreement_letters
from domain.casework import case_letters, cases, tasks
from domain.departure import hand_over_letters
from domain.kernel import every, of
from domain.mail import sent_before
from domain.people import people, privacy_officers
from domain.record import apart, events
from flows import gates
from models.agreement import AgreementVersion
from models.casework import Case, Task
from models.outbox import Notice
from models.program import Person, Tenure
from tests.agreeing import last_version
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, TODAY, Cast, onboarding

#: An act, as it is done at a moment.
Act = Callable[[Session, datetime], object]

BEFORE, AGAIN = AT + timedelta(hours=1), AT + timedelta(days=30)


def keys(session: Session) -> set[str]:
    return {one.key for one in every(session, of(Notice))}


def told(session: Session, act: Act, at: datetime) -> set[str]:
    """The keys of the letters of an act, of which then every trace is gone."""
    there, point = keys(session), session.begin_nested()
    act(session, at)
    session.flush()
    written = keys(session) - there
    point.rollback()
    return written


def is_told_beyond_a_restore(session: Session, act: Act, anew: Act | None = None) -> None:
    first = told(session, act, BEFORE)
    assert first, "the act tells no one: it shows nothing"
    sent_before.keep_keys(session, [apart.digest_of_key(key) for key in first])
    assert told(session, act, BEFORE) == set(), "done again as of its moment, it is told a second time"
    second = told(session, anew or act, AGAIN)
    assert len(second) >= len(first), "a new act is not told"
    assert not second & first


# --------------------------------------------------------------------------------------------------------- the acts


def of_person(cast: Cast, name: str, session: Session) -> Person:
    return next(one for one in every(session, of(Person)) if one.id == cast.people[name])


def change_address(cast: Cast, email: str) -> Act:
    def act(session: Session, at: datetime) -> None:
        held = of_person(cast, "worker_em", session)
        people.update_person(
            session,
            held.id,
            given_name=held.given_name,
            family_name=held.family_name,
            email=email,
            phone=held.phone,
            language=held.language,
            by=cast.actor("coordinator"),
            at=at,
        )

    return act


def test_a_change_to_another_address_is_told_to_the_former_one_though_a_lost_change_was(cast: Cast) -> None:
    with cast.session() as session:
        first, another = (change_address(cast, f"{name}@example.org") for name in ("first", "another"))
        is_told_beyond_a_restore(session, first, another)


def test_an_end_of_access_on_another_day_or_at_another_moment_is_told(cast: Cast) -> None:
    def act(session: Session, at: datetime) -> None:
        people.tell_access_ended(session, cast.people["worker_em"], by=cast.actor("coordinator"), at=at)

    with cast.session() as session:
        is_told_beyond_a_restore(session, act)
        later = BEFORE + timedelta(minutes=1)
        assert told(session, act, later), "on the same day, by another act, after the restore"
        act(session, later)
        assert told(session, act, later + timedelta(minutes=1)) == set(), "once a day, as without a restore"


SUBMITTED: Final = "request_secure_access"


@pytest.mark.parametrize("name", ["approve", "reject", "hand_back", "give_again", "cancel"])
def test_an_act_on_a_task_or_a_case_is_told_each_time(cast: Cast, name: str) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, SUBMITTED)

    def task(session: Session) -> Task:
        return next(one for one in every(session, of(Task)) if one.id == step(session, case_id, SUBMITTED)["id"])

    by = cast.actor("coordinator")
    acts: dict[str, Act] = {
        "approve": lambda session, at: case_letters.approval_asked(session, task(session), by=by, at=at),
        "reject": lambda session, at: tasks.reject_task(
            session, task(session).id, by=cast.actor("manager_em"), at=at, reason="Look again"
        ),
        "hand_back": lambda session, at: case_letters.handed_back(
            session, task(session), case_letters.chain_of(session, task(session).approved_by_id), by=by, at=at
        ),
        "give_again": lambda session, at: case_letters._passed(
            session,
            task(session),
            case_letters.chain_of(session, task(session).approved_by_id),
            "task_given_again",
            "give_again",
            by=by,
            at=at,
        ),
        "cancel": lambda session, at: cases.cancel_case(
            session, case_id, by=cast.actor("manager_la"), at=at, reason="A renoncé."
        ),
    }
    with cast.session() as session:
        is_told_beyond_a_restore(session, acts[name])


@pytest.mark.parametrize("name", ["to_sign", "taken_back", "begun", "to_end", "not_to_begin", "signature_taken_back"])
def test_an_act_on_an_agreement_is_told_each_time(cast: Cast, name: str) -> None:
    with cast.session() as session:
        version_id, by = last_version(session, cast), cast.actor("coordinator")
        directors = [cast.people["director_em"]]
        notice = agreement_letters.Notice(TODAY + timedelta(days=60), TODAY, "partner", False)
        signature: Any = SimpleNamespace(id=version_id, person_id=directors[0], signed_on=TODAY)

        def version(session: Session) -> Any:
            row: Any = next(one for one in every(session, of(AgreementVersion)) if one.id == version_id)
            return SimpleNamespace(
                **{**row._asdict(), "organization_id": cast.organizations["en-marge"], "starts_on": TODAY}
            )

        ends = TODAY + timedelta(days=400)
        acts: dict[str, Act] = {
            "to_sign": lambda session, at: agreement_letters.to_sign(
                session, version(session), directors, by=by, at=at
            ),
            "taken_back": lambda session, at: agreement_letters.taken_back(
                session, version(session), directors, by=by, at=at
            ),
            "begun": lambda session, at: agreement_letters.begun(
                session, version(session), directors, starts_on=TODAY, ends_on=ends, by=by, at=at
            ),
            "to_end": lambda session, at: agreement_letters.to_end(
                session, version(session), directors, notice, [], by=by, at=at
            ),
            "not_to_begin": lambda session, at: agreement_letters.not_to_begin(
                session, version(session), directors, by=by, at=at
            ),
            "signature_taken_back": lambda session, at: agreement_letters.signature_taken_back(
                session, version(session), signature, is_asked=True, by=by, at=at
            ),
        }

        is_told_beyond_a_restore(session, acts[name])


@pytest.mark.parametrize("name", ["passed_on", "offer_refused", "offer_taken_back", "appointment_taken_back"])
def test_what_is_handed_over_is_told_each_time(cast: Cast, name: str) -> None:
    case_id = open_onboarding(cast)
    to, by = cast.people["manager_la"], cast.actor("coordinator")
    offer: Any = SimpleNamespace(id=case_id, to_id=to)

    def task(session: Session) -> Task:
        return next(one for one in every(session, of(Task)) if one.case_id == case_id)

    def tenure(session: Session) -> Tenure:
        return next(one for one in every(session, of(Tenure)) if one.person_id == to)

    acts: dict[str, Act] = {
        "passed_on": lambda session, at: hand_over_letters.passed_on(session, task(session), to, by=by, at=at),
        "offer_refused": lambda session, at: hand_over_letters.offer_refused(
            session, task(session), offer, by=by, at=at
        ),
        "offer_taken_back": lambda session, at: hand_over_letters.offer_taken_back(
            session, task(session), offer, by=by, at=at
        ),
        "appointment_taken_back": lambda session, at: hand_over_letters.appointment_taken_back(
            session, tenure(session), by=by, at=at
        ),
    }
    with cast.session() as session:
        is_told_beyond_a_restore(session, acts[name])


def test_a_consent_that_is_taken_back_later_than_a_lost_time_is_told(cast: Cast) -> None:
    consent: Any = SimpleNamespace(id=cast.program_id)

    def act(session: Session, at: datetime) -> None:
        to, by = cast.people["worker_em"], cast.actor("coordinator")
        for template in ("consent_taken_back", "consent_narrowed"):
            withdrawals._write(session, template, to, consent, path="/", by=by, at=at)

    with cast.session() as session:
        is_told_beyond_a_restore(session, act)


def test_a_deputy_who_is_lost_later_than_a_lost_time_is_told(cast: Cast) -> None:
    absence: Any = SimpleNamespace(
        id=cast.program_id, person_id=cast.people["privacy_officer"], deputy_id=cast.people["manager_la"], ends_on=TODAY
    )

    def act(session: Session, at: datetime) -> None:
        privacy_officers._tell_of_lost(session, absence, TODAY, at=at)

    with cast.session() as session:
        is_told_beyond_a_restore(session, act)
        act(session, AGAIN)
        assert told(session, act, AGAIN + timedelta(days=1)) == set(), "once an absence, as without a restore"


def test_a_gate_that_is_found_open_again_after_a_restore_is_told_once_and_one_that_a_new_act_opens_is_told(
    cast: Cast,
) -> None:
    case_id = open_onboarding(cast)

    def found(session: Session, at: datetime) -> None:
        case = next(one for one in every(session, of(Case)) if one.id == case_id)
        gates._announce(session, case, next(iter(onboarding().value.gates)), is_open=True, nth=0, at=at)

    def by_an_act(session: Session, at: datetime) -> None:
        by = cast.actor("coordinator")
        events.write(session, "task.done", "task", case_id, by=by, at=at, case_id=case_id)
        found(session, at)

    with cast.session() as session:
        first = told(session, found, BEFORE)
        sent_before.keep_keys(session, [apart.digest_of_key(key) for key in first])
        assert (len(first) > 1, told(session, found, AGAIN)) == (True, set())
        assert len(told(session, by_an_act, AGAIN)) == len(first)


# -------------------------------------------------------------------------------------------- every key in the code

_CODE: Final = Path(__file__).parents[3]
#: What a restore cannot repeat: the moment of an act, or an id that is made with the letter.
_OF_ACTS: Final = ("once_by(at)", ".at.isoformat()", "at.isoformat()", "uuid4()")
#: The other keys, each with why a new act has another one, or the same letter is meant; and parts of keys.
OTHERS: Final = {
    "passkey:{passkey_id}": "the passkey is made by the act",
    "absence:{absence.id}": "the absence is recorded by the act",
    "case_opened:{case.id}": "the case is opened by the act",
    "offered:{offer_id}": "the offer is made by the act",
    "export_made:{export.id}": "that it is made is written by the act",
    "worker_named:{referral_id}:{worker.person_id}": "that this worker is said is written by the act",
    "worker_named:{act.case_id}:{row.id}": "that this worker is named is written by the act",
    "restored:{row.epoch}": "the ledger counts the epochs",
    "{invitations.key_of_one(entry.uid)}{sequence}:lost": "calendars count on after a restore",
    "{one.thing.uid}:{sequence}:{stamp.isoformat()}:{message.recurrence or ''}": "the moment, and calendars count on",
    "contact_lists:{act.case_id}": "of the engine: once in a case",
    "gate:{case.id}:{gate}:{nth}:{_last_act(session, case)}": "of the engine: what follows from the same last act",
    "vacant:{link.role}:{place}:{last or case_id}": "found again: the role is vacant since that day",
    "head:{day}": "of a round: once a day",
    "digest:{day.isoformat()}": "of a round: once a day",
    "given_up:{recipient.id}:{address}:{local_day(session, at).isoformat()}": "of a round: once a day",
    "stuck:{meeting.id}:{local_day(session, at).isoformat()}:{_digest(obstacle)}": "of a round: once a day an obstacle",
    "held:{meeting.id}:{_digest(','.join(sorted(map(str, held))))}": "of a round: of the same items",
    "{last.isoformat()}:{rung}": "of a round: of the same last day",
    "unreached:{keys}": "of the keys of the letters that were not written",
    # Parts, and how keys are looked for.
    "agenda:{outgoing.meeting_id}:{occasion}:{outgoing.version}:": "then the day of a draft, or what it says",
    "access_ended:{person_id}:{local_day(session, at)}:": "then the moment",
    "deputy_lost:{absence.id}:": "then the moment",
    "{letter}:{version.id}:{once}": "`once` is the moment of an act, or the last day of a round",
    "{key}:{person.id}": "whose letter it is",
    "{key}:{person_id}": "whose letter it is",
    "{_KEY}{uid}:": "looked for",
    "^{_KEY}[0-9a-f]{{64}}:": "looked for",
    "agenda:{was.id}:": "looked for",
    "worker_named:{act.case_id}:": "looked for",
    "no_address:{person.id}:{coordinator.id}:": "then the day: once a day",
    "{digest_key(day)}:{person_id}": "looked for",
    "%H:%M": "no key",
}


def _keys_in(tree: ast.Module) -> Iterator[str]:
    """Every text that is put together with colons and without a space: a key, as none else is in these modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(one.value) for one in node.values if isinstance(one, ast.Constant))
            if ":" in said and " " not in said:
                yield ast.unparse(node)[2:-1]


def _writers() -> Iterator[ast.Module]:
    for room in ("domain", "flows", "meetings"):
        for path in sorted((_CODE / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "notices" in source or path.name == "notices.py":
                yield ast.parse(source)


def test_every_key_of_a_letter_has_what_an_older_copy_cannot_repeat_or_says_why_it_needs_none() -> None:
    found = {key for tree in _writers() for key in _keys_in(tree)}
    others = {key for key in found if not any(sign in key for sign in _OF_ACTS)}
    assert len(found) > len(others) + 10
    assert sorted(others) == sorted(OTHERS)
