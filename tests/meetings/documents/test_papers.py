"""An agenda, its addendum, minutes and a register: the same in both languages and in both forms."""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO
from itertools import pairwise
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from domain.kernel.refusals import Refusal
from meetings.documents.content import NOTHING, AgendaContent, AgendaLine, Both, Content, DecisionLine, as_json
from meetings.documents.docx import as_docx
from meetings.documents.layout import laid_out
from meetings.documents.paper import typeset
from meetings.documents.pdf import as_pdf
from tests.meetings.documents.reading import NUMBER, alike, docx_numbers, docx_text, parts_of, pdf_tags, pdf_text
from tests.meetings.documents.samples import ADDENDUM, AGENDA, ALL, HEAD, ITEMS, LATE, MINUTES, REGISTER

LANGUAGES = ("fr", "en")
FORMS: dict[str, Callable[[Content, str], bytes]] = {"pdf": as_pdf, "docx": as_docx}
READ: dict[str, Callable[[bytes], str]] = {"pdf": pdf_text, "docx": docx_text}

every_document = pytest.mark.parametrize("content", ALL.values(), ids=ALL.keys())
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_form = pytest.mark.parametrize("form", FORMS)

HOSTILE = (
    '#set text(fill: red) #panic("x") $x^2$ *gras* _it_ `code` [a] <etiquette> @ref // rien /* rien */ \\ = Titre',
    "</w:t></w:r><w:p>&amp;&lt;]]> %(n)s %s {{ x }} ${x}",
    '"data": {"x": 1}, \\u0041 \\n \' " --- ... ~',
)


