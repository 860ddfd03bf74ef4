"""What had ended before a restore, in words: of each act that closes something, what its line of the ledger has.

A line says less than the record did, and what it is about may be gone. So each act has several sentences, the fullest
first, and the first is said whose facts are all there. The last one wants only what the thing is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from api.views.names import places_by_id, titles_of_roles
from api.views.participant_words import CONSENT_FOR
from api.views.tasks import names_of
from api.views.timeline_things import called
from domain.kernel import col, every, of, only, tuples
from domain.record import apart
from domain.restored import matters
from locales import N_, gettext, show_day
from models.agreement import AgreementVersion
from models.ledger import RestoredMatter
from models.program import Absence
from models.record import Incident

#: By the act, the fullest sentence first.
SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "access.ended": (N_("%(subject)s no longer has access."),),
    "passkey.removed": (N_("A passkey of %(subject)s was removed."),),
    "identity.linked": (N_("%(subject)s signed in with another organization’s account, instead of the one before."),),
    "account.closed": (N_("An account of %(subject)s was closed."),),
    "person.updated": (N_("The e-mail address of %(subject)s was changed."),),
    "tenure.ended": (
        N_("%(subject)s: no longer %(role)s at %(organization)s after %(ends_on)s."),
        N_("%(subject)s: a role ended."),
    ),
    "tenure.taken_back": (
        N_("%(subject)s: %(role)s at %(organization)s from %(starts_on)s was cancelled before it began."),
        N_("%(subject)s: an appointment as %(role)s at %(organization)s was cancelled before it began."),
        N_("%(subject)s: an appointment was cancelled before it began."),
    ),
    "departure.opened": (
        N_("%(subject)s leaves %(organization)s; the last day is %(last_day)s."),
        N_("%(subject)s: a departure was opened."),
    ),
    "departure.last_day_over": (
        N_("The last day of %(subject)s at %(organization)s is over."),
        N_("The last day of %(subject)s is over."),
    ),
    "role.ended": (N_("Role no longer used: %(subject)s."),),
    "absence.cancelled": (
        N_("An absence of %(subject)s, from %(starts_on)s to %(ends_on)s, was cancelled; the deputy was %(deputy)s."),
        N_("An absence of %(subject)s, from %(starts_on)s to %(ends_on)s, was cancelled."),
        N_("An absence of %(subject)s was cancelled; the deputy was %(deputy)s."),
        N_("An absence of %(subject)s was cancelled."),
    ),
    "absence.deputy_changed": (
        N_("Away from %(starts_on)s to %(ends_on)s, %(subject)s no longer had %(instead_of)s as a deputy."),
        N_("Away, %(subject)s no longer had %(instead_of)s as a deputy."),
        N_("Away, %(subject)s no longer had the same deputy."),
    ),
    "seat.left": (
        N_("%(person)s leaves a seat: %(subject)s, after %(ends_on)s."),
        N_("%(person)s no longer has a seat: %(subject)s."),
        N_("Someone left a seat: %(subject)s."),
    ),
    "seat.withdrawn": (N_("%(person)s no longer has a seat: %(subject)s."), N_("Someone left a seat: %(subject)s.")),
    "seat.ended": (N_("Seat ended: %(subject)s."),),
    "guest.withdrawn": (
        N_("%(person)s no longer invited: %(subject)s."),
        N_("Someone is no longer invited: %(subject)s."),
    ),
    "committee.ended": (N_("Committee ended: %(subject)s."),),
    "organization.ended": (N_("Organization no longer in the program: %(subject)s."),),
    "consent.withdrawn": (
        N_("%(subject)s: a consent was withdrawn (%(purpose)s, %(organization)s)."),
        N_("%(subject)s: a consent was withdrawn (%(purpose)s)."),
        N_("%(subject)s: a consent was withdrawn."),
    ),
    "consent.replaced": (
        N_("%(subject)s: a consent was replaced by another (%(purpose)s, %(organization)s)."),
        N_("%(subject)s: a consent was replaced by another (%(purpose)s)."),
        N_("%(subject)s: a consent was replaced by another."),
    ),
    "consent.narrowed": (
        N_("%(subject)s: a consent was to end on %(day)s (%(purpose)s, %(organization)s)."),
        N_("%(subject)s: a consent was to end on %(day)s (%(purpose)s)."),
        N_("%(subject)s: the last day of a consent was made earlier."),
    ),
    "research_consent.withdrawn": (N_("%(subject)s: consent to research was withdrawn."),),
    "staff_research_consent.withdrawn": (N_("%(subject)s: consent to take part in the research was withdrawn."),),
    "study.recipient_removed": (
        N_("%(subject)s: %(person)s no longer receives its exports."),
        N_("%(subject)s: someone no longer receives its exports."),
    ),
    "study.ended": (N_("%(subject)s: the study ended."),),
    "participant.barred": (
        N_("%(subject)s: barred %(person)s from their file."),
        N_("%(subject)s: barred someone from their file."),
    ),
    "participant.meets_no_more": (
        N_("%(subject)s: %(worker)s is not to meet them any more."),
        N_("%(subject)s: someone is not to meet them any more."),
    ),
    "follow_up.part_ended": (
        N_("%(subject)s: %(worker)s no longer has a part in it."),
        N_("%(subject)s: someone no longer has a part in it."),
    ),
    "referral.left": (N_("%(subject)s: the draft of the referral was left to the coordinator."),),
    "retention.held": (N_("%(subject)s: a legal hold was placed."),),
    "retention.moved": (
        N_("%(subject)s: kept until %(day)s, for a reason of its own."),
        N_("%(subject)s: kept longer, for a reason of its own."),
    ),
    "retention.stopped": (N_("%(subject)s: followed again; how long the file is kept is counted from a later end."),),
    "destruction.refused": (N_("%(subject)s: the destruction of the file was refused."),),
    "destruction.stopped": (N_("%(subject)s: a later event stopped the destruction of the file."),),
    "destruction.withdrawn": (N_("%(subject)s: the request to destroy the file was withdrawn."),),
    "agreement.ended": (
        N_("Agreement of %(subject)s: last day of version %(number)s set to %(ends_on)s."),
        N_("Agreement of %(subject)s: last day set to %(ends_on)s."),
        N_("Agreement of %(subject)s: a last day was set."),
    ),
    "agreement.lapsed": (
        N_("Agreement of %(subject)s: no longer in force after %(ends_on)s."),
        N_("Agreement of %(subject)s: version %(number)s is no longer in force."),
        N_("Agreement of %(subject)s: no longer in force."),
    ),
    "agreement.called_off": (
        N_("Agreement of %(subject)s: version %(number)s, which was to begin on %(was)s, does not begin."),
        N_("Agreement of %(subject)s: version %(number)s does not begin."),
        N_("Agreement of %(subject)s: a version does not begin."),
    ),
    "agreement.withdrawn": (
        N_("Agreement of %(subject)s: version %(number)s returned to draft."),
        N_("Agreement of %(subject)s: a version returned to draft."),
    ),
    "agreement.signature_taken_back": (
        N_("Agreement of %(subject)s: signature of %(director)s (%(signed_on)s) taken back, version %(number)s."),
        N_("Agreement of %(subject)s: signature of %(director)s taken back, version %(number)s."),
        N_("Agreement of %(subject)s: signature of %(director)s taken back."),
        N_("Agreement of %(subject)s: a signature was taken back."),
    ),
    "decision.withdrawn": (N_("Decision revoked: %(subject)s."),),
    "decision.suspended": (N_("A decision is no longer in effect, by a partner’s answer: %(subject)s."),),
    "decision.word_taken_back": (
        N_("%(organization)s withdrew its answer on a decision: %(subject)s."),
        N_("A partner withdrew its answer on a decision: %(subject)s."),
    ),
    "redaction.done": (N_("Words redacted everywhere: %(subject)s."),),
    "minutes.redacted": (N_("Words redacted in minutes: %(subject)s."),),
    "notice.redacted": (N_("Words redacted in a letter."),),
    "incident.redacted": (N_("Words redacted in the register of incidents: %(subject)s."),),
    "evidence.withdrawn": (N_("Evidence withdrawn: %(subject)s."),),
    "obligation.document_withdrawn": (N_("Document withdrawn that was submitted for %(subject)s."),),
    "reply.address_forgotten": (N_("The address of an e-mail that had been set aside was deleted."),),
    "meeting.told": (N_("People were told of a meeting: %(subject)s."),),
}

#: Of an act that this version of the program does not know.
_OF_ANOTHER_VERSION: Final = (N_("Something had ended, by an act that this version of the program does not know."),)

#: What is said of a thing that is not here any more, or of a person.
_GONE: Final[Mapping[str, str]] = {
    "person": N_("someone added after the copy"),
    "participant": N_("a file opened after the copy"),
    "follow_up": N_("a follow-up opened after the copy"),
    "referral": N_("a referral begun after the copy"),
}
_MADE_SINCE: Final = N_("something made after the copy")
_INCIDENT: Final = N_("incident %(number)s")

#: The facts that name a person.
_PEOPLE: Final = ("person", "worker", "deputy", "instead_of", "director")
#: The facts that are days.
_DAYS: Final = ("day", "starts_on", "ends_on", "last_day", "was", "signed_on")


def said_of(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[str]:
    """What had ended, one sentence of each of these matters. The database is asked once for all of a kind."""
    saying = _Saying(context, rows) if rows else None
    return [saying.sentence(one) for one in rows] if saying else []


class _Saying:
    """What several sentences need, read at once."""

    def __init__(self, context: RequestContext, rows: Sequence[RestoredMatter]) -> None:
        self.context = context
        self.roles = titles_of_roles(context)
        self.organizations = {str(place): name for place, name in places_by_id(context).items()}
        by_kind: dict[str, set[UUID]] = {}
        for kind, subject in map(_about, rows):
            by_kind.setdefault(kind, set()).add(subject)
        people = {who for row in rows for who in matters.concerned(row)}
        self.names = names_of(context, people | by_kind.get("person", set()))
        self.things = called(context, by_kind, self.roles) | self._incidents(by_kind.get("incident", set()))
        self.numbers = self._numbers(by_kind.get("agreement_version", set()))
        self.absences = self._absences({one for row in rows if (one := matters.id_in(row, "absence"))})

    def _absences(self, ids: set[UUID]) -> dict[UUID, Absence]:
        read = of(Absence).where(col(Absence.id).in_(ids))
        return {one.id: one for one in every(self.context.session, read)} if ids else {}

    def _numbers(self, ids: set[UUID]) -> dict[UUID, int]:
        read = only(AgreementVersion.id, AgreementVersion.n).where(col(AgreementVersion.id).in_(ids))
        return dict(tuples(self.context.session, read)) if ids else {}

    def _incidents(self, ids: set[UUID]) -> dict[UUID, str]:
        read = only(Incident.id, Incident.number).where(col(Incident.id).in_(ids))
        found = tuples(self.context.session, read) if ids else []
        return {one: gettext(_INCIDENT) % {"number": number} for one, number in found}

    def sentence(self, matter: RestoredMatter) -> str:
        """The fullest sentence for which everything is known."""
        facts = dict(self._facts(matter))
        sentences = SENTENCES.get(matter.verb, _OF_ANOTHER_VERSION)
        said = ""
        for one in reversed(sentences):
            with suppress(KeyError):  # a fact that this line does not have
                said = gettext(one) % facts
        return said[:1].upper() + said[1:]

    def _facts(self, matter: RestoredMatter) -> Iterator[tuple[str, str]]:
        yield "subject", self._called(*_about(matter))
        if matter.person_id is not None:
            yield "person", self._called("person", matter.person_id)
        if (number := self.numbers.get(matter.subject_id)) is not None:
            yield "number", str(number)
        absence = self.absences.get(matters.id_in(matter, "absence") or matter.id)
        if absence is not None:
            yield "starts_on", show_day(self.context.language, absence.starts_on)
            yield "ends_on", show_day(self.context.language, absence.ends_on)
        for name, value in _said_by_line(matter):
            if word := self._fact(name, value):
                yield name, word

    def _called(self, kind: str, thing_id: UUID) -> str:
        known = self.names.get(thing_id) if kind == "person" else self.things.get(thing_id)
        return known or gettext(_GONE.get(kind, _MADE_SINCE))

    def _fact(self, name: str, value: str) -> str:
        """A fact in words; "" where what it names is not known here."""
        if name in _PEOPLE:
            return self._called("person", UUID(value))
        if name in _DAYS:
            return show_day(self.context.language, date.fromisoformat(value))
        codes = {"role": self.roles, "organization": self.organizations}.get(name)
        if name == "purpose":
            return gettext(CONSENT_FOR[value]) if value in CONSENT_FOR else ""
        return codes.get(value, "") if codes is not None else value


def _about(matter: RestoredMatter) -> tuple[str, UUID]:
    """The kind of thing that a matter is about, and which: of words that were taken out, what they stood in."""
    return matter.subject_kind, matters.id_in(matter, "subject") or matter.subject_id


def _said_by_line(matter: RestoredMatter) -> Iterator[tuple[str, str]]:
    """The facts of a line that say something, its last day also by the name that the act has for it."""
    said = {name: str(value) for name, value in matter.facts.items() if value and name != "subject"}
    closing = apart.CLOSINGS.get(matter.verb)
    day = said.get("day")
    if closing is not None and closing.day and day:
        said[closing.day] = day
    yield from said.items()
