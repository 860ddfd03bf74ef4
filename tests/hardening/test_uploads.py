"""Documents as they come from cameras and from those who mean harm: real bytes, made by Pillow and zipfile."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest
from PIL import Image, PngImagePlugin
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from sqlalchemy import select

from duties import pdfs, tasks
from duties.images import Broken, bare
from duties.proofs import Proof, judged_type
from duties.refusals import Refusal
from models.base import table_of
from models.casework import Evidence, EvidenceFile
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, Cast

_PLACE = "45.5017 N, 73.5673 W"


def photograph(kind: str, **how: object) -> bytes:
    """A picture with a place, an owner and a comment beside it."""
    picture = Image.effect_noise((64, 48), 60).convert("RGB")
    about = Image.Exif()
    about[0x013B] = _PLACE
    about[0x8825] = {1: "N", 3: "W"}
    file = io.BytesIO()
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", _PLACE)
        picture.save(file, "PNG", exif=about, pnginfo=texts)
    else:
        picture.save(file, "JPEG", exif=about, comment=_PLACE.encode(), **how)
    return file.getvalue()


_AUTHOR = "Orpiment Zircon"


def paper(words: str = "Plan", *, locked: bool = False, signed: bool = False) -> bytes:
    """A PDF of two pages with an author in its properties, in its XMP, and beside a page."""
    writer = PdfWriter()
    for width in (200, 300):
        writer.add_blank_page(width, 100)
    writer.add_metadata({"/Author": _AUTHOR, "/CreationDate": "D:20261124", "/Title": words})
    writer.xmp_metadata = (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="{_AUTHOR}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()
    kept = DictionaryObject({NameObject("/Editor"): TextStringObject(_AUTHOR)})
    writer.pages[0][NameObject("/PieceInfo")] = writer._add_object(kept)
    writer.add_outline_item(title="Seconde page", page_number=1)
    if signed:
        writer.root_object[NameObject("/Signature")] = DictionaryObject({NameObject("/ByteRange"): kept})
    if locked:
        writer.encrypt("un mot", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_a_pdf_loses_its_author_and_none_of_its_pages() -> None:
    before = paper()
    assert before.count(_AUTHOR.encode()) == 3
    after = pdfs.bare(before)
    assert _AUTHOR.encode() not in after
    read = PdfReader(io.BytesIO(after))
    assert (read.metadata, read.xmp_metadata) == (None, None)
    assert [page.mediabox.width for page in read.pages] == [200, 300]
    assert [str(item["/Title"]) for item in read.outline] == ["Seconde page"]  # type: ignore[call-overload] # one level


def test_a_pdf_loses_the_draft_that_an_editor_left_in_front_of_it() -> None:
    writer = PdfWriter(io.BytesIO(paper("Brouillon")), incremental=True)
    writer.add_metadata({"/Title": "Plan"})
    file = io.BytesIO()
    writer.write(file)
    assert b"Brouillon" in file.getvalue()
    after = pdfs.bare(file.getvalue())
    assert b"Brouillon" not in after
    assert _AUTHOR.encode() not in after
    assert len(PdfReader(io.BytesIO(after)).pages) == 2


@pytest.mark.parametrize("given", [paper(locked=True), paper(signed=True)], ids=["locked", "signed"])
def test_a_pdf_that_would_be_worth_nothing_written_anew_is_left_as_it_is(given: bytes) -> None:
    assert pdfs.bare(given) == given


def test_a_pdf_of_too_many_parts_or_a_damaged_one_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    given = paper()
    for length in range(5, len(given) - 40, 97):
        cut = given[:length]
        assert pdfs.bare(cut) == cut or len(PdfReader(io.BytesIO(pdfs.bare(cut))).pages) == 2
    monkeypatch.setattr(pdfs, "MOST_PARTS", 3)
    assert pdfs.bare(given) == given


@pytest.mark.parametrize("given", [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})])
def test_a_photograph_loses_its_place_and_nothing_of_its_picture(given: tuple[str, dict[str, object]]) -> None:
    before = photograph(given[0], **given[1])
    assert _PLACE.encode() in before
    after = bare(before)
    assert _PLACE.encode() not in after
    first, second = Image.open(io.BytesIO(before)), Image.open(io.BytesIO(after))
    assert dict(second.getexif()) == {}
    assert first.tobytes() == second.tobytes()
    assert bare(after) == after


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_follows_a_picture_is_left_behind(kind: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("page.html", "<script>")
    whole = photograph(kind)
    assert bare(whole + package.getvalue()) == bare(whole)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_is_cut_off_is_refused_wherever_it_is_cut(kind: str) -> None:
    whole = bare(photograph(kind))
    signature = 8 if kind == "PNG" else 3
    for length in range(signature, len(whole) - 1, 7):
        with pytest.raises(Broken):
            bare(whole[:length])


def test_a_package_that_unpacks_to_far_more_than_its_own_size_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (210 << 20))
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(Refusal, match=r"document\.not_what_it_says|not what the ending"):
        judged_type("a.docx", file.getvalue())


@pytest.mark.parametrize(("name", "whole"), [("accueil.jpg", photograph("JPEG")), ("plan.pdf", paper())])
def test_what_is_kept_of_a_document_given_as_proof_is_the_bare_one(cast: Cast, name: str, whole: bytes) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        task = step(session, case_id, "welcome_in_organization")
        proof = Proof("document", name, whole)
        tasks.complete_task(session, task["id"], by=cast.actor("manager_codim"), at=AT, note="", evidence=[proof])
        kept = bytes(session.execute(select(table_of(EvidenceFile).c.content)).scalar_one())
        row = session.execute(select(table_of(Evidence))).one()
    assert kept == pdfs.bare(bare(whole)) != whole
    assert (row.size, row.sha256) == (len(kept), sha256(kept).hexdigest())
