"""Where the things are done that have no act on the page "After a restore"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.access.session import RequestContext
from domain.kernel import col, joins, only, scalar
from domain.restored import matters
from models.agreement import AgreementVersion
from models.casework import Evidence
from models.committee import Committee, Seat
from models.ledger import RestoredMatter
from models.minutes import Decision, Minutes
from models.program import Organization
from models.record import Incident

#: The page of each kind of thing that has one of its own, and of which it is known that it is there.
_PAGES: Final[Mapping[str, str]] = {
    "person": "/people/{}",
    "participant": "/participants/{}",
    "follow_up": "/follow-ups/{}",
    "meeting": "/meetings/{}",
}
#: The page on which something is, by its id, and what is asked for the part of that page's address.
_ON: Final[Mapping[str, tuple[str, Any, Any]]] = {
    "organization": ("/partners/{}", only(Organization.id), Organization.id),
    "decision": ("/decisions/{}", only(Decision.id), Decision.id),
    "incident": ("/privacy/incidents/{}", only(Incident.id), Incident.id),
    "seat": ("/committees/{}", only(Committee.key).join(Seat, joins(Seat.committee_id, Committee)), Seat.id),
    "committee": ("/committees/{}", only(Committee.key), Committee.id),
    "agreement_version": ("/program/agreements/{}", only(AgreementVersion.agreement_id), AgreementVersion.id),
    "minutes": ("/meetings/{}", only(Minutes.meeting_id), Minutes.id),
    "evidence": ("/tasks/{}", only(Evidence.task_id), Evidence.id),
}


#: The acts that took words out of a meeting, and of what was kept of it.
_OF_A_MEETING: Final = ("redaction.done", "minutes.redacted", "notice.redacted")


def place_of(context: RequestContext, matter: RestoredMatter) -> str:
    """The address of the page on which a matter is seen to; "" where it is known by none, or is not there."""
    thing_id = matters.id_in(matter, "subject") or matter.subject_id
    if matter.kind == "redaction" and matter.verb in _OF_A_MEETING and matter.facts.get("of") != "incident":
        return "/redactions"  # what both who ask and who confirm may open: the meeting itself is not
    if matter.subject_kind in _PAGES:
        return _PAGES[matter.subject_kind].format(thing_id)
    if matter.subject_kind not in _ON:
        return ""
    page, asked, column = _ON[matter.subject_kind]
    part = scalar(context.session, asked.where(col(column) == thing_id))
    return page.format(part) if part else ""
