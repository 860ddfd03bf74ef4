"""Triage, explained: each criterion found met, not met or unknown, by a fact; then the committee, a worker, or a no.

A finding is written once; a later one counts in its place, and those before stay. What stands behind it is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session

from duties import cases, events
from duties.actors import Actor
from duties.here import local_day, many, one, program_of
from duties.participants import withdrawals, workers
from duties.participants.admission import TRIAGE
from duties.participants.held import (
    case_of,
    change_participant,
    finish_step,
    hold_participant,
    moved,
)
from duties.participants.identity import identity_within
from duties.participants.keeping import last_day
from duties.participants.sealing import seal, unseal
from duties.reads import record_read
from duties.refusals import Refusal
from locales import N_, say
from models.base import table_of
from models.lifecycles import REFERRAL, NoSuchMove
from models.referral import CRITERIA, FINDINGS, TRIAGE_RESULTS, CriterionFinding, Referral

#: What is asked of everyone; AD-C4 is asked of those who also recruit others.
OF_EVERYONE: Final = tuple(one for one in CRITERIA if one != "AD-C4")
#: Without one of these nobody is admitted; of AD-C3 an exception is recorded, with who allowed it and why.
NEVER_WITHOUT: Final = ("AD-C0", "AD-C1", "AD-C2", "AD-C5")

LONGEST: Final = 4_000

_referral = table_of(Referral)
_finding = table_of(CriterionFinding)


@dataclass(frozen=True)
class Found:
    """How a criterion was found last. `fact`, `why` and who allowed an exception are for those who may read them."""

    criterion: str
    finding: str
    on: date
    found_by: UUID
    found_at: datetime
    allowed_by: UUID | None = None
    fact: str = ""
    why: str = ""


def find_criterion(
    session: Session,
    referral_id: UUID,
    criterion: str,
    finding: str,
    *,
    fact: str,
    by: Actor,
    at: datetime,
    admit_all_the_same: bool = False,
    why: str = "",
) -> None:
    """Record how a criterion was found, by what fact. Guide: AD-C0 to AD-C5.

    Where AD-C3 is not met, or not known to be (precontemplation), `admit_all_the_same` records that `by` allows it, and
    `why`: it never blocks. Raises Refusal: the referral is not being triaged, no fact, or an exception where none is.
    """
    held = hold_referral(session, referral_id)
    if criterion not in CRITERIA or finding not in FINDINGS:
        raise Refusal("triage.finding", N_("A criterion is met, not met or unknown."))
    if criterion == "AD-C1":
        raise Refusal("triage.age", N_("The age is worked out by the program, as of the day. Correct the birth date."))
    fact, why = _text(fact), _text(why)
    if finding != "unknown" and not fact:
        raise Refusal("triage.no_fact", N_("Say by what fact the criterion is met or not met."), source=criterion)
    if admit_all_the_same and (criterion != "AD-C3" or finding == "met"):
        raise Refusal(
            "triage.no_exception",
            N_("An exception is made of the third criterion alone, where it is not met."),
            source="AD-C3",
        )
    if admit_all_the_same and not why:
        raise Refusal(
            "triage.no_reason", N_("Say why the situation makes it desirable to admit the person."), source="AD-C3"
        )
    _write(
        session,
        held,
        criterion,
        finding,
        {"fact": fact, "why": why},
        by=by,
        at=at,
        allowed_by=by.person_id if admit_all_the_same else None,
    )


def find_age(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> str:
    """Work out whether AD-C1 is met on the local day of `at`, and record it; returns the finding. Raises Refusal.

    The age is one on that day: turning 25 later ends nothing.
    """
    held = hold_referral(session, referral_id)
    today = local_day(session, at)
    age = identity_within(session, held["participant_id"]).age_as_of(today)
    finding = age.within_program() if age else "unknown"
    said = {"least": age.least, "most": age.most} if age else {}
    _write(session, held, "AD-C1", finding, {"fact": "", "why": "", **said}, by=by, at=at)
    return finding


def findings_of(session: Session, participant_id: UUID) -> dict[str, Found]:
    """How each criterion was found for the referral of now, without the sealed facts: what the board shows."""
    return {row["criterion"]: _found(row) for row in _last(session, participant_id, sealed=False)}


def read_findings(
    session: Session, participant_id: UUID, *, language: str, by: Actor, at: datetime
) -> dict[str, Found]:
    """As `findings_of`, with the facts, which are read and told to the record. Raises Refusal."""
    rows = _last(session, participant_id, sealed=True)
    if rows:
        record_read(session, "participant", participant_id, what="findings", ground="role", by=by, at=at)
    found: dict[str, Found] = {}
    for row in rows:
        told = unseal(session, participant_id, f"finding/{row['id']}", row["sealed"]) if row["sealed"] else {}
        fact = told.get("fact", "")
        if "least" in told:
            fact = _age_in_words(told["least"], told["most"], language)
        found[row["criterion"]] = _found(row, fact=fact, why=told.get("why", ""))
    return found


def triage(
    session: Session,
    referral_id: UUID,
    result: str,
    *,
    reason: str = "",
    offered: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Say where a referral goes: to the next Clinical Committee (AD-R3), straight to a worker (AD-R4), or no further.

    Forwarding has its reason, and is told to the next meeting; whoever names the worker does so with it
    (`duties.participants.workers.name_worker`). A refusal has its reason, and what was offered instead. Raises Refusal:
    somebody else triaged it meanwhile, or a criterion is not looked at, or does not allow it.
    """
    held = hold_referral(session, referral_id, seen=seen)
    if result not in TRIAGE_RESULTS:
        raise Refusal("triage.result", N_("Choose where the referral goes."))
    reason, offered = _text(reason), _text(offered)
    participant = hold_participant(session, held["participant_id"])
    if result == "refused":
        if not (reason and offered):
            raise Refusal("triage.refusal", N_("A refusal has its reason, and what was offered instead."))
    else:
        if result == "forwarded" and not reason:
            raise Refusal("triage.forwarding", N_("Say why it cannot wait for the committee."), source="AD-R4")
        _refuse_unless_allowed(session, participant, result)
    session.execute(
        update(_referral)
        .where(_referral.c.program_id == held["program_id"], _referral.c.id == referral_id)
        .values(
            state=_after(held, "triage"),
            result=result,
            triaged_at=at,
            triaged_by=by.person_id,
            result_sealed=seal(
                session, participant["id"], f"triage/{referral_id}", {"reason": reason, "offered": offered}
            ),
            version=held["version"] + 1,
        )
    )
    events.write(session, "referral.triaged", "referral", referral_id, by=by, at=at, result=result)
    finish_step(session, participant["id"], TRIAGE, by=by, at=at)
    if result == "refused":
        refuse(session, participant, by=by, at=at)