def all_texts(content: Content, language: str) -> list[str]:
    """Every text that a document in `language` should show, as it was given."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, Both):
            found.append(getattr(part, language))
        elif isinstance(part, tuple):
            for element in part:
                walk(element)
        elif hasattr(part, "__dataclass_fields__"):
            for name in part.__dataclass_fields__:
                walk(getattr(part, name))

    walk(content)
    return [text for text in found if text]


# ------------------------------------------------------------------------------------------- the same everywhere


@pytest.mark.wide(4)
@every_document
@every_language
def test_both_forms_say_the_same_in_the_same_order(content: Content, language: str) -> None:
    body = re.sub(r" (?:Page \d+ (?:sur|of) \d+)", "", pdf_text(as_pdf(content, language)))
    program = laid_out(content, language).program
    running = laid_out(content, language).title
    for repeated in (program, running):  # at the foot and head of pages
        body = body.replace(repeated, "")
    assert alike(body) == alike(docx_text(as_docx(content, language)).replace(program, "").replace(running, ""))


@pytest.mark.wide(4)
@every_document
@every_language
@every_form
def test_a_document_shows_everything_that_it_was_given(content: Content, language: str, form: str) -> None:
    shown = READ[form](FORMS[form](content, language))
    for text in all_texts(content, language):
        for paragraph in text.split("\n\n"):
            assert alike(typeset(language, paragraph)) in shown


@pytest.mark.ci
@pytest.mark.parametrize("content", [AGENDA, ADDENDUM, MINUTES], ids=["agenda", "addendum", "minutes"])
def test_items_have_the_same_numbers_in_both_languages_and_both_forms(content: Content) -> None:
    given = (
        [item.number for item in content.items]
        if isinstance(content, AgendaContent)
        else [item.line.number for item in MINUTES.items]
    )
    for language in LANGUAGES:
        assert docx_numbers(as_docx(content, language)) == given
        tags = pdf_tags(as_pdf(content, language))
        if isinstance(content, AgendaContent):
            numbers = [text for tag, text in tags if tag == "/TD" and NUMBER.fullmatch(text)]
        else:
            numbers = [text.split(" ")[0].removesuffix(".") for tag, text in tags if tag == "/H3"]
        assert numbers == given


@pytest.mark.parametrize("content", [MINUTES, REGISTER], ids=["minutes", "register"])
def test_decisions_have_the_same_numbers_in_the_same_order_everywhere(content: Content) -> None:
    seen = {
        tuple(re.findall(r"CC-2026-\d\d\d(?! ?:)", READ[form](FORMS[form](content, language))))
        for form in FORMS
        for language in LANGUAGES
    }
    assert len(seen) == 1
    assert len(seen.pop()) == 4


# -------------------------------------------------------------------------------------------------- what it says


def test_an_item_that_was_left_over_says_how_often_and_one_that_came_late_says_why() -> None:
    assert "Carried over from 2 earlier meetings." in pdf_text(as_pdf(AGENDA, "en"))
    assert "Reporté de 1 rencontre précédente." in pdf_text(as_pdf(AGENDA, "fr"))
    addendum = pdf_text(as_pdf(ADDENDUM, "en"))
    assert "Addendum 1 to the agenda" in addendum
    assert "Added after the freeze: Known only on Monday evening." in addendum


def test_an_item_says_what_is_gone_through_under_it() -> None:
    points = (Both("Relation", "Relationship"), Both("Planification", "Planning"))
    agenda = replace(AGENDA, items=(replace(ITEMS[0], points=points),))
    assert "Relationship · Planning" in pdf_text(as_pdf(agenda, "en"))
    assert "Relation · Planification" in docx_text(as_docx(agenda, "fr"))


def test_an_agenda_that_is_longer_than_its_meeting_warns_and_another_does_not() -> None:
    assert "take 20 minutes more than the meeting has" in pdf_text(as_pdf(AGENDA, "en"))
    assert "more than the meeting has" not in pdf_text(as_pdf(replace(AGENDA, overrun_minutes=0), "en"))
    assert "dépassent de 1 minute la durée" in pdf_text(as_pdf(replace(AGENDA, overrun_minutes=1), "fr"))


def test_minutes_tell_the_quorum_of_each_decision_and_when_each_one_came_and_left() -> None:
    minutes = pdf_text(as_pdf(MINUTES, "en"))
    assert minutes.count("Quorum: 5 voting seats (4 needed).") == 4  # of the meeting, and of three decisions
    assert minutes.count("No quorum. Missing: 1 voting seat.") == 1
    assert "Alternate, remotely arrived at 9:50 a.m." in minutes
    assert "Remotely left at 11:30 a.m." in minutes
    assert "Owner: Manager, CODIM · Due: December 11, 2026" in minutes


def test_minutes_do_not_keep_the_link_that_lets_people_in() -> None:
    assert "visio.example" in pdf_text(as_pdf(AGENDA, "fr"))
    for form, write in FORMS.items():
        assert "visio.example" not in READ[form](write(MINUTES, "fr"))


@pytest.mark.parametrize(
    ("state", "approved_on", "says"),
    [
        ("draft", None, "not circulated yet"),
        ("circulated", None, "To be approved at a later meeting."),
        ("approved", date(2026, 12, 9), "Approved at the meeting of December 9, 2026."),
    ],
)
def test_minutes_say_whether_they_are_approved(state: Any, approved_on: date | None, says: str) -> None:
    assert says in pdf_text(as_pdf(replace(MINUTES, state=state, approved_on=approved_on), "en"))


def test_the_register_marks_what_is_late_in_words_from_the_day_after_its_last() -> None:
    assert "À faire en retard" in pdf_text(as_pdf(REGISTER, "fr"))
    assert "en retard" not in pdf_text(as_pdf(replace(REGISTER, on=date(2026, 11, 26)), "fr"))
    assert "en retard" in pdf_text(as_pdf(replace(REGISTER, on=date(2026, 11, 27)), "fr"))


def test_the_register_marks_what_was_decided_without_a_quorum() -> None:
    assert "without a quorum" not in pdf_text(as_pdf(REGISTER, "en"))
    last = replace(REGISTER.decisions[2], has_quorum=False)
    assert "Holds without a quorum" in pdf_text(as_pdf(replace(REGISTER, decisions=(last,)), "en"))


def test_minutes_say_to_which_committee_an_item_was_referred() -> None:
    assert "referred to another committee (Steering Committee)" in pdf_text(as_pdf(MINUTES, "en"))
    items = (replace(MINUTES.items[3], referred_to=NOTHING),)
    assert "Outcome: referred to another committee." in pdf_text(as_pdf(replace(MINUTES, items=items), "en"))


def test_a_register_without_decisions_and_an_agenda_without_items_say_so() -> None:
    assert "There is no decision." in pdf_text(as_pdf(replace(REGISTER, decisions=()), "en"))
    assert "There is no item." in docx_text(as_docx(AgendaContent(head=HEAD, items=()), "en"))


def test_a_language_in_which_a_text_is_missing_is_refused_and_the_other_one_made() -> None:
    half = replace(AGENDA, items=(replace(ITEMS[0], why=Both(fr="Seulement en français.")),))
    assert "Seulement en français." in pdf_text(as_pdf(half, "fr"))
    for write in FORMS.values():
        with pytest.raises(Refusal, match=r"document\.untranslated"):
            write(half, "en")


def test_only_the_two_languages_are_spoken() -> None:
    with pytest.raises((ValueError, AttributeError)):
        as_pdf(AgendaContent(head=HEAD, items=()), "fr_CA")


# -------------------------------------------------------------------------------------------------- typography


def test_french_punctuation_is_never_torn_from_its_word() -> None:
    blank = "\N{NO-BREAK SPACE}"
    assert typeset("fr", "Qui ? Moi ! Bien ; voici : « oui ».") == (
        f"Qui{blank}? Moi{blank}! Bien{blank}; voici{blank}: «{blank}oui{blank}»."
    )
    assert typeset("fr", "de 9 h 30 à 12 h, 45 min, 50 %") == (
        f"de 9{blank}h{blank}30 à 12{blank}h, 45{blank}min, 50{blank}%"
    )
    assert typeset("fr", "https://a.example:8443/x?y=1;z 9:30") == "https://a.example:8443/x?y=1;z 9:30"
    assert typeset("en", "Who ? 9:30 a.m.") == f"Who ? 9:30{blank}a.m."


@pytest.mark.ci
@every_form
def test_no_line_of_a_french_document_may_begin_with_a_punctuation_mark(form: str) -> None:
    files = [FORMS[form](content, "fr") for content in (AGENDA, ADDENDUM, MINUTES, REGISTER)]
    if form == "pdf":
        text = "\n".join(page.extract_text() for file in files for page in PdfReader(BytesIO(file)).pages)
    else:
        text = "\n".join(re.sub(r"<[^>]*>", "\n", parts_of(file)["word/document.xml"]) for file in files)
    assert set(re.findall("\N{NO-BREAK SPACE}([:;?»])", text)) == set(":;?»")
    assert not re.search(r"[ \n][:;?!»]", text)


# ------------------------------------------------------------------------------------------------ hostile texts


@pytest.mark.wide(4)
@every_form
@every_language
@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_is_shown_to_the_letter_whatever_it_would_mean_elsewhere(form: str, language: str, title: str) -> None:
    content = AgendaContent(
        head=replace(HEAD, program=Both(title, title), committee=Both(title, title), place=title),
        items=(
            replace(ITEMS[0], title=Both(title, title), section=Both(title, title), why=Both(title, title)),
            replace(ITEMS[1], presenter=Both(title, title)),
        ),
    )
    shown = READ[form](FORMS[form](content, language))
    assert shown.replace(" ", "").count(typeset(language, title).replace(" ", "").replace("\xa0", "")) >= 6


@pytest.mark.ci
@given(st.text(st.sampled_from("aé #\u0338\u0346\u0e3a\u09b6\u1100\u25a1日😀\u2cdc\ufe0f\u0301"), max_size=12))
@settings(max_examples=60)
def test_no_heap_of_marks_and_foreign_letters_stops_a_document(title: str) -> None:
    words = Both(f"{title}|fin", f"{title}|end")
    content = AgendaContent(head=HEAD, items=(replace(ITEMS[0], title=words),))
    assert "|fi" in pdf_text(as_pdf(content, "fr"))
    assert as_docx(content, "fr")


@every_form
def test_letters_that_no_font_has_do_not_stop_a_document(form: str) -> None:
    title = "Nunavik \u1401\u1404 日本 😀 \ue000 \U0010fffe v\u0323\u0301 fin"
    content = AgendaContent(head=HEAD, items=(replace(ITEMS[0], title=Both(title, title)),))
    shown = READ[form](FORMS[form](content, "fr"))
    assert "Nunavik" in shown
    assert "fin" in shown


@pytest.mark.parametrize("control", ["\x01", "\x08", "\x0b", "\x1b", "\x1f", "\x7f", "\x85"])
def test_a_control_that_somebody_pasted_does_not_stop_a_document(control: str) -> None:
    content = AgendaContent(head=HEAD, items=(replace(ITEMS[0], title=Both(f"début{control}fin", "x")),))
    assert "fin" in pdf_text(as_pdf(content, "fr"))


def test_a_script_is_no_link() -> None:
    for address in ("javascript:alert(1)", "file:///etc/passwd", "http://a.example"):
        content = AgendaContent(head=replace(HEAD, online=address), items=())
        assert b"/URI" not in as_pdf(content, "fr")
        assert "hyperlink" not in parts_of(as_docx(content, "fr"))["word/_rels/document.xml.rels"]
    assert "hyperlink" in parts_of(as_docx(AGENDA, "fr"))["word/_rels/document.xml.rels"]


def test_what_was_said_keeps_its_paragraphs_and_lines() -> None:
    said = Both("Un.\nDeux.\n\nTrois.", "One.\nTwo.\n\nThree.")
    item = replace(MINUTES.items[0], said=said)
    document = docx.Document(BytesIO(as_docx(replace(MINUTES, items=(item,)), "fr")))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert "Un.\nDeux." in texts
    assert "Trois." in texts


# ------------------------------------------------------------------------------------- what it says of itself


@every_document
@every_language
def test_a_pdf_has_a_title_and_a_language_and_neither_an_author_nor_a_day(content: Content, language: str) -> None:
    pdf = as_pdf(content, language)
    reader = PdfReader(BytesIO(pdf))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == f"{language}-CA"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    information: dict[str, Any] = dict(reader.metadata or {})
    assert information.pop("/Title") == laid_out(content, language).title
    assert set(information) == {"/Creator"}
    assert information["/Creator"].startswith("Typst ")
    xmp = root["/Metadata"].get_data().decode()
    assert not re.search("CreateDate|ModifyDate|MetadataDate|dc:creator|xmp:.*Date", xmp)


@every_document
def test_a_pdf_is_tagged_for_those_who_hear_it(content: Content) -> None:
    pdf = as_pdf(content, "fr")
    root: Any = PdfReader(BytesIO(pdf)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part>1<" in root["/Metadata"].get_data()
    tags = pdf_tags(pdf)
    headings = [tag for tag, _ in tags if re.fullmatch("/H[1-6]", tag)]
    assert headings.count("/H1") == 1
    assert headings[0] == "/H1"
    levels = [int(tag[2:]) for tag in headings]
    assert all(after <= before + 1 for before, after in pairwise(levels)), "a level is skipped"
    assert [text for tag, text in tags if tag == "/TH"]


def test_a_pdf_uses_the_fonts_that_come_with_typst_and_carries_them() -> None:
    reader = PdfReader(BytesIO(as_pdf(MINUTES, "fr")))
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index] # pypdf knows objects, not their kinds
    }
    assert fonts
    assert all(re.fullmatch(r"/[A-Z]{6}\+LibertinusSerif-\w+(?:-Identity-H)?", font) for font in fonts), fonts


@every_language
def test_a_docx_has_a_title_and_a_language_and_neither_people_nor_days(language: str) -> None:
    file = as_docx(MINUTES, language)
    parts = parts_of(file)
    properties = docx.Document(BytesIO(file)).core_properties
    assert properties.title == laid_out(MINUTES, language).title
    assert properties.language == f"{language}-CA"
    assert [properties.author, properties.last_modified_by, properties.comments, properties.keywords] == [""] * 4
    assert (properties.created, properties.modified) == (None, None)
    assert set(parts) == {
        "[Content_Types].xml",
        "_rels/.rels",
        "docProps/core.xml",
        "word/_rels/document.xml.rels",
        "word/document.xml",
        "word/footer1.xml",
        "word/footer2.xml",
        "word/header1.xml",
        "word/header2.xml",
        "word/settings.xml",
        "word/styles.xml",
    }
    assert not re.search("rsid|python-docx", "".join(parts.values()))
    assert f'w:lang w:val="{language}-CA"' in parts["word/styles.xml"]


@every_document
def test_a_docx_has_real_headings_and_tables_whose_head_is_repeated(content: Content) -> None:
    document = docx.Document(BytesIO(as_docx(content, "en")))
    levels = [
        int(paragraph.style.name[-1])
        for paragraph in document.paragraphs
        if paragraph.style is not None and paragraph.style.name and paragraph.style.name.startswith("Heading ")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), "a level is skipped"
    for table in document.tables:
        heads = [row for row in table._tbl.tr_lst if row.find(f".//{qn('w:tblHeader')}") is not None]
        assert heads == [table._tbl.tr_lst[0]]


@pytest.mark.wide(4)
@every_document
def test_a_docx_names_no_style_that_it_does_not_have(content: Content) -> None:
    parts = parts_of(as_docx(content, "fr"))
    known = set(re.findall(r'w:styleId="([^"]*)"', parts["word/styles.xml"]))
    named = set(re.findall(r'<w:(?:[prt]|tbl)Style w:val="([^"]*)"', "".join(parts.values())))
    named |= set(re.findall(r'<w:(?:basedOn|next|link) w:val="([^"]*)"', parts["word/styles.xml"]))
    assert named <= known


@every_form
def test_pages_are_us_letter(form: str) -> None:
    file = FORMS[form](AGENDA, "fr")
    if form == "pdf":
        box = PdfReader(BytesIO(file)).pages[0].mediabox
        size = (float(box.width), float(box.height))
    else:
        section = docx.Document(BytesIO(file)).sections[0]
        assert section.page_width
        assert section.page_height
        size = (section.page_width.pt, section.page_height.pt)
    assert size == pytest.approx((612, 792), abs=0.1)


@pytest.mark.ci
def test_the_same_content_gives_the_same_bytes_on_another_day_and_in_another_process() -> None:
    script = (
        "import hashlib, json, sys\n"
        "from meetings.documents.content import from_json\n"
        "content = from_json(json.loads(sys.stdin.read()))\n"
        "from meetings.documents.pdf import as_pdf\n"
        "from meetings.documents.docx import as_docx\n"
        "print(*[hashlib.sha256(write(content, 'fr')).hexdigest() for write in (as_pdf, as_docx)])\n"
    )
    from_here = [hashlib.sha256(write(MINUTES, "fr")).hexdigest() for write in FORMS.values()]
    time.sleep(2.1)  # a zip counts in two seconds
    again = [hashlib.sha256(write(MINUTES, "fr")).hexdigest() for write in FORMS.values()]
    assert again == from_here
    as_pdf(AGENDA, "en")  # what was printed before leaves nothing
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(as_json(MINUTES)),
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "HOME": "/nonexistent", "TZ": "Asia/Tokyo", "LANG": "C.UTF-8"},
    )
    assert elsewhere.stdout.split() == from_here


# ------------------------------------------------------------------------------------------------------- length


@pytest.mark.ci
def test_two_hundred_items_are_all_there_under_a_head_on_every_page() -> None:
    items = tuple(
        AgendaLine(
            number=str(n),
            section=Both(f"Partie {n // 25}", f"Part {n // 25}"),
            title=Both(
                f"#2019-{n:03} : point qui demande un peu plus d’une ligne pour être dit en entier", f"#2019-{n:03}"
            ),
            presenter=Both("Coordination", "Coordination"),
            minutes=5,
            purpose="discussion",
            why=Both("Aucune nouvelle depuis 21 jours.", "No news for 21 days."),
        )
        for n in range(1, 201)
    )
    content = AgendaContent(head=HEAD, items=items)
    pdf = as_pdf(content, "fr")
    pages = [alike(page.extract_text()) for page in PdfReader(BytesIO(pdf)).pages]
    text = " ".join(pages)
    numbers = [int(number) for number in re.findall(r"#2019-(\d{3})", text)]
    assert numbers == list(range(1, 201))
    assert len(pages) > 5
    assert all("Présenté par But Durée" in page for page in pages[:-1])
    assert f"Page {len(pages)} sur {len(pages)}" in pages[-1]
    assert len(docx_numbers(as_docx(content, "en"))) == 200


def test_a_decision_that_nobody_owes_names_no_owner() -> None:
    line = DecisionLine(number="CC-2026-001", text=Both("Adopté.", "Adopted."), has_quorum=True)
    assert "Owner" not in pdf_text(as_pdf(replace(MINUTES, items=(), decisions=(line,)), "en"))


def test_an_addendum_keeps_the_numbers_of_the_agenda_that_was_printed() -> None:
    assert docx_numbers(as_docx(ADDENDUM, "fr")) == [LATE.number]
    assert LATE.number not in docx_numbers(as_docx(AGENDA, "fr"))
