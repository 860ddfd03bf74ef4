"""One period of an obligation: how it stands and by what, its history, and what people may say or give for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.partners import find_obligation, find_proof
from api.access.permissions import Action, Forbidden, Relation, asks, is_allowed, require
from api.access.session import InContext, RequestContext
from api.acts.obligations import LOOKED_AT, OBLIGATION
from api.pages.act_routes import act_pages
from api.pages.agreement import PERIODS
from api.pages.files import Sent, kept_file, read_sent
from api.pages.forms import Text, Typed
from api.pages.frame import answered, framed_pages, page
from api.pages.idempotent_forms import AtOnce
from api.views.names import titles_of_roles
from api.views.obligations import STATES, clause_of, text_of
from api.views.tasks import names_of
from api.web.readers import day_of
from domain.declarations import FACTS, GIVEN_BY_PEOPLE, STEP, WHY, Fact, facts_of, grouped, rule_of
from domain.endorsement import does_it_count
from domain.kernel import col, joins, local_day, only, run, scalar, title_of
from domain.obligations import (
    GivenDocument,
    PeriodRead,
    StatementGiven,
    StepDocument,
    reading,
    to_accept,
    waivers_of_no_day,
    waiving,
)
from domain.obligations import attestations as saying
from domain.obligations import waivers as waivers_of
from domain.record import reads
from meetings import waivers
from meetings.committees import committees
from models.casework import Evidence, EvidenceFile
from models.obligation import ObligationFile, ObligationFinding

router = framed_pages()


@router.get("/obligations/{period_id}", name="obligation")
@asks(Action.SEE_OBLIGATION)
def show_obligation(context: InContext, request: Request, period_id: UUID) -> HTMLResponse:
    """One period of an obligation."""
    return obligation_page(context, request, period_id, Typed())


@router.post("/obligations/{period_id}/documents")
@asks(Action.GIVE_PROOF)
def add_document(
    context: InContext, request: Request, period_id: UUID, once: AtOnce, day: Text = "", document: Sent = None
) -> Response:
    """Give a document that the clause asks for."""
    _, given = find_obligation(context.session, context.asker, period_id)
    by = require(Action.GIVE_PROOF, given)

    def act() -> str:
        name, content = read_sent(document)
        saying.add_document(context.session, period_id, name, content, effective_on=day_of(day), by=by, at=context.at)
        return _after(context, period_id)

    typed = Typed("document", values={"day": day})
    return answered(once.attempt(act), lambda why: obligation_page(context, request, period_id, typed.refused(why)))


@router.get("/proofs/{document_id}", name="proof")
@asks(Action.READ_PROOF)
def download(context: InContext, document_id: UUID) -> Response:
    """A document as it was given."""
    found, by = find_proof(context.session, context.asker, document_id)
    reads.record_read(
        context.session, "obligation_document", document_id, what="document", ground="role", by=by, at=context.at
    )
    content = scalar(context.session, only(ObligationFile.content).where(ObligationFile.id == document_id))
    return kept_file(found.name, found.content_type, content)


@router.get("/obligations/{period_id}/proofs/{evidence_id}", name="proof_of_step")
@asks(Action.READ_PROOF)
def download_of_step(context: InContext, period_id: UUID, evidence_id: UUID) -> Response:
    """A document that a procedure brought for this period, for those who look at it here."""
    row, given = find_obligation(context.session, context.asker, period_id)
    by = require(Action.READ_PROOF, given)
    found = run(
        context.session,
        only(Evidence.label, Evidence.content_type, EvidenceFile.content)
        .join(EvidenceFile, joins(EvidenceFile.id, Evidence))
        .where(Evidence.id == evidence_id, col(Evidence.task_id).in_(_steps_of(row)), Evidence.kind == "document"),
    ).first()
    if found is None or not rule_of(row.check_kind, row.rule).document():
        raise Forbidden
    reads.record_read(context.session, "evidence", evidence_id, what="document", ground="role", by=by, at=context.at)
    return kept_file(found.label, found.content_type, found.content)


def obligation_page(context: RequestContext, request: Request, period_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of one period that the reader may see; with `typed`, as a rule refused what was sent."""
    row, given = find_obligation(context.session, context.asker, period_id)
    titles = titles_of_roles(context)
    names = {**titles, **_titles_of_committees(context)}
    rule = rule_of(row.check_kind, row.rule)
    stated = rule.stated()
    may_read = is_allowed(Action.READ_PROOF, given)
    may_waive = is_allowed(Action.WAIVE_CLAUSE, given)
    attestations = reading.attestations_of(context.session, period_id)
    documents = reading.documents_of(context.session, row.agreement_id, row.key) if rule.document() else []
    proposals = _proposals(context, row)
    judged = to_accept.period_judged(context.session, period_id)
    owes = judged is not None and context.asker.person_id in to_accept.barred(context.session, judged, [], context.day)
    return page(
        context,
        request,
        "obligation.html",
        typed=typed,
        row=row,
        clause=clause_of(row),
        text=text_of(row, context.language),
        owner=titles.get(row.owed_by, ""),
        how_often=PERIODS[row.how_often],
        rule=rule.in_words(context.language, names),
        statement=stated.statement if stated is not None else None,
        takes_documents=bool(rule.document()),
        proof_form=rule.form(row.starts_on, row.ends_on, context.day),
        states=STATES,
        facts=_facts(context, row, names, with_links=may_read),
        history=_turns(reading.findings_of(context.session, period_id)),
        may_attest=is_allowed(Action.ATTEST, given) and row.starts_on <= context.day,
        attestations=attestations,
        documents=documents,
        may_give=is_allowed(Action.GIVE_PROOF, given),
        may_read=may_read,
        may_waive=may_waive and not owes,
        owes=may_waive and owes,
        waivers=waivers_of(context.session, row.agreement_id, row.key),
        waivers_of_no_day=waivers_of_no_day(context.session, row.agreement_id, row.key),
        proposals=proposals,
        decisions=_decisions_to_record(proposals) if may_waive and not owes else [],
        proofs=_proofs(context, row, documents, attestations),
        may_look=Relation.ACCEPTS in given,
        lookers=_lookers(context, judged),
        given_late=_given_late(context, row, documents, attestations),
    )


