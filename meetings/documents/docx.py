"""Writes a document for a word processor: the same paper as the PDF, with real headings and tables.

The properties hold a title and a language, and no name; the same content gives the same bytes.
"""

from __future__ import annotations

import re
from html import escape
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table as WordTable
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph

from locales import LANGUAGES
from meetings.documents.layout import laid_out
from meetings.documents.paper import (
    Bars,
    Block,
    CellLine,
    Column,
    Decided,
    Group,
    Heading,
    Paper,
    PaperNote,
    PaperTable,
    Signing,
    Tone,
)
from meetings.documents.statement import Printed

#: Every word processor has it, or a font of the same widths.
_FONT: Final = "Calibri"
_INK, _SOFT = RGBColor(0x1C, 0x24, 0x22), RGBColor(0x55, 0x60, 0x5D)
_ACCENT, _ALARM = RGBColor(0x0B, 0x5C, 0x63), RGBColor(0x8F, 0x2D, 0x13)
_HAIR, _BAND = "CFD6D4", "EEF3F2"

_PAGE_MM: Final = (215.9, 279.4)
_SIDE_MM: Final = 22
_TEXT_MM: Final = _PAGE_MM[0] - 2 * _SIDE_MM
_LABEL_MM: Final = 28
_SIGNED_MM: Final = 106

_KEPT_STYLES: Final = frozenset(
    {"Normal", "Heading 1", "Heading 2", "Heading 3", "Default Paragraph Font", "Normal Table", "No List"}
)
#: What the template of python-docx brings along and a document of ours does without.
_LEFT_OUT: Final = frozenset(
    {
        RELATIONSHIP_TYPE.CUSTOM_XML,
        RELATIONSHIP_TYPE.EXTENDED_PROPERTIES,
        RELATIONSHIP_TYPE.FONT_TABLE,
        RELATIONSHIP_TYPE.NUMBERING,
        RELATIONSHIP_TYPE.THEME,
        RELATIONSHIP_TYPE.WEB_SETTINGS,
        "http://schemas.microsoft.com/office/2007/relationships/stylesWithEffects",
        "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail",
    }
)
_CORE: Final = "docProps/core.xml"


def as_docx(content: Printed, language: str) -> bytes:
    """`content` in "fr" or "en" as a DOCX, US Letter. Raises Refusal where a text is missing in that language."""
    paper = laid_out(content, language)
    document = docx.Document()
    _strip(document)
    _set_styles(document, LANGUAGES[language].replace("_", "-"))
    _set_page(document, paper)
    _open_with(document, paper)
    for block in paper.blocks:
        _add(document, block)
    written = BytesIO()
    document.save(written)
    return _packed(written, paper)


# ------------------------------------------------------------------------------------------------- the body


def _open_with(document: Document, paper: Paper) -> None:
    _say(document.add_paragraph(), paper.program, "quiet")
    document.add_paragraph(paper.heading, style="Heading 1")
    document.add_paragraph(paper.subtitle, style="Subtitle of ours")
    for label, value in paper.facts:
        fact = document.add_paragraph(style="Fact")
        _say(fact, label, "quiet")
        fact.add_run("\t")
        if value.startswith("https://"):
            _link(fact, value)
        else:
            fact.add_run(value)


def _add(document: Document, block: Block) -> None:
    if isinstance(block, Heading):
        document.add_paragraph(block.text, style=f"Heading {block.level}")
    elif isinstance(block, PaperNote):
        note = document.add_paragraph()
        note.paragraph_format.keep_with_next = block.keeps
        _say(note, block.text, block.tone)
    elif isinstance(block, PaperTable):
        _add_table(document, block)
    elif isinstance(block, Bars):
        return  # the table before it says the same
    elif isinstance(block, Signing):
        _add_signing(document, block)
    elif isinstance(block, Decided):
        _add_decision(document, block)
    # A picture is on papers for participants alone, which are PDFs.


def _add_decision(document: Document, block: Decided) -> None:
    lines = (CellLine(block.title, "strong"), CellLine(block.text), *block.facts)
    for place, line in enumerate(lines, 1):
        paragraph = document.add_paragraph(style="Decision")
        paragraph.paragraph_format.keep_with_next = place < len(lines)
        paragraph.paragraph_format.space_after = Pt(2 if place < len(lines) else 10)
        _say(paragraph, line.text, line.tone)


def _add_signing(document: Document, block: Signing) -> None:
    document.add_paragraph(block.text).paragraph_format.keep_with_next = True
    for place, (label, value) in enumerate(block.fields, 1):
        paragraph = document.add_paragraph(style="Normal")
        paragraph.paragraph_format.keep_with_next = place < len(block.fields)
        paragraph.paragraph_format.space_before = Pt(6 if value else 24)
        _say(paragraph, label, "quiet")
        if value:
            paragraph.add_run(f"  {value}")
        else:
            paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_SIGNED_MM), leader=WD_TAB_LEADER.LINES)
            paragraph.add_run("\t")