def refuse(session: Session, participant: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """A held candidate is refused: the admission ends, and a day is set after which nothing is kept. Raises Refusal."""
    end_admission(session, participant, "refuse", by=by, at=at)
    events.write(session, "participant.refused", "participant", participant["id"], by=by, at=at)


def end_admission(session: Session, participant: Mapping[str, Any], move: str, *, by: Actor, at: datetime) -> None:
    """A held candidate goes no further, by their own word or the program's. Raises Refusal."""
    change_participant(
        session,
        participant,
        state=moved(participant, move),
        retain_until=last_day(session, "not_admitted", local_day(session, at)),
    )
    case_id = case_of(session, participant["id"])
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason=_ENDED[move])
    workers.ask_no_more(session, participant["id"], by=by, at=at)
    withdrawals.settle(session, participant["id"], by=by, at=at)


_ENDED: Final = {"refuse": "AD-R3", "decline": "AD-R7"}


def take_back_triage(session: Session, referral_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Triage a referral again: more was learned, or the committee asks for more. Raises Refusal: it was refused."""
    held = hold_referral(session, referral_id, state="triaged", seen=seen)
    if held["result"] == "refused":
        raise Refusal("triage.refused", N_("This referral was refused. Somebody may refer the person again."))
    session.execute(
        update(_referral)
        .where(_referral.c.program_id == held["program_id"], _referral.c.id == referral_id)
        .values(
            state=_after(held, "take_back"),
            result="",
            triaged_at=None,
            triaged_by=None,
            result_sealed=None,
            version=held["version"] + 1,
        )
    )
    events.write(session, "referral.taken_back", "referral", referral_id, by=by, at=at)


def refuse_other(session: Session, participant_id: UUID, referral_id: UUID) -> None:
    """Refuse a referral that is not about this person. Raises Refusal."""
    if not session.scalar(
        select(_referral.c.id).where(
            _referral.c.program_id == program_of(session),
            _referral.c.id == referral_id,
            _referral.c.participant_id == participant_id,
        )
    ):
        raise Refusal("referral.not_there", N_("There is no such referral."))


def hold_referral(
    session: Session, referral_id: UUID, *, state: str = "received", seen: int | None = None
) -> dict[str, Any]:
    """Lock a referral in a state. Raises Refusal: there is none, or somebody else dealt with it meanwhile."""
    held = one(
        session,
        select(_referral)
        .where(
            _referral.c.program_id == program_of(session), _referral.c.id == referral_id, _referral.c.state != "draft"
        )
        .with_for_update(),
    )
    if held is None:
        raise Refusal("referral.not_there", N_("There is no such referral."))
    if held["state"] != state:
        raise _dealt_with("referral.dealt_with")
    if seen is not None and held["version"] != seen:
        raise _dealt_with("referral.changed")
    return held


# ------------------------------------------------------------------------------------------------------------ rules


def missing(session: Session, participant: Mapping[str, Any]) -> tuple[str, ...]:
    """The criteria that nobody looked at yet."""
    found = findings_of(session, participant["id"])
    asked = CRITERIA if participant["recruiter"] else OF_EVERYONE
    return tuple(one for one in asked if one not in found)


def _refuse_unless_allowed(session: Session, participant: Mapping[str, Any], result: str) -> None:
    found = findings_of(session, participant["id"])
    left = missing(session, participant)
    if left:
        raise Refusal("triage.not_looked_at", N_("Look at every criterion first: %(left)s."), left=", ".join(left))
    for criterion in NEVER_WITHOUT:
        if found[criterion].finding == "not_met":
            raise Refusal(
                "triage.not_met",
                N_("Nobody is admitted without this criterion: %(criterion)s."),
                source=criterion,
                criterion=criterion,
            )
    third = found["AD-C3"]
    if third.finding == "not_met" and third.allowed_by is None:
        raise Refusal(
            "triage.precontemplation",
            N_("The person does not recognize harms yet. They may be admitted all the same: say why."),
            source="AD-C3",
        )
    if result == "forwarded":
        unknown = [one for one in NEVER_WITHOUT if found[one].finding == "unknown"]
        if unknown:
            raise Refusal(
                "triage.unknown",
                N_("This is not known yet: %(criteria)s. The committee may decide; nobody is forwarded without it."),
                source="AD-R4",
                criteria=", ".join(unknown),
            )
        if participant["recruiter"]:
            raise Refusal(
                "triage.recruiter",
                N_("Of someone who recruits others, the Clinical Committee assesses the risk first."),
                source="AD-C4",
            )


def _write(
    session: Session,
    held: Mapping[str, Any],
    criterion: str,
    finding: str,
    told: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    allowed_by: UUID | None = None,
) -> None:
    participant_id = held["participant_id"]
    # The referral is held: of two who find the same criterion at once, the second counts after the first.
    before = session.scalars(
        select(_finding.c.n).where(
            _finding.c.program_id == held["program_id"],
            _finding.c.participant_id == participant_id,
            _finding.c.criterion == criterion,
        )
    ).all()
    finding_id = uuid4()
    row = CriterionFinding(
        program_id=held["program_id"],
        id=finding_id,
        participant_id=participant_id,
        referral_id=held["id"],
        criterion=criterion,
        n=max(before, default=0) + 1,
        finding=finding,
        sealed=seal(session, participant_id, f"finding/{finding_id}", told),
        on=local_day(session, at),
        found_by=by.person_id,  # type: ignore[arg-type]  # a person triages
        found_at=at,
        allowed_by=allowed_by,
    )
    session.execute(insert(_finding).values(row.model_dump()))
    events.write(
        session,
        "criterion.found",
        "referral",
        held["id"],
        by=by,
        at=at,
        criterion=criterion,
        finding=finding,
        exception=allowed_by is not None,
    )


def _last(session: Session, participant_id: UUID, *, sealed: bool) -> list[dict[str, Any]]:
    """The last finding of each criterion for the newest referral.

    Whoever is referred again, a year later say, is looked at anew: an age, a place and a wish are those of the day.
    """
    newest = (
        select(_referral.c.id)
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.participant_id == participant_id,
            _referral.c.state.in_(["received", "triaged"]),
        )
        .order_by(_referral.c.received_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = [
        _finding.c.id,
        _finding.c.criterion,
        _finding.c.finding,
        _finding.c.on,
        _finding.c.found_by,
        _finding.c.found_at,
        _finding.c.allowed_by,
        *([_finding.c.sealed] if sealed else []),
    ]
    return many(
        session,
        select(*columns)
        .where(
            _finding.c.program_id == program_of(session),
            _finding.c.participant_id == participant_id,
            _finding.c.referral_id == newest,
        )
        .ext(distinct_on(_finding.c.criterion))
        .order_by(_finding.c.criterion, _finding.c.n.desc()),
    )


def _found(row: Mapping[str, Any], *, fact: str = "", why: str = "") -> Found:
    return Found(
        row["criterion"],
        row["finding"],
        row["on"],
        row["found_by"],
        row["found_at"],
        row["allowed_by"],
        fact,
        why,
    )


def _age_in_words(least: int, most: int, language: str) -> str:
    if least == most:
        return say(language, N_("Aged %(age)s on that day."), age=least)
    return say(
        language, N_("Aged %(least)s or %(most)s on that day: the birth date is not known."), least=least, most=most
    )


def _after(held: Mapping[str, Any], move: str) -> str:
    try:
        return REFERRAL.after(held["state"], move)
    except NoSuchMove:
        raise _dealt_with("referral.dealt_with") from None


def _dealt_with(code: str) -> Refusal:
    return Refusal(
        code, N_("Someone else dealt with this referral while you were looking at it. Nothing was saved; look again.")
    )


def _text(value: str) -> str:
    text = value.strip()
    if len(text) > LONGEST:
        raise Refusal(
            "referral.too_long", N_("One of the answers is longer than %(max_length)s characters."), max_length=LONGEST
        )
    return text
