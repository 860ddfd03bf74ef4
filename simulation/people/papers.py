"""The papers that people give: what they say is drawn, nobody is named, and now and then one is no paper at all."""

from __future__ import annotations

import base64
import random
from typing import Final

WORDS: Final = (
    "bilan",
    "rencontre",
    "atelier",
    "équipe",
    "formation",
    "trimestre",
    "soutien",
    "partenaire",
    "engagement",
    "calendrier",
    "présence",
    "ressource",
    "review",
    "training",
    "meeting",
    "support",
)
_OBJECTS: Final = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
)
#: Papers that are none: empty, without a letter, of another kind than their name says, and not even in base64.
_NO_PAPERS: Final = (
    ("vide.txt", ""),
    ("traits.txt", base64.b64encode(b"... --- ...").decode()),
    ("page.pdf", base64.b64encode(b"plain words, and no page").decode()),
    ("programme.exe", base64.b64encode(b"MZ and so on").decode()),
    ("perdu.txt", "not in base64!"),
)


def words(chance: random.Random, most: int = 6) -> str:
    """A few words that name nobody."""
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(2, most))).capitalize() + "."


def paper(chance: random.Random) -> dict[str, str]:
    """A document with its bytes in base64: a text, or a page."""
    said = words(chance, 20)
    if chance.random() < 0.7:
        return {"name": f"{chance.choice(WORDS)}.txt", "content": base64.b64encode(said.encode()).decode()}
    return {"name": f"{chance.choice(WORDS)}.pdf", "content": base64.b64encode(page(said)).decode()}


def no_paper(chance: random.Random) -> dict[str, str]:
    """What somebody gives by mistake, which is no document."""
    name, content = chance.choice(_NO_PAPERS)
    return {"name": name, "content": content}


def scan(chance: random.Random) -> dict[str, str]:
    """A page that somebody signed, as a file."""
    return {"name": "signature.pdf", "content": base64.b64encode(page(words(chance, 12))).decode()}


def page(said: str) -> bytes:
    """One page that shows these words."""
    drawn = b"BT /F1 12 Tf 72 720 Td (" + said.encode("ascii", "replace") + b") Tj ET"
    written, places = b"%PDF-1.4\n", []
    for n, one in enumerate([*_OBJECTS, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn)], start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (n, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(written)
    return written + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer
