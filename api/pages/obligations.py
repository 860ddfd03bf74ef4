"""One period of an obligation: how it stands and by what, its history, and what people may say or give for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from api.at_partners import find_obligation, to_partner
from api.obligation_lines import STATES, clause_of
from api.pages.agreement import PERIODS, in_words
from api.pages.forms import Text, Typed, day_of, id_or_none
from api.pages.frame import framed_pages, page, see_other, titles_of_roles
from api.permissions import Action, Forbidden, allows, asks, require
from api.session import AtDesk, Desk
from duties.casework.proofs import LARGEST_DOCUMENT
from duties.declarations.program_agreements import AttestationRule
from duties.here import local_day, many, one, program_of
from duties.obligations import reading, saying
from duties.obligations.facts import waivers
from duties.obligations.wording import KINDS, WHY
from duties.record import reads
from duties.refusals import Refusal
from locales import N_
from meetings.committees import committees
from models.agreement import Agreement
from models.base import refers, table_of
from models.casework import Task
from models.minutes import Decision
from models.obligation import ObligationDocument, ObligationFile

router = framed_pages()

_document = table_of(ObligationDocument)
_file = table_of(ObligationFile)
_agreement = table_of(Agreement)
_decision = table_of(Decision)
_task = table_of(Task)

#: How many decisions are offered to waive by: the newest.
DECISIONS_OFFERED: Final = 100


@router.get("/obligations/{period_id}", name="obligation")
@asks(Action.SEE_OBLIGATION)
def show_obligation(desk: AtDesk, request: Request, period_id: UUID) -> HTMLResponse:
    """One period of an obligation."""
    return obligation_page(desk, request, period_id, Typed())


@router.post("/obligations/{period_id}/attestation")
@asks(Action.ATTEST)
def attest(desk: AtDesk, request: Request, period_id: UUID, said: Text = "", note: Text = "") -> Response:
    """State in writing that it held in this period, or that it did not."""
    _, given = find_obligation(desk.session, desk.asker, period_id)
    by = require(Action.ATTEST, given)
    refusal = desk.attempt(lambda: saying.attest(desk.session, period_id, said, note=note, by=by, at=desk.at))
    return _after(desk, request, period_id, "attestation", refusal, {"said": said, "note": note})


@router.post("/obligations/{period_id}/documents")
@asks(Action.GIVE_PROOF)
def add_document(
    desk: AtDesk,
    request: Request,
    period_id: UUID,
    day: Text = "",
    document: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Give a document that the clause asks for."""
    _, given = find_obligation(desk.session, desk.asker, period_id)
    by = require(Action.GIVE_PROOF, given)

    def act() -> None:
        if document is None or not document.filename:
            raise Refusal("document.missing", N_("Choose the file."))
        content = document.file.read(LARGEST_DOCUMENT + 1)  # one byte more than is kept tells that it is too large
        saying.add_document(
            desk.session, period_id, document.filename, content, effective_on=day_of(day), by=by, at=desk.at
        )

    return _after(desk, request, period_id, "document", desk.attempt(act), {"day": day})


@router.post("/obligations/{period_id}/documents/{document_id}/withdrawal")
@asks(Action.GIVE_PROOF)
def withdraw_document(
    desk: AtDesk, request: Request, period_id: UUID, document_id: UUID, reason: Text = ""
) -> Response:
    """Take a document back, with the reason."""
    row, given = find_obligation(desk.session, desk.asker, period_id)
    by = require(Action.GIVE_PROOF, given)
    if not any(one["id"] == document_id for one in reading.documents_of(desk.session, row["agreement_id"], row["key"])):
        raise Forbidden
    refusal = desk.attempt(
        lambda: saying.withdraw_document(desk.session, document_id, reason=reason, by=by, at=desk.at)
    )
    return _after(desk, request, period_id, f"withdrawal-{document_id}", refusal, {"reason": reason})


@router.post("/obligations/{period_id}/waivers")
@asks(Action.WAIVE_CLAUSE)
def waive(
    desk: AtDesk,
    request: Request,
    period_id: UUID,
    first: Text = "",
    last: Text = "",
    decision: Text = "",
    reason: Text = "",
) -> Response:
    """Free the partner of the clause from a day to another, by a decision."""
    row, given = find_obligation(desk.session, desk.asker, period_id)
    by = require(Action.WAIVE_CLAUSE, given)

    def act() -> None:
        decision_id = id_or_none(decision)
        if decision_id is None:
            raise Refusal("waiver.no_decision", N_("A partner is freed of a clause by a decision that stands."))
        saying.waive(
            desk.session,
            row["agreement_id"],
            row["key"],
            starts_on=day_of(first),
            ends_on=day_of(last),
            decision_id=decision_id,
            reason=reason,
            by=by,
            at=desk.at,
        )

    typed = {"first": first, "last": last, "decision": decision, "reason": reason}
    return _after(desk, request, period_id, "waiver", desk.attempt(act), typed)


