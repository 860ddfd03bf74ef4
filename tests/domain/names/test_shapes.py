"""What has the shape of a name is pointed at, whoever it is of; ordinary sentences of minutes hardly ever are."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from random import Random

import pytest

from domain.names import shapes
from domain.names.our_names import Ours
from domain.names.shapes import shapes_in
from tests.cast import MEMBERS, program_file
from tests.domain.names.writings import ordinary, someone, writing

YEAR = 2026


@pytest.fixture(scope="module")
def ours() -> Ours:
    """The cast's names and those of the organizations, as the program has them."""
    places = program_file().value.organizations
    named = [name for place in places.values() for name in (place.name, place.short_name)]
    return Ours.of([*(member.name for member in MEMBERS.values()), *named])


NOBODYS = Ours()


def pointed_at(text: str, ours: Ours = NOBODYS) -> list[tuple[str, str]]:
    return [(shape.kind, text[shape.at : shape.end]) for shape in shapes_in(text, ours, year=YEAR)]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_at_most_1_of_20_ordinary_sentences_is_pointed_at(language: str, ours: Ours) -> None:
    sentences = ordinary(language)
    assert len(sentences) > 300
    assert len(set(sentences)) == len(sentences)
    pointed = [(text, found) for text in sentences if (found := pointed_at(text, ours))]
    assert len(pointed) <= len(sentences) / 20, pointed


@pytest.mark.ci
def test_most_writings_of_a_name_a_telephone_an_address_or_a_birth_are_pointed_at() -> None:
    """It is an offer and no wall: what it passes over is searched when papers are made."""
    draw = Random(3)  # noqa: S311 - a seed, so that a miss is seen again
    seen: dict[str, list[bool]] = {}
    for _ in range(800):
        manner, text = writing(someone(draw), draw)
        seen.setdefault(manner, []).append(bool(pointed_at(text)))
    rates = {manner: sum(found) / len(found) for manner, found in seen.items()}
    least = {"whole": 0.85, "each half": 0.9, "in capitals": 0.8, "telephone": 0.98, "e-mail": 0.98, "birth date": 0.95}
    assert {manner: rates[manner] for manner, rate in least.items() if rates[manner] < rate} == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("On a parlé d’Ondine hier.", "Ondine"),
        ("On a parlé d’Ondine Fougère-Lys hier.", "Ondine Fougère-Lys"),
        ("Jessica a rappelé.", "Jessica"),
        ("jessica a rappelé.", "jessica"),
        ("TREMBLAY, JESSICA", "TREMBLAY, JESSICA"),
        ("Point 3 : J. D’Amours (suite)", "J. D’Amours"),
        ("Rose Tilleul cherche un logement.", "Rose Tilleul"),
        ("The worker met Grace O’Brien on Friday.", "Grace O’Brien"),
        ("suivi_Jessica_Tremblay.pdf", "Jessica_Tremblay"),
    ],
)
def test_the_shape_of_a_name_is_pointed_at(text: str, words: str) -> None:
    assert pointed_at(text) == [("name", words)]


@pytest.mark.parametrize(
    "number",
    [
        "514 555-0144",
        "(514) 555-0144",
        "514.555.0144",
        "+1 514 555 0144",
        "1-514-555-0144",
        "5145550144",
        "555-0144",
        "514 555 01 44",
        "514/555/0144",
        "51 45 55 01 44",
        "1 51 45 55 01 44",
        "51/45/55/01/44",
        "514-555-01-44",
        "514.555.01.44",
        "(514) 555-01-44",
        "51.45.55.01.44",
        "５１４ ５５５-０１４４",
    ],
)
def test_a_telephone_is_pointed_at_in_each_usual_writing(number: str) -> None:
    assert [kind for kind, _ in pointed_at(f"La joindre au {number} le soir.")] == ["telephone"]


@pytest.mark.parametrize(
    "text",
    [
        "Voir la page 514, puis la 555.",
        "Le 2026-12-07",
        "145,50 $",
        "#2019-02 et #2021-14",
        "Présences : 25 30 28 27 26 en cinq semaines",
        "les 22 23 24 25 26 mars",
    ],
)
def test_other_figures_are_no_telephone(text: str) -> None:
    assert pointed_at(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "née le 4 mai 2010",
        "DDN 2010-05-04",
        "born May 4, 2010",
        "04/05/2010",
        "son anniversaire est le 4 mai",
        "20100504",
    ],
)
def test_a_date_of_birth_is_pointed_at_and_the_day_of_a_meeting_is_not(text: str) -> None:
    assert [kind for kind, _ in pointed_at(text)] == ["birth_date"]
    assert pointed_at("Le 4 mai 2027, puis le 2026-12-07 et le 31 mars 2025") == []