def _add_table(document: Document, block: PaperTable) -> None:
    left = _TEXT_MM - sum(column.width_mm for column in block.columns)
    widths = [Mm(column.width_mm or left) for column in block.columns]
    table = document.add_table(rows=0, cols=len(widths))
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    for column, width in zip(table.columns, widths, strict=True):  # LibreOffice reads this grid alone
        column.width = width
    head = _new_row(table)
    _flag(head, "w:tblHeader")
    for cell, column in zip(head.cells, block.columns, strict=True):
        _fill(cell, (CellLine(column.title, "quiet"),), figures=column.figures)
        _edge(cell, "0B5C63", 8)
        cell.paragraphs[-1].paragraph_format.keep_with_next = True
    for group in block.groups:
        _add_group(table, group, block.columns)
    for row_of_cells in table.rows:
        for cell, width in zip(row_of_cells.cells, widths, strict=True):
            if cell.grid_span == 1:
                cell.width = width
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _add_group(table: WordTable, group: Group, columns: tuple[Column, ...]) -> None:
    if group.title:
        band = _new_row(table).cells
        merged = band[0].merge(band[-1])
        _fill(merged, (CellLine(group.title, "strong"),))
        _properties_of(merged).append(_element("w:shd", val="clear", color="auto", fill=_BAND))
        merged.paragraphs[-1].paragraph_format.keep_with_next = True
    for row in group.rows:
        for cell, lines, column in zip(_new_row(table).cells, row, columns, strict=True):
            _fill(cell, lines, figures=column.figures)
            _edge(cell, _HAIR, 4)


def _new_row(table: WordTable) -> _Row:
    row: _Row = table.add_row()  # type: ignore[no-untyped-call] # python-docx forgot to say what it gives
    _flag(row, "w:cantSplit")
    return row


def _fill(cell: _Cell, lines: tuple[CellLine, ...], *, figures: bool = False) -> None:
    for place, line in enumerate(lines):
        paragraph = cell.paragraphs[0] if place == 0 else cell.add_paragraph()
        paragraph.style = "Cell"
        if figures:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _say(paragraph, line.text, line.tone)


def _say(paragraph: Paragraph, text: str, tone: Tone) -> None:
    # At each run, and not by a style of characters: readers differ in whether that or the paragraph's style wins.
    font = paragraph.add_run(text).font
    if tone == "strong":
        font.bold = True
    elif tone == "quiet":
        font.size, font.color.rgb = Pt(9.5), _SOFT
    elif tone == "warning":
        font.size, font.color.rgb, font.bold = Pt(10), _ALARM, True


def _link(paragraph: Paragraph, address: str) -> None:
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(address)
    run.font.color.rgb, run.font.underline = _ACCENT, True
    paragraph._p.append(link)  # noqa: SLF001 - python-docx adds no links itself
    link.append(run._r)  # noqa: SLF001 - the same


# ---------------------------------------------------------------------------------------- page and styles


def _set_page(document: Document, paper: Paper) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = (Mm(side) for side in _PAGE_MM)
    section.left_margin = section.right_margin = Mm(_SIDE_MM)
    section.top_margin, section.bottom_margin = Mm(24), Mm(22)
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].style = "Normal"  # the title is on the page itself
    section.header.paragraphs[0].style = "Normal"
    _say(section.header.paragraphs[0], paper.title, "quiet")
    for footer in (section.footer, section.first_page_footer):
        paragraph = footer.paragraphs[0]
        paragraph.style = "Normal"
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
        _say(paragraph, f"{paper.program}\t", "quiet")
        for part in re.split(r"(%\(pages?\)s)", paper.page_of):
            if part.startswith("%("):
                field = _element("w:fldSimple", instr="PAGE" if part == "%(page)s" else "NUMPAGES")
                paragraph._p.append(field)  # noqa: SLF001 - python-docx adds no fields itself
                _say(paragraph, "1", "quiet")
                field.append(paragraph.runs[-1]._r)  # noqa: SLF001 - the same
            elif part:
                _say(paragraph, part, "quiet")


def _strip(document: Document) -> None:
    """Drops what the template brings along: the picture of its page, its styles, its own properties."""
    _strip_parts(document)
    _strip_styles(document)
    section = document.sections[0]._sectPr  # noqa: SLF001 - python-docx keeps the numbers of editing sessions
    for key in [key for key in section.attrib if "rsid" in key]:
        del section.attrib[key]
    _strip_settings(document)


def _strip_parts(document: Document) -> None:
    package = document.part.package
    for rels in (package.rels, document.part.rels):
        for key in [key for key, rel in rels.items() if rel.reltype in _LEFT_OUT]:
            del rels[key]


