"""Exports of a study: asked by the research coordinator, approved by another, made, and downloaded by recipients.

A request pins what is approved, and what it pins is what the study says then: where the study changes while it waits,
it is asked anew. Only those who were named when it was approved receive it, and until the last day of the ethics
approval that was seen then, whatever is renewed since.

What is made is kept, sealed a row for each participant under their own key: so the same export has the same bytes,
whatever changes since, and is noise where a file is destroyed. Once a group left it cannot be made again
(docs/adr/0029).
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlmodel import Session

from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    add_rows,
    changes,
    col,
    every,
    first,
    keyed_codes,
    local_day,
    next_number,
    of,
    only,
    program_of,
    run,
    seal,
    surely,
    tuples,
    unseal,
    value_of,
)
from domain.mail import Attachment
from domain.participants import areas
from domain.record import events, reads
from domain.research import approvers, groups
from domain.research.facts import Months, known_of
from domain.research.fields import FIELDS, told
from domain.research.grouping import RULE
from domain.research.known import Known
from domain.research.papers import FILES, Choice, Codebook, ExportRow, FileKind, Texts, codebook_of, file_of
from domain.research.studies import find_study, hold_study, receives, recipients, refuse_without_ethics, rules_of
from locales import N_, say
from models.lifecycles import STUDY_EXPORT, NoSuchMove
from models.program import Organization
from models.record import Event
from models.research import Study, StudyExport, StudyRow

_KIND: Final = "study_export"
_LANGUAGES: Final = ("fr", "en")
_CODEBOOK: Final[TypeAdapter[Codebook]] = TypeAdapter(Codebook)
#: So many letters of a code's digest stand in it: two people of a study do not have one.
_CODE_LETTERS: Final = 12


# ------------------------------------------------------------------------------------------------ asked, and answered


def ask(session: Session, study_id: UUID, *, by: Actor, at: datetime) -> UUID:
    """Ask for an export of the months of a study that are over. Raises Refusal."""
    study = hold_study(session, study_id)
    refuse_without_ethics(session, study, at)
    if not recipients(session, study_id):
        raise Refusal("export.no_recipient", N_("Name a person who may receive the exports of this study first."))
    waits = first(session, of(StudyExport).where(StudyExport.study_id == study_id, StudyExport.state == "asked"))
    if waits and is_as_asked(session, study, waits):
        raise Refusal("export.asked_already", N_("An export of this study is asked for, and waits for its answer."))
    last = min(study.last_month, _month_before(local_day(session, at)))
    if last < study.first_month:
        raise Refusal("export.no_month", N_("No month of this study is over yet."))
    if waits:
        take_back(session, waits.id, by=by, at=at)
    approvers.ask_to_answer(session, study, by=by, at=at)
    export = StudyExport(
        program_id=program_of(session),
        id=uuid4(),
        study_id=study_id,
        n=next_number(session, StudyExport.n, StudyExport.study_id == study_id),
        fields=study.fields,
        first_month=study.first_month,
        last_month=last,
        ethics_reference=study.ethics_reference,
        ethics_ends_on=study.ethics_ends_on,
        recipients=_named(session, study_id),
        smallest_group=rules_of(session).smallest_group,
        rule=RULE,
        asked_by=by.person_id,  # type: ignore[arg-type]  # a person
        asked_as=by.role,
        asked_for=by.acting_for,
        asked_at=at,
    )
    add_row(session, export)
    _tell(session, export.id, "asked", by=by, at=at)
    return export.id


def is_as_asked(session: Session, study: Study, export: StudyExport) -> bool:
    """Whether a study says what it said as an export of it was asked for: who approves has seen all of it."""
    pinned = (export.ethics_reference, export.ethics_ends_on, export.recipients)
    return pinned == (study.ethics_reference, study.ethics_ends_on, _named(session, study.id))


def _named(session: Session, study_id: UUID) -> list[str]:
    return sorted(str(one.person_id) for one in recipients(session, study_id))


def take_back(session: Session, export_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """No longer ask for an export. Raises Refusal."""
    export = _hold(session, export_id, seen)
    _settle(session, export, "take_back", by=by, at=at)
    approvers.no_answer_needed(session, export, by=by, at=at)
    _tell(session, export_id, "taken_back", by=by, at=at)


def refuse(session: Session, export_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Refuse an export, as another person than who asked. Raises Refusal."""
    export = _hold(session, export_id, seen)
    _refuse_who_asked(session, export, by)
    _settle(session, export, "refuse", by=by, at=at)
    approvers.was_answered(session, export, by=by, at=at)
    _tell(session, export_id, "refused", by=by, at=at)


