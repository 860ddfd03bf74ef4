"""Reads a document back as its reader gets it: what it says, in order, and what it says of itself."""

import re
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import docx
from docx.table import Table
from pypdf import PdfReader

NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}")


def pdf_text(pdf: bytes) -> str:
    """Everything that is painted, in reading order, blanks made alike."""
    return alike("\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages))


def docx_text(file: bytes) -> str:
    """Everything in the body of a DOCX, in order, blanks made alike."""
    parts = []
    for part in docx.Document(BytesIO(file)).iter_inner_content():
        if isinstance(part, Table):
            parts += [cell.text for row in part.rows for cell in dict.fromkeys(row.cells)]
        else:
            parts.append(part.text)
    return alike("\n".join(parts))


def alike(text: str) -> str:
    """`text` with every blank alike, and none where a line ended at a hyphen."""
    return re.sub(r"(?<=\w)- (?=\w)", "-", re.sub(r"\s+", " ", text)).strip()


def docx_numbers(file: bytes) -> list[str]:
    """The numbers of items: of the first column of an agenda, or of the headings of minutes."""
    document = docx.Document(BytesIO(file))
    cells = [row.cells[0].text for table in document.tables for row in table.rows]
    cells += [
        p.text.split(" ")[0].removesuffix(".")
        for p in document.paragraphs
        if p.style is not None and p.style.name == "Heading 3"
    ]
    return [text for text in cells if NUMBER.fullmatch(text)]


def pdf_tags(pdf: bytes) -> list[tuple[str, str]]:
    """Each tag of a PDF, in reading order, with the text that it holds."""
    reader = PdfReader(BytesIO(pdf))
    painted = {page.indirect_reference.idnum: _marked(page) for page in reader.pages if page.indirect_reference}
    root: Any = reader.trailer["/Root"]
    found: list[tuple[str, str]] = []

    def walk(node: Any, page: int | None) -> str:
        if isinstance(node, int):
            return painted[page].get(node, "") if page is not None else ""
        node = node.get_object()
        if isinstance(node, list):
            return "".join(walk(child, page) for child in node)
        page = node.raw_get("/Pg").idnum if "/Pg" in node else page
        if node.get("/Type") == "/MCR":
            return walk(int(node["/MCID"]), page)
        if node.get("/Type") == "/OBJR":
            return ""
        place = len(found)
        text = "".join(walk(child, page) for child in _children(node))
        if "/S" in node:
            found.insert(place, (str(node["/S"]), alike(text)))
        return text

    walk(root["/StructTreeRoot"], None)
    return found


def _children(node: Any) -> list[Any]:
    children = node.get("/K", [])
    return list(children) if isinstance(children, list) else [children]


def _marked(page: Any) -> dict[int, str]:
    """What a page paints under each mark."""
    stack: list[int | None] = []
    texts: dict[int, str] = {}

    def before(operator: bytes, operands: Any, _cm: Any, _tm: Any) -> None:
        if operator == b"BDC":
            named = operands[1]
            stack.append(int(named["/MCID"]) if isinstance(named, dict) and "/MCID" in named else None)
        elif operator == b"BMC":
            stack.append(None)
        elif operator == b"EMC":
            stack.pop()

    def text(found: str, *_: Any) -> None:
        mark = next((mark for mark in reversed(stack) if mark is not None), None)
        if mark is not None:
            texts[mark] = texts.get(mark, "") + found

    page.extract_text(visitor_operand_before=before, visitor_text=text)
    return texts


def parts_of(file: bytes) -> dict[str, str]:
    """The parts of a DOCX by name."""
    with ZipFile(BytesIO(file)) as package:
        return {name: package.read(name).decode() for name in package.namelist()}
