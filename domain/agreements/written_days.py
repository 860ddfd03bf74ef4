"""On which days the text of a version was written, and which paper can carry a signature under it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Refusal, col, local_day, only, scalars
from domain.terms import PartnerVersion
from locales import N_
from models.record import Event


def refuse_paper(session: Session, held: PartnerVersion, signed_on: date) -> None:
    """Refuse a signature on paper of a local day on which the text of this version could not be signed. Raises Refusal.

    Paper carries a text that was written by then and sent to the directors. Of an agreement from before the program
    kept it here, the first version has the day on which it was signed then.
    """
    first, last = _days_of_writing(session, held.id)
    if held.n == 1 and signed_on < first:
        return
    if held.state == "draft":
        raise Refusal(
            "agreement.not_sent",
            N_("This version is a draft: send it to the directors first, then record who signed it on paper."),
        )
    if signed_on < last:
        raise Refusal(
            "agreement.signed_before_text",
            N_("The text of this version was written on %(day)s: it was not signed before that day."),
            day=last.isoformat(),
        )


def _days_of_writing(session: Session, version_id: UUID) -> tuple[date, date]:
    """The local days on which the text of a version was first and last written, as the record has them."""
    moments = scalars(
        session,
        only(Event.at)
        .where(Event.subject_id == version_id, col(Event.verb).in_(["agreement.drafted", "agreement.redrafted"]))
        .order_by(col(Event.n)),
    ).all()
    return local_day(session, moments[0]), local_day(session, moments[-1])