@router.get("/proofs/{document_id}", name="proof")
@asks(Action.READ_PROOF)
def download(desk: AtDesk, document_id: UUID) -> Response:
    """A document as it was given, to be kept and never to be shown by the browser as a page of ours."""
    here = program_of(desk.session)
    found = one(
        desk.session,
        select(_document.c.name, _document.c.content_type, _agreement.c.organization_id)
        .join(_agreement, refers(_document.c.agreement_id, _agreement))
        .where(_document.c.program_id == here, _document.c.id == document_id),
    )
    if found is None:
        raise Forbidden
    by = require(Action.READ_PROOF, to_partner(desk.asker, found["organization_id"]))
    reads.record_read(
        desk.session, "obligation_document", document_id, what="document", ground="role", by=by, at=desk.at
    )
    content = desk.session.scalar(select(_file.c.content).where(_file.c.program_id == here, _file.c.id == document_id))
    return Response(
        bytes(content or b""),
        media_type=found["content_type"],
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found['name'], safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def obligation_page(desk: Desk, request: Request, period_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of one period that the reader may see; with `typed`, as a rule refused what was sent."""
    row, given = find_obligation(desk.session, desk.asker, period_id)
    titles = titles_of_roles(desk)
    names = {**titles, **_titles_of_committees(desk)}
    may_read = allows(Action.READ_PROOF, given) is not None
    may_waive = allows(Action.WAIVE_CLAUSE, given) is not None
    findings = reading.findings_of(desk.session, period_id)
    return page(
        desk,
        request,
        "obligation.html",
        refused=typed.refusal,
        typed=typed,
        row=row,
        clause=clause_of(row),
        text=row[f"text_{desk.language}"],
        owner=titles.get(row["owed_by"], ""),
        how_often=PERIODS[row["how_often"]],
        rule=in_words(row["check_kind"], row["rule"], names),
        statement=row["rule"]["statement"] if row["check_kind"] == "attestation" else None,
        states=STATES,
        facts=_facts(desk, row["found"]["facts"], names, with_links=may_read),
        findings=findings,
        held_from=_held_from(row),
        may_attest=allows(Action.ATTEST, given) is not None and row["starts_on"] <= desk.day,
        attestations=reading.attestations_of(desk.session, period_id),
        documents=reading.documents_of(desk.session, row["agreement_id"], row["key"])
        if row["check_kind"] == "document"
        else [],
        may_give=row["check_kind"] == "document" and allows(Action.GIVE_PROOF, given) is not None,
        may_read=may_read,
        may_waive=may_waive,
        waivers=waivers(desk.session, row["agreement_id"], row["key"]),
        decisions=_decisions(desk) if may_waive else [],
        day=desk.day,
    )


def _held_from(row: Mapping[str, Any]) -> date | None:
    """The first local day on which it can be stated that it held; None of what is not stated in writing."""
    if row["check_kind"] != "attestation":
        return None
    return AttestationRule.model_validate(row["rule"]).from_day(row["starts_on"], row["ends_on"])


def _after(
    desk: Desk, request: Request, period_id: UUID, form: str, refusal: Refusal | None, values: dict[str, Any]
) -> Response:
    if refusal is None:
        return see_other(f"/obligations/{period_id}")
    return obligation_page(desk, request, period_id, Typed(form, refusal, values))


def _facts(
    desk: Desk, facts: list[dict[str, Any]], names: Mapping[str, str], *, with_links: bool
) -> list[dict[str, Any]]:
    """Each fact with the words for what it is, and the page that shows it, for those who answer for the partner."""
    told = _tasks(desk, [UUID(fact["id"]) for fact in facts if fact["kind"] == "task"])
    link: Mapping[str, Callable[[str], str]] = {
        "meeting": lambda key: f"/meetings/{key}",
        "task": lambda key: f"/tasks/{key}",
    }
    return [
        {
            "kind": KINDS[fact["kind"]],
            "name": told.get(fact["id"], "") or (names.get(fact["id"], "") if fact["kind"] == "count" else ""),
            "on": date.fromisoformat(fact["on"]) if fact["on"] else None,
            "counts": fact["counts"],
            "why": WHY.get(fact["why"], ""),
            "n": fact["why"] if fact["kind"] == "count" else "",
            "href": link[fact["kind"]](fact["id"]) if with_links and fact["kind"] in link else "",
        }
        for fact in facts
    ]


def _tasks(desk: Desk, ids: list[UUID]) -> dict[str, str]:
    rows = desk.session.execute(
        select(_task.c.id, _task.c[f"title_{desk.language}"].label("title")).where(
            _task.c.program_id == program_of(desk.session), _task.c.id.in_(ids)
        )
    )
    return {str(row.id): row.title for row in rows}


def _decisions(desk: Desk) -> list[tuple[str, str]]:
    """The newest decisions that stand, by which a partner may be freed of a clause."""
    rows = many(
        desk.session,
        select(_decision.c.id, _decision.c.number, _decision.c.decided_at, _decision.c.text_fr, _decision.c.text_en)
        .where(_decision.c.program_id == program_of(desk.session), _decision.c.state != "withdrawn")
        .order_by(_decision.c.decided_at.desc())
        .limit(DECISIONS_OFFERED),
    )
    return [
        (str(row["id"]), f"{row['number']} ({local_day(desk.session, row['decided_at']).isoformat()})") for row in rows
    ]


def _titles_of_committees(desk: Desk) -> dict[str, str]:
    return {
        row["key"]: row["title_fr"] if desk.language == "fr" else row["title_en"]
        for row in committees(desk.session).values()
    }
