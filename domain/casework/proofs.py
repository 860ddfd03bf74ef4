"""Proof that a task was done: a thing of the inventory by its serial number, an account's user name, a document.

A document is judged by its bytes, never by what it says of itself. No secret is ever stored.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Final, TypedDict
from uuid import UUID

from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session, and_
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework.locking import LockedTask
from domain.equipment import inventory, lending
from domain.files import images, packages, readable
from domain.kernel import (
    Actor,
    Refusal,
    Unowned,
    add_row,
    col,
    every,
    in_program,
    joins,
    only,
    program_of,
    run,
    scalar,
    scalars,
    select,
    surely,
)
from domain.record import events
from locales import N_
from models.casework import Account, Case, Evidence, EvidenceFile, Task
from models.departure import WAYS
from models.equipment import Equipment, Loan

LARGEST_DOCUMENT = 10 * 1024 * 1024
LONGEST_LABEL = 120

#: What may be stored, by the ending of its name: its type, and how its bytes begin.
_KINDS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (b"PK\x03\x04",)),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (b"PK\x03\x04",)),
    ".odt": ("application/vnd.oasis.opendocument.text", (b"PK\x03\x04",)),
    ".txt": ("text/plain; charset=utf-8", ()),
}
#: A package of parts is told from any other archive by the part that names it.
_TELLING_PART = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml", ".odt": "content.xml"}
#: How much a package of parts may unpack to on the machine that opens it, by its own claim.
_MOST_PARTS, _LARGEST_UNPACKED = 2000, 200 * 1024 * 1024


@dataclass(frozen=True)
class GivenProof:
    """What a person gives as proof. `label` is a serial number, a user name, or a file's name; never a secret."""

    kind: str
    label: str
    content: bytes = b""


def add(session: Session, task: Task, case: Case | None, proof: GivenProof, *, by: Actor, at: datetime) -> UUID:
    """Add a proof to a locked task, and do what it says: lend the equipment, note the account.

    What the case's person already has, from another organization or from before, is proof as it is: it is lent and
    opened once. A serial number, however it is written, names a thing of the inventory. A document may show any step;
    anything else is proof of a step that asks for it. Raises Refusal, and then nothing is kept.
    """
    if proof.kind not in ("document", task.evidence):
        raise Refusal(
            "evidence.not_asked",
            N_("This step does not ask for this kind of proof. Leave it out; use the note if needed."),
        )
    is_document = proof.kind == "document"
    given = checked_document(proof.label, proof.content) if is_document else _as_given(proof)
    thing = _thing(session, task, given.name) if proof.kind == "serial" else None
    row = Evidence(
        program_id=program_of(session),
        task_id=task.id,
        kind=proof.kind,
        label=thing.serial if thing else given.name,
        equipment_id=thing.id if thing else None,
        added_at=at,
        added_by=by.person_id,
        content_type=given.content_type,
        size=len(given.content),
        sha256=given.sha256,
    )
    add_row(session, row)
    if is_document:
        add_row(session, EvidenceFile(program_id=row.program_id, id=row.id, content=given.content))
    elif case is not None:
        _hand_over(session, task, row, surely(case.subject_id), by=by, at=at)
    events.write(session, "evidence.added", "evidence", row.id, by=by, at=at, case_id=task.case_id, proof=proof.kind)
    return row.id


def refuse_if_missing(session: Session, task: Task, *, given: Collection[str]) -> None:
    """Refuse to call a task done without the evidence that it asks for. `given` are the kinds just added."""
    asked = task.evidence
    if asked not in ASKED or asked in given:
        return
    kept = scalar(
        session,
        only(Evidence.id)
        .where(Evidence.task_id == task.id, Evidence.kind == asked, col(Evidence.withdrawn_at).is_(None))
        .limit(1),
    )
    if kept is None:
        raise Refusal("evidence.missing", ASKED[asked])


