"""The letters as their readers get them, in both languages."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from domain.kernel.languages import Language
from domain.mail import letters
from domain.mail.envelopes import Mailbox, mime
from domain.mail.letters import Letters

render_letter = Letters().render

TASK = "/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69"
CASE = "/cases/0c9d1e2f-3a4b-4c5d-8e6f-7a8b9c0d1e2f"
ITEM = {"title": "Remettre le cahier", "case": "Accueil : Zoé Untel", "due_on": date(2026, 12, 1), "path": TASK}
DEPUTY_ITEM = {**ITEM, "for_name": "Luc Fictif", "due_on": None}

FACTS: dict[str, Any] = {
    "counts": False,
    "own_waiver": False,
    "name": "Nadia",
    "program": "SPHÈRES – Grand Montréal",
    "base_url": "https://spheres.example.org",
    "path": TASK,
    "title": "Accès au réseau sécurisé",
    "case": "Accueil : Zoé Untel",
    "by_name": "Luc Fictif",
    "due_on": date(2026, 12, 1),
    "role": "Gestionnaire",
    "organization": "En Marge 12-17",
    "since": date(2026, 12, 1),
    "tasks": 2,
    "is_anew": False,
    "protocol": "Accueil",
    "anchor": "Arrivée",
    "anchor_on": date(2027, 1, 4),
    "recipient": "Zoé Untel",
    "recipients": "Zoé Untel",
    "missed": [{"recipient": "Zoé Untel", "subject": "À approuver : Accès au réseau sécurisé", "path": TASK}],
    "is_silent_then": True,
    "subject": "À approuver : Accès au réseau sécurisé",
    "refused": True,
    "attempts": 1,
    "code": "550 5.1.1",
    "gate": "Peut suivre des participants",
    "steps": "Présenter le programme, Remettre le cahier",
    "asked": [],
    "to_do": [],
    "late": [],
    "to_approve": [],
    "acting_for": [],
    "team": [],
    "owed": [],
    "until": date(2026, 12, 8),
    "device": "Firefox, Windows",
    "on": date(2026, 12, 1),
    "number": 412,
    "export": 2,
    "signature": "0c9d1e2f-3a4b4c5d",
    "day": date(2026, 12, 1),
    "agreement": "Entente de partenariat",
    "days": 60,
    "starts_on": date(2026, 12, 7),
    "signed_on": date(2026, 11, 20),
    "deputy": "Luc Fictif",
    "officer": "Luc Fictif",
    "ends_on": date(2027, 3, 31),
    "reader": "Luc Fictif",
    "released_by": "Ada Exemple",
    "patterns": [{"words": "beaucoup de dossiers en peu de temps : 14 en 60 minutes"}],
    "clock": "2:20 p.m.",
    "until_clock": "3:05 p.m.",
    "to_decide": True,
    "accepted": False,
    "given_on": date(2026, 12, 1),
    "given_by": "partner",
    "never_begins": "version 2 (1er janvier 2027)",
    "shorter_agreed": True,
    "tell": "Ada Exemple",
    "is_asked": True,
    "is_to_come": True,
    "answers": True,
}

BOTH: tuple[Language, ...] = ("fr", "en")


def _written(template: str, language: Language, **facts: Any) -> str:
    letter = render_letter(template, language=language, facts={**FACTS, **facts})
    return f"{letter.subject}\n\n{letter.text}"


def _expected(text: str) -> str:
    """`text` without its margin; "~" stands for the no-break space of French typography."""
    return re.sub(r"(?m)^ {8}", "", text).lstrip("\n").rstrip(" ").replace("~", "\N{NO-BREAK SPACE}")


# ----------------------------------------------------------------------------------------------- as a reader sees them


def test_the_french_letter_that_asks_for_an_approval() -> None:
    assert _written("task_to_approve", "fr") == _expected("""
        À approuver~: Accès au réseau sécurisé

        Bonjour Nadia,

        Luc Fictif a terminé une tâche et attend votre approbation~: «~Accès au réseau sécurisé~» (Accueil~: Zoé Untel).

        Voir la tâche et répondre
        https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69

        S’il manque quelque chose, vous pouvez la renvoyer en disant ce qu’il faudrait changer.

        Bonne journée,

        SPHÈRES – Grand Montréal

        Cet avis est envoyé automatiquement. Une question? Écrivez à la coordination du programme.
    """)


def test_the_english_letter_about_a_task_handed_back() -> None:
    assert _written("task_handed_back", "en", title="Secure network access") == _expected("""
        Task handed back: Secure network access

        Hello Nadia,

        Luc Fictif cannot do this task and hands it back to you: “Secure network access” \
(Accueil : Zoé Untel). It is planned for December 1, 2026.

        See the task and its note
        https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69

        Have a good day,

        SPHÈRES – Grand Montréal

        This notice is sent automatically. A question? Write to the program’s coordination.
    """)


def test_the_french_digest_of_a_day() -> None:
    digest = _written("daily_digest", "fr", to_do=[ITEM, ITEM], late=[ITEM], acting_for=[DEPUTY_ITEM], path="/my-work")
    assert digest == _expected("""
        Votre journée~: 2~tâches à faire, 1~tâche dont la date est passée, 1~tâche en remplacement

        Bonjour Nadia,

        Voici où en sont les choses ce matin.

        À faire
        -------

        - Remettre le cahier (Accueil~: Zoé Untel), pour le 1er décembre 2026
          https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69
        - Remettre le cahier (Accueil~: Zoé Untel), pour le 1er décembre 2026
          https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69

        La date est passée
        ------------------

        Rien n’est perdu. S’il manque quelque chose pour avancer, dites-le à la coordination.

        - Remettre le cahier (Accueil~: Zoé Untel), prévue le 1er décembre 2026
          https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69

        En remplacement
        ---------------

        - Remettre le cahier (Accueil~: Zoé Untel), pour Luc Fictif
          https://spheres.example.org/tasks/6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69

        Voir tout mon travail
        https://spheres.example.org/my-work

        Bonne journée,

        SPHÈRES – Grand Montréal

        Cet avis est envoyé automatiquement. Une question? Écrivez à la coordination du programme.
    """)


def test_the_english_digest_counts_in_its_subject_and_leaves_out_what_is_empty() -> None:
    written = _written("daily_digest", "en", to_approve=[ITEM], late=[ITEM, ITEM], team=[DEPUTY_ITEM])
    assert written.startswith("Your day: 2 tasks past their date, 1 task to approve, 1 task in your team\n")
    assert "To do" not in written
    assert "As deputy" not in written


def test_a_digest_with_nothing_in_it_says_so() -> None:
    assert _written("daily_digest", "fr").startswith("Votre journée\N{NO-BREAK SPACE}: rien d’urgent\n")
    assert "Nothing is waiting for you" in _written("daily_digest", "en")


def test_a_digest_for_someone_without_a_team_needs_no_such_fact() -> None:
    facts = {name: value for name, value in FACTS.items() if name not in ("team", "owed")}
    assert "équipe" not in render_letter("daily_digest", language="fr", facts=facts).text


def test_the_french_letter_about_a_vacant_role() -> None:
    written = _written("role_vacant", "fr")
    assert written.startswith(
        _expected("""
        Rôle vacant~: Gestionnaire (En Marge 12-17)

        Bonjour Nadia,

        Ce rôle est vacant depuis le 1er décembre 2026~: Gestionnaire, En Marge 12-17.

        Le tableau affiche ce qui attend ce rôle, et qui s’en charge d’ici là.

        Voir le rôle et nommer quelqu’un
    """)
    )


def test_a_coordinator_reads_why_a_letter_did_not_arrive() -> None:
    refused = _written("notice_given_up", "en")
    assert "The mail server refused it (code 550 5.1.1)." in refused
    assert "Accès au réseau sécurisé\N{NO-BREAK SPACE}».\n" in _written("notice_given_up", "fr")
    tried = _written("notice_given_up", "fr", refused=False, attempts=7, code="")
    assert "Nous avons essayé 7\N{NO-BREAK SPACE}fois sans y arriver.\n" in tried


def test_an_opened_case_tells_its_day_and_how_much_waits() -> None:
    written = _written("case_opened", "fr", tasks=1)
    assert "Arrivée\N{NO-BREAK SPACE}: 4 janvier 2027.\n" in written
    assert "1\N{NO-BREAK SPACE}tâche vous y attend, avec sa date.\n" in written
    bare = _written("case_opened", "en", tasks=0, anchor_on=None)
    assert "Arrivée" not in bare
    assert "for you there" not in bare


def test_a_case_that_is_opened_again_after_a_restore_says_that_it_takes_the_place_of_the_one_before() -> None:
    assert "place of the one that was opened before" in _written("case_opened", "en", is_anew=True)
    assert "prend la place" in _written("case_opened", "fr", is_anew=True)
    assert "place" not in _written("case_opened", "fr")


# --------------------------------------------------------------------------------------------------- every letter


#: Whoever loses what they were to hold may have no page any more.
LEADS_NOWHERE = {"appointment_taken_back"}

EVERY = [(name, language) for name in Letters().names() for language in BOTH]


@pytest.mark.parametrize("name", Letters().names())
def test_both_languages_of_a_letter_use_the_same_facts(name: str) -> None:
    french, english = (Letters().facts_of(name, language) for language in BOTH)
    assert french == english
    # The one about who has no address leads to each person whom it names.
    leads_to = {"base_url"} if name == "no_address" else set() if name in LEADS_NOWHERE else {"base_url", "path"}
    assert {"name", "program"} | leads_to <= french <= set(FACTS)


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_letter_greets_says_goodbye_and_leads_to_a_page(name: str, language: Language) -> None:
    letter = render_letter(name, language=language, facts=FACTS)
    assert letter.text.split("\n")[0] == {"fr": "Bonjour Nadia,", "en": "Hello Nadia,"}[language]
    assert "SPHÈRES – Grand Montréal" in letter.text
    leads_to_a_page = name not in LEADS_NOWHERE
    assert (f"https://spheres.example.org{TASK}\n" in letter.text) is leads_to_a_page
    assert (f'<a href="https://spheres.example.org{TASK}">' in letter.html) is leads_to_a_page
    assert f'<html lang="{language}-CA">' in letter.html
    assert not re.search(r"[{}\ue000-\uf8ff]", letter.subject + letter.text)
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_fact_that_a_letter_needs_cannot_be_forgotten(name: str, language: Language) -> None:
    facts = {fact: value for fact, value in FACTS.items() if fact != "name"}
    with pytest.raises(UndefinedError, match="name"):
        render_letter(name, language=language, facts=facts)


def test_a_day_or_nothing_is_never_written_by_accident(tmp_path: Path) -> None:
    (tmp_path / "odd.fr.txt").write_text("Subject: Un mot\n\n{{ due_on }}\n", encoding="utf-8")
    for value in (date(2026, 12, 1), None, True, ["a"], b"bytes"):
        with pytest.raises(TypeError, match="text or a number"):
            Letters([tmp_path]).render("odd", language="fr", facts={"due_on": value})


def test_a_protocols_own_folder_goes_before_the_common_one(tmp_path: Path) -> None:
    (tmp_path / "welcome.en.txt").write_text(
        'Subject: Welcome\n\nHello {{ name }},\n\n{% include "_closing.en.txt" %}\n', encoding="utf-8"
    )
    (tmp_path / "task_rejected.en.txt").write_text("Subject: Ours\n\nHello {{ name }}\n", encoding="utf-8")
    both = Letters([tmp_path, letters.COMMON])
    assert "Have a good day," in both.render("welcome", language="en", facts=FACTS).text
    assert both.render("task_rejected", language="en", facts=FACTS).subject == "Ours"
    with pytest.raises(TemplateNotFound):
        both.render("welcome", language="fr", facts=FACTS)
    for outside in ("../secrets", "_closing", "", "Task"):
        with pytest.raises(ValueError, match="one word"):
            both.render(outside, language="en", facts=FACTS)


# --------------------------------------------------------------------------------------- what facts may not do


def test_a_fact_is_never_a_list_a_heading_a_paragraph_nor_a_link() -> None:
    sly = "- un\n\n# deux\r\nSubject: trois <script>alert(1)</script> https://ailleurs.example &amp; «"
    letter = render_letter("task_to_approve", language="fr", facts={**FACTS, "by_name": sly})
    assert "<li>" not in letter.html
    assert "<h2" not in letter.html
    assert "<script" not in letter.html
    assert letter.html.count("<a ") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; https://ailleurs.example &amp;amp;" in letter.html
    assert "\n- un # deux Subject: trois <script>alert(1)</script> https://ailleurs.example &amp; «" in letter.text


def test_a_fact_cannot_forge_the_marks_of_a_link_nor_hide_characters() -> None:
    forged = "\ue002ici\ue003https://ailleurs.example\ue004 \u202egauche\u200b\ufeff\x07\ud800 fin"
    letter = render_letter("task_to_approve", language="fr", facts={**FACTS, "title": forged})
    assert letter.html.count("<a ") == 1
    assert letter.subject == "À approuver\N{NO-BREAK SPACE}: icihttps://ailleurs.example gauche fin"


def test_names_keep_their_accents_apostrophes_and_emoji() -> None:
    name = "Zoé-Mae\u0301 O'Brien 👩\u200d💻"
    letter = render_letter("task_to_approve", language="en", facts={**FACTS, "by_name": name})
    assert "Zoé-Maé O'Brien 👩\u200d💻 has finished" in letter.text


def test_a_fact_of_a_megabyte_is_cut_and_a_subject_stays_short() -> None:
    letter = render_letter("task_to_approve", language="fr", facts={**FACTS, "title": "é" * 1_000_000})
    assert len(letter.subject) == letters.LONGEST_SUBJECT
    assert letter.subject.endswith("…")
    assert len(letter.text) < 2 * letters.LONGEST_FACT


@pytest.mark.parametrize(
    "path",
    [
        "https://ailleurs.example/", "//ailleurs.example/x", "tasks", "/participants/2019-02", "/tasks/../x",
        "/cases?name=zoe", "/people/Zoe", "/tasks/6b1f0a3e", "/tasks/\n", "/tasks#x", "", "//",
        "/door/" + "A" * 42, "/door/" + "A" * 43 + "/x",
        f"/program/agreements/{UUID(int=7)}?n=zoe", f"/program/agreements/{UUID(int=7)}?n=20190",
        f"/people/{UUID(int=7)}?n=2",
    ],
)  # fmt: skip
def test_a_letter_links_only_to_our_pages_by_opaque_ids(path: str) -> None:
    with pytest.raises(ValueError, match="opaque ids"):
        render_letter("case_cancelled", language="fr", facts={**FACTS, "path": path})


@pytest.mark.parametrize(
    "base", ["javascript:alert(1)", "https://a.example\n", 'https://"x', "spheres.example.org", ""]
)
def test_the_address_under_which_links_stand_is_checked(base: str) -> None:
    with pytest.raises(ValueError, match="opaque ids"):
        render_letter("case_cancelled", language="fr", facts={**FACTS, "base_url": base})


@pytest.mark.parametrize("base", ["http://127.0.0.1:8400", "http://[::1]:8400/", "https://SPHERES.example.org"])
def test_the_program_may_stand_on_this_machine(base: str) -> None:
    text = render_letter("case_cancelled", language="en", facts={**FACTS, "base_url": base}).text
    assert f"{base.rstrip('/')}{TASK}\n" in text


def test_the_program_may_stand_under_a_folder_of_an_address() -> None:
    facts = {**FACTS, "base_url": "https://example.org/spheres/", "path": CASE}
    assert f"https://example.org/spheres{CASE}\n" in render_letter("case_cancelled", language="en", facts=facts).text


@pytest.mark.ci
@settings(deadline=None)  # a busy machine is not a fault of the letter
@given(st.text(max_size=300))
def test_whatever_a_fact_holds_the_shape_of_the_letter_stays(fact: str) -> None:
    letter = render_letter("task_to_approve", language="fr", facts={**FACTS, "title": fact, "by_name": fact})
    plain = render_letter("task_to_approve", language="fr", facts=FACTS)
    assert letter.html.count("<") == plain.html.count("<")
    assert letter.text.count("\n") == plain.text.count("\n")
    assert "\n" not in letter.subject
    box, sent_at = Mailbox("avis@example.org"), datetime(2026, 12, 7, 13, 5, tzinfo=UTC)
    assert mime(letter, sender=box, to=box, message_id="<a@example.org>", date=sent_at, language="fr").isascii()


@pytest.mark.parametrize(("language", "said"), [("fr", "Rien n’est suspendu"), ("en", "Nothing is suspended")])
def test_the_letter_of_an_objection_says_that_it_stops_nothing_where_its_partner_is_freed(
    language: Language, said: str
) -> None:
    own, other = (
        render_letter("decision_objected", language=language, facts={**FACTS, "own_waiver": is_own}).text
        for is_own in (True, False)
    )
    assert said in own
    assert said not in other


def test_a_sentence_that_ends_with_an_abbreviation_has_one_full_stop(tmp_path: Path) -> None:
    source = "Subject: At {{ clock }}\n\nIt was at {{ clock }}. It goes… At {{ clock }}, and then.\n"
    (tmp_path / "gone.en.txt").write_text(source, encoding="utf-8")
    letter = Letters([tmp_path]).render("gone", language="en", facts={**FACTS, "clock": "9:30 a.m."})
    assert letter.text == "It was at 9:30 a.m. It goes… At 9:30 a.m., and then.\n"
    assert "a.m.." not in letter.html
