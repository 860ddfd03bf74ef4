"""The catalogues are complete, and the check that says so sees each way in which one may not be."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from locales.check import faults
from locales.update import PACKAGES, ROOT, UnreadableSourceError, forms, merged, read, words_in_use, written

PLURAL = ("%(n)s task", "%(n)s tasks")


def catalogue(**words: str) -> Catalog:
    found = Catalog(locale="fr", fuzzy=False)
    for msgid, text in words.items():
        found.add(msgid, text)
    return found


def test_a_complete_catalogue_has_no_fault() -> None:
    in_use, french = Catalog(locale="fr"), Catalog(locale="fr", fuzzy=False)
    in_use.add(PLURAL)
    in_use.add("100 %% of %(what)s")
    french.add(PLURAL, ("%(n)s tâche", "%(n)s tâches"))
    french.add("100 %% of %(what)s", "100 %% de %(what)s")
    assert faults(in_use, french) == []


@pytest.mark.parametrize(
    ("msgid", "text", "fault"),
    [
        ("Owed by %(who)s", "Dû par %(qui)s", "“Owed by %(who)s”: placeholders differ: {who} became {qui}"),
        ("Owed by %(who)s", "Dû", "“Owed by %(who)s”: placeholders differ: {who} became {}"),
        ("Late", "", "“Late”: not translated"),
        ("All", "100 % fait", "“All”: a % that is neither %(named)s nor %%"),
        ("All", "100 %", "“All”: a % at its end: write %%"),
        ("%(n)f", "%(n)f", "“%(n)f”: %(n)f is no placeholder: use s or d"),
    ],
)
def test_a_faulty_translation_is_named_with_what_is_wrong(msgid: str, text: str, fault: str) -> None:
    assert fault in faults(catalogue(**{msgid: ""}), catalogue(**{msgid: text}))


def test_a_missing_a_forgotten_and_a_guessed_word_are_each_named() -> None:
    old = catalogue(Guessed="Deviné", Gone="Parti")
    old["Guessed"].flags.add("fuzzy")
    found = faults(catalogue(Guessed="", New=""), old)
    assert sorted(found) == ["“Gone”: no longer used", "“Guessed”: fuzzy", "“New”: missing"]


def test_an_obsolete_word_kept_in_comments_is_named(tmp_path: Path) -> None:
    path = tmp_path / "messages.po"
    path.write_text('msgid ""\nmsgstr "Language: fr\\n"\n\n#~ msgid "Gone"\n#~ msgstr "Parti"\n', "utf-8")
    assert faults(catalogue(), read("fr", path)) == ["“Gone”: no longer used"]


def test_a_french_singular_that_drops_the_count_is_named_since_it_also_stands_for_none() -> None:
    in_use, french = Catalog(locale="fr"), Catalog(locale="fr", fuzzy=False)
    in_use.add(("One task", "%(n)s tasks"))
    french.add(("One task", "%(n)s tasks"), ("Une tâche", "%(n)s tâches"))
    assert faults(in_use, french) == ["“One task”: placeholders differ: {n} became {}"]


def test_words_are_found_in_code_in_refusals_and_in_templates(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "rule.py").write_text(
        "N_('Marked')\nsay(lang, 'Said %(x)s', x=1)\nsay_n(lang, 'one', 'many', n)\nCounted('a seat', 'seats', n)\n"
        "raise Refusal('code.of', 'Refused %(why)s', why=w)\nsay(lang, dynamic)\n",
        "utf-8",
    )
    (tmp_path / "domain" / "page.html").write_text(
        '{{ _("Shown") }}{% trans who=x %}\n  Owed by\n  {{ who }}\n{% endtrans %}', "utf-8"
    )
    found = {m.id for m in words_in_use(tmp_path, ["domain"]) if m.id}
    assert found == {
        "Marked",
        "Said %(x)s",
        ("one", "many"),
        ("a seat", "seats"),
        "Refused %(why)s",
        "Shown",
        "Owed by %(who)s",
    }


def _marked(path: Path) -> Iterator[str]:
    """The words that a module marks by N_, wherever in it, as Python itself reads it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


@pytest.mark.ci
def test_no_word_is_marked_where_the_search_for_words_does_not_see_it() -> None:
    # Babel reads tokens: of a string with expressions in it, it sees the simplest alone.
    seen = {one for message in words_in_use() for one in forms(message.id)}
    marked = {
        word: path.name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for word in _marked(path)
    }
    assert marked
    assert {word: name for word, name in marked.items() if word not in seen} == {}


@pytest.mark.ci
def test_no_sentence_counts_a_plural_by_a_number_that_may_be_one() -> None:
    # Limits are declared, and many ("at most 80 characters"); a number names one thing ("Under seal 3 lines are gone").
    no_count = r"(?!most|least|longest|shortest|max_length|number)"
    # What somebody does, and is no thing that is counted.
    no_noun = (
        r"(?!(?:is|was|has|acts|falls|says|as|leaves|stays|takes|does|goes|makes|holds|belongs|runs|waits|leads|sits|ends|lies|tells|receives|accompanies|this|This)"
        r"\b)"
    )
    counted = re.compile(rf"%\({no_count}\w+\)[sd] {no_noun}(\w+s|people)\b")
    assert counted.search("Loaded: %(count)s changes.")
    alone = [message.id for message in words_in_use() if isinstance(message.id, str)]
    assert [msgid for msgid in alone if counted.search(msgid)] == []


@pytest.mark.parametrize("name", ["broken.py", "broken.html"])
def test_a_file_that_does_not_parse_stops_the_update(tmp_path: Path, name: str) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / name).write_text("{% if x %} N_('a' \n{{ _('b') ", "utf-8")
    with pytest.raises(UnreadableSourceError, match=name):
        words_in_use(tmp_path, ["api"])


def test_an_update_keeps_translations_drops_old_words_and_writes_the_same_file_twice(tmp_path: Path) -> None:
    in_use = catalogue(Kept="", New="")
    first = merged("fr", in_use, catalogue(Kept="Gardé", Gone="Parti"))
    path = tmp_path / "messages.po"
    path.write_bytes(written(first))
    again = written(merged("fr", in_use, read("fr", path)))
    assert again == path.read_bytes()
    text = again.decode()
    assert 'msgstr "Gardé"' in text
    assert "Gone" not in text
    assert "Date" not in text
