"""What people wrote with tasks that are about candidates and participants, as far as an asker reads it today.

One rule for every window: it is read by who keeps the file (`api.permissions.keeps_file`), on the task's own page, and
the record is told. Lists say that there are words, to those alone who may read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.permissions import keeps_file
from api.session import Desk
from duties.actors import Actor
from duties.casework import words
from duties.record.reads import record_read


@dataclass(frozen=True)
class Said:
    """What somebody reads of the words with one task: whether they keep the file, whether there are any, and which.

    `beside` are those of others that belong to it, as of who refused to take a follow-up over.
    """

    is_kept: bool = False
    has_words: bool = False
    note: str = ""
    reason: str = ""
    beside: tuple[str, ...] = ()


def said_with(desk: Desk, tasks: Sequence[Mapping[str, Any]], *, opens: bool = False) -> dict[UUID, Said]:
    """Of each of these tasks that is about somebody, what the asker reads of the words with it; `opens` opens them.

    Raises Refusal where the keys cannot be used.
    """
    session = desk.session
    about = words.about(session, tasks)
    if not about:
        return {}
    sealed = words.stand_with(session, list(about))
    keepers = {one: keeps_file(session, desk.asker, one) for one in set(about.values())}
    found = {}
    for task in tasks:
        if task["id"] not in about:
            continue
        by = keepers[about[task["id"]]]
        has_words = task["id"] in sealed or bool(task["note"] or task["reason"])
        if by is None or not has_words:
            found[task["id"]] = Said(is_kept=by is not None)
        elif opens:
            found[task["id"]] = _opened(desk, task, by)
        else:
            found[task["id"]] = Said(is_kept=True, has_words=True)
    return found


def _opened(desk: Desk, task: Mapping[str, Any], by: Actor) -> Said:
    record_read(
        desk.session,
        "task",
        task["id"],
        what="task_words",
        ground="role" if by.role == "coordinator" else "part",
        by=by,
        at=desk.at,
        case_id=task["case_id"],
    )
    said = words.opened(desk.session, task)
    note, reason = (said.pop(name, "") for name in words.IN_TASK)
    return Said(is_kept=True, note=note, reason=reason, beside=tuple(said.values()))
