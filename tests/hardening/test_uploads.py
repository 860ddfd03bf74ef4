"""Documents as they come from cameras and from those who mean harm: real bytes, made by Pillow and zipfile."""

from __future__ import annotations

import bz2
import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from hashlib import sha256

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from openpyxl.comments import Comment
from openpyxl.worksheet.table import Table
from PIL import Image, ImageChops, PngImagePlugin
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, TextStringObject
from sqlalchemy import select

from domain.casework import tasks
from domain.casework.proofs import GivenProof, checked_document, judged_type
from domain.files import packages, pdfs
from domain.files.images import Blank, Broken, bare
from domain.kernel.refusals import Refusal
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
    drawn = DecodedStreamObject()
    drawn.set_data(b"9 9 m 90 90 l S")
    writer.pages[1][NameObject("/Contents")] = writer._add_object(drawn)
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
    assert first.size == second.size
    assert furthest(first, second) <= (0 if given[0] == "PNG" else 8)


def test_of_a_telephones_two_pictures_in_one_file_the_first_is_kept() -> None:
    first, second = (Image.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
    file = io.BytesIO()
    first.save(file, "MPO", save_all=True, append_images=[second])
    after = Image.open(io.BytesIO(bare(file.getvalue())))
    assert (after.format, after.size) == ("JPEG", (64, 48))
    assert furthest(first, after) <= 8


@pytest.mark.parametrize(("points", "is_blank"), [((7, 7), True), ((7, 40_000), False)])
def test_a_picture_of_sixteen_bits_of_grey_is_blank_where_nothing_is_seen_on_it(
    points: tuple[int, int], is_blank: bool
) -> None:
    picture = Image.new("I;16", (2, 1))
    for at, point in enumerate(points):
        picture.putpixel((at, 0), point)
    file = io.BytesIO()
    picture.save(file, "PNG")
    if is_blank:
        with pytest.raises(Blank):
            bare(file.getvalue(), shows=True)
    else:
        assert Image.open(io.BytesIO(bare(file.getvalue(), shows=True))).getextrema() == (7, 40_000)


def furthest(first: Image.Image, second: Image.Image) -> int:
    """By how much the two differ in the point in which they differ most, of 255."""
    ends = ImageChops.difference(first.convert("RGB"), second.convert("RGB")).getextrema()
    return max(int(end[1]) for end in ends if isinstance(end, tuple))


def held_sideways(kind: str, orientation: int) -> bytes:
    """A picture of which the left half is red, as a telephone that is held so stores it."""
    picture = Image.new("RGB", (64, 48), "blue")
    picture.paste("red", (0, 0, 32, 48))
    about = Image.Exif()
    about[0x0112], about[0x013B] = orientation, _PLACE
    file = io.BytesIO()
    picture.save(file, kind, exif=about)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [(1, (64, 48), (8, 24)), (3, (64, 48), (56, 24)), (6, (48, 64), (24, 8)), (8, (48, 64), (24, 56))],
)
def test_a_photograph_stands_as_whoever_took_it_saw_it(
    kind: str, orientation: int, size: tuple[int, int], red: tuple[int, int]
) -> None:
    kept = checked_document(f"recu.{kind.lower()}", held_sideways(kind, orientation)).content
    upright = Image.open(io.BytesIO(kept)).convert("RGB")
    assert upright.size == size
    at = upright.getpixel(red)
    assert isinstance(at, tuple)
    assert at[0] > 200
    assert at[2] < 60
    assert _PLACE.encode() not in kept
    assert dict(Image.open(io.BytesIO(kept)).getexif()) == {}


def test_a_picture_in_a_document_lies_as_the_document_counts_on() -> None:
    paper = docx.Document()
    paper.add_paragraph().add_run().add_picture(io.BytesIO(held_sideways("JPEG", 6)))
    file = io.BytesIO()
    paper.save(file)
    with zipfile.ZipFile(io.BytesIO(packages.bare(file.getvalue()))) as package:
        (name,) = [one for one in package.namelist() if one.startswith("word/media/")]
        inside = package.read(name)
    assert Image.open(io.BytesIO(inside)).size == (64, 48)
    assert _PLACE.encode() not in inside


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
    # What follows the last points of a PNG says only that it ends.
    end = whole.index(b"IEND") - 4 if kind == "PNG" else len(whole)
    for length in range(8 if kind == "PNG" else 3, end - 8, 7):
        with pytest.raises(Broken):
            bare(whole[:length])


