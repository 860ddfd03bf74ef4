"""An act that is done once for each key, person and route: of the same request sent again, only the answer is given."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import and_

from api.access import questions
from api.access.session import RequestContext
from domain.kernel import Refusal, col, in_program, run, scalar, select
from models.access import AnsweredRequest
from models.ports import Keys, NoKeys


@dataclass(frozen=True)
class IdempotencyKey:
    """One request by its key; without one, each request is an act of its own.

    The key's row is written in the act's own transaction: of two that race, the second waits for the first, then
    gives its answer again. What is kept is a status and a place, never a body.
    """

    context: RequestContext
    route: str
    key: str

    def before(self, said: str, *, otherwise: Refusal) -> Row[Any] | None:
        """What was answered before, its `status` and `location`; None where the act is still to be done.

        `said` is all that the request says. Raises `otherwise` where the key came with a request that said another.
        """
        if not self.key:
            return None
        digest = self._digest(said)
        taken = scalar(
            self.context.session,
            insert(AnsweredRequest)
            .values(
                program_id=self.context.program_id,
                person_id=self.context.asker.person_id,
                route=self.route,
                key=self.key,
                digest=digest,
                status=0,
                location="",
                answered_at=self.context.at,
            )
            .on_conflict_do_nothing()
            .returning(col(AnsweredRequest.key)),
        )
        if taken is not None:
            return None
        found = run(self.context.session, select(AnsweredRequest).where(self._mine)).one()
        if found.digest != digest:
            raise otherwise
        questions.note_answered_before()
        return found

    def keep(self, status: int, location: str) -> None:
        """Keep what was answered, in the act's own transaction."""
        if self.key:
            run(
                self.context.session, update(AnsweredRequest).where(self._mine).values(status=status, location=location)
            )

    def _digest(self, said: str) -> str:
        """Whether two requests say the same, by a key that the database does not hold.

        What is said may name a participant: by a digest that anybody can make, a name is found by trying names.
        """
        keys: Keys | None = self.context.session.info.get("keys")
        if keys is not None:
            with suppress(NoKeys):  # without them nothing nominative is saved, and so neither is this row
                return keys.mark(f"{self.context.program_id}|request|{said}")
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def _mine(self) -> Any:
        return and_(
            in_program(AnsweredRequest),
            AnsweredRequest.person_id == self.context.asker.person_id,
            AnsweredRequest.route == self.route,
            AnsweredRequest.key == self.key,
        )
