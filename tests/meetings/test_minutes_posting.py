"""Minutes go to whom the meeting invited, in a language in which they are whole; a correction says what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from uuid import UUID

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from meetings import attendance, deciding, minutes, running
from meetings.agenda_papers import readers_of
from meetings.documents.content import Both
from meetings.minutes_posting import Edition, changes, read_by
from models.agenda import AgendaItem
from models.base import table_of
from models.committee import SeatHolder
from models.outbox import Notice
from models.program import Organization, Tenure
from tests.cast import Arranged, Cast
from tests.meetings.documents.test_issuing import NAME, know
from tests.meetings.meeting_room import MINUTE, NOW, PRESENT, arrange, items, meeting, opened, sit
from tests.meetings.sitting import seat

END = NOW + 90 * MINUTE

_item = table_of(AgendaItem)
_holder = table_of(SeatHolder)
_notice = table_of(Notice)
_organization = table_of(Organization)
_tenure = table_of(Tenure)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session with a meeting that was held: one item for the partners alone, one with a note, one decided."""
    arranged(cast, _held)
    with cast.session() as made:
        yield made


def _held(cast: Cast) -> None:
    with cast.session() as made:
        arrange(made, cast)
        made.execute(update(_item).where(_item.c.title_fr == "Budget").values(audience="partners"))
        by = cast.actor("coordinator")
        here = opened(made, cast, *PRESENT)
        first, second, _ = items(made)
        running.treat(made, first.id, "treated", note_fr="Entendu.", note_en="Heard.", by=by, at=NOW)
        deciding.decide(made, here, second.id, text_fr="Oui.", text_en="Yes.", by=by, at=NOW)
        running.close_meeting(made, here, carry_rest=True, by=by, at=END)


