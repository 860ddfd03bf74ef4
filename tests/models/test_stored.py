"""What a column keeps as JSON is written back as it was read, whatever it says, so that its digest stays."""

from __future__ import annotations

import pytest

from models.agreement import AgreementTerms
from models.stored import JsonObject

WORDS: JsonObject = {"fr": "Entente", "en": "Agreement"}


@pytest.mark.parametrize(
    "kept",
    [
        {"title": WORDS, "resources": [], "clauses": [], "information_sharing": None, "endorsed_by": {}},
        {"title": WORDS},  # from before there were clauses
        {"title": {**WORDS, "es": "Acuerdo"}, "language": "fr"},  # what no field stands for
        {"title": WORDS, "clauses": "none"},
        {"title": {"fr": 3}},
        {},
    ],
)
def test_what_is_kept_is_written_back_as_it_was_read(kept: JsonObject) -> None:
    assert AgreementTerms.read(kept).as_stored() == kept


def test_what_a_text_leaves_out_reads_as_nothing() -> None:
    terms = AgreementTerms.read({"title": WORDS})
    assert (terms.resources, terms.clauses, terms.information_sharing, terms.majority) == ([], [], None, "")
