"""Nobody learns by a refusal whether somebody is known: an answer is the same for a name that is, and one that is not.

The gate of letters and documents knows who was referred, and answers at once. So nothing that somebody writes who may
not know it comes before the gate in an answer of theirs: each place that asks the gate is listed here, with whose words
it reads.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.kernel.rows import surely
from meetings import agenda_requests, agendas, freezing, minutes, schedule
from models.base import table_of
from models.meeting import Meeting
from models.obligation import ObligationDocument
from models.program import Absence, Person
from tests.api.application import client_for, nobody
from tests.api.doorway import letters
from tests.api.pages.gathered import END, hold
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, ROOT, TODAY, Arranged, Cast
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.documents.reading import docx_text
from tests.meetings.sitting import seat, seat_everyone
from tests.referring import ONDINE, refer

_document = table_of(ObligationDocument)
_meeting = table_of(Meeting)
_absence = table_of(Absence)

#: Somebody who is referred, and somebody of whom nobody ever heard.
KNOWN, UNKNOWN = ("Ondine", "Fougère-Lys"), ("Ondane", "Fougère-Lis")
MEETING: Final = datetime(2027, 1, 20, 13, 0)  # noqa: DTZ001 - local

#: What asks the gate: every module that writes letters or prints, and whose words stand in what it lets leave.
JUDGED: Final = {
    "api/access/agendas.py": "its keeper, of what members asked for; its readers get what left, unsearched",
    "api/access/decisions.py": "the coordinator's words: members write none of a decision",
    "api/access/minutes.py": "whoever keeps the minutes; their readers get what left, unsearched",
    "api/pages/redactions.py": "whoever keeps the minutes, who may know: they alone are asked",
    "api/pages/partners.py": "what the agreement and the coordinator say: of proof its day, never the name of its file",
    "domain/agreements/letters.py": "what the agreement is called",
    "domain/endorsement/letters.py": "a decision's number, and an organization's name: never why one objects",
    "meetings/told_since.py": "the day and hour of a meeting",
    "domain/participants/holds.py": "the names of staff, and a number or reference",
    "domain/participants/watching.py": "the names of staff, and counts",
    "domain/accompaniment/referred_again.py": "a reference, and how the worker is reached, by what stands of them",
    "domain/accompaniment/withdrawals.py": "the names of staff",
    "domain/accompaniment/workers.py": "nothing that anybody typed: a candidate's reference, and who sends whom",
    "domain/research/approvers.py": "no words: numbers",
    "domain/restoring/telling.py": "no words: days, and a count",
    "domain/access/identities.py": "no words",
    "domain/access/invitations.py": "the names of staff",
    "domain/casework/case_letters.py": "the titles of declared steps, the names of staff and of organizations",
    "domain/departure/hand_over_letters.py": "the titles of declared steps, the names of staff and of organizations",
    "domain/mail/heads.py": "no words",
    "domain/mail/notices.py": "the names of staff, and the subject of another letter",
    "domain/people/absences.py": "the names of staff, and days to come: none that may be a birth date",
    "domain/people/people.py": "the names of staff",
    "domain/people/privacy_officers.py": "the names of staff, and days to come: none that may be a birth date",
    "domain/access/passkeys.py": "what the browser says it is, in our words",
    "flows/digest_letters.py": "the titles of declared steps, the names of staff",
    "flows/gates.py": "the titles of declared gates, the names of staff",
    "flows/onboarding/contact_lists.py": "who sits and how they are reached, by what stands of them",
    "meetings/documents/issuing.py": "the one way to a file",
    "meetings/drafting.py": "days",
    "meetings/held_words.py": "the round's, before an agenda leaves: what it holds the coordinator alone is told",
    "meetings/invitations.py": "the coordinator's places; the names and addresses of staff",
    "meetings/minutes_posting.py": "the coordinator's act",
    "meetings/posting.py": "the coordinator's act, or the round's, which tells the coordinator alone",
    "meetings/statements/sheets.py": "counts",
    "meetings/statements/implementation.py": "figures, and the names of organizations",
}


@pytest.fixture
def known(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """Agreements in force, everyone seated, a meeting to come, and one of the two referred; a period that asks for a
    document."""
    return arranged(cast, _known)


def _known(cast: Cast) -> UUID:
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        kept(session)
        schedule.plan_meetings(session, "steering", [MEETING], by=cast.actor("coordinator"), at=AT)
        found: UUID = period(session, cast, "en-marge", "AG-P4")["id"]
    refer(cast)
    assert (ONDINE.given_name, ONDINE.family_name) == KNOWN
    return found


def test_every_place_that_asks_whether_a_name_is_known_says_whose_words_it_reads() -> None:
    asks = re.compile(r"\bnotices\.write\(|\bissue(?:_again)?\(|\brefuse_names\(|\bNameGate\.here\(")
    found = {
        str(file.relative_to(ROOT))
        for layer in ("api", "domain", "flows", "meetings")
        for file in (ROOT / layer).rglob("*.py")
        if asks.search(file.read_text())
    }
    assert found == set(JUDGED)


def test_who_is_known_is_opened_where_letters_are_made_and_nowhere_that_takes_words() -> None:
    """Every way in for words (forms, the API, uploads, the command line, imports, links, mail) is without it."""
    opens = re.compile(r"\bnames_known\b|\.known\(session\)")
    found = {
        str(file.relative_to(ROOT))
        for layer in ("api", "domain", "flows", "meetings")
        for file in (ROOT / layer).rglob("*.py")
        if opens.search(file.read_text()) and file.name != "__init__.py"  # a room's face opens nothing
    }
    assert found == {
        "api/app.py",
        "api/cli/terminal.py",
        "flows/worker.py",
        "domain/mail/name_gate.py",
        "domain/participants/identity.py",
        "domain/rights/packages.py",  # for the privacy officer alone, of words that were written before
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [("/refer/{token}", {"reasons": "Écrire à {name} svp"}), ("/answer/{token}", {"said": "Écrire à {name} svp"})],
)
def test_what_is_written_by_a_link_is_pointed_at_alike_before_the_link_is_looked_at(
    cast: Cast, path: str, data: dict[str, str]
) -> None:
    refer(cast)
    client = nobody(cast.database)

    def probe(name: tuple[str, str]) -> list[str]:
        said = {field: text.format(name=" ".join(name)) for field, text in data.items()}
        return [_said(client.post(path.format(token="x" * 43), data=said))]

    alike(probe)
    assert probe(KNOWN)[0].startswith("422 ")


def test_an_absence_from_a_day_on_tells_nothing_of_whose_birth_date_it_is(cast: Cast) -> None:
    """Who is away hears of it by a letter, and the gate of letters knows birth dates."""
    refer(cast)
    client, place = signed_in(cast, "manager_em"), f"/people/{cast.people['deputy']}/absences"
    answers, born = [], surely(ONDINE.birth_date)
    for day, last in itertools.product((born, born - timedelta(days=1)), (None, TODAY)):
        days = {"starts_on": day.isoformat(), "ends_on": (last or day).isoformat()}
        answers.append(client.post(f"/api/v1{place}", json=days).status_code)
        client.delete(f"/api/v1/absences/{_absence_of(cast)}")
    assert set(answers) == {201}
    assert len(letters(cast, "deputy", "absence_recorded")) == len(answers)


def _absence_of(cast: Cast) -> UUID:
    with cast.session() as session:
        found: UUID = session.scalars(select(_absence.c.id).where(_absence.c.cancelled_at.is_(None))).one()
    return found


@pytest.mark.usefixtures("known")
def test_a_note_a_decision_and_minutes_tell_nothing_to_who_writes_them(cast: Cast) -> None:
    """Each of these is pointed at by its shape, and saved as it is when its writer says so: known or not."""
    client = signed_in(cast, "coordinator")
    here = _meeting_of(cast)

    def probe(name: tuple[str, str]) -> list[str]:
        words = f"On a parlé de {' '.join(name)}."
        forms = (
            (f"/meetings/{here}/run/outcome", {"note_fr": words, "outcome": "treated"}),
            (f"/meetings/{here}/run/decision", {"text_fr": words}),
            (f"/meetings/{here}/minutes/notes", {"said_fr": words, "number": "1", "seen": "1"}),
            (f"/meetings/{here}/place", {"place": words, "seen": "1"}),
        )
        answers = [_said(client.post(path, data=data)) for path, data in forms]
        assert all(answer.startswith("422 ") for answer in answers)
        return answers

    alike(probe)


def alike(probe: Callable[[tuple[str, str]], list[str]]) -> None:
    """What somebody is answered who writes a name that is known is what they are answered for one that is not."""
    told = [[_bare(answer, name) for answer in probe(name)] for name in (UNKNOWN, KNOWN)]
    assert told[0] == told[1]


def _bare(answer: str, name: tuple[str, str]) -> str:
    """An answer without what was sent, nor what is new in every answer."""
    for word in (*name, *(part.lower() for part in name)):
        answer = answer.replace(word, "*")
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|value=\"\d+\"", "#", answer)


def _said(answer: Any) -> str:
    return f"{answer.status_code} {answer.headers.get('location', '')} {text_of(answer.text)}"


@pytest.mark.ci
def test_a_document_called_like_a_person_tells_nothing_by_the_statement_that_counts_it(cast: Cast, known: UUID) -> None:
    client = signed_in(cast, "manager_em")

    def probe(name: tuple[str, str]) -> list[str]:
        given = {"document": (f"{' '.join(name)}.txt", b"Fait.", "text/plain")}
        asked = client.post(
            f"/obligations/{known}/documents", data={"day": TODAY.isoformat(), "words_seen": "yes"}, files=given
        )
        file = client.get(f"/partners/{cast.organizations['en-marge']}/statements/2026/en.docx")
        assert file.status_code == 200
        read = docx_text(file.content)
        assert "Document submitted on November 23, 2026" in read
        with cast.session() as session:
            document = session.scalars(select(_document.c.id).where(_document.c.withdrawn_at.is_(None))).one()
        taken = client.post(f"/obligations/{known}/documents/{document}/withdrawal", data={"reason": "Autre fichier"})
        return [_said(asked), read, _said(taken)]

    alike(probe)


@pytest.mark.ci
@pytest.mark.usefixtures("known")
def test_an_item_that_a_member_asks_for_tells_nothing(cast: Cast) -> None:
    client, path = signed_in(cast, "manager_em"), f"/meetings/{_meeting_of(cast)}/agenda"

    def probe(name: tuple[str, str]) -> list[str]:
        title = {"title_fr": f"Des nouvelles de {' '.join(name)}"}
        pointed = client.post(f"{path}/items", data=title)
        assert pointed.status_code == 422
        asked = client.post(f"{path}/items", data={**title, "words_seen": "yes"})
        page = client.get(path)
        mine = re.findall(r"/agenda/items/([0-9a-f-]{36})/withdrawal", page.text)
        taken = client.post(f"{path}/items/{mine[0]}/withdrawal", data={"seen": "1"})
        return [_said(pointed), _said(asked), _said(page), _said(taken)]

    alike(probe)


@pytest.mark.ci
@pytest.mark.usefixtures("known")
def test_what_people_write_of_themselves_stops_no_letter_to_them(cast: Cast) -> None:
    client, me = signed_in(cast, "manager_em"), cast.people["manager_em"]
    with cast.session() as session:
        held = seat(session, "steering", "en-marge")

    def probe(name: tuple[str, str]) -> list[str]:
        with cast.session() as session:
            seen = session.get_one(Person, (cast.program_id, me)).version
        written = {
            "given_name": "Perle",
            "family_name": "Obsidienne",
            "email": f"{name[0]}.{name[1]}@en-marge.example".lower().replace("è", "e"),
            "phone": " ".join(name),
            "language": "fr",
        }
        answers = [client.post(f"/people/{me}", data=written | {"seen": seen})]
        ending = {"person": str(me), "day": "2026-12-31"}
        answers.append(client.post(f"/committees/steering/seats/{held}/ending", data=ending))
        assert [answer.status_code for answer in answers] == [303, 200]
        return [_said(answer) for answer in answers]

    alike(probe)


@pytest.mark.ci
def test_whoever_has_an_agenda_keeps_it_when_somebody_named_in_it_becomes_known(cast: Cast) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        seat_everyone(session, cast)
        schedule.plan_meetings(session, "steering", [MEETING], by=by, at=AT)
        meeting = session.scalars(select(_meeting.c.id)).one()
        title = " ".join(KNOWN)
        asked = agenda_requests.request(
            session, "steering", title_fr=title, title_en=title, by=cast.actor("manager_em"), at=AT
        )
        agendas.put_on(session, asked, meeting, by=by, at=AT)
        freezing.freeze(session, meeting, by=by, at=AT)
    member = signed_in(cast, "manager_em")
    addresses = [f"/meetings/{meeting}/agenda.{form}?version=1&edition=fr" for form in ("pdf", "docx")]
    before = [member.get(one) for one in addresses]
    refer(cast)
    after = [member.get(one) for one in addresses]
    assert [one.status_code for one in before] == [200, 200]
    assert [one.content for one in after] == [one.content for one in before]
    assert signed_in(cast, "coordinator").get(addresses[0]).status_code == 409, "what leaves from here is searched anew"


@pytest.mark.ci
def test_whoever_has_minutes_keeps_them_when_somebody_named_in_them_becomes_known(cast: Cast) -> None:
    held = hold(cast, typed=" ".join(KNOWN))
    with cast.session() as session:
        minutes.circulate(session, held.meeting_id, by=cast.actor("coordinator"), at=END)
    address = f"/meetings/{held.meeting_id}/minutes/fr.docx"
    member = client_for(cast.database, cast.people["manager_em"], at=END)
    before = member.get(address)
    refer(cast)
    after = member.get(address)
    assert (before.status_code, after.status_code) == (200, 200)
    assert after.content == before.content
    assert client_for(cast.database, cast.people["coordinator"], at=END).get(address).status_code == 409


def _meeting_of(cast: Cast) -> UUID:
    with cast.session() as session:
        found: UUID = session.scalars(select(_meeting.c.id)).one()
        return found
