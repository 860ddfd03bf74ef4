"""What Prefect's pages show of a case: its steps and their states, in codes, and the address of its own page.

The case's page asks who looks; here are opaque ids and the names of steps alone. It is written where it changed, once
the case was carried and its wake-up acknowledged, so that nothing waits for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun
from sqlalchemy import func

from domain.casework import Claim
from domain.kernel import changes, col, only, run, scalar
from flows.engine import Means
from models.casework import Task
from models.engine import WakeUp

_log = logging.getLogger(__name__)

#: So long may the server take: what it did not take now is shown when the case changes again.
SECONDS: Final = 2.0


@dataclass(frozen=True)
class CaseShown:
    """The table of a case, and a digest by which one that was shown already is known."""

    table: str
    digest: str


async def show_case(claim: Claim, means: Means, flow_run: FlowRun) -> None:
    """Have Prefect's pages show the case as it is now, where they show it otherwise. A failure is only logged."""
    try:
        async with asyncio.timeout(SECONDS):
            shown = await asyncio.to_thread(_to_be_shown, means, claim, flow_run.deployment_id)
            if shown is None:
                return
            async with get_client() as client:
                await client.create_artifact(
                    ArtifactCreate(
                        key=f"case-{claim.case_id}",
                        type="table",
                        description=f"[{claim.case_id}]({means.base_url}/cases/{claim.case_id})",
                        data=shown.table,
                        flow_run_id=flow_run.id,
                    )
                )
            await asyncio.to_thread(_note, means, claim, shown.digest)
    except Exception as error:  # noqa: BLE001 - the case was carried
        _log.warning("a case is not shown", extra={"case": claim.case_id, "error": type(error).__name__})


def _to_be_shown(means: Means, claim: Claim, deployment_id: UUID | None) -> CaseShown | None:
    """The case as it is now; None where it was shown so. A server that was begun anew has another deployment."""
    with means.sessions(claim.program_id) as session:
        found: Any = run(
            session,
            only(Task.step, Task.state, Task.act_state, func.count())
            .where(Task.case_id == claim.case_id)
            .group_by(col(Task.position), col(Task.step), col(Task.state), col(Task.act_state))
            .order_by(col(Task.position), col(Task.state)),
        ).all()
        last = scalar(session, only(WakeUp.shown).where(WakeUp.case_id == claim.case_id))
    table = json.dumps([{"step": step, "state": state, "act": act, "count": n} for step, state, act, n in found])
    digest = hashlib.sha256(f"{deployment_id} {means.base_url} {table}".encode()).hexdigest()[:32]
    return None if digest == last else CaseShown(table, digest)


def _note(means: Means, claim: Claim, digest: str) -> None:
    with means.transaction(claim.program_id) as session:
        run(session, changes(WakeUp).where(WakeUp.case_id == claim.case_id).values(shown=digest))