def approve(session: Session, export_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Approve an export, as another person than who asked: it is made at once, of whose consent stands now.

    Raises Refusal: they asked or receive it, the study or the rule changed since it was asked, the ethics approval is
    over, or too few people are in it.
    """
    study = hold_study(session, _found(session, export_id).study_id)
    export = _hold(session, export_id, seen)
    _refuse_who_asked(session, export, by)
    _refuse_unless_as_asked(session, study, export)
    refuse_without_ethics(session, study, at)
    groups.hold_research(session)
    months = Months(export.first_month, export.last_month)
    groups.make_groups(session, export.smallest_group, months, at=at)
    rows = _rows(session, study, export, months)
    if not rows:
        raise Refusal(
            "export.too_few",
            N_("Fewer than %(least)s people can go together in this export. Nothing was made."),
            source="FU-9",
            least=export.smallest_group,
        )
    codebook = _codebook(session, study, export, len(rows), local_day(session, at))
    here = program_of(session)
    add_rows(
        session,
        [
            StudyRow(
                program_id=here,
                id=row_id,
                study_export_id=export_id,
                participant_id=whose,
                sealed=seal(session, whose, _place(row_id), {"code": row.code, "values": dict(row.values)}),
            )
            for row_id, whose, row in rows
        ],
    )
    made = sorted((row for *_, row in rows), key=lambda row: row.code)
    _settle(
        session,
        export,
        "approve",
        by=by,
        at=at,
        made_at=at,
        people=len(rows),
        codebook=_CODEBOOK.dump_python(codebook, mode="json"),
        digests=_digests(codebook, made),
    )
    approvers.was_answered(session, export, by=by, at=at)
    _tell(session, export_id, "made", by=by, at=at, people=len(rows))
    approvers.tell_recipients(session, study, export, at=at)


# -------------------------------------------------------------------------------------------------------- downloading


def download(
    session: Session, export_id: UUID, kind: FileKind, language: str, *, by: Actor, at: datetime
) -> Attachment:
    """A file of an export, for a recipient, while the ethics approval lasts under which it was made: the same bytes.

    Raises Refusal: it is not theirs, the approval is over, or it cannot be made again.
    """
    export = _found(session, export_id)
    study = surely(find_study(session, export.study_id))
    if by.person_id is None or not receives(session, study.id, by.person_id, local_day(session, at)):
        raise Refusal("export.not_theirs", N_("Only the people who are named receive the exports of this study."))
    if study.ended_at is not None:
        raise Refusal("study.over", N_("This study has ended."))
    refuse_without_ethics(session, study, at)
    _refuse_unless_approved_for(session, export, by.person_id, at)
    groups.hold_research(session)  # nobody withdraws while it is given
    content = file_of_export(session, export_id, kind, language)
    name = f"study-{study.number}-export-{export.n}-{language}-{kind}"
    reads.record_export(session, _KIND, export_id, what=kind, lines=export.people, ground="part", by=by, at=at)
    return Attachment(name, FILES[kind], content)


def file_of_export(session: Session, export_id: UUID, kind: FileKind, language: str) -> bytes:
    """A file of an export as it was made, byte for byte. Raises Refusal where it cannot be made again."""
    export = _found(session, export_id)
    if export.state != "made":
        raise Refusal("export.not_made", _NOT_MADE[export.state], source="FU-9")
    codebook, rows = _CODEBOOK.validate_python(export.codebook), _kept(session, export)
    content = file_of(kind, codebook, rows, language)
    if hashlib.sha256(content).hexdigest() != export.digests.get(f"{language}/{kind}"):
        raise Refusal(
            "export.other_bytes",
            N_(
                "This version of the program no longer makes the bytes of this export. Its rows are unchanged: "
                "ask for a new one."
            ),
        )
    return content


def is_given(export: StudyExport, person_id: UUID, day: date) -> bool:
    """Whether its approval covers this person on this day, as far as it goes: they have to be named still."""
    return str(person_id) in export.recipients and export.ethics_ends_on >= day


def _refuse_unless_approved_for(session: Session, export: StudyExport, person_id: UUID, at: datetime) -> None:
    """Refuse what was not approved: another recipient, or a day after the ethics approval that was seen."""
    if is_given(export, person_id, local_day(session, at)):
        return
    if str(person_id) not in export.recipients:
        raise Refusal("export.named_since", _NAMED_SINCE, source="FU-9")
    raise Refusal("export.ethics_over", _ETHICS_SINCE, source="ER-5", day=export.ethics_ends_on)


_STUDY_CHANGED: Final = N_(
    "The study changed since this export was asked for: who receives it, or its ethics approval. Nothing was made. It "
    "is asked anew, and then approved as it is."
)
_NAMED_SINCE: Final = N_("This export was approved before this person was named. The next one is for them too.")
_ETHICS_SINCE: Final = N_(
    "The ethics approval under which this export was approved ended on %(day)s. A renewed one is for the next export, "
    "which somebody approves."
)
_RULE_CHANGED: Final = N_(
    "The rule that protects who is in an export changed since it was asked for. Refuse it; it is asked anew."
)
_CLOSED: Final = N_(
    "A person in this export withdrew, or their file is destroyed: it cannot be made again. Remove the rows "
    "whose codes are listed, and use the next export."
)
_NOT_MADE: Final[Mapping[str, str]] = {
    "asked": N_("This export is not approved yet."),
    "refused": N_("This export was refused."),
    "taken_back": N_("This export is no longer asked for."),
    "closed": _CLOSED,
}


@dataclass(frozen=True)
class CodeToRemove:
    """The code of a row that recipients have to remove, since the day on which its group left."""

    code: str
    since: date


def to_remove(session: Session, study: Study) -> list[CodeToRemove]:
    """The codes of the rows of a study that its recipients have to remove: whole groups, never one person's alone."""
    if study.ended_at is not None:
        return []
    made = list(exports_of(session, study.id))
    left = groups.members_left(session, [one.id for one in made])
    codes = _codes(session, study.id, left)
    gone = [CodeToRemove(codes[one], local_day(session, since)) for one, since in left.items()]
    return sorted(gone, key=lambda one: (one.since, one.code))


# ------------------------------------------------------------------------------------------------------------ reading


def exports_of(session: Session, study_id: UUID) -> list[StudyExport]:
    """The exports of a study, the last one first."""
    return every(session, of(StudyExport).where(StudyExport.study_id == study_id).order_by(col(StudyExport.n).desc()))


def find_export(session: Session, export_id: UUID) -> StudyExport | None:
    """An export; None where there is none."""
    return first(session, of(StudyExport).where(StudyExport.id == export_id))


def asked_ones(session: Session) -> list[StudyExport]:
    """The exports that wait for an answer, the oldest first."""
    return every(session, of(StudyExport).where(StudyExport.state == "asked").order_by(col(StudyExport.asked_at)))


@dataclass(frozen=True)
class Download:
    """Who downloaded which file of an export, and when."""

    export_id: UUID
    at: datetime
    person_id: UUID | None
    what: str


def downloads_of(session: Session, study_id: UUID) -> list[Download]:
    """The downloads of the exports of a study, the last one first."""
    made = only(StudyExport.id).where(StudyExport.study_id == study_id)
    what = value_of(events.fact("what"))
    lines = only(Event.subject_id, Event.at, Event.actor_id, what).where(
        Event.verb == reads.EXPORTED, Event.subject_kind == _KIND, col(Event.subject_id).in_(made)
    )
    rows = tuples(session, lines.order_by(col(Event.n).desc()))
    return [Download(*row) for row in rows]


# -------------------------------------------------------------------------------------------------------------- below


def _month_before(day: date) -> date:
    """The first day of the last month that is over."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _found(session: Session, export_id: UUID) -> StudyExport:
    found = find_export(session, export_id)
    if found is None:
        raise Refusal("export.unknown", N_("There is no such export."))
    return found


def _hold(session: Session, export_id: UUID, seen: int | None) -> StudyExport:
    """Lock an export that waits for an answer: of two who answer at once, the second is told. Raises Refusal."""
    found = first(session, of(StudyExport).where(StudyExport.id == export_id).with_for_update())
    if found is None:
        raise Refusal("export.unknown", N_("There is no such export."))
    if found.state != "asked":
        raise Refusal("export.answered", N_("This export was answered or taken back meanwhile. Look again."))
    if seen is not None and found.version != seen:
        raise Refusal("export.changed", N_("This export was changed since you looked. Nothing was done; look again."))
    return found


def _refuse_who_asked(session: Session, export: StudyExport, by: Actor) -> None:
    """Refuse who asked, in any role, and a person who receives it. Raises Refusal."""
    answering = {by.person_id, by.acting_for} - {None}
    if by.person_id is None or not answering.isdisjoint({export.asked_by, export.asked_for}):
        raise Refusal(
            "export.own_request",
            N_("An export takes two people: the person who asked cannot answer in any role, nor can their deputy."),
        )
    if not answering.isdisjoint(map(UUID, {*export.recipients, *_named(session, export.study_id)})):
        raise Refusal("export.recipient", N_("A person who receives an export does not approve it."))
    if by.role not in rules_of(session).approved_by:
        raise Refusal("export.not_approver", N_("Another role of the program approves exports."))


def _refuse_unless_as_asked(session: Session, study: Study, export: StudyExport) -> None:
    """Refuse to approve what was asked for before the study or the rule changed. Raises Refusal."""
    if not is_as_asked(session, study, export):
        raise Refusal("export.changed", _STUDY_CHANGED, source="FU-9")
    if export.rule != RULE or export.smallest_group != rules_of(session).smallest_group:
        raise Refusal("export.rule_changed", _RULE_CHANGED, source="FU-9")


def _settle(session: Session, export: StudyExport, move: str, *, by: Actor, at: datetime, **columns: Any) -> None:
    try:
        state = STUDY_EXPORT.after(export.state, move)
    except NoSuchMove:
        raise Refusal("export.answered", N_("This export was answered or taken back meanwhile. Look again.")) from None
    run(
        session,
        changes(StudyExport)
        .where(StudyExport.id == export.id)
        .values(
            state=state,
            settled_by=by.person_id,
            settled_as=by.role,
            settled_for=by.acting_for,
            settled_at=at,
            version=col(StudyExport.version) + 1,
            **columns,
        ),
    )


def _tell(session: Session, export_id: UUID, verb: str, *, by: Actor, at: datetime, people: int | None = None) -> None:
    facts: dict[str, events.Fact] = {} if people is None else {"people": people}
    events.write(session, f"study_export.{verb}", _KIND, export_id, by=by, at=at, case_id=None, **facts)


def _rows(session: Session, study: Study, export: StudyExport, months: Months) -> list[tuple[UUID, UUID, ExportRow]]:
    """The rows of an export, each with its id and its participant: of every group that was followed in its months."""
    found = groups.whole_groups(session)
    everyone = [one for group in found for one in group]
    known, codes = known_of(session, everyone, months), _codes(session, study.id, everyone)
    fields = [FIELDS[key] for key in export.fields]
    rows = []
    for group in found:
        if len(group) < export.smallest_group:  # made under a rule that asked for fewer
            continue
        people = [known[one] for one in group]
        # A study tells of a whole group or of nobody in it: part of one would be told apart from the rest.
        if not all(_is_in(one, months) for one in people):
            continue
        for participant_id in group:
            values = told(fields, people, known[participant_id])
            rows.append((uuid4(), participant_id, ExportRow(codes[participant_id], values)))
    return rows


def _is_in(known: Known, months: Months) -> bool:
    """Whether a person had entered by the last month, and was still followed in the first."""
    if known.entered is None:
        return False
    first_month, last_month = (one.year * 12 + one.month - 1 for one in (months.first, months.last))
    return known.entered <= last_month and known.entered + (known.months_followed or 0) >= first_month


def _codes(session: Session, study_id: UUID, participants: Iterable[UUID]) -> dict[UUID, str]:
    """The code of each participant in a study alone."""
    digests = keyed_codes(session, "study", study_id, participants)
    return {one: b32encode(bytes.fromhex(digest)).decode()[:_CODE_LETTERS] for one, digest in digests.items()}


def _place(row_id: UUID) -> str:
    return f"study_row/{row_id}"


def _kept(session: Session, export: StudyExport) -> Sequence[ExportRow]:
    """The rows of an export as they were made, by code."""
    rows = tuples(
        session,
        only(StudyRow.id, StudyRow.participant_id, StudyRow.sealed).where(StudyRow.study_export_id == export.id),
    )
    standing = {one for group in groups.whole_groups(session) for one in group}
    if len(rows) != export.people or not all(sealed and whose in standing for _, whose, sealed in rows):
        raise Refusal("export.not_made", _CLOSED, source="FU-9")
    opened = (unseal(session, whose, _place(row_id), surely(sealed)) for row_id, whose, sealed in rows)
    return sorted((ExportRow(**one) for one in opened), key=lambda row: row.code)


def _digests(codebook: Codebook, rows: Sequence[ExportRow]) -> dict[str, str]:
    return {
        f"{language}/{kind}": hashlib.sha256(file_of(kind, codebook, rows, language)).hexdigest()
        for language in _LANGUAGES
        for kind in FILES
    }


def _codebook(session: Session, study: Study, export: StudyExport, people: int, day: date) -> Codebook:
    title = {"fr": study.title_fr, "en": study.title_en}
    lines = [
        _line(N_("Study %(n)s, export %(export)s."), n=study.number, export=export.n),
        _line(N_("Made on %(day)s. People, who each consented to research: %(people)s."), day=day, people=people),
        _line(
            N_("Ethics approval: %(body)s, %(reference)s, until %(until)s."),
            body=study.ethics_body,
            reference=export.ethics_reference,
            until=export.ethics_ends_on,
        ),
        _line(
            N_("Nobody stands in a group of fewer than %(least)s people. Rule %(rule)s."),
            least=export.smallest_group,
            rule=export.rule,
        ),
        {"fr": study.purpose_fr, "en": study.purpose_en},
    ]
    return codebook_of(title, lines, export.fields, _words_of_program(session))


def _line(msgid: str, **facts: object) -> Texts:
    return {language: say(language, msgid, **facts) for language in _LANGUAGES}


def _words_of_program(session: Session) -> dict[str, list[Choice]]:
    """The words that the program's own file declares: its areas, and its organizations."""
    return {
        "area": [(one.key.replace("-", "_"), {"fr": one.fr, "en": one.en}) for one in areas(session)],
        "organization": [
            (row.key.replace("-", "_"), {"fr": row.name_fr, "en": row.name_en}) for row in _organizations(session)
        ],
    }


def _organizations(session: Session) -> list[Organization]:
    return every(session, of(Organization).order_by(col(Organization.key)))