def test_where_somebody_lives_is_pointed_at_and_an_office_is_not() -> None:
    assert pointed_at("Elle habite au 12, rue des Épinettes.") == [("address", "12, rue des Épinettes")]
    assert pointed_at("850 Ontario Street East, apt. 4") == [("address", "850 Ontario Street")]
    assert pointed_at("H2X 1Y4") == [("address", "H2X 1Y4")]
    assert pointed_at("Rendez-vous au 850, rue Ontario Est.") == []


def test_an_address_of_mail_is_pointed_at_and_one_that_an_office_answers_is_not() -> None:
    assert pointed_at("Écrire à Ondine.F+x@courriel.example svp") == [("email", "Ondine.F+x@courriel.example")]
    assert pointed_at("Écrire à info@courriel.example") == []


def test_staff_and_organizations_are_not_pointed_at(ours: Ours) -> None:
    assert pointed_at("Perle Obsidienne, de l’organisme En Marge 12-17, présente Jade Lapis.", ours) == []
    assert pointed_at("Perle Bouchard est venue.", ours) == [("name", "Perle Bouchard")]


def test_a_professional_is_called_by_a_title() -> None:
    assert pointed_at("Mme Gagnon, M. Bouchard, Me Tanguay et le Dr Haddad sont invités.") == []


def test_nothing_of_it_asks_who_is_on_file() -> None:
    """The module is given words, and no session."""
    assert not {name for name in vars(shapes) if "session" in name.lower() or "identity" in name.lower()}


@pytest.mark.ci
def test_a_long_word_without_end_is_read_in_no_time() -> None:
    assert pointed_at("a" * 20_000 + " " + "1" * 20_000 + " " + "x." * 10_000) == []


@pytest.mark.parametrize(
    "text",
    [
        "PF3K9QZ1",
        "C02XK1ABJG5J",
        "Dell Latitude 5440",
        "Samsung Galaxy A54",
        "le 2026-11-30 10:00",
        "2026-11-30T10:00",
        "Facture 450-2234",
        "Invoice no. 450-2234",
        "1200, rue Berri, bureau 4, Montréal (Québec) H2L 4S2",
        "Centre sportif Claude-Robillard",
        "Maison de la culture Claude-Léveillée",
        "Rendez-vous au CLSC Olivier-Guimond",
        "Café Cherrier",
        "Square Cabot",
        "Musée Grévin",
        "Meet at the Tim Hortons on Jean-Talon Street",
        "Côte-des-Neiges",
        "sam. 12 sept.",
        "Hôpital Royal Victoria",
    ],
)
def test_serials_models_days_with_an_hour_bills_and_places_are_not_pointed_at(text: str) -> None:
    assert pointed_at(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Elle dort chez Jessica.", "Jessica"),
        ("Côté, Jessica", "Côté, Jessica"),
        ("au centre avec Jessica", "Jessica"),
        ("Tim a rappelé.", "Tim"),
        ("jessica2009", "jessica"),
        ("We met Jessica Park.", "Jessica"),
    ],
)
def test_what_is_no_place_and_no_serial_is_pointed_at(text: str, words: str) -> None:
    assert pointed_at(text) == [("name", words)]


def test_a_birth_beside_other_figures_and_where_somebody_lives_are_pointed_at() -> None:
    assert [kind for kind, _ in pointed_at("Réunion 2026-11-30 et 08/10/2011")] == ["birth_date"]
    assert [kind for kind, _ in pointed_at("3 - 08/10/2011")] == ["birth_date"]
    assert pointed_at("Elle habite au 12, rue Berri, Montréal H2L 4S2")[-1] == ("address", "H2L 4S2")
    assert [kind for kind, _ in pointed_at("La joindre au 450-2234")] == ["telephone"]


@pytest.mark.parametrize(
    "name", ["Solène Grand’Ourse", "Noé Clair-de-Lune", "Céleste D’Étoile", "Tristan O'Nimbus", "Hugo L’Éclair"]
)
def test_staff_whose_name_has_an_apostrophe_or_a_hyphen_are_not_pointed_at_either(name: str) -> None:
    ours = Ours.of([name])
    family = name.rsplit(maxsplit=1)[-1]
    for text in (name, f"{name} présente le bilan.", f"On remercie {family}.", f"{family}, {name}", f"vu par {name}"):
        assert pointed_at(text, ours) == []
    assert pointed_at(f"Jessica {family} est venue.", ours) == [("name", f"Jessica {family}")]


