"""Doors by letter: who may open one for whom, and that it opens once, for its reader, for a while, and by a button."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from domain.access.doors import OPEN_FOR
from domain.access.invitations import AFTER_A_NEW_ADDRESS, end_access, hand_over
from domain.kernel import digest
from domain.people.people import end_tenure, update_person
from flows.post import deliver
from models.access import BrowserSession, Door, RateCount, SignInFlow
from models.base import table_of
from models.outbox import Notice
from models.program import Person, Program, Tenure
from tests.api.application import client_for, nobody
from tests.api.doorway import authenticator, come_in, enrolled, invited, letters, link, ready_to_enrol, text_of, told
from tests.cast import ARRIVAL, AT, TODAY, Cast
from tests.flows.support import Clock, Mailbag, means_of
from tests.refusing import refused

_door = table_of(Door)
_flow = table_of(SignInFlow)
_session = table_of(BrowserSession)
_notice = table_of(Notice)
_tenure = table_of(Tenure)
_program = table_of(Program)


def doors(cast: Cast) -> list[dict[str, object]]:
    with cast.session() as session:
        return [dict(row) for row in session.execute(select(_door)).mappings()]


def leave(cast: Cast, name: str) -> None:
    with cast.session() as session:
        for tenure in session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).all():
            end_tenure(session, tenure, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)


# ------------------------------------------------------------------------------------------------ inviting someone


def test_the_coordinator_invites_from_a_page_and_the_letter_speaks_the_readers_language(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    page = client.get(f"/people/{cast.people['manager_codim']}/access")
    assert "no access" in page.text
    answer = client.post(f"/people/{cast.people['manager_codim']}/invitation")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{cast.people['manager_codim']}/access")
    (letter,) = letters(cast, "manager_codim", "invitation")
    assert "Agate Améthyste invites you to sign in to SPHÈRES" in letter
    assert "until November 30, 2026" in letter
    assert "invited" in client.get(answer.headers["location"]).text
    assert told(cast, "invitation.sent") == [{}]
    invited(cast, "worker_ccsmtl")
    assert "vous invite à vous connecter" in letters(cast, "worker_ccsmtl", "invitation")[0]


@pytest.mark.parametrize(
    ("asker", "person", "status"),
    [
        ("coordinator", "manager_em", 303),
        ("manager_codim", "worker_codim", 303),
        ("manager_codim", "worker_ccsmtl", 404),
        ("manager_two", "police", 303),  # of one of her two organizations
        ("worker_codim", "manager_codim", 404),
        ("director_codim", "manager_codim", 404),
        ("officer", "manager_em", 404),
        ("administrator", "manager_em", 303),
        ("privacy_officer", "manager_em", 404),
    ],
)
def test_only_coordinator_administrator_and_own_manager_invite(
    cast: Cast, asker: str, person: str, status: int
) -> None:
    client = client_for(cast.database, cast.people[asker])
    assert client.post(f"/people/{cast.people[person]}/invitation").status_code == status
    assert len(doors(cast)) == (1 if status == 303 else 0)
    over_json = client.post(f"/api/v1/people/{cast.people[person]}/invitation")
    assert over_json.status_code == (201 if status == 303 else 404)


def test_nobody_of_another_program_is_invited_nor_known(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    theirs, absent = cast.other.people["manager_em"], uuid4()
    answers = [client.post(f"/people/{one}/invitation") for one in (theirs, absent)]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    assert client.get(f"/people/{theirs}/access").status_code == 404


def test_someone_without_an_address_or_without_a_role_is_not_invited(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    refused = client.post(f"/people/{cast.people['without_mail']}/invitation")
    assert refused.status_code == 409
    assert "no e-mail address" in refused.text
    # Her first day is in two weeks: an invitation would be too old by then.
    refused = client.post(f"/people/{cast.people['worker_em']}/invitation")
    assert "no role in the coming week" in refused.text
    assert doors(cast) == []


def test_an_invitation_over_json_sent_again_with_its_key_writes_one_letter(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    path = f"/api/v1/people/{cast.people['police']}/invitation"
    answers = [client.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(letters(cast, "police", "invitation")) == 1


# ------------------------------------------------------------------------------------------------ opening a door


def test_a_scanner_of_mail_that_follows_the_link_changes_nothing(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    before = doors(cast)
    scanner = nobody(cast.database)
    for page in [scanner.get(door) for _ in range(3)]:
        assert page.status_code == 200
        assert "Continue with a passkey" in page.text
        assert "set-cookie" not in page.headers
    assert scanner.head(door).status_code in (200, 405)
    # A proxy's way to make one method another is no way here.
    assert scanner.get(door, headers={"X-HTTP-Method-Override": "POST"}, params={"_method": "POST"}).status_code == 200
    assert doors(cast) == before
    assert letters(cast, "manager_em", "enrolment") == []
    with cast.session() as session:
        assert session.execute(select(table_of(RateCount))).all() == []
    assert scanner.post(door).status_code == 303


def test_the_page_of_an_invitation_names_nobody(cast: Cast) -> None:
    page = nobody(cast.database).get(invited(cast, "manager_em")).text
    assert "Obsidienne" not in page
    assert "manager.em@" not in page


def test_an_invitation_opens_once_and_never_again(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    assert nobody(cast.database).post(door).status_code == 303
    again = nobody(cast.database)
    assert again.get(door).status_code == 404
    assert "Each link works once" in again.get(door).text
    assert again.post(door).status_code == 404
    assert len(letters(cast, "manager_em", "enrolment")) == 1


@pytest.mark.ci
def test_of_many_who_press_the_button_at_once_one_passes(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    browsers = [nobody(cast.database) for _ in range(8)]
    for browser in browsers:
        assert browser.get(door).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda browser: browser.post(door).status_code, browsers))
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 404, 409}
    assert len(letters(cast, "manager_em", "enrolment")) == 1
    assert len(told(cast, "invitation.used")) == 1


def test_an_invitation_is_too_old_after_a_week(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    last = AT + OPEN_FOR["invitation"]
    assert nobody(cast.database, at=last - timedelta(seconds=1)).get(door).status_code == 200
    late = nobody(cast.database, at=last)
    assert (late.get(door).status_code, late.post(door).status_code) == (404, 404)


def test_a_newer_invitation_shuts_the_one_before(cast: Cast) -> None:
    first, second = invited(cast, "manager_em"), invited(cast, "manager_em")
    assert first != second
    browser = nobody(cast.database)
    assert browser.get(first).status_code == 404
    assert browser.get(second).status_code == 200


def test_after_a_departure_no_letter_opens_anything(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    browser, link_for_passkey = ready_to_enrol(cast, "police")
    leave(cast, "manager_em")
    leave(cast, "police")
    assert nobody(cast.database).get(door).status_code == 404
    assert browser.get(link_for_passkey).status_code == 404
    assert browser.post(f"{link_for_passkey}/options").status_code == 404


def test_who_leaves_between_the_letter_and_its_last_day_is_not_let_in(cast: Cast) -> None:
    """The last day was written beforehand: then no act on it shuts the door, and the rule itself has to."""
    browser, door = ready_to_enrol(cast, "police")
    passkey = authenticator()
    answer = passkey.create(browser.post(f"{door}/options").json())
    with cast.session() as session:
        session.execute(
            update(_tenure)
            .where(_tenure.c.person_id == cast.people["police"])
            .values(ends_on=TODAY - timedelta(days=1))
        )
    refused = browser.post(f"{door}/passkey", data={"answer": answer})
    assert refused.status_code == 409
    assert "You hold no role in the program now" in refused.text
    with cast.session() as session:
        assert session.execute(select(_session)).all() == []


def test_before_the_first_day_an_invitation_says_which_day_and_stays_good(cast: Cast) -> None:
    near = AT + timedelta(days=10)  # four days before her first
    door = invited(cast, "worker_em", at=near)
    early = nobody(cast.database, at=near)
    refused = early.post(door)
    assert refused.status_code == 409
    assert "December 7, 2026" in refused.text
    assert letters(cast, "worker_em", "enrolment") == []
    on_the_day = nobody(cast.database, at=AT + (ARRIVAL - TODAY))
    assert on_the_day.post(door).status_code == 303


def test_a_link_for_a_passkey_opens_only_in_the_browser_that_asked(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    elsewhere = nobody(cast.database)
    other_browser, _ = ready_to_enrol(cast, "police")
    for stranger in (elsewhere, other_browser):
        assert stranger.get(door).status_code == 404
        assert stranger.post(f"{door}/options").status_code == 404
        assert stranger.post(f"{door}/passkey", data={"answer": "{}"}).status_code == 404
    assert browser.get(door).status_code == 200


def test_a_link_for_a_passkey_opens_for_a_quarter_of_an_hour_and_once(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    late = nobody(cast.database, at=AT + OPEN_FOR["enrolment"])
    late.cookies.update(browser.cookies)
    assert late.get(door).status_code == 404
    passkey = authenticator()
    data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
    marked = dict(browser.cookies)
    assert browser.post(f"{door}/passkey", data=data).status_code == 303
    browser.cookies.update(marked)
    assert browser.get(door).status_code == 404


def test_an_invitation_is_not_taken_for_a_link_for_a_passkey_nor_the_other_way_round(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    browser = nobody(cast.database)
    assert browser.post(f"{door}/options").status_code == 404
    browser, for_passkey = ready_to_enrol(cast, "police")
    assert browser.post(for_passkey).status_code == 404
    assert browser.get(door).status_code == 200, "neither was used up by the wrong button"
    assert browser.get(for_passkey).status_code == 200


@pytest.mark.parametrize("token", ["x", "A" * 43, "..%2f..", "é", "a" * 4000])
def test_a_door_that_never_was_is_closed_as_any_other(cast: Cast, token: str) -> None:
    used = invited(cast, "manager_em")
    nobody(cast.database).post(used)
    browser = nobody(cast.database)
    page = browser.get(f"/door/{token}")
    assert page.status_code == 404
    if "/" not in page.request.url.path.removeprefix("/door/"):
        assert page.text == browser.get(used).text


def test_what_is_kept_of_a_door_opens_nothing(cast: Cast) -> None:
    browser, for_passkey = ready_to_enrol(cast, "manager_em")
    browser.post(f"{for_passkey}/options")
    tokens = [for_passkey.rpartition("/")[2], *browser.cookies.values()]
    with cast.session() as session:
        kept = str(session.execute(select(_door)).mappings().all()) + str(
            session.execute(select(_flow)).mappings().all()
        )
        assert digest(session, tokens[0]) in kept
    assert [token for token in tokens if token in kept] == []
    (row,) = [one for one in doors(cast) if one["kind"] == "enrolment"]
    assert nobody(cast.database).get(f"/door/{row['token_digest']}").status_code == 404


# ------------------------------------------------------------------------------------ the letters are their readers'


def test_those_who_see_the_outgoing_mail_do_not_see_the_link_of_another(cast: Cast) -> None:
    door = invited(cast, "manager_em")
    for reader in ("officer", "coordinator"):
        client = client_for(cast.database, cast.people[reader])
        with cast.session() as session:
            notice = session.scalar(select(_notice.c.id).where(_notice.c.template == "invitation"))
        page = client.get(f"/post/{notice}")
        assert page.status_code == 200
        assert "The text is not shown" in page.text
        assert door.rpartition("/")[2] not in page.text
        assert client.get(f"/post/{notice}/letter.eml").status_code == 404


@pytest.mark.parametrize("shown", [False, True])
def test_a_sent_link_is_not_kept_except_in_a_demonstration_where_nothing_leaves(cast: Cast, shown: bool) -> None:
    mailbag = Mailbag()
    with cast.session() as session:
        session.execute(update(_program).where(_program.c.id == cast.program_id).values(is_demonstration=shown))
    door = invited(cast, "manager_em")
    deliver(means_of(cast, Clock(), mailbag))
    with cast.session() as session:
        (kept,) = session.scalars(select(_notice.c.message).where(_notice.c.template == "invitation"))
    assert len(mailbag.sent) == 1
    assert door.rpartition("/")[2] in text_of(mailbag.sent[0][1]), "what left was whole"
    assert (kept != b"") is shown
    assert nobody(cast.database).get(door).status_code == 200, "the link itself still opens"


# ---------------------------------------------------------------------------------------------- asking for a link


def test_whoever_has_access_gets_a_link_and_whoever_has_not_sees_the_same_answer(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    before = len(letters(cast, "manager_em", "enrolment"))
    answers = []
    for address in ("manager.em@en-marge.example", "police@spvm.example", "nobody@elsewhere.example"):
        browser = nobody(cast.database)
        answer = browser.post("/sign-in/letter", data={"address": address})
        answers.append((answer.status_code, answer.headers["location"], answer.text, sorted(answer.headers)))
    assert answers[0] == answers[1] == answers[2]
    assert len(letters(cast, "manager_em", "enrolment")) == before + 1
    assert letters(cast, "police", "enrolment") == [], "never invited: an address alone is no access"


def test_who_asks_is_answered_before_anyone_is_looked_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time tells nothing of who is known, since the looking up comes after; where it fails, the answer is the same."""

    def fails(*_: object, **__: object) -> int:
        msg = "manager.em@en-marge.example is known"
        raise LookupError(msg)

    monkeypatch.setattr("domain.access.invitations.send_enrolment_to_address", fails)
    answer = nobody(cast.database).post("/sign-in/letter", data={"address": "manager.em@en-marge.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/letter")


def test_a_lost_passkey_is_replaced_by_a_link_in_the_new_browser(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    browser = nobody(cast.database)
    browser.post("/sign-in/letter", data={"address": " Manager.EM@en-marge.example "})
    door = link(cast, "manager_em", "enrolment")
    passkey = authenticator()
    data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
    assert browser.post(f"{door}/passkey", data=data).status_code == 303
    assert come_in(nobody(cast.database), passkey) == 303
    assert len(letters(cast, "manager_em", "passkey_added")) == 2, "each new passkey is told to its person"


@pytest.mark.ci
def test_who_has_left_or_lost_their_access_gets_no_link(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    enrolled(cast, "police")
    written = [len(letters(cast, name, "enrolment")) for name in ("manager_em", "police")]
    leave(cast, "manager_em")
    with cast.session() as session:
        end_access(session, cast.people["police"], by=cast.actor("coordinator"), at=AT)
    browser = nobody(cast.database)
    for address in ("manager.em@en-marge.example", "police@spvm.example"):
        assert browser.post("/sign-in/letter", data={"address": address}).status_code == 303
    assert [len(letters(cast, name, "enrolment")) for name in ("manager_em", "police")] == written


def change_address(cast: Cast, name: str, email: str, *, by: str) -> None:
    """Have somebody write another address on the page of one of the cast."""
    client = client_for(cast.database, cast.people[by])
    with cast.session() as session:
        person = session.get_one(Person, (cast.program_id, cast.people[name]))
        typed = {
            "seen": str(person.version),
            "given_name": person.given_name,
            "family_name": person.family_name,
            "email": email,
            "language": person.language,
        }
    answer = client.post(f"/people/{cast.people[name]}", data=typed)
    assert answer.status_code == 303, answer.text


def ask_for_link(cast: Cast, address: str, *, at: datetime = AT) -> None:
    assert nobody(cast.database, at=at).post("/sign-in/letter", data={"address": address}).status_code == 303


def test_an_address_that_is_changed_is_told_where_letters_went_until_then_and_no_link_that_went_there_opens(
    cast: Cast,
) -> None:
    door = invited(cast, "manager_em")
    change_address(cast, "manager_em", "autre@en-marge.example", by="coordinator")
    assert nobody(cast.database).get(door).status_code == 404
    with cast.session() as session:
        about = _notice.c.template == "address_changed"
        assert session.scalars(select(_notice.c.to_address).where(about)).all() == ["manager.em@en-marge.example"]
        (subject,) = session.scalars(select(_notice.c.subject).where(about))
        assert subject.count("SPHÈRES") == 1, "the program's name, and not twice"
    (text,) = letters(cast, "manager_em", "address_changed")
    assert "autre@en-marge.example" not in text, "whoever reads there no more learns of no new one"
    change_address(cast, "manager_em", "autre@en-marge.example", by="manager_em")
    assert len(letters(cast, "manager_em", "address_changed")) == 1, "nothing was changed"


def test_an_address_that_was_changed_today_brings_no_link_to_whoever_asks_for_one_there(cast: Cast) -> None:
    browser, _ = enrolled(cast, "manager_em")
    before = len(letters(cast, "manager_em", "enrolment"))
    change_address(cast, "manager_em", "autre@en-marge.example", by="manager_em")
    ask_for_link(cast, "autre@en-marge.example")
    asked = browser.post("/my-access/passkeys")
    assert asked.status_code == 409
    assert "This e-mail address was changed less than a day ago" in asked.text
    assert len(letters(cast, "manager_em", "enrolment")) == before
    ask_for_link(cast, "autre@en-marge.example", at=AT + AFTER_A_NEW_ADDRESS)
    assert len(letters(cast, "manager_em", "enrolment")) == before + 1


@pytest.mark.parametrize("by", ["manager_em", "coordinator"])
def test_for_a_day_no_link_at_all_goes_to_the_new_address_of_a_person_who_had_signed_in(cast: Cast, by: str) -> None:
    """Else who writes an address of their own, and invites them there, is them in a minute."""
    enrolled(cast, "deputy")
    before = len(letters(cast, "deputy", "enrolment")), len(letters(cast, "deputy", "invitation"))
    change_address(cast, "deputy", "autre@en-marge.example", by=by)
    (told_of,) = letters(cast, "deputy", "address_changed")
    assert f"la personne responsable de la protection des renseignements personnels, {officer_of(cast)}" in told_of
    client, here = client_for(cast.database, cast.people[by]), f"/people/{cast.people['deputy']}/invitation"
    answer = client.post(here)
    assert answer.status_code == 409
    assert "This e-mail address was changed less than a day ago" in answer.text
    assert "before the same time on November 24, 2026" in answer.text
    assert client.post(f"/api/v1{here}").json()["code"] == "access.new_address"
    ask_for_link(cast, "autre@en-marge.example")
    assert (len(letters(cast, "deputy", "enrolment")), len(letters(cast, "deputy", "invitation"))) == before
    later = client_for(cast.database, cast.people[by], at=AT + AFTER_A_NEW_ADDRESS)
    assert later.post(here).status_code == 303


def test_nor_where_their_access_was_ended_first(cast: Cast) -> None:
    enrolled(cast, "deputy")
    client, place = client_for(cast.database, cast.people["coordinator"]), f"/people/{cast.people['deputy']}"
    assert client.post(f"{place}/access/end").status_code == 303
    change_address(cast, "deputy", "autre@en-marge.example", by="coordinator")
    assert client.post(f"/api/v1{place}/invitation").json()["code"] == "access.new_address"
    with cast.session() as session, refused("access.new_address"):
        hand_over(session, cast.people["deputy"], letters_leave=False, by=cast.actor("coordinator"), at=AT)


def test_the_coordinator_does_not_shut_the_privacy_officer_out_and_their_page_says_who_may(cast: Cast) -> None:
    enrolled(cast, "privacy_officer")
    coordinator = client_for(cast.database, cast.people["coordinator"])
    place = f"/people/{cast.people['privacy_officer']}/access"
    shown = coordinator.get(place).text
    assert "An administrator ends their access." in shown
    assert "End all access" not in shown
    assert coordinator.post(f"{place}/end").status_code == 409
    assert coordinator.delete(f"/api/v1{place}").json()["code"] == "access.watched_over"
    assert letters(cast, "privacy_officer", "access_ended") == []


def test_a_person_whose_access_another_ended_hears_of_it_and_who_to_tell(cast: Cast) -> None:
    enrolled(cast, "deputy")
    coordinator = client_for(cast.database, cast.people["coordinator"])
    assert coordinator.delete(f"/api/v1/people/{cast.people['deputy']}/access").status_code == 204
    (letter,) = letters(cast, "deputy", "access_ended")
    assert cast.members["coordinator"].name in letter
    assert officer_of(cast) in letter


def officer_of(cast: Cast) -> str:
    return cast.members["privacy_officer"].name


def test_who_has_no_access_yet_is_invited_to_a_corrected_address_at_once(cast: Cast) -> None:
    invited(cast, "deputy", by="manager_em")
    change_address(cast, "deputy", "autre@en-marge.example", by="manager_em")
    door = invited(cast, "deputy", by="manager_em")
    assert nobody(cast.database).post(door).status_code == 303
    assert len(letters(cast, "deputy", "enrolment")) == 1


def test_the_same_address_in_two_programs_gets_a_link_for_each_that_gave_access(cast: Cast) -> None:
    with cast.other.session() as session:
        update_person(
            session,
            cast.other.people["manager_em"],
            given_name="Lignite",
            family_name="Tuf",
            email="manager.em@en-marge.example",
            phone=None,
            language="fr",
            by=cast.other.actor("coordinator"),
            at=AT - timedelta(days=2),
        )
    enrolled(cast, "manager_em")
    nobody(cast.database).post("/sign-in/letter", data={"address": "manager.em@en-marge.example"})
    assert letters(cast.other, "manager_em", "enrolment") == []
    enrolled(cast.other, "manager_em")
    written = len(letters(cast, "manager_em", "enrolment")), len(letters(cast.other, "manager_em", "enrolment"))
    nobody(cast.database).post("/sign-in/letter", data={"address": "manager.em@en-marge.example"})
    assert len(letters(cast, "manager_em", "enrolment")) == written[0] + 1
    assert len(letters(cast.other, "manager_em", "enrolment")) == written[1] + 1


@pytest.mark.parametrize(
    "address", ["", "no address", "a@b", "x" * 300 + "@example.org", "a@example.org\r\nBcc: b@c.example"]
)
def test_what_is_no_address_is_said_to_be_none(cast: Cast, address: str) -> None:
    page = nobody(cast.database).post("/sign-in/letter", data={"address": address})
    assert page.status_code == 422
    assert "This e-mail address cannot be used" in page.text
    assert "set-cookie" not in page.headers


def test_json_where_a_form_is_expected_is_no_form(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    passkey = authenticator()
    answer = passkey.create(browser.post(f"{door}/options").json())
    assert browser.post(f"{door}/passkey", json={"answer": answer}).status_code == 415
    assert browser.post("/sign-in/letter", json={"address": "manager.em@en-marge.example"}).status_code == 415
    assert browser.post("/sign-in/passkey", json={"answer": answer}).status_code == 415
    plain = {"Content-Type": "text/plain"}
    assert browser.post("/sign-in/passkey", content=b"\xff\xfe\x00", headers=plain).status_code == 415


def test_the_calendar_day_of_an_invitation_is_the_programs_own(cast: Cast) -> None:
    """It is still Sunday evening in Montréal when Monday has begun in UTC."""
    late = AT.replace(hour=3)  # 22:00 on 22 November in Montréal
    invited(cast, "manager_em", at=late)
    assert "jusqu’au 29 novembre 2026" in letters(cast, "manager_em", "invitation")[0]
    assert date(2026, 11, 29) == (late + OPEN_FOR["invitation"] - timedelta(hours=5)).date()