def sent(session: Session) -> dict[UUID, list[EmailMessage]]:
    """The letters with minutes, by their reader, the first first."""
    rows = session.execute(
        select(_notice.c.person_id, _notice.c.message)
        .where(_notice.c.template == "meeting_minutes")
        .order_by(_notice.c.n)
    )
    found: dict[UUID, list[EmailMessage]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(message_from_bytes(row.message, _class=EmailMessage, policy=SMTP))
    return found


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def paper_of(letter: EmailMessage) -> tuple[str, str]:
    """The name of the one file that goes with a letter, and what it says."""
    (file,) = letter.iter_attachments()
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    pages = PdfReader(BytesIO(content)).pages
    return str(file.get_filename()), " ".join(page.extract_text() for page in pages)


@pytest.mark.ci
def test_each_who_was_invited_gets_one_letter_in_their_language_with_the_minutes(session: Session, cast: Cast) -> None:
    here = meeting(session)
    told = minutes.circulate(session, here, by=cast.actor("coordinator"), at=END)
    letters = sent(session)
    assert {one.person_id for one in told if one.has_address} == set(letters)
    assert set(letters) == {reader.person_id for reader in readers_of(session, here)}
    assert {len(one) for one in letters.values()} == {1}
    assert {one.kind for one in told} == {"minutes"}
    (english,) = letters[cast.people["manager_codim"]]
    (french,) = letters[cast.people["coordinator"]]
    assert english["To"].addresses[0].addr_spec == "manager.codim@codim.example"
    assert english["Subject"].startswith("Minutes: Steering Committee")
    assert french["Subject"].startswith("Procès-verbal")
    name, says = paper_of(english)
    assert name == "2027-01-20-steering-committee-minutes.pdf"
    assert "Heard." in says
    assert paper_of(french)[0] == "2027-01-20-comite-directeur-proces-verbal.pdf"
    assert f"/meetings/{here}/minutes" in text_of(english)
    # What was typed is on paper, and not in the letter.
    assert "Heard." not in text_of(english)


@pytest.mark.ci
def test_who_sits_for_an_outside_organization_gets_no_item_of_the_partners(session: Session, cast: Cast) -> None:
    session.execute(
        update(_organization).where(_organization.c.id == cast.organizations["en-marge"]).values(kind="outside")
    )
    minutes.circulate(session, meeting(session), by=cast.actor("coordinator"), at=END)
    letters = sent(session)
    assert "Entendu." not in paper_of(letters[cast.people["manager_em"]][0])[1]
    assert "Oui." in paper_of(letters[cast.people["manager_em"]][0])[1]
    assert "Entendu." in paper_of(letters[cast.people["coordinator"]][0])[1]


@pytest.mark.ci
def test_a_second_representative_who_sat_gets_the_minutes_once_and_who_has_left_since_does_not(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    who, deputy = seat(session, "steering", "en-marge"), cast.people["deputy"]
    attendance.record(session, here, who, "alternate", person_id=deputy, by=by, at=END)
    session.execute(
        update(_tenure).where(_tenure.c.person_id == cast.people["manager_codim"]).values(ends_on=END.date())
    )
    invited = {reader.person_id for reader in readers_of(session, here)}
    assert cast.people["manager_codim"] in invited
    assert deputy in invited
    minutes.refresh(session, here, by=by, at=END)
    minutes.circulate(session, here, by=by, at=END + timedelta(days=1))
    assert set(sent(session)) == invited - {cast.people["manager_codim"]}
    assert len(sent(session)[deputy]) == 1
    assert "Entendu." in paper_of(sent(session)[deputy][0])[1], "as the seat reads them on which they sat"


def test_twice_is_refused_and_again_without_a_change_sends_nothing(session: Session, cast: Cast) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    minutes.circulate(session, here, by=by, at=END)
    before = sent(session)
    with pytest.raises(Refusal, match=r"minutes\.state"):
        minutes.circulate(session, here, by=by, at=END)
    minutes.amend(session, here, by=by, at=END)
    assert minutes.circulate(session, here, by=by, at=END + MINUTE) == ()
    assert sent(session).keys() == before.keys()
    assert {len(one) for one in sent(session).values()} == {1}


@pytest.mark.ci
def test_a_correction_says_where_and_goes_to_those_alone_for_whom_something_changed(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    minutes.circulate(session, here, by=by, at=END)
    minutes.amend(session, here, by=by, at=END)
    minutes.edit_note(session, here, "1", said_fr="Entendu, puis adopté.", by=by, at=END)
    told = minutes.circulate(session, here, by=by, at=END + MINUTE)
    letters = sent(session)
    (first, second) = letters[cast.people["coordinator"]]
    assert second["Subject"].startswith("Procès-verbal corrigé")
    assert "Point 1\N{NO-BREAK SPACE}: Budget" in text_of(second)
    assert "puis adopté" not in text_of(second)
    assert "puis adopté" in paper_of(second)[1]
    assert "puis adopté" not in paper_of(first)[1]
    # Who reads English has the same as before.
    assert len(letters[cast.people["manager_codim"]]) == 1
    assert {one.kind for one in told} == {"minutes_corrected"}


def test_the_letter_of_a_correction_names_each_seat_that_was_filled_otherwise_and_the_quorum(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    minutes.circulate(session, here, by=by, at=END)
    for key in PRESENT:
        sit(session, cast, key, "excused", at=END)
    minutes.amend(session, here, by=by, at=END)
    minutes.refresh(session, here, by=by, at=END)
    minutes.circulate(session, here, by=by, at=END + MINUTE)
    words = " ".join(text_of(sent(session)[cast.people["manager_codim"]][-1]).split())
    assert words.count(": excused instead of on site") == len(PRESENT)
    assert "Attendance, Quorum: not met" in words


def test_whoever_reads_a_language_in_which_they_are_not_whole_gets_the_other_and_is_told(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    minutes.edit_note(session, here, "3", said_fr="Remis.", by=by, at=END)
    minutes.circulate(session, here, by=by, at=END)
    (letter,) = sent(session)[cast.people["manager_codim"]]
    assert letter["Subject"].startswith("Minutes:")
    assert "the English edition is not complete" in text_of(letter)
    assert paper_of(letter)[0].endswith("proces-verbal.pdf")
    minutes.amend(session, here, by=by, at=END)
    minutes.edit_note(session, here, "3", said_en="Put off.", by=by, at=END)
    minutes.circulate(session, here, by=by, at=END + MINUTE)
    (_, corrected) = sent(session)[cast.people["manager_codim"]]
    assert "The language: they are complete in another one now" in text_of(corrected)
    assert paper_of(corrected)[0].endswith("minutes.pdf")


def test_minutes_that_are_whole_in_no_language_stay_and_the_refusal_says_which_items(
    session: Session, cast: Cast
) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    minutes.edit_note(session, here, "1", said_fr="", by=by, at=END)
    minutes.edit_note(session, here, "3", said_fr="Remis.", by=by, at=END)
    with pytest.raises(Refusal) as refused, session.begin_nested():
        minutes.circulate(session, here, by=by, at=END)
    assert (refused.value.code, refused.value.facts["numbers"]) == ("minutes.untranslated", "1, 3")
    assert sent(session) == {}


@pytest.mark.parametrize("field", ["said_fr", "said_en"])
def test_minutes_that_name_somebody_are_sent_to_nobody(session: Session, cast: Cast, field: str) -> None:
    by, here = cast.actor("coordinator"), meeting(session)
    know(session, NAME)
    minutes.edit_note(session, here, "1", **{field: f"{NAME} a été vue."}, by=by, at=END)  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused, session.begin_nested():
        minutes.circulate(session, here, by=by, at=END)
    assert (refused.value.code, refused.value.facts["number"]) == ("document.names", "1")
    assert minutes.minutes_of(session, here).state == "draft"
    assert sent(session) == {}


def test_what_changed_is_told_part_by_part(session: Session) -> None:
    content = minutes.content_of(minutes.minutes_of(session, meeting(session)))
    had = Edition(content, "fr")
    first = content.items[0]
    moved = replace(content.head, starts=content.head.starts + timedelta(hours=1))
    late = replace(content.attendance[0], state="excused")
    other = replace(first, said=Both(fr="Autre.", en=first.said.en))
    for has, told in (
        (content, []),
        (replace(content, head=moved), ["head"]),
        (replace(content, attendance=(late, *content.attendance[1:])), ["seat"]),
        (replace(content, items=(other, *content.items[1:])), ["item"]),
        (replace(content, items=content.items[1:]), ["item"]),
        (replace(content, items=(replace(first, said=Both(fr=first.said.fr, en="Other.")), *content.items[1:])), []),
    ):
        assert [one.part for one in changes(had, Edition(has, "fr"))] == told
    assert [item.line.number for item in read_by(content, "invited").items] == ["2", "3"]


def test_the_second_representative_gets_the_minutes_as_the_seat_reads_them_while_they_have_it(
    session: Session, cast: Cast
) -> None:
    here, second, first = meeting(session), cast.people["deputy"], cast.people["manager_em"]
    reads = {one.person_id: (one.audience, one.is_kept_aware) for one in readers_of(session, here)}
    assert reads[second] == (reads[first][0], True)
    minutes.circulate(session, here, by=cast.actor("coordinator"), at=END)
    assert set(sent(session)) >= {first, second}
    assert paper_of(sent(session)[second][0])[1] == paper_of(sent(session)[first][0])[1]


def test_a_second_representative_who_left_the_seat_meanwhile_gets_no_minutes(session: Session, cast: Cast) -> None:
    here, second = meeting(session), cast.people["deputy"]
    session.execute(
        update(_holder).where(_holder.c.person_id == second, _holder.c.kind == "alternate").values(ends_on=NOW.date())
    )
    assert second in {one.person_id for one in readers_of(session, here)}, "the seat was theirs on the day"
    minutes.circulate(session, here, by=cast.actor("coordinator"), at=END + timedelta(days=1))
    assert second not in sent(session)


def test_a_second_representative_of_an_organization_without_terms_reads_what_is_for_all(
    session: Session, cast: Cast
) -> None:
    here, second = meeting(session), cast.people["deputy"]
    session.execute(update(_organization).where(_organization.c.key == "en-marge").values(kind="outside"))
    session.expire_all()
    found = {one.person_id: one.audience for one in readers_of(session, here)}
    assert found[second] == found[cast.people["manager_em"]] != "partners"
    minutes.circulate(session, here, by=cast.actor("coordinator"), at=END)
    assert "Budget" not in paper_of(sent(session)[second][0])[1]
