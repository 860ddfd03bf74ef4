"""Nothing that names a participant goes out, wherever in a document the name stands and however it is written."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from domain.files import pdf_words
from domain.kernel.refusals import Refusal
from domain.mail.name_gate import NameGate
from meetings.documents.content import AgendaContent, Both, Content
from meetings.documents.docx import as_docx
from meetings.documents.pdf import as_pdf
from tests.meetings.documents.samples import ALL, HEAD, ITEMS, MINUTES

#: People who are nobody: each name has something that a careless search falls over.
NAMES = (
    "Éloïse Desruisseaux",
    "Marie-Ève St-Onge Ouellet",
    "Jean-Noël D’Auteuil",
    "Siobhán Ó Griffin",
    "Łucja Bœuf",
    "Ana Roy",
    "Li Wu",
)
FORMS: dict[str, Callable[[Content, str], bytes]] = {"pdf": as_pdf, "docx": as_docx}

every_form = pytest.mark.parametrize("form", FORMS)
every_name = pytest.mark.parametrize("name", NAMES)


def stopped(*parts: str | bytes, known: tuple[str, ...] = NAMES) -> bool:
    try:
        NameGate.of(known).refuse(parts)
    except Refusal as refusal:
        return refusal.code == "document.names"
    return False


# ------------------------------------------------------------------------------------------ manners of writing


def manners(name: str) -> dict[str, str]:
    given, _, family = name.partition(" ")
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return {
        "as it is": name,
        "decomposed": unicodedata.normalize("NFD", name),
        "without accents": plain,
        "in capitals": name.upper(),
        "in small letters": name.lower(),
        "family first": f"{family}, {given}",
        "with hyphens": re.sub(r"[ ’]", "-", name),
        "without hyphens": name.replace("-", " "),
        "with low lines": name.replace(" ", "_"),
        "with no-break spaces": name.replace(" ", "\N{NO-BREAK SPACE}"),
        "with two blanks and a line's end": name.replace(" ", " \n "),
        "with invisible characters": "\N{ZERO WIDTH SPACE}".join(name),
        "hyphenated at a line's end": f"{name[:-3]}-\n{name[-3:]}",
        "beside punctuation": f"«{name}»:",
        "in an address": f"mailto:{plain.replace(' ', '.').lower()}@example.org",
    }


@pytest.mark.wide
@every_name
@pytest.mark.parametrize("manner", manners("A B"))
def test_a_name_is_found_however_it_is_written(name: str, manner: str) -> None:
    assert stopped(f"Le point 3 porte sur {manners(name)[manner]}; #2019-02 aussi.", known=(name,))


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) > 8])
def test_a_long_name_is_found_inside_a_longer_word(name: str) -> None:
    squeezed = "".join(letter for letter in name if letter.isalpha())
    assert stopped(f"suivi{squeezed}2026.pdf", known=(name,))
    assert stopped(f"suivi{squeezed.lower()}final.pdf", known=(name,))


def test_a_short_name_counts_only_as_whole_words() -> None:
    assert not stopped("Le plan a royalement échoué; liwuit n’est rien.", known=("Ana Roy", "Li Wu", "Rose"))
    assert not stopped("On propose une prose.", known=("Rose",))
    assert stopped("On propose Rose.", known=("Rose",))
    assert stopped("agendaAnaRoy2026.pdf", known=("Ana Roy",))


def test_someone_whose_name_is_longer_is_someone_else() -> None:
    assert not stopped("Jean Martineau, Marijean Martin", known=("Jean Martin",))
    assert stopped("Jean Martineau, Martin (Jean)", known=("Jean Martin",))


def test_numbers_that_tell_who_someone_is_are_found_too() -> None:
    assert stopped("Joindre au (514) 555-0143.", known=("514 555 0143",))
    assert not stopped("Joindre au (514) 555-01439.", known=("514 555 0143",))


def test_nothing_known_stops_nothing() -> None:
    assert not stopped("Éloïse Desruisseaux", known=())
    assert not stopped("Éloïse Desruisseaux", known=("", " - ", "’"))


def test_a_name_that_staff_or_an_organization_bears_too_stops_nothing() -> None:
    gate = NameGate.of(("Marie Vincent", "Roy, Ana", "Li Wu"), ("Fondation Marie-Vincent", "Ana Roy"))
    assert not gate.stops("Marie-Vincent accueille; Roy, Ana préside.")
    assert gate.stops("Ana Roy a vu Li Wu.")


def test_a_name_that_two_of_the_staff_make_only_where_they_meet_stops_nothing() -> None:
    gate = NameGate.of(("Ana Roy", "Luc Roy"), ("Zoé Ana", "Roy Kim"))
    assert not gate.stops("Zoé Ana, Roy Kim")
    assert not gate.stops("Bonjour Zoé Ana,\n\nRoy Kim vous invite.")
    assert gate.stops("Zoé Ana, Roy Kim : au sujet d’Ana Roy.")
    assert gate.stops("Zoé Ana a vu Luc Roy.")


@given(
    given_name=st.text("abcdeéèçïœ", min_size=3, max_size=12),
    family=st.text("mnopqrstuùœ", min_size=3, max_size=12),
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    reverse=st.booleans(),
    form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    between=st.sampled_from([" ", ", ", "-", "_", "  ", "\n", "\N{SOFT HYPHEN} ", "\N{NO-BREAK SPACE}"]),
    how=st.sampled_from([str.lower, str.upper, str.title]),
)
def test_whatever_stands_around_a_name_it_is_found(
    given_name: str,
    family: str,
    before: str,
    after: str,
    reverse: bool,
    form: str,
    between: str,
    how: Callable[[str], str],
) -> None:
    halves = (family, given_name) if reverse else (given_name, family)
    written = unicodedata.normalize(form, how(between.join(halves)))  # type: ignore[arg-type] # one of the four
    assert stopped(f"{before} {written} {after}", known=(f"{given_name} {family}",))


# ------------------------------------------------------------------------------------------------ in documents


@pytest.mark.wide(4)
@pytest.mark.parametrize("content", ALL.values(), ids=ALL.keys())
@every_form
def test_our_own_documents_pass(content: Content, form: str) -> None:
    for language in ("fr", "en"):
        assert not stopped("2026-12-02-clinical-agenda.pdf", FORMS[form](content, language))


@pytest.mark.ci
@pytest.mark.wide(5)
@every_name
@every_form
def test_a_name_in_any_text_of_a_document_stops_it(name: str, form: str) -> None:
    both = Both(name, name)
    tainted: tuple[Content, ...] = (
        AgendaContent(head=HEAD, items=(replace(ITEMS[0], title=both),)),
        AgendaContent(head=HEAD, items=(replace(ITEMS[0], why=Both(f"Pour {name}.", f"For {name}.")),)),
        AgendaContent(head=HEAD, items=(replace(ITEMS[0], section=both),)),
        AgendaContent(head=replace(HEAD, place=f"chez {name}"), items=()),
        AgendaContent(head=replace(HEAD, committee=both), items=()),
        replace(MINUTES, items=(replace(MINUTES.items[2], said=Both(f"Que {name} a dit.", f"That {name} said.")),)),
    )
    for content in tainted:
        assert stopped(FORMS[form](content, "fr"), known=("Nobody Else", name))


def test_a_name_in_a_links_address_stops_a_document() -> None:
    content = AgendaContent(head=replace(HEAD, online="https://visio.example/eloise-desruisseaux"), items=())
    assert all(stopped(write(content, "fr")) for write in FORMS.values())


def test_a_name_in_a_files_name_stops_it() -> None:
    assert stopped("2026-12-02-clinical-Éloïse_Desruisseaux.pdf", as_pdf(MINUTES, "fr"))
    assert stopped("eloise-desruisseaux.pdf")


@pytest.mark.wide(3)
@pytest.mark.parametrize("key", ["/Title", "/Author", "/Subject", "/Keywords", "/Autre"])
def test_a_name_in_a_pdfs_properties_stops_it(key: str) -> None:
    writer = PdfWriter(clone_from=BytesIO(as_pdf(MINUTES, "fr")))
    writer.add_metadata({key: "Éloïse Desruisseaux"})
    assert stopped(written(writer))


def test_no_name_is_put_together_from_two_properties() -> None:
    writer = PdfWriter(clone_from=BytesIO(as_pdf(MINUTES, "fr")))
    writer.add_metadata({"/Subject": "Ana", "/Keywords": "Roy"})
    assert not stopped(written(writer))


@pytest.mark.ci
def test_a_name_in_a_pdfs_bookmarks_notes_attachments_or_xmp_stops_it() -> None:
    def bookmark(writer: PdfWriter) -> None:
        writer.add_outline_item(title="Éloïse Desruisseaux", page_number=0)

    def attachment(writer: PdfWriter) -> None:
        writer.add_attachment("Éloïse Desruisseaux.txt", b"x")

    def xmp(writer: PdfWriter) -> None:
        stream = DecodedStreamObject()
        stream.set_data("<x><dc:creator>Éloïse</dc:creator> <b>Desruisseaux</b></x>".encode())
        stream[NameObject("/Type")] = NameObject("/Metadata")
        writer.root_object[NameObject("/Metadata")] = writer._add_object(stream.flate_encode())

    for taint in (bookmark, attachment, xmp):
        writer = PdfWriter(clone_from=BytesIO(as_pdf(MINUTES, "fr")))
        assert not stopped(written(writer))
        taint(writer)
        assert stopped(written(writer)), taint.__name__


@pytest.mark.wide(3)
@pytest.mark.parametrize("field", ["author", "last_modified_by", "comments", "title", "keywords", "subject"])
def test_a_name_in_a_docx_s_properties_stops_it(field: str) -> None:
    document = docx.Document(BytesIO(as_docx(MINUTES, "fr")))
    setattr(document.core_properties, field, "Éloïse Desruisseaux")
    assert stopped(saved(document))


def test_a_name_that_a_word_processor_cut_into_runs_is_found() -> None:
    document = docx.Document(BytesIO(as_docx(MINUTES, "fr")))
    paragraph = document.add_paragraph()
    for run in ("An", "a R", "oy"):
        paragraph.add_run(run)
    assert stopped(saved(document))


@pytest.mark.ci
def test_a_name_in_a_table_a_foot_or_a_part_s_name_of_a_docx_is_found() -> None:
    table = docx.Document(BytesIO(as_docx(MINUTES, "fr")))
    table.tables[0].cell(1, 1).text = "Ana Roy"
    foot = docx.Document(BytesIO(as_docx(MINUTES, "fr")))
    foot.sections[0].footer.paragraphs[0].text = "Ana Roy"
    part = BytesIO(as_docx(MINUTES, "fr"))
    with ZipFile(part, "a") as package:
        package.writestr("word/ana roy.xml", "<x/>")
    assert all(map(stopped, (saved(table), saved(foot), part.getvalue())))


def test_a_document_that_goes_to_many_is_read_through_once_and_looked_through_for_each_set_of_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reading a PDF is most of the work of a letter that brings one."""
    read: list[bytes] = []

    def reader(content: BytesIO, *, strict: bool) -> PdfReader:
        read.append(content.getvalue())
        return PdfReader(content, strict=strict)

    monkeypatch.setattr(pdf_words, "PdfReader", reader)
    minutes, agenda = as_pdf(MINUTES, "fr"), as_pdf(MINUTES, "en")
    kept: dict[bytes, Any] = {}
    for known in ((), ("Ana Roy",), ("Ana Roy", "Li Wu")):
        for part in (minutes, agenda, minutes):
            assert not replace(NameGate.of(known), read=kept).stops(part)
    assert read == [minutes, agenda]
    named = BytesIO()
    writer = PdfWriter(clone_from=BytesIO(minutes))
    writer.add_metadata({"/Title": "Ana Roy"})
    writer.write(named)
    assert replace(NameGate.of(("Ana Roy",)), read=kept).stops(named.getvalue()), "another file is read anew"
    assert replace(NameGate.of(("Ana Roy",)), read=kept).stops(named.getvalue()), "and stopped each time"


