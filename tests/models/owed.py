"""What partners owe, in its tables: a period and how it was found, documents, attestations, waivers, signed files."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from models.agreement import AgreementVersion, Obligation, SignedFile
from models.base import table_of
from models.casework import Evidence, Lateness, Task
from models.minutes import Decision
from models.obligation import (
    Acceptance,
    Attestation,
    ObligationDocument,
    ObligationFile,
    ObligationFinding,
    ObligationPeriod,
    Waiver,
    WaiverProposal,
)
from tests.cast import AT, TODAY, Cast

_obligation = table_of(Obligation)
_version = table_of(AgreementVersion)
_decision = table_of(Decision)
_evidence = table_of(Evidence)
_task = table_of(Task)


def owe(cast: Cast) -> None:
    """Rows of every table of obligations, as the verbs write them: those are a layer above these tests."""
    with cast.session() as session:
        here: dict[str, Any] = {"program_id": cast.program_id}
        person = cast.people["coordinator"]
        obligation = session.execute(
            select(_obligation.c.id, _obligation.c.key, _version.c.agreement_id, _version.c.id.label("version_id"))
            .join(_version, _version.c.id == _obligation.c.agreement_version_id)
            .where(_obligation.c.program_id == cast.program_id, _obligation.c.key == "AG-M1")
            .limit(1)
        ).one()
        period = ObligationPeriod(
            **here,
            agreement_id=obligation.agreement_id,
            key=obligation.key,
            obligation_id=obligation.id,
            period_starts=date(TODAY.year, 1, 1),
            period_ends=date(TODAY.year, 12, 31),
            starts_on=date(TODAY.year, 1, 1),
            ends_on=date(TODAY.year, 12, 31),
            state="on_track",
            finding=1,
            evaluated_at=AT,
        )
        session.add(period)
        session.flush()
        session.add(
            ObligationFinding(
                **here,
                period_id=period.id,
                n=1,
                obligation_id=obligation.id,
                state="on_track",
                on=TODAY,
                found={"numbers": {"held": 2}, "facts": []},
                evaluated_at=AT,
            )
        )
        late = session.scalars(
            select(_task.c.id).where(_task.c.program_id == cast.program_id, _task.c.case_id.is_not(None)).limit(1)
        ).one()
        before = TODAY - timedelta(days=9)
        session.add(Lateness(**here, task_id=late, clause="AG-M4", due_on=before, until=TODAY, recorded_at=AT))
        stated = Attestation(
            **here,
            period_id=period.id,
            person_id=person,
            acting_for=cast.people["manager_em"],
            role="manager",
            said="held",
            to_be_accepted=True,
            said_at=AT,
        )
        session.add(stated)
        content = b"%PDF-1.7"
        kept: dict[str, Any] = {
            "content_type": "application/pdf",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "added_at": AT,
            "added_by": person,
        }
        document = ObligationDocument(
            **here,
            **kept,
            agreement_id=obligation.agreement_id,
            key="GV-6.report",
            kind="annual-report",
            name="bilan.pdf",
            added_as="coordinator",
            added_for=cast.people["manager_em"],
            effective_on=TODAY,
        )
        session.add(document)
        session.add(
            SignedFile(**here, **kept, agreement_version_id=obligation.version_id, name="entente.pdf", content=content)
        )
        session.flush()
        session.add(ObligationFile(**here, id=document.id, content=content))
        said: dict[str, Any] = {"said_by": person, "said_as": "coordinator", "said_for": cast.people["manager_em"]}
        evidence = session.scalars(select(_evidence.c.id).where(_evidence.c.program_id == cast.program_id).limit(1))
        proofs: dict[str, Any] = {
            "document_id": document.id,
            "attestation_id": stated.id,
            "evidence_id": evidence.first(),
        }
        for column, proof in proofs.items():
            if proof is not None:
                session.add(Acceptance(**here, **said, **{column: proof}, said="accepted", said_at=AT))
        session.add(_waiver(session, cast, obligation.agreement_id))


def _waiver(session: Session, cast: Cast, agreement_id: Any) -> Waiver:
    of: dict[str, Any] = {
        "program_id": cast.program_id,
        "agreement_id": agreement_id,
        "key": "AG-P1",
        "starts_on": TODAY,
        "ends_on": TODAY,
        "reason": "Aucune place libre",
    }
    decided = session.execute(
        select(_decision.c.id, _decision.c.committee_id).where(_decision.c.program_id == cast.program_id).limit(1)
    ).one()
    by, away = cast.people["coordinator"], cast.people["manager_em"]
    proposal = WaiverProposal(
        **of,
        committee_id=decided.committee_id,
        proposed_by=by,
        proposed_as="coordinator",
        proposed_for=away,
        proposed_at=AT,
    )
    session.add(proposal)
    session.flush()
    return Waiver(
        **of,
        decision_id=decided.id,
        proposal_id=proposal.id,
        recorded_by=by,
        recorded_as="coordinator",
        recorded_for=away,
        recorded_at=AT,
    )
