"""A document's file is called by its day, its committee and its kind, and by nothing that anyone typed."""

from datetime import date

import pytest

from meetings.documents.issuing import DocumentKind, file_name

DAY = date(2026, 12, 2)


def test_a_file_says_day_committee_and_kind_in_its_language() -> None:
    assert file_name("agenda", "clinical", DAY, "fr") == "2026-12-02-clinical-ordre-du-jour.pdf"
    assert file_name("minutes", "two_rivers", DAY, "en", form="docx") == "2026-12-02-two-rivers-minutes.docx"


def test_the_addenda_of_one_meeting_have_names_of_their_own() -> None:
    assert file_name("addendum", "clinical", DAY, "fr", part="2") == "2026-12-02-clinical-addenda-2.pdf"


@pytest.mark.parametrize("kind", ["agenda", "addendum", "minutes", "register", "statement"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_files_name_is_plain_ascii(kind: DocumentKind, language: str) -> None:
    name = file_name(kind, "clinical", DAY, language)
    assert name.isascii()
    assert not set(name) & set(' /\\:*?"<>|')


@pytest.mark.parametrize("key", ["", "../x", "Clinical", "clinique é", "a" * 62, "a\n"])
def test_what_is_no_key_is_no_name(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        file_name("agenda", key, DAY, "fr")
