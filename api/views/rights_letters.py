"""The letter that goes with a person's request: it was received, it takes longer, it is answered, or it is refused.

Law: a notice of the date of receipt, of the days and of the recourse; a refusal says its provision, why, and the
recourse (Quebec's Access Act, A-2.1, sections 46, 50, 98 and 101).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from sqlmodel import Session

from domain.kernel import program
from locales import N_, say, show_day
from meetings.documents.content import Both
from meetings.documents.person_paper import PaperFact, PaperPart, PaperPiece, PersonPaper
from models.right import RightsRequest

_ASKED: Final[Mapping[str, str]] = {
    "access": N_("You asked on %(day)s to see what is held about you."),
    "portability": N_("You asked on %(day)s for what was collected from you, to take it elsewhere."),
    "who_read": N_("You asked on %(day)s who saw your file."),
    "correction": N_("You asked on %(day)s that your file be corrected."),
    "restriction": N_("You asked on %(day)s that a worker see your file no more."),
    "complaint": N_("You complained on %(day)s about how your data are protected."),
}
#: What each letter is called, by what became of the request.
_TITLES: Final[Mapping[str, str]] = {
    "received": N_("Your request was received"),
    "extended": N_("The answer to your request takes longer"),
    "answered": N_("The answer to your request"),
    "refused": N_("Your request is refused"),
    "refused_in_part": N_("Your request is refused in part"),
}
_GROUNDS: Final[Mapping[str, str]] = {
    "health": N_("It would seriously harm your health, for now (R-22.1, section 17)."),
    "third_person": N_("It would reveal another person (A-2.1, section 88)."),
    "not_entitled": N_("Who asks may not ask for this person (R-22.1, sections 21 to 24)."),
    "proceedings": N_("It would affect judicial proceedings (A-2.1, section 87)."),
    "secret": N_("Professional secrecy or another law forbids it."),
    "accurate": N_("What you want corrected is accurate and complete (A-2.1, section 89)."),
    "outside": N_("It is not held here, or is held by another body."),
}
_BY: Final = N_("You have an answer by %(day)s.")
_LATE: Final = N_(
    "If you have none by then, that counts as a refusal. You may ask the Commission d’accès à l’information to "
    "review it, within 30 days of that day."
)
_NOBODY: Final = N_("Nothing is held about you here.")
_REFUSED: Final = N_("The reason in law: %(ground)s")
_REST: Final = N_("The rest of what you asked was done or is given with this letter.")
_RECOURSE: Final = N_(
    "You may ask the Commission d’accès à l’information to review this answer, within 30 days of it. Ask who gave you "
    "this letter where something in it is not clear: they help you to understand it."
)
_BESIDE: Final = N_(
    "You may have your own words kept beside that part of your file. Who reads the part reads them with it."
)


def letter_of(
    session: Session, row: RightsRequest, words: Mapping[str, str], *, known_as: str, today: date
) -> PersonPaper | None:
    """The letter of a request as it stands, in its language; None where it was taken back, or its file is destroyed."""
    stands = "extended" if row.ended_at is None and row.extended_on else row.state
    stands = "received" if stands == "preparing" else stands
    if stands not in _TITLES:
        return None
    here = program(session)
    return PersonPaper(
        program=Both(fr=here.title_fr, en=here.title_en),
        language=row.language,
        kind=row.kind,
        title=say(row.language, _TITLES[stands]),
        number=row.number,
        known_as=known_as,
        on=row.answered_on or today,
        notes=(),
        parts=tuple(_parts(row, words)),
    )


def _parts(row: RightsRequest, words: Mapping[str, str]) -> Iterator[PaperPart]:
    def told(sentence: str, **facts: object) -> str:
        return say(row.language, sentence, **facts)

    def part(title: str, *said: str, label: str, name: str) -> PaperPart:
        own = PaperFact(told(label), words.get(name, ""), name)
        return PaperPart(told(title), (PaperPiece("", None, words=(own,)),) if own.said else (), said=said)

    asked = told(_ASKED[row.kind], day=show_day(row.language, row.received_on))
    yield part(N_("What you asked"), asked, label=N_("In your words"), name="asked")
    if row.ended_at is None:
        yield PaperPart(told(N_("By when")), (), said=(told(_BY, day=show_day(row.language, row.due_on)), told(_LATE)))
        return
    said, label = [], N_("What was done")
    if row.ground:
        said, label = [told(_REFUSED, ground=told(_GROUNDS[row.ground]))], N_("Why")
        if row.state == "refused_in_part":
            said.append(told(_REST))
    elif row.participant_id is None:
        said = [told(_NOBODY)]
    yield part(N_("The answer"), *said, label=label, name="answer")
    beside = [told(_BESIDE)] if row.kind == "correction" and row.ground else []
    yield PaperPart(told(N_("If you do not agree")), (), said=(*beside, told(_RECOURSE)))