def _strip_styles(document: Document) -> None:
    for style in list(document.styles):
        if style.name not in _KEPT_STYLES:
            style.delete()
    for tag in ("w:link", "w:next", "w:rsid"):
        for reference in list(document.styles.element.iter(qn(tag))):
            reference.getparent().remove(reference)


def _strip_settings(document: Document) -> None:
    settings = document.settings.element
    for name in ("w:rsids", "w:savePreviewPicture", "w:proofState", "w:themeFontLang"):
        for found in settings.findall(qn(name)):
            settings.remove(found)
    for setting in settings.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")  # as today's Word: below, it speaks of a compatibility mode


def _set_styles(document: Document, language: str) -> None:
    defaults = document.styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    assert defaults is not None  # noqa: S101 - the template of python-docx has it
    defaults.clear()
    defaults.append(_element("w:rFonts", ascii=_FONT, hAnsi=_FONT, cs=_FONT, eastAsia=_FONT))
    defaults.append(_element("w:sz", val="22"))
    defaults.append(_element("w:lang", val=language, eastAsia=language, bidi=language))
    normal = _paragraph_style(document, "Normal", size=11, before=0, after=6)
    normal.paragraph_format.line_spacing = 1.1
    _paragraph_style(document, "Heading 1", size=23, bold=True, before=2, after=2)
    _paragraph_style(document, "Heading 2", size=14, bold=True, colour=_ACCENT, before=18, after=6)
    _paragraph_style(document, "Heading 3", size=11.5, bold=True, before=12, after=3)
    subtitle = _paragraph_style(document, "Subtitle of ours", size=14, colour=_ACCENT, before=0, after=10)
    _border(subtitle, "w:bottom", 8, space=6)
    fact = _paragraph_style(document, "Fact", size=11, before=0, after=2)
    fact.paragraph_format.tab_stops.add_tab_stop(Mm(_LABEL_MM))
    fact.paragraph_format.left_indent, fact.paragraph_format.first_line_indent = Mm(_LABEL_MM), Mm(-_LABEL_MM)
    _paragraph_style(document, "Cell", size=10.5, before=2, after=2)
    decision = _paragraph_style(document, "Decision", size=11, before=0, after=0)
    decision.paragraph_format.left_indent = Mm(4)
    _border(decision, "w:left", 18, space=8)


def _paragraph_style(
    document: Document,
    name: str,
    *,
    size: float,
    before: float,
    after: float,
    bold: bool = False,
    colour: RGBColor = _INK,
) -> ParagraphStyle:
    known = name in _KEPT_STYLES
    style = document.styles[name] if known else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    assert isinstance(style, ParagraphStyle)  # noqa: S101 - asked for by its kind
    properties = style.element.get_or_add_rPr()
    properties.clear()
    style.font.name, style.font.size, style.font.bold, style.font.color.rgb = _FONT, Pt(size), bold, colour
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
    return style


def _border(style: ParagraphStyle, side: str, eighths_of_a_point: int, *, space: int) -> None:
    borders = OxmlElement("w:pBdr")
    borders.append(_element(side, val="single", sz=str(eighths_of_a_point), space=str(space), color="0B5C63"))
    properties = style.element.get_or_add_pPr()
    # The schema has an order, and Word refuses a file that does not keep it.
    after = [qn(name) for name in ("w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:outlineLvl", "w:rPr")]
    later = next((child for child in properties if child.tag in after), None)
    if later is None:
        properties.append(borders)
    else:
        later.addprevious(borders)


def _edge(cell: _Cell, colour: str, eighths_of_a_point: int) -> None:
    borders = OxmlElement("w:tcBorders")
    borders.append(_element("w:bottom", val="single", sz=str(eighths_of_a_point), space="0", color=colour))
    _properties_of(cell).append(borders)


def _flag(row: _Row, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))  # noqa: SLF001 - python-docx does not know it


def _properties_of(cell: _Cell) -> BaseOxmlElement:
    return cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-docx knows no borders


def _element(name: str, **attributes: str) -> BaseOxmlElement:
    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    return element


# ---------------------------------------------------------------------------------------------- the package


def _packed(written: BytesIO, paper: Paper) -> bytes:
    """The package again, with properties of our own, its parts in order and all of one fixed day."""
    packed = BytesIO()
    with ZipFile(written) as parts, ZipFile(packed, "w") as package:
        # The list of contents comes first: some readers look at the beginning to tell what a file is.
        for name in sorted(parts.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            part = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            part.compress_type, part.create_system, part.external_attr = ZIP_DEFLATED, 0, 0
            package.writestr(part, _properties(paper) if name == _CORE else parts.read(name), compresslevel=6)
    return packed.getvalue()


def _properties(paper: Paper) -> bytes:
    language = LANGUAGES[paper.language].replace("_", "-")
    return (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(paper.title)}</dc:title><dc:language>{language}</dc:language></cp:coreProperties>"
    ).encode()