def withdraw_all(session: Session, task: Task, *, why: str, by: Actor, at: datetime) -> None:
    """Withdraw what was given as proof of a task that is undone. It stays stored, marked as withdrawn."""
    mine = (in_program(Evidence), col(Evidence.task_id) == task.id, col(Evidence.withdrawn_at).is_(None))
    taken = scalars(
        session, update(Evidence).where(*mine).values(withdrawn_at=at, withdrawn_why=why).returning(col(Evidence.id))
    ).all()
    if not taken:
        return
    accounts = (in_program(Account), col(Account.task_id) == task.id, col(Account.closed_at).is_(None))
    # What another step shows too stays with its person, by that step.
    opened = _proven_by(
        col(Account.person_id),
        and_(Evidence.kind == "account", Evidence.label == Account.user_name, system_of() == col(Account.system)),
    )
    run(session, update(Account).where(*accounts, opened.exists()).values(task_id=opened.scalar_subquery()))
    run(session, update(Account).where(*accounts).values(closed_at=at))
    loans = (in_program(Loan), col(Loan.task_id) == task.id, col(Loan.returned_at).is_(None))
    lent = _proven_by(col(Loan.person_id), col(Evidence.equipment_id) == col(Loan.equipment_id))
    run(session, update(Loan).where(*loans, lent.exists()).values(task_id=lent.scalar_subquery()))
    for loan in every(session, select(Loan).where(*loans)):
        lending.never_lent(session, loan, by=by, at=at, case_id=task.case_id)
    events.write_many(
        session,
        "evidence.withdrawn",
        "evidence",
        [(proof_id, {"why": why}) for proof_id in taken],
        by=by,
        at=at,
        case_id=task.case_id,
    )


def _proven_by(person_id: ColumnElement[UUID], shows: ColumnElement[bool]) -> SelectOfScalar[UUID]:
    """The step that a person's thing proves instead, where its own step was undone: the one shown first."""
    return (
        only(Evidence.task_id)
        .join(Task, joins(Evidence.task_id, Task))
        .join(Case, joins(Task.case_id, Case))
        .where(col(Evidence.withdrawn_at).is_(None), shows, Case.subject_id == person_id)
        .order_by(col(Evidence.added_at), col(Evidence.id))
        .limit(1)
    )


def judged_type(name: str, content: bytes) -> str:
    """The true type of a document.

    Raises Refusal: too large, empty, unknown, not what its name says, or not to be read: locked, damaged, or blank.
    """
    if not content:
        raise Refusal("document.empty", N_("This file is empty."))
    if len(content) > LARGEST_DOCUMENT:
        raise Refusal(
            "document.too_large", N_("This file is larger than %(most)s MB."), most=LARGEST_DOCUMENT // (1024 * 1024)
        )
    ending = PurePath(name).suffix.lower()
    if ending not in _KINDS:
        raise Refusal(
            "document.unknown_kind",
            N_("Files of this kind are not accepted. Use one of: %(kinds)s."),
            kinds=", ".join(sorted(kind.removeprefix(".") for kind in _KINDS)),
        )
    content_type, beginnings = _KINDS[ending]
    if readable.is_locked_office(content):
        raise _unreadable("locked")
    if not (_is_text(content) if not beginnings else content.startswith(beginnings) and _is_whole(ending, content)):
        raise Refusal("document.not_what_it_says", N_("This file does not match the extension of its name."))
    why = readable.why_unreadable(ending, content)
    if why:
        raise _unreadable(why)
    return content_type


def _unreadable(why: str) -> Refusal:
    return Refusal(f"document.{why}", _UNREADABLE[why])


_UNREADABLE: Final[Mapping[str, str]] = {
    "locked": N_("A password locks this file. Submit it without the password, so that it can be read."),
    "damaged": N_("This file is damaged: it cannot be read. Save it again, then submit it again."),
    "empty": N_("This file holds nothing, or next to nothing."),
}


def _thing(session: Session, task: Task, serial: str) -> Equipment:
    """The thing of the inventory that a step hands over. Raises Refusal where there is none of that number."""
    found = inventory.by_serial(session, task.item or task.step, serial)
    if found is None:
        raise Refusal(
            "equipment.not_in_inventory",
            N_("No equipment of this kind has this serial number. Add it to the inventory first."),
        )
    return found