def letter() -> bytes:
    """A DOCX by somebody, with a photograph, a marked change, and words that look like a mark of one."""
    written = docx.Document()
    written.add_paragraph('Le plan, dit « w:author="rien" ».')
    run = written.add_paragraph().add_run()
    run.add_picture(io.BytesIO(photograph("JPEG")))
    change = OxmlElement("w:ins")
    for name, value in (("w:id", "1"), ("w:author", _AUTHOR), ("w:date", "2026-11-24T09:00:00Z")):
        change.set(qn(name), value)
    change.append(written.add_paragraph("Ajouté.").runs[0]._r)
    written.paragraphs[-1]._p.append(change)
    written.core_properties.author = written.core_properties.last_modified_by = _AUTHOR
    file = io.BytesIO()
    written.save(file)
    return file.getvalue()


def table() -> bytes:
    """An XLSX by somebody, with a comment of theirs, and a table by its name."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("Mot", "Nombre"), ("un", 1)):
        sheet.append(row)
    sheet.add_table(Table(displayName="Comptes", ref="A1:B2"))
    sheet["A2"].comment = Comment("À revoir.", _AUTHOR)
    book.properties.creator = book.properties.lastModifiedBy = _AUTHOR
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def open_text(**more: bytes) -> bytes:
    """An ODT by somebody, with an annotation of theirs and the first page in small."""
    head = b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:dc="dc">'
    name = _AUTHOR.encode()
    parts = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": head + b"<office:annotation><dc:creator>" + name + b"</dc:creator><dc:date>2026-11-24</dc:date>"
        b"<p>Mot.</p></office:annotation></office:document>",
        "meta.xml": head + b"<dc:creator>" + name + b"</dc:creator></office:document>",
        "Thumbnails/thumbnail.png": photograph("PNG"),
        "META-INF/manifest.xml": b'<manifest:file-entry manifest:full-path="Thumbnails/thumbnail.png"/>'
        b'<manifest:file-entry manifest:full-path="content.xml"/>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in {**parts, **more}.items():
            package.writestr(part, content, zipfile.ZIP_STORED if part == "mimetype" else None)
    return file.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {part.filename: package.read(part) for part in package.infolist()}


@pytest.mark.parametrize("whole", [letter(), table(), open_text()], ids=["docx", "xlsx", "odt"])
def test_a_document_of_office_loses_who_made_it_and_none_of_its_words(whole: bytes) -> None:
    assert any(_AUTHOR.encode() in part for part in unpacked(whole).values())
    after = packages.bare(whole)
    for name, part in unpacked(after).items():
        assert _AUTHOR.encode() not in part, name
        assert _PLACE.encode() not in part, name
        assert b"2026-11-24" not in part, name
        assert b"humbnail" not in part, name
    with zipfile.ZipFile(io.BytesIO(after)) as package:
        assert {part.date_time for part in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    # A picture is written anew each time, and its points differ by a shade.
    assert [words(part) for part in unpacked(packages.bare(after)).items()] == [
        words(part) for part in unpacked(after).items()
    ]


def words(part: tuple[str, bytes]) -> tuple[str, bytes]:
    """A part of a package by its name, with its bytes where they are no picture."""
    name, content = part
    return name, b"" if "/media/" in name else content


def test_a_document_of_office_without_what_it_said_opens_as_before() -> None:
    read = docx.Document(io.BytesIO(packages.bare(letter())))
    assert read.paragraphs[0].text == 'Le plan, dit « w:author="rien" ».'
    assert len(read.inline_shapes) == 1
    assert read.core_properties.author == ""
    sheet = openpyxl.load_workbook(io.BytesIO(packages.bare(table()))).active
    assert sheet is not None
    assert (sheet["A2"].value, list(sheet.tables)) == ("un", ["Comptes"])
    assert sheet["A2"].comment is not None
    assert "À revoir." in sheet["A2"].comment.text
    first = zipfile.ZipFile(io.BytesIO(packages.bare(open_text()))).infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)


def test_a_document_of_office_that_is_signed_locked_damaged_or_very_large_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for whole in (
        open_text(**{"META-INF/documentsignatures.xml": b"<signature/>"}),
        open_text(**{"META-INF/manifest.xml": b"<manifest:encryption-data/>"}),
        open_text()[:-30],
        b"PK\x03\x04 and no more",
    ):
        assert packages.bare(whole) == whole
    monkeypatch.setattr(packages, "LARGEST_UNPACKED", 10)
    given = letter()
    assert packages.bare(given) == given


@pytest.mark.ci
def test_a_package_that_unpacks_to_far_more_than_its_own_size_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (210 << 20))
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(Refusal, match=r"document\.not_what_it_says|not match the extension"):
        judged_type("a.docx", file.getvalue())


def package_of_one(part: str, packed: bytes, *, way: int, claims: int) -> bytes:
    """A package by hand: one part, packed by a way, and how many bytes it says that it unpacks to."""
    name = part.encode()
    about = struct.pack("<5H3I2H", 20, 0, way, 0, 0, 0, len(packed), claims, len(name), 0)
    begin = b"PK\x03\x04" + about + name + packed
    listed = b"PK\x01\x02" + struct.pack("<H", 20) + about + struct.pack("<3H2I", 0, 0, 0, 0, 0) + name
    return begin + listed + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(listed), len(begin), 0)


@pytest.mark.ci
def test_a_package_that_lies_about_what_it_unpacks_to_is_unpacked_no_further_than_it_says() -> None:
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packing.compress(bytes(1 << 20)) for _ in range(80)) + packing.flush()
    given = package_of_one("word/document.xml", packed, way=zipfile.ZIP_DEFLATED, claims=100)
    tracemalloc.start()
    try:
        kept = packages.bare(given)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept == given
    assert most < 8 << 20


@pytest.mark.parametrize(
    ("way", "packed"), [(zipfile.ZIP_BZIP2, bz2.compress(bytes(1 << 20))), (zipfile.ZIP_LZMA, bytes(40))]
)
def test_a_package_packed_as_no_program_for_offices_packs_is_refused_and_never_unpacked(
    way: int, packed: bytes
) -> None:
    given = package_of_one("word/document.xml", packed, way=way, claims=100)
    assert packages.bare(given) == given
    with pytest.raises(Refusal, match="not match the extension"):
        judged_type("a.docx", given)


@pytest.mark.parametrize(
    "word", [b"thumbnail", b"humbnail/", b"author ", b'author="', b" w:date=", b" url=", b"<dc:date"]
)
def test_a_document_whose_tags_never_end_is_read_once_and_not_again_from_every_word(word: bytes) -> None:
    for begin in (b"<Relationship ", b"<manifest:file-entry ", b"<x15ac:absPath "):
        given = open_text(**{"content.xml": begin + word * 20_000})
        begun = time.process_time()
        packages.bare(given)
        assert time.process_time() - begun < 5, begin


def sized(kind: str, width: int, height: int) -> bytes:
    """A photograph that says that it has so many points."""
    whole = photograph(kind)
    if kind == "PNG":
        head = b"IHDR" + struct.pack(">2I", width, height) + whole[24:29]
        return whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:]
    at = whole.index(b"\xff\xc0")
    return whole[: at + 5] + struct.pack(">2H", height, width) + whole[at + 9 :]


@pytest.mark.parametrize(
    ("kind", "width", "height"),
    [("PNG", 1 << 30, 1 << 30), ("PNG", 10_001, 8_000), ("PNG", 9_500, 9_500), ("JPEG", 65_535, 65_535)],
)
def test_a_picture_of_more_points_than_any_that_is_kept_is_refused_before_it_is_read(
    kind: str, width: int, height: int
) -> None:
    tracemalloc.start()
    with pytest.raises(Refusal, match="million pixels"):
        checked_document(f"a.{kind.lower()}", sized(kind, width, height))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


def test_a_document_whose_pictures_have_more_points_in_all_than_are_read_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "MOST_POINTS", 64 * 48 - 1)
    with pytest.raises(Refusal, match="million pixels"):
        checked_document("lettre.docx", letter())


@pytest.mark.parametrize(
    ("name", "whole"), [("accueil.jpg", photograph("JPEG")), ("plan.pdf", paper()), ("lettre.docx", letter())]
)
def test_what_is_kept_of_a_document_given_as_proof_is_the_bare_one(cast: Cast, name: str, whole: bytes) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        task = step(session, case_id, "welcome_in_organization")
        proof = GivenProof("document", name, whole)
        tasks.complete_task(session, task["id"], by=cast.actor("manager_codim"), at=AT, note="", evidence=[proof])
        kept = bytes(session.execute(select(table_of(EvidenceFile).c.content)).scalar_one())
        row = session.execute(select(table_of(Evidence))).one()
    assert kept == packages.bare(pdfs.bare(bare(whole))) != whole
    assert (row.size, row.sha256) == (len(kept), sha256(kept).hexdigest())
