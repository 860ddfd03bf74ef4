"""One form, signed once for all that is ticked on it: what it takes, what it refuses, and what narrows it by a word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlmodel import Session

from domain.accompaniment import breaks, consent_forms, consents, states
from domain.accompaniment.consent_forms import GivenSignature, PartnerTick, SignedForm
from domain.accompaniment.consents import STORE, KeptTick
from domain.admissions import correcting
from domain.casework import LARGEST_DOCUMENT
from domain.follow_ups import assigning
from domain.kernel import Refusal
from domain.participants import research
from domain.participants.consent_text import RESEARCH, text_of
from domain.terms import circle_of
from models.agreement import AgreementVersion
from models.base import table_of
from models.consent import Consent, ConsentForm, ResearchConsent
from models.record import Event
from tests.agreeing import PDF
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, left_without_consent, row_of, tasks_of
from tests.refusing import refused
from tests.signing import DRAWN, SCAN, a_touch, nothing_drawn

_consent, _form, _event = table_of(Consent), table_of(ConsentForm), table_of(Event)
_research, _version = table_of(ResearchConsent), table_of(AgreementVersion)

DAY: Final = timedelta(days=1)
FORM: Final = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True)


@pytest.fixture
def file(cast: Cast, arranged: Arranged[tuple[UUID, UUID]]) -> tuple[UUID, UUID]:
    """A participant of 16 without any consent yet, and the follow-up: every agreement in force."""
    return arranged(cast, _file)


def _file(cast: Cast) -> tuple[UUID, UUID]:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        participant_id: UUID = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant_id)
        left_without_consent(session, participant_id)
        return participant_id, follow_up


def ticks(cast: Cast, *partners: str, ends_on: date | None = None) -> tuple[PartnerTick, ...]:
    return tuple(PartnerTick(cast.organizations[one], ends_on=ends_on) for one in partners)


def sign(
    session: Session,
    cast: Cast,
    participant_id: UUID,
    *partners: str,
    signature: GivenSignature = DRAWN,
    by: str = WORKER,
    at: datetime = AT,
    **said: Any,
) -> list[UUID]:
    form = replace(FORM, **{"partners": ticks(cast, *partners), **said})
    return consent_forms.sign_form(session, participant_id, form, signature, by=cast.actor(by), at=at)


def kept_of(session: Session, participant_id: UUID, *without: UUID, **days: date) -> list[KeptTick]:
    """All that stands but some; with another last day of those of a purpose."""
    standing = consents.standing_of(session, participant_id, TODAY)
    return [
        KeptTick(row.id, days.get(row.purpose, row.ends_on) if row.purpose in days else row.ends_on)
        for row in standing
        if row.id not in without
    ]


def test_one_save_writes_a_form_its_lines_and_its_sealed_signature(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    spring = TODAY + 160 * DAY
    with cast.session() as session:
        partners = (*ticks(cast, "codim", ends_on=spring), PartnerTick(cast.organizations["spvm"], "referral"))
        made = sign(session, cast, participant_id, partners=partners, research=True, ends_on=spring + DAY)
        rows = session.execute(
            select(_consent.c.id, _consent.c.purpose, _consent.c.ends_on, _consent.c.form_id, _consent.c.text_version)
            .where(_consent.c.id.in_(made))
            .order_by(_consent.c.purpose)
        ).all()
        assert [(row.purpose, row.ends_on, row.text_version) for row in rows] == [
            ("program", spring + DAY, 3),
            ("referral", None, 3),
            ("sharing", spring, 3),
        ]
        (form_id,) = {row.form_id for row in rows}
        kept = session.execute(select(_form).where(_form.c.id == form_id)).one()
        words = text_of(3, "fr")
        lines = (
            words.line("program", "", spring + DAY),
            words.line("sharing", "CODIM", spring),
            words.line("referral", "SPVM", None),
            words.line(RESEARCH, "", None),
        )
        whole = hashlib.sha256("\n".join((words.digest, *lines)).encode()).hexdigest()
        assert kept.text_digest == whole, "of the text with each line that was ticked, in the order of the form"
        assert b"PNG" not in bytes(kept.sealed), "sealed under the participant's key"
        read = consent_forms.read_signature(
            session, participant_id, form_id, ground="role", by=cast.actor("coordinator"), at=AT
        )
        assert (read.content_type, read.content[:4]) == ("image/png", b"\x89PNG")
        told = session.execute(select(_event).where(_event.c.verb == "read").order_by(_event.c.n.desc())).first()
        assert told is not None
        assert (told.subject_id, told.facts["what"]) == (form_id, "consent_form"), "each reading has its line"
        assert len(tasks_of(session, STORE)) == 1, "one form, asked to be stored once"


@pytest.mark.parametrize(
    ("said", "signature", "code"),
    [
        ({"explained_on": TODAY + DAY}, SCAN, "consent.days"),
        ({"signed_on": TODAY + DAY}, SCAN, "consent.days"),
        ({"worker_signed_on": TODAY - DAY, "explained_on": TODAY}, SCAN, "consent.days"),
        ({"limits_stated": False}, SCAN, "consent.limits"),
        ({"signed_by": "parental_authority"}, SCAN, "consent.own"),
        ({"signed_by": "neighbour"}, SCAN, "consent.purpose"),
        ({"signed_on": TODAY - DAY, "explained_on": TODAY - DAY}, DRAWN, "consent.drawn_elsewhere"),
        ({}, GivenSignature("drawn", nothing_drawn()), "consent.not_signed"),
        ({}, GivenSignature("drawn", a_touch()), "consent.not_signed"),
        ({}, GivenSignature("drawn", b"no picture"), "consent.not_drawn"),
        ({}, GivenSignature("drawn", DRAWN.content[:200]), "consent.not_drawn"),
        ({}, GivenSignature("paper", b"%PDF-1.7 cut off", "scan.pdf"), "document.damaged"),
        ({}, GivenSignature("paper", b"no picture", "scan.png"), "document.not_what_it_says"),
        ({}, GivenSignature("paper", b"", "scan.png"), "document.empty"),
        ({}, GivenSignature("paper", b"Signed, Ondine", "scan.txt"), "consent.scan"),
        ({}, GivenSignature("paper", DRAWN.content, "scan.exe"), "document.unknown_kind"),
        ({}, GivenSignature("paper", nothing_drawn(), "scan.png"), "document.empty"),
        ({}, GivenSignature("paper", b"\x00" * (LARGEST_DOCUMENT + 1), "scan.png"), "document.too_large"),
        ({"language": "la"}, SCAN, "consent.no_text"),
        ({"text_version": 99}, SCAN, "consent.no_text"),
        ({"text_version": 2, "research": True}, SCAN, "consent.text_of_no_research"),
        ({"ends_on": TODAY - DAY}, SCAN, "consent.ends"),
    ],
)
def test_what_is_no_signed_form_is_refused_and_nothing_of_it_is_kept(
    cast: Cast, file: tuple[UUID, UUID], said: dict[str, Any], signature: GivenSignature, code: str
) -> None:
    participant_id, _ = file
    with cast.session() as session, refused(code):
        sign(session, cast, participant_id, "codim", signature=signature, **said)
    with cast.session() as session:
        assert not consents.standing_of(session, participant_id, TODAY)
        assert len(consent_forms.forms_of(session, participant_id)) == 1, "the one from before the tests"


def test_a_partner_whose_agreement_ended_yesterday_is_named_and_all_of_the_form_is_refused(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        of_spvm = text(
            "update agreement_version set ends_on = :day, state = 'ended' where agreement_id in"
            " (select id from agreement where organization_id = :place)"
        )
        session.execute(of_spvm, {"day": TODAY - DAY, "place": cast.organizations["spvm"]})
    with cast.session() as session, pytest.raises(Refusal) as refusal:
        sign(session, cast, participant_id, "codim", "spvm")
    assert (refusal.value.code, refusal.value.facts["partner"]) == ("consent.no_agreement", "SPVM")
    with cast.session() as session:
        assert not consents.standing_of(session, participant_id, TODAY), "nor is it shared with the other one"


def test_a_partner_is_ticked_once_a_purpose_and_is_of_the_program(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        with refused("consent.twice"):
            sign(session, cast, participant_id, "codim", "codim")
        with refused("consent.partner"):
            sign(session, cast, participant_id, partners=(PartnerTick(UUID(int=1)),))
        with refused("consent.purpose"):
            sign(session, cast, participant_id, partners=(PartnerTick(cast.organizations["spvm"], "gossip"),))
        both = (*ticks(cast, "codim"), PartnerTick(cast.organizations["codim"], "referral"))
        assert len(sign(session, cast, participant_id, partners=both)) == 3


def test_a_drawing_is_recorded_by_the_worker_who_saw_it_drawn_and_by_nobody_else(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        with refused("consent.drawn_elsewhere"):
            sign(session, cast, participant_id, by="coordinator", worker_id=cast.people[WORKER])
        with refused("consent.worker"):
            sign(session, cast, participant_id, by="coordinator")
        sign(session, cast, participant_id, by="coordinator", worker_id=cast.people[WORKER], signature=SCAN)


def test_a_scan_is_kept_without_the_name_of_its_file_and_without_its_metadata(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        sign(
            session, cast, participant_id, at=AT + DAY, signature=GivenSignature("paper", PDF, "Ondine Fougère-Lys.pdf")
        )
        form = consent_forms.forms_of(session, participant_id)[0]
        read = consent_forms.read_signature(
            session, participant_id, form.id, ground="role", by=cast.actor("coordinator"), at=AT
        )
        assert read.content_type == "application/pdf"
        everything = " ".join(
            str(row) for table in (_form, _consent, _event) for row in session.execute(select(table)).all()
        )
    assert "Fougère" not in everything
    assert ".pdf" not in everything


def test_what_is_not_ticked_on_a_new_form_is_withdrawn_and_closes_at_once(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        sign(session, cast, participant_id, "codim", "spvm", research=True)
        sign(session, cast, participant_id, "codim", at=AT + DAY, signature=SCAN)
        circle = circle_of(session, participant_id, TODAY)
        assert circle.agrees_to(cast.organizations["codim"])
        assert not circle.agrees_to(cast.organizations["spvm"])
        rows = session.execute(select(_consent).where(_consent.c.organization_id == cast.organizations["spvm"])).all()
        assert [row.withdrawn_on for row in rows if row.withdrawn_on] == [TODAY + DAY]
        assert research.research_consent(session, participant_id) is not None, "research is apart"


def test_a_paper_of_the_day_of_a_withdrawal_shares_nothing_again_unless_it_is_said_to_be_later(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        made = sign(session, cast, participant_id, "codim", "spvm", ends_on=TODAY + 90 * DAY)
        kept = kept_of(session, participant_id, made[1], program=TODAY + 30 * DAY)
        consents.narrow(session, participant_id, kept, by=cast.actor(WORKER), at=AT)
        for partners, ends_on, code in (
            (("codim", "spvm"), TODAY + 30 * DAY, "consent.withdrawn_since"),
            (("spvm",), TODAY + 90 * DAY, "consent.narrowed_since"),
        ):
            with refused(code):
                sign(session, cast, participant_id, *partners, signature=SCAN, ends_on=ends_on)
        sign(session, cast, participant_id, "codim", "spvm", signature=SCAN, signed_after=True)
        assert len(consents.standing_of(session, participant_id, TODAY)) == 3
        consents.narrow(session, participant_id, kept_of(session, participant_id)[:1], by=cast.actor(WORKER), at=AT)
        assert len(sign(session, cast, participant_id, "codim")) == 2, "drawn now, before the worker"


def test_a_paper_that_is_older_than_a_withdrawal_brings_nothing_back(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        made = sign(session, cast, participant_id, "codim")
        kept = kept_of(session, participant_id, made[1])
        consents.narrow(session, participant_id, kept, by=cast.actor(WORKER), at=AT + DAY)
        with refused("consent.withdrawn_since"):
            sign(session, cast, participant_id, "codim", signature=SCAN, at=AT + 2 * DAY)
        later: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY + 2 * DAY)
        sign(session, cast, participant_id, "codim", signature=SCAN, at=AT + 2 * DAY, **later)
        assert circle_of(session, participant_id, TODAY + 2 * DAY).agrees_to(cast.organizations["codim"])


def test_a_paper_that_is_older_than_another_form_adds_no_partner_that_was_left_out(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        before: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY)
        today: dict[str, Any] = dict.fromkeys(before, TODAY + DAY)
        sign(session, cast, participant_id, at=AT + DAY, **today)
        with refused("consent.signed_since"):
            sign(session, cast, participant_id, "codim", signature=SCAN, at=AT + DAY, **before)
        assert not circle_of(session, participant_id, TODAY + DAY).agrees_to(cast.organizations["codim"])


def test_a_paper_that_is_older_than_an_earlier_last_day_puts_it_off_no_more(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    chosen, later = TODAY + 5 * DAY, TODAY + 90 * DAY
    with cast.session() as session:
        made = sign(session, cast, participant_id, "codim", "spvm")
        kept = [
            KeptTick(made[0], None),
            *(
                KeptTick(one.id, chosen if one.organization_id == cast.organizations["codim"] else None)
                for one in consents.standing_of(session, participant_id, TODAY)
                if one.id != made[0]
            ),
        ]
        consents.narrow(session, participant_id, kept, by=cast.actor(WORKER), at=AT + DAY)
        for ends_on in (None, later):
            wider = (*ticks(cast, "codim", ends_on=ends_on), *ticks(cast, "spvm"))
            with refused("consent.narrowed_since"):
                sign(session, cast, participant_id, partners=wider, signature=SCAN, at=AT + 2 * DAY)
        same = (*ticks(cast, "codim", ends_on=chosen), *ticks(cast, "spvm"))
        sign(session, cast, participant_id, partners=same, signature=SCAN, at=AT + 2 * DAY)
        assert not circle_of(session, participant_id, chosen + DAY).agrees_to(cast.organizations["codim"])
        assert circle_of(session, participant_id, chosen + DAY).agrees_to(cast.organizations["spvm"])


@pytest.mark.parametrize("on_file", [True, False], ids=["one that was given", "a no where none was on file"])
def test_a_paper_that_is_older_than_a_withdrawal_of_research_counts_for_no_research(
    cast: Cast, file: tuple[UUID, UUID], on_file: bool
) -> None:
    participant_id, _ = file
    by, next_day = cast.actor(WORKER), AT + DAY
    with cast.session() as session:
        sign(session, cast, participant_id, research=on_file)
        kept = kept_of(session, participant_id)
        consents.narrow(session, participant_id, kept, no_research=True, by=by, at=next_day)
        sign(session, cast, participant_id, research=True, signature=SCAN, at=next_day)
        assert research.research_consent(session, participant_id) is None
        with refused("research.withdrawn_since"):
            research.keep_research_consent(session, participant_id, TODAY, by=by, at=next_day)
        later: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY + DAY)
        sign(session, cast, participant_id, research=True, signature=SCAN, at=next_day, **later)
        assert research.research_consent(session, participant_id) is not None


def test_of_two_windows_the_later_one_is_told_that_the_other_was_first(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        made = sign(session, cast, participant_id, "codim", "spvm")
        seen = session.scalar(text("select version from participant where id = :id"), {"id": participant_id})
        first, second = kept_of(session, participant_id, made[1]), kept_of(session, participant_id, made[2])
        by = cast.actor(WORKER)
        consents.narrow(session, participant_id, first, seen=seen, by=by, at=AT)
        with refused("participant.changed"):
            consents.narrow(session, participant_id, second, seen=seen, by=by, at=AT)
        with refused("participant.changed"):
            consent_forms.sign_form(session, participant_id, FORM, DRAWN, seen=seen, by=by, at=AT)
        with refused("consent.unknown"):
            consents.narrow(session, participant_id, second, by=by, at=AT)


@pytest.mark.parametrize(
    ("ends_on", "now", "code"),
    [
        (None, TODAY - DAY, "consent.day_over"),
        (TODAY + 30 * DAY, TODAY + 31 * DAY, "consent.wider"),
        (TODAY + 30 * DAY, None, "consent.wider"),
        (TODAY + 30 * DAY, TODAY + 30 * DAY, "consent.nothing_changed"),
        (None, TODAY, ""),
        (TODAY + 30 * DAY, TODAY + 29 * DAY, ""),
    ],
)
def test_a_last_day_comes_earlier_by_a_word_and_never_later(
    cast: Cast, file: tuple[UUID, UUID], ends_on: date | None, now: date | None, code: str
) -> None:
    participant_id, _ = file
    with cast.session() as session:
        made = sign(session, cast, participant_id, partners=ticks(cast, "codim", ends_on=ends_on))
        kept = [KeptTick(made[0], None), KeptTick(made[1], now)]

        def narrow() -> None:
            consents.narrow(session, participant_id, kept, by=cast.actor(WORKER), at=AT)

        if code:
            with refused(code):
                narrow()
            return
        narrow()
        assert now is not None
        codim = cast.organizations["codim"]
        assert circle_of(session, participant_id, now).agrees_to(codim), "the last day counts"
        assert not circle_of(session, participant_id, now + DAY).agrees_to(codim)
        row = session.execute(select(_consent).where(_consent.c.id == made[1])).one()
        assert row.agreed_until == ends_on, "what was signed stays what it was"


def test_one_letter_tells_the_worker_of_all_that_was_withdrawn_in_one_act(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        sign(session, cast, participant_id, "codim", "spvm", "anonyme")
        consents.narrow(session, participant_id, [], by=cast.actor("coordinator"), at=AT)
        letters = session.scalar(text("select count(*) from notice where template = 'consent_taken_back'"))
        assert letters == 1
        assert not consents.standing_of(session, participant_id, TODAY)


def test_the_workers_own_organization_is_not_asked_about_and_never_left_out(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, follow_up = file
    mine, theirs = cast.organizations["ccsmtl"], cast.organizations["codim"]
    with cast.session() as session:
        sign(session, cast, participant_id)
        assert mine not in {place for place, _ in consents.partners_for(session, participant_id, TODAY)}
        circle = circle_of(session, participant_id, TODAY)
        assert circle.agrees_to(mine)
        assert not circle.agrees_to(theirs)
        by = cast.actor("coordinator")
        with refused("assignment.not_agreed"):
            assigning.assign_worker(
                session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT
            )
        sign(session, cast, participant_id, "codim")
        assigning.assign_worker(session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT)
        circle = circle_of(session, participant_id, TODAY)
        assert circle.agrees_to(theirs)
        assert not circle.agrees_to(mine), "which accompanies nobody now, and was not ticked"
        asked = {place for place, _ in consents.partners_for(session, participant_id, TODAY)}
        assert mine in asked
        assert theirs not in asked
        sign(session, cast, participant_id, by=SECOND, at=AT)
        assert circle_of(session, participant_id, TODAY).agrees_to(theirs), "a new form leaves what it does not ask"


def test_a_colleague_goes_on_where_the_worker_left_and_nobody_follows(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, follow_up = file
    by = cast.actor("coordinator")
    with cast.session() as session:
        sign(session, cast, participant_id)
        assigning.end_part(session, follow_up, cast.people[WORKER], by=by, at=AT + 2 * DAY)
        circle = circle_of(session, participant_id, TODAY + 3 * DAY)
        assert circle.agrees_to(cast.organizations["ccsmtl"]), "of the last worker"
        assert not circle.agrees_to(cast.organizations["codim"])
        with refused("assignment.not_agreed"):
            assigning.assign_worker(session, follow_up, cast.people[SECOND], by=by, at=AT + 3 * DAY)


@pytest.mark.parametrize("ended", [False, True])
def test_a_colleague_goes_on_after_a_break_and_signs_anew_after_an_ending(
    cast: Cast, file: tuple[UUID, UUID], ended: bool
) -> None:
    participant_id, follow_up = file
    by, home = cast.actor("coordinator"), cast.organizations["ccsmtl"]
    with cast.session() as session:
        sign(session, cast, participant_id)
        if ended:
            states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT + DAY)
            states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT + 2 * DAY)
        else:
            back = TODAY + 4 * DAY
            breaks.take_break(session, follow_up, returns_on=back, terms="Je rappelle.", by=by, at=AT + DAY)
            assigning.end_part(session, follow_up, cast.people[WORKER], by=by, at=AT + DAY)
            breaks.come_back(session, follow_up, by=by, at=AT + 2 * DAY)
        assert circle_of(session, participant_id, TODAY + 3 * DAY).agrees_to(home) is not ended


def test_who_may_sign_is_judged_on_the_day_of_the_signature_also_where_a_birthday_comes_between(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    birthday = TODAY + 2 * DAY
    with cast.session() as session:
        born = birthday.replace(year=birthday.year - 14)
        correcting.correct_identity(session, participant_id, {"birth_date": born}, by=cast.actor(WORKER), at=AT)
        with refused("consent.too_young"):
            sign(session, cast, participant_id)
        later = AT + 3 * DAY
        # The paper of before the birthday, entered after it: it holds, and is looked at again at once.
        sign(session, cast, participant_id, signed_by="parental_authority", signature=SCAN, at=later)
        assert len(tasks_of(session, "consent.review")) == 1
        on_it: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), birthday)
        with refused("consent.own"):
            sign(session, cast, participant_id, signed_by="parental_authority", signature=SCAN, at=later, **on_it)
        sign(session, cast, participant_id, signature=SCAN, at=later, **on_it)
        assert {task["state"] for task in tasks_of(session, "consent.review")} == {"done"}


def test_a_form_that_another_replaced_is_stored_too_and_the_last_one_is_asked_for(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    by = cast.actor("coordinator")
    with cast.session() as session:
        sign(session, cast, participant_id, copy_given_on=TODAY)
        sign(session, cast, participant_id, "codim", at=AT + timedelta(hours=1))
        last, first, *_ = consent_forms.forms_of(session, participant_id)
        consent_forms.store_form(session, participant_id, first.id, by=by, at=AT + DAY)
        assert [task["state"] for task in tasks_of(session, STORE)][-1] == "open"
        with refused("consent.copy"):
            consent_forms.store_form(session, participant_id, last.id, by=by, at=AT + DAY)
        with refused("consent.copy"):
            consent_forms.give_copy(session, participant_id, last.id, TODAY + 2 * DAY, by=by, at=AT + DAY)
        consent_forms.give_copy(session, participant_id, last.id, TODAY, by=by, at=AT + DAY)
        consent_forms.store_form(session, participant_id, last.id, by=by, at=AT + DAY)
        assert [task["state"] for task in tasks_of(session, STORE)][-1] == "done"
        with refused("consent.stored"):
            consent_forms.store_form(session, participant_id, last.id, by=by, at=AT + DAY)


def test_a_form_of_somebody_else_is_neither_read_nor_stored(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    by = cast.actor("coordinator")
    with cast.session() as session:
        other: UUID = row_of(session, followed(session, cast, "#2026-02"))["participant_id"]
        sign(session, cast, participant_id)
        form = consent_forms.forms_of(session, participant_id)[0]
        with refused("consent.unknown"):
            consent_forms.store_form(session, other, form.id, copy_given_on=TODAY, by=by, at=AT)
        with refused("consent.unknown"):
            consent_forms.read_signature(session, other, form.id, ground="role", by=by, at=AT)


def test_a_signature_that_was_moved_to_another_form_opens_no_more(cast: Cast, file: tuple[UUID, UUID]) -> None:
    participant_id, _ = file
    with cast.session() as session:
        sign(session, cast, participant_id)
        sign(session, cast, participant_id, at=AT + timedelta(hours=1))
        last, first, *_ = consent_forms.forms_of(session, participant_id)
        of_first = select(_form.c.sealed).where(_form.c.id == first.id).scalar_subquery()
        session.execute(update(_form).where(_form.c.id == last.id).values(sealed=of_first))
        with refused("keys.damaged"):
            consent_forms.read_signature(
                session, participant_id, last.id, ground="role", by=cast.actor("coordinator"), at=AT
            )


@pytest.mark.ci
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_is_said_in_whatever_order_a_word_never_adds_and_a_signature_says_all(data: st.DataObject) -> None:
    """Held over a model: what agrees after each step is what the last form and the words since leave."""
    cast, file = _AGAIN[0]()
    participant_id, _ = file
    partners = ("codim", "spvm", "anonyme")
    with cast.session() as session:
        model: dict[str, date | None] = {}
        by, at = cast.actor(WORKER), AT
        for _ in range(data.draw(st.integers(1, 6))):
            at += timedelta(hours=1)
            if not model or data.draw(st.booleans()):
                model = {
                    one: data.draw(st.one_of(st.none(), st.integers(0, 9).map(lambda n: TODAY + n * DAY)))
                    for one in data.draw(st.sets(st.sampled_from(partners)))
                }
                said = tuple(PartnerTick(cast.organizations[one], ends_on=day) for one, day in model.items())
                sign(session, cast, participant_id, partners=said, at=at)
                model["program"] = None
            else:
                standing = consents.standing_of(session, participant_id, TODAY)
                gone = (
                    data.draw(st.sets(st.sampled_from([row.id for row in standing if row.organization_id])))
                    if any(row.organization_id for row in standing)
                    else set()
                )
                kept = [KeptTick(row.id, row.ends_on) for row in standing if row.id not in gone]
                if not gone:
                    continue
                consents.narrow(session, participant_id, kept, by=by, at=at)
                names = {place: name for name, place in cast.organizations.items()}
                for row in standing:
                    if row.id in gone and row.organization_id:
                        model.pop(names[row.organization_id])
            for day in (TODAY, TODAY + 5 * DAY, TODAY + 10 * DAY):
                circle = circle_of(session, participant_id, day)
                for one in partners:
                    agrees = one in model and (model[one] is None or day <= model[one])  # type: ignore[operator]
                    assert circle.agrees_to(cast.organizations[one]) == agrees, (one, day, model)
        session.rollback()


#: What gives the cast and the file to a property, which takes no fixtures.
_AGAIN: list[Callable[[], tuple[Cast, tuple[UUID, UUID]]]] = []


@pytest.fixture(autouse=True)
def _for_properties(cast: Cast, file: tuple[UUID, UUID]) -> Any:
    _AGAIN[:] = [lambda: (cast, file)]
    yield
    _AGAIN.clear()


def test_research_waits_for_a_number_and_is_kept_by_the_research_coordinator(
    cast: Cast, file: tuple[UUID, UUID]
) -> None:
    participant_id, _ = file
    keeper = cast.actor("research_coordinator")
    with cast.session() as session:
        sign(session, cast, participant_id, research=True)
        sign(session, cast, participant_id, research=True, at=AT + timedelta(hours=1))
        assert session.scalar(select(func.count()).select_from(_research)) == 1, "said twice, handed over once"
        (task,) = tasks_of(session, research.KEEP)
        assert "#2026-01" in task["title_en"]
        (row,) = research.research_consents(session).rows
        assert (row.kept_by, row.kept_at) == (None, None), "the worker keeps nothing"
        research.keep_ticked(session, participant_id, by=keeper, at=AT + DAY)
        (row,) = research.research_consents(session).rows
        assert row.kept_by == keeper.person_id
        with refused("research.none_waits"):
            research.keep_ticked(session, participant_id, by=keeper, at=AT + DAY)
        (task,) = tasks_of(session, research.KEEP)
        assert task["state"] == "done"
        kept = kept_of(session, participant_id)
        consents.narrow(session, participant_id, kept, no_research=True, by=cast.actor(WORKER), at=AT + DAY)
        assert research.research_consent(session, participant_id) is None
        # Where there is none, the same is said: who records it learns nothing.
        consents.narrow(session, participant_id, kept, no_research=True, by=cast.actor(WORKER), at=AT + DAY)