@pytest.mark.parametrize(
    "text",
    [
        "Le feuillet date de la réforme d’octobre 2009.",
        "On a ouvert en mars 2011, puis en mai 2014.",
        "The rules changed in October 2009.",
        "Une présentation de vingt minutes en PowerPoint suffit.",
        "The chartered bus leaves from Jean-Talon metro at eight.",
        "Rendez-vous au métro Lionel-Groulx, sortie Atwater.",
        "Five Zyxelo laptops are on order.",
        "La Porte Barre Automatiquement à l’heure pile.",
        "Le café Chez Édouard ferme.",
        "On se rejoint au Tim de la rue Jarry.",
        "Une participante lit Le Petit Prince à sa fille.",
        "Le Bal de Neige nous offre dix bracelets.",
        "Le film « Noémie dit oui » sera vu en équipe.",
        "Effective April 1, two quotes are required.",
        "Nobody here knows Power BI well enough.",
        "Une jeune Ivoirienne craint de perdre son permis.",
        "Le dossier « Bris D’équipement » est fermé.",
        "Our Prévention et Mobilisation guide is ready.",
        "Des modules sur les Dépassements budgétaires sont prévus.",
    ],
)
def test_a_month_with_its_year_a_program_a_station_and_a_title_are_not_pointed_at(text: str) -> None:
    assert pointed_at(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Le cellulaire de Jessica est brisé.", "Jessica"),
        ("On appelle la maison de Jessica.", "Jessica"),
        ("L’école de Jessica ferme en juin.", "Jessica"),
        ("Le cellulaire de Ouiam est brisé.", "Ouiam"),
        ("She read the report Jessica wrote.", "Jessica"),
        ("The school Jessica goes to closes in June.", "Jessica"),
        ("Elle a revu N’deye hier.", "N’deye"),
        ("Elle dit que « Jessica » a rappelé.", "Jessica"),
        ("On a vu la Jessica hier.", "Jessica"),
        ("The Ondine Fougère file is closed.", "Ondine Fougère"),
        ("Elle a revu LeShawn hier.", "LeShawn"),
        ("On a vu OndineFougère hier.", "OndineFougère"),
    ],
)
def test_what_is_somebodys_is_told_from_what_is_called_so(text: str, words: str) -> None:
    assert pointed_at(text) == [("name", words)]


@pytest.mark.parametrize(
    "link",
    [
        "https://us02web.zoom.us/j/5145550144?pwd=x7Rose-9Ana_K3.1",
        "https://spheres.example/answer/Xk3-Jade_9fT5145550144zzQ-Lea7wB",
        "http://127.0.0.1:8420/refer/b7Q-Ana_514-555-0144_Kd2fLr9Tz0WqYh3uN6",
        "www.canada.ca/fr/justice/principe-de-droit.html",
        "https://medium.example/@gazette.montreal/un-bilan",
        "b7Q-Ana_514-555-0144_Kd2fLr9Tz0WqYh3uN6xE",
        "2f7ada514555014403bea9c0ffee12ab9",
    ],
)
def test_random_letters_of_a_link_or_a_token_are_not_pointed_at(link: str) -> None:
    assert pointed_at(f"Le lien est {link} pour tous.") == []
    assert pointed_at(link) == []


def test_no_token_and_no_link_is_pointed_at_by_chance() -> None:
    draw = Random(15)  # noqa: S311 - a seed, so that a miss is seen again
    tokens = [urlsafe_b64encode(draw.randbytes(32)).decode().rstrip("=") for _ in range(300)]
    tokens += [draw.randbytes(size).hex() for size in (16, 32) for _ in range(100)]
    texts = [text for token in tokens for text in (token, f"https://spheres.example/answer/{token}?once={token}")]
    assert [text for text in texts if pointed_at(f"Répondre par {text} avant midi.")] == []


@pytest.mark.parametrize(
    ("link", "kind", "words"),
    [
        ("https://disque.example/suivi/Jessica%20Tremblay.docx", "name", "Jessica%20Tremblay.docx"),
        ("https://disque.example/?nom=ondine+tremblay&p=2", "", ""),
        ("https://disque.example/?nom=jessica+tremblay&p=2", "name", "jessica+tremblay"),
        ("https://disque.example/?a=ondine%40courriel.example.", "email", "ondine%40courriel.example"),
        ("https://disque.example/?tel=514-555-0144", "telephone", "514-555-0144"),
    ],
)
def test_what_a_link_spells_out_is_pointed_at(link: str, kind: str, words: str) -> None:
    assert pointed_at(f"Voir {link}") == ([(kind, words)] if kind else [])