def _decisions_to_record(proposals: Sequence[ProposedWaiver]) -> list[tuple[str, str]]:
    """The decisions by which a waiver may be recorded: those that count, and by which none is yet."""
    return [
        (str(one.row.decision_id), f"{one.row.decision} ({one.row.starts_on} – {one.row.ends_on})")
        for one in proposals
        if one.counts and not one.is_recorded
    ]


def _steps_of(row: PeriodRead) -> list[UUID]:
    """The steps of procedures that a period was judged by."""
    return [UUID(fact.id) for fact in facts_of(row.found) if fact.kind == STEP.key]


def _turns(findings: Sequence[ObligationFinding]) -> list[ObligationFinding]:
    """The findings by which a period came to stand otherwise, the newest first: not those that only counted more."""
    earlier = [*findings[1:], None]
    return [one for one, before in zip(findings, earlier, strict=True) if before is None or before.state != one.state]


def _given_late(
    context: RequestContext, row: PeriodRead, documents: Sequence[GivenDocument], attestations: Sequence[StatementGiven]
) -> set[UUID]:
    """The documents and statements that came after the last day for proof: they count, and it is said of them."""
    last = row.due_on
    given = {one.id: one.added_at for one in documents} | {one.id: one.said_at for one in attestations}
    return {one for one, at in given.items() if last is not None and local_day(context.session, at) > last}


def _lookers(context: RequestContext, judged: to_accept.PeriodJudged | None) -> list[str]:
    """Who is to look at what was given and waits; empty where nothing waits, or where the duty is vacant."""
    if judged is None or not to_accept.waiting(judged):
        return []
    holders = to_accept.falls_on(context.session, judged, context.asker.standing).holders
    return sorted(set(names_of(context, [holder.person_id for holder in holders]).values()))


@dataclass(frozen=True)
class ProposedWaiver:
    """What was proposed of the clause: whether the committee sits on it now, and whether a waiver was recorded."""

    row: waiving.Proposed
    title: str
    is_sat_on: bool
    counts: bool
    is_recorded: bool