def _hand_over(session: Session, task: Task, proof: Evidence, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Do what a proof says, for the person of the case: lend the equipment, note the account."""
    if proof.equipment_id is not None:
        lending.lend(session, proof.equipment_id, person_id, by=by, at=at, task_id=task.id, case_id=task.case_id)
    elif proof.kind == "account":
        _open_account(session, task, person_id, proof.label, at=at)


def _open_account(session: Session, task: Task, person_id: UUID, user_name: str, *, at: datetime) -> None:
    # The index says whether it is free: of two who note one name at the same instant the second waits, and is told.
    system = task.system or task.step
    account = Account(
        program_id=program_of(session),
        person_id=person_id,
        task_id=task.id,
        system=system,
        user_name=user_name,
        opened_at=at,
    )
    opened = scalar(
        session,
        upsert(Account)
        .values(account.model_dump())
        .on_conflict_do_nothing(
            index_elements=["program_id", "system", "user_name"], index_where=text("closed_at is null")
        )
        .returning(col(Account.id)),
    )
    if opened is not None:
        return
    whose = scalar(
        session,
        only(Account.person_id).where(
            Account.system == system, Account.user_name == user_name, col(Account.closed_at).is_(None)
        ),
    )
    if whose != person_id:
        raise Refusal("account.taken", N_("This user name is already someone's account. Check it."))


class DocumentColumns(TypedDict):
    """The columns that every row of a document has."""

    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StoredDocument:
    """A document as it is stored: its name, its true type, and its bytes without metadata."""

    name: str
    content_type: str = ""
    content: bytes = field(default=b"", repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, where there are some."""
        return hashlib.sha256(self.content).hexdigest() if self.content else ""

    @property
    def columns(self) -> DocumentColumns:
        """The document as the columns that every row of a document has."""
        return {"name": self.name, "content_type": self.content_type, "size": len(self.content), "sha256": self.sha256}


def checked_document(name: str, content: bytes) -> StoredDocument:
    """A file that a person gives, judged by its bytes and stripped of metadata. Raises Refusal."""
    label = _checked_label(GivenProof("document", name))
    return StoredDocument(label, judged_type(label, content), _bare(content))


def _as_given(proof: GivenProof) -> StoredDocument:
    return StoredDocument(_checked_label(proof), content=proof.content)


def _checked_label(proof: GivenProof) -> str:
    label = PurePath(proof.label.replace("\\", "/")).name if proof.kind == "document" else proof.label
    label = " ".join(label.split())
    if proof.kind == "way" and label not in WAYS:
        raise Refusal("evidence.way", _WHICH_WAY, source="DP-04")
    if not label or not label.isprintable():
        raise Refusal("evidence.no_label", _NO_LABEL[proof.kind])
    if len(label) > LONGEST_LABEL:
        raise Refusal("evidence.long_label", N_("This is longer than %(most)s characters."), most=LONGEST_LABEL)
    return label


def _bare(content: bytes) -> bytes:
    """A photograph upright and without place and time, or a PDF or Office document, without metadata.

    Raises Refusal where a photograph is cut off, shows nothing, or would fill the memory of the machine that opens it.
    """
    # Read where something was given: what reads PDFs is fourteen megabytes of every process otherwise.
    from domain.files import pdfs  # noqa: PLC0415

    try:
        return packages.bare(pdfs.bare(images.bare(content, shows=True)))
    except images.Blank:
        raise _unreadable("empty") from None
    except images.Enormous as enormous:
        raise Refusal(
            "document.not_what_it_says",
            N_("This picture, or those of this document, have more than %(most)s million pixels. Use smaller ones."),
            most=enormous.most // 1_000_000,
        ) from None
    except images.Broken:
        raise Refusal("document.not_what_it_says", N_("This picture is cut off or damaged.")) from None


def _is_text(content: bytes) -> bool:
    try:
        return "\x00" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _is_whole(ending: str, content: bytes) -> bool:
    part = _TELLING_PART.get(ending)
    if part is None:
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            entries = package.infolist()
            if len(entries) > _MOST_PARTS or sum(entry.file_size for entry in entries) > _LARGEST_UNPACKED:
                return False
            if not {entry.compress_type for entry in entries} <= packages.WAYS_TO_PACK:
                return False
            return any(entry.filename == part for entry in entries)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


_WHICH_WAY = N_("Say what the participant wants: a call from the new worker, or a meeting with both.")
ASKED: Final = {
    "serial": N_("Give the serial number."),
    "account": N_("Give the user name of the account, never its password."),
    "document": N_("Add the document that shows it."),
    "way": _WHICH_WAY,
}
_NO_LABEL = {**ASKED, "document": N_("This file has no usable name.")}


def system_of() -> ColumnElement[str]:
    """The system on which a step shows an account."""
    return func.coalesce(func.nullif(col(Task.system), ""), col(Task.step))


#: Refuses while a case is not as the evidence says.
Judge = Callable[[Session, Case, datetime], None]

#: The evidence of a step that only its own act completes, as a consent that is signed.
BY_ITS_ACT: Final = "act"
#: Kinds without a judge: nothing, a note, the act itself, and the stored proofs.
GIVEN: Final = frozenset({"none", "note", BY_ITS_ACT, *ASKED})

JUDGES: Final[dict[str, Judge]] = {}


def judges(kind: str) -> Callable[[Judge], Judge]:
    """Register what refuses a step whose evidence is of this kind; used as a decorator."""

    def register(judge: Judge) -> Judge:
        JUDGES[kind] = judge
        return judge

    return register


def refuse_unless_so(session: Session, held: LockedTask) -> None:
    """Refuse a step whose judged evidence is not there. Raises Unowned where no package judges this kind."""
    kind = held.task.evidence
    if kind in GIVEN:
        return
    judge = JUDGES.get(kind)
    if judge is None:
        raise Unowned(kind)
    if held.case is not None:
        judge(session, held.case, held.at)