def test_a_name_in_a_calendar_file_is_found_across_its_folded_lines() -> None:
    assert stopped("BEGIN:VEVENT\r\nSUMMARY:Éloïse Desrui\r\n sseaux\r\nEND:VEVENT\r\n".encode())


@pytest.mark.parametrize(
    "part",
    [
        b"%PDF-1.7 nothing more",
        b"PK\x03\x04 nothing more",
        b"\xff\xfe\x00",
        as_pdf(MINUTES, "fr")[:9000],
        as_docx(MINUTES, "fr")[:-400],
    ],
    ids=["no pdf", "no package", "no text", "half a pdf", "half a package"],
)
def test_what_cannot_be_read_is_not_let_out(part: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        NameGate.of(["Ana Roy"]).refuse([part])
    assert refused.value.code == "document.unreadable"


def test_a_locked_pdf_is_not_let_out() -> None:
    writer = PdfWriter(clone_from=BytesIO(as_pdf(MINUTES, "fr")))
    writer.encrypt("secret", algorithm="RC4-128")
    with pytest.raises(Refusal, match=r"document\.unreadable"):
        NameGate.of(["Ana Roy"]).refuse([written(writer)])


def test_a_refusal_does_not_say_whom_it_found() -> None:
    with pytest.raises(Refusal) as refused:
        NameGate.of(["Ana Roy"]).refuse(["Pour Ana Roy"])
    told = f"{refused.value!r} {refused.value} {refused.value.facts} {refused.value.__cause__}"
    assert "Roy" not in told


def test_a_part_that_is_named_after_others_is_found_among_them() -> None:
    assert stopped("a", as_docx(MINUTES, "fr"), "Ana Roy", as_pdf(MINUTES, "fr"))


def written(writer: PdfWriter) -> bytes:
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def saved(document: docx.document.Document) -> bytes:
    file = BytesIO()
    document.save(file)
    return file.getvalue()