def _proposals(context: RequestContext, row: PeriodRead) -> list[ProposedWaiver]:
    of_clause = (context.session, row.agreement_id, row.key)
    recorded = {one.proposal_id for one in (*waivers_of(*of_clause), *waivers_of_no_day(*of_clause))}
    return [
        ProposedWaiver(
            one,
            title=title_of(one, context.language),
            is_sat_on=waivers.item_under_way(context.session, one.id) is not None,
            counts=one.decision_id is not None and does_it_count(context.session, one.decision_id, with_quorum=True),
            is_recorded=one.id in recorded,
        )
        for one in waiving.proposals_of(context.session, row.agreement_id, row.key)
    ]


@dataclass(frozen=True)
class ProofLine:
    """What was given for a period and somebody looks at, or looked at: its fact, and the rows that it is of."""

    id: str
    kind: str
    why: str
    word: str
    of: Sequence[GivenDocument | StatementGiven | StepDocument]


def _proofs(
    context: RequestContext, row: PeriodRead, documents: Sequence[GivenDocument], attestations: Sequence[StatementGiven]
) -> list[ProofLine]:
    """The proofs given for this period that are or were looked at, in the order of the facts."""
    if row.check_kind not in GIVEN_BY_PEOPLE:
        return []
    by_id: dict[str, list[GivenDocument | StatementGiven | StepDocument]] = defaultdict(list)
    for document in documents:
        by_id[str(document.id)].append(document)
    for stated in attestations:
        by_id[str(stated.id)].append(stated)
    for brought in reading.documents_of_steps(context.session, _steps_of(row)):
        by_id[str(brought.task_id)].append(brought)
    return [
        ProofLine(fact.id, fact.kind, fact.why, WHY.get(fact.why, ""), proofs)
        for fact in facts_of(row.found)
        if fact.why != "other_period" and (proofs := by_id.get(fact.id, []))
    ]


def _after(context: RequestContext, period_id: UUID) -> str:
    """The page of the period, or one's own work where to look at it was their part in it, and that is done."""
    try:
        find_obligation(context.session, context.asker, period_id)
    except Forbidden:
        return "/"
    return f"/obligations/{period_id}"


@dataclass(frozen=True)
class FactLine:
    """A fact with the words for what it is; `n` is a number that was counted, and `href` opens it."""

    kind: str
    name: str
    on: date | None
    counts: bool
    why: str
    n: str
    href: str


def _facts(context: RequestContext, row: PeriodRead, names: Mapping[str, str], *, with_links: bool) -> list[FactLine]:
    """Each fact with the words for what it is, and the page that shows it, for those who answer for the partner."""
    facts = facts_of(row.found)
    called = _titles_of_facts(context, facts)
    lines = []
    for fact in facts:
        kind = FACTS[fact.kind]
        lines.append(
            FactLine(
                kind=kind.word,
                name=names.get(fact.id, "") if kind.is_number else called.get(fact.id, ""),
                on=fact.on,
                counts=fact.counts,
                why=WHY.get(fact.why, ""),
                n=fact.why if kind.is_number else "",
                href=f"/{kind.page}/{fact.id}" if with_links and kind.page else "",
            )
        )
    return lines


def _titles_of_facts(context: RequestContext, facts: Sequence[Fact]) -> dict[str, str]:
    """What facts are called in the reader's language, by their ids."""
    found: dict[str, str] = {}
    for key, several in grouped(facts, lambda fact: fact.kind).items():
        if not FACTS[key].is_number:
            titles = FACTS[key].titles(context.session, [UUID(fact.id) for fact in several])
            found |= {one: title.fr if context.language == "fr" else title.en for one, title in titles.items()}
    return found


def _titles_of_committees(context: RequestContext) -> dict[str, str]:
    return {row.key: title_of(row, context.language) for row in committees(context.session).values()}


for subject in (OBLIGATION, LOOKED_AT):
    act_pages(
        router,
        subject,
        lambda on, request, typed: obligation_page(on.context, request, on.id, typed),
        after=lambda on, _: _after(on.context, on.id),
    )
