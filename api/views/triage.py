"""The one page of a triage: the facts of the referral beside each criterion, and who they are while that is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from api.access.participants import Facts, read_facts
from api.access.permissions import Action, Forbidden, require
from api.views.criteria import AGE, NAMES, on_form_of
from api.views.opened_files import Lines, OpenedNow, age_in_words, opened_who, opened_without_the_name
from api.views.participants import Owed, SeenFile, owed_of
from domain.admissions import ASKABLE, Duplicate, duplicates, triage
from domain.casework import asking
from domain.participants import OF_RECRUITERS, CriterionFound, ReadReferral, ReferralForm, fields_of, opened, reading
from locales import N_, gettext
from models.referral import CRITERIA, Referral


@dataclass(frozen=True)
class CriterionShown:
    """One criterion on the page: what the referral says of it, and what is found, as the form begins."""

    criterion: str
    end: str  # of the names of its fields
    name: str
    said: Lines
    works_itself_out: bool
    finding: str
    fact: str
    admit_all_the_same: bool
    why: str
    found: CriterionFound | None


@dataclass(frozen=True)
class Sitting:
    """Who they are, while that is open for the sitting of work; and who may be the same person."""

    who: list[Lines]
    until: datetime
    duplicates: list[Duplicate]


@dataclass(frozen=True)
class TriageShown:
    """The page of one referral."""

    referral: Referral
    to_triage: bool
    owed: Owed | None
    told: OpenedNow
    criteria: list[CriterionShown]
    sitting: Sitting | None

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named on it."""
        found = [one.found for one in self.criteria if one.found is not None]
        return {person for one in found for person in (one.found_by, one.allowed_by)}


def triage_shown(seen: SeenFile, area: str, typed: Mapping[str, object]) -> TriageShown:
    """The page of the referral that is triaged now, or of which criteria are owed. Raises Forbidden: there is none.

    What was referred is read without the name, which is told to the record as it is.
    """
    context, by = seen.context, require(Action.TRIAGE, seen.given)
    referral = _referral(seen)
    read = read_facts(context.session, seen.given, seen.id, purpose="", language=context.language, by=by, at=context.at)
    this = [one for one in read.referrals if one.received_at == referral.received_at]
    asked = _asked(seen, read)
    to_triage = referral.state == "received"
    return TriageShown(
        referral=referral,
        to_triage=to_triage,
        owed=owed_of(seen),
        told=opened_without_the_name(read, only=[replace(one, facts={}) for one in this]),
        criteria=[
            _criterion(one, read, this[0] if this else None, area, typed, recruiter=seen.row.recruiter) for one in asked
        ],
        sitting=_sitting(seen),
    )


def _asked(seen: SeenFile, read: Facts) -> list[str]:
    """The criteria of the person: that of those who recruit others only where it is of them."""
    return [one for one in CRITERIA if one != OF_RECRUITERS or seen.row.recruiter or one in read.found]


def _referral(seen: SeenFile) -> Referral:
    owes = bool(asking.open_ones(seen.session, triage.OWED, seen.id))
    for one in reading.referrals_of(seen.session, seen.id):
        if one.state == "received" or (owes and one.state == "triaged"):
            return one
    raise Forbidden


def _criterion(
    criterion: str, read: Facts, said: ReadReferral | None, area: str, typed: Mapping[str, object], *, recruiter: bool
) -> CriterionShown:
    """A criterion as the form shows it: as it was typed, or found; else to be confirmed, with its fact."""
    found, end = read.found.get(criterion), on_form_of(criterion)
    lines = _lines(criterion, read, said, area, recruiter=recruiter)
    works_itself_out = criterion == AGE
    finding = found.finding if found else "unknown"
    if works_itself_out:
        finding = read.age.within_program() if read.age else "unknown"
    fact = found.fact if found else " – ".join(text for _, text in lines)
    is_allowed = found is not None and found.allowed_by is not None
    return CriterionShown(
        criterion=criterion,
        end=end,
        name=gettext(NAMES[criterion]),
        said=lines,
        works_itself_out=works_itself_out,
        finding=str(typed.get(f"finding_{end}", finding)),
        fact=str(typed.get(f"fact_{end}", fact)),
        admit_all_the_same=typed["exception"] == "yes" if typed else is_allowed,
        why=str(typed.get("why", found.why if found else "")),
        found=found,
    )


def _lines(criterion: str, read: Facts, said: ReadReferral | None, area: str, *, recruiter: bool) -> Lines:
    """The facts of the referral that speak of a criterion, each with what it is."""
    found: Lines = []
    if criterion == AGE:
        found.append((gettext(N_("Age today")), age_in_words(read.age)))
    if criterion == "AD-C2" and area:
        found.append((gettext(N_("Area")), area))
    if criterion == OF_RECRUITERS and recruiter:
        found.append((gettext(N_("They also recruit others")), gettext(N_("Yes"))))
    if said is not None:
        if criterion == "AD-C2" and said.setting:
            found.append((gettext(N_("Care setting, if any")), said.setting))
        if said.facts.get(criterion):
            found.append((gettext(N_("The referral says")), said.facts[criterion]))
    return found


def _sitting(seen: SeenFile) -> Sitting | None:
    context = seen.context
    shown = opened.shown_to(context.session, seen.id, sign_in=context.sign_in, at=context.at)
    if shown is None:
        return None
    who, until = shown
    by = require(Action.TRIAGE, seen.given)
    alike: list[Duplicate] = []
    if duplicates.alike(context.session, [seen.id], reader=context.asker.person_id):
        since = until - opened.OPEN_FOR
        alike = duplicates.possible_duplicates(context.session, seen.id, by=by, at=context.at, since=since)
    return Sitting(opened_who(who), until, alike)


def askable() -> Mapping[str, str]:
    """What who referred can be asked for, by its name: what it is called."""
    labels = {**{one.name: one.label for one in fields_of(ReferralForm)}, **NAMES}
    return {name: gettext(labels[name]) for name in ASKABLE}
