"""The guide's workbook of progress notes as a form: what its boxes, columns and menus are called (FU-6).

It is a form of files, in both languages of the guide and as people write in it: its words follow no catalogue. What
is written is the first word of each; all of them are read, without accents, capitals and points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True)
class FormWord:
    """What something is called in the form, in French and in English, and as people write it besides."""

    fr: str
    en: str
    others: tuple[str, ...] = ()

    def said(self, language: str) -> str:
        """As it is written in a language."""
        return self.fr if language == "fr" else self.en

    @property
    def spellings(self) -> set[str]:
        """Every way to write it, as `plain` makes them alike."""
        return {plain(one) for one in (self.fr, self.en, *self.others)}


def _word(fr: str, en: str, others: str = "") -> FormWord:
    return FormWord(fr, en, tuple(others.split("|")) if others else ())


#: The boxes, and the lines of the box of information and of the one of self-reports.
INFORMATION: Final = _word("Renseignement", "Information")
SELF_REPORTS: Final = _word("Passation de l’instrument autorévélé", "Self-reporting instrument")
FOLLOW_UPS: Final = _word("Suivis", "Follow-ups")
NUMBER: Final = _word("ID du jeune", "Youth ID")
GENDER: Final = _word("Sexe", "Gender")
BORN: Final = _word("Date de naissance (mois et année)", "Date of birth (month and year)")
ENTERED: Final = _word("Date d’entrée dans le projet (mois et année)", "Date of entry in project (month and year)")
RISK: Final = _word("Niveau de risque au moment de l’admission", "Level of risk at time of admission")
TIME: Final = _word("Temps", "Time")
DONE: Final = _word("Fait?", "Done?")
DONE_ON: Final = _word("Date", "Date")
RISK_THEN: Final = _word("Niveau de risque réévalué", "Level of risk re-assessed")
YES: Final = _word("Oui", "Yes")
NO: Final = _word("Non", "No")

GENDERS: Final[Mapping[str, FormWord]] = {
    "woman": _word("Femme", "Woman"),
    "man": _word("Homme", "Man"),
    "other": _word("Autre (neutre, androgyne, transgenre…)", "Other (neutral, androgynous, transgender…)"),
    "not_said": _word("Préfère ne pas le dire", "Prefers not to say"),
}
RISKS: Final[Mapping[str, FormWord]] = {
    "red": _word("Rouge : dangereux", "Red: dangerous"),
    "yellow": _word("Jaune : préoccupant", "Yellow: worrisome"),
    "green": _word("Vert : sécuritaire", "Green: safe"),
    "none": _word("Aucune marchandisation", "No commodification"),
}

#: The first column of the table: the week, by its first day.
WEEK: Final = "week"
#: The columns in their order, by the field of a week that each holds. The type of activity begins the summary in the
#: guide's own sheet; it has a column, so that a choice stays one.
COLUMNS: Final[Mapping[str, FormWord]] = {
    WEEK: _word("Semaine du", "Week of"),
    "met": _word("N de rencontres en personne", "N face-to-face meetings"),
    "minutes": _word("Durée des rencontres (minutes)", "Duration of meetings (minutes)"),
    "communications": _word("Autres communications", "Other communications"),
    "why_none": _word("Aucune rencontre/comm. Pourquoi?", "No meeting/comm. Why?"),
    "why_other": _word("Aucune rencontre/comm. Autre raison, spécifiez", "No meeting/comm. Other reason, specify"),
    "main_activity": _word("Activité principale", "Main activity"),
    "need": _word("Besoin visé", "Targeted need"),
    "worker_satisfaction": _word("Satisfaction de l’intervenant", "Satisfaction of youth worker"),
    "participant_satisfaction": _word("Satisfaction du jeune", "Satisfaction of participant"),
    "activity_type": _word("Type d’activité", "Type of activity"),
    "summary": _word("Résumé des activités de la semaine/notes qualitatives", "Summary of weekly activities"),
    "other_information": _word("Autres informations pertinentes sur le suivi", "Other relevant information"),
    "other_workers": _word("Notes sur les autres intervenants au dossier", "Notes about other workers on case"),
}
#: How each head is known, in this order: the first that fits. People shorten them, and change what stands beside.
_HEADS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (field, re.compile(pattern))
    for field, pattern in (
        (WEEK, r"(semaine|sem|week)( (du|de|of|debut|starting|beginning))?( .{0,20})?"),
        ("activity_type", r"types? (d |of )?(activit|act\b).*"),
        ("minutes", r"(duree|duration|temps total|total time|minutes).*"),
        ("communications", r"(autres? comm|other comm).*"),
        ("why_other", r".*(autres? raisons?|other reasons?|specifi|specify|precis).*"),
        ("why_none", r".*(pourquoi|why).*"),
        ("met", r"(n|nb|nbr|nbre|no|nombre|number|num)\b.{0,12}(rencontre|renc\b|face|meeting|in person).*"),
        ("main_activity", r"(activites? princ|main act).*"),
        ("need", r".*(besoin|need).*"),
        ("worker_satisfaction", r"satisf.*(interven|worker|staff).*"),
        ("participant_satisfaction", r"satisf.*(jeune|participant|youth|young).*"),
        ("summary", r"(resume|summary).*"),
        ("other_workers", r".*(autres interv|other (youth )?workers?).*"),
        ("other_information", r"(autres? info|other (relevant|info|follow)).*"),
    )
)
_LONGEST_HEAD: Final = 200
#: So many of the heads have to be known for a row to be the one of the heads.
HEADS_KNOWN: Final = 4

ANSWERS: Final[Mapping[str, Mapping[str, FormWord]]] = {
    "why_none": {
        "not_scheduled": _word(
            "Rencontre/communication non prévue",
            "Meeting/communication not scheduled",
            "non prévue|non prévu|pas prévue|pas prévu|aucune rencontre prévue|rencontre non prévue|not scheduled|"
            "not planned|none scheduled|non planifiée|non planifié",
        ),
        "no_news": _word(
            "Pas de nouvelles", "No news", "aucune nouvelle|sans nouvelles|sans nouvelle|pas de nouvelle|no contact"
        ),
        "impossible": _word("Impossible", "Impossible", "rencontre impossible|not possible|pas possible"),
        "withdrew": _word(
            "Retrait du projet",
            "Withdrawal from project",
            "retrait|abandon|désistement|withdrawal|withdrew|retrait du programme|withdrawal from program|s’est retiré|"
            "s’est retirée",
        ),
        "other": _word("Autre raison", "Other reason", "autre|autres|other|autre, spécifiez|autre raison, spécifiez"),
    },
    "need": {
        "emergency": _word("Urgence", "Emergency", "urgences|urgent|urg"),
        "stability": _word("Stabilité", "Stability", "stab|stabilisation"),
        "participation": _word("Participation", "Participation", "part|particip"),
        "recovery": _word("Rétablissement", "Recovery", "rétab|rétabl"),
        "relationship": _word("Relation", "Relationship", "rel|relations|lien|relationnel"),
    },
    "worker_satisfaction": {
        "dissatisfied": _word(
            "Insatisfait",
            "Dissatisfied",
            "insatisfaite|insatisfait(e)|pas satisfait|pas satisfaite|non satisfait|unsatisfied|not satisfied|insat",
        ),
        "somewhat_satisfied": _word(
            "Plutôt satisfait",
            "Somewhat satisfied",
            "plutôt satisfaite|plutôt satisfait(e)|peu satisfait|peu satisfaite|assez satisfait|assez satisfaite|"
            "un peu satisfait|un peu satisfaite|moyennement satisfait|moyennement satisfaite|plutôt sat",
        ),
        "satisfied": _word("Satisfait", "Satisfied", "satisfaite|satisfait(e)|sat"),
        "very_satisfied": _word(
            "Très satisfait", "Very satisfied", "très satisfaite|très satisfait(e)|tres sat|t. satisfait|t. satisfaite"
        ),
    },
    "activity_type": {
        "medical": _word("Médicale", "Medical", "médical|santé|health"),
        "recreational": _word("Récréative", "Recreational", "récréatif|loisir|loisirs|leisure"),
        "sports": _word("Sportive", "Sports", "sportif|sport"),
        "cultural": _word("Culturelle", "Cultural", "culturel|culture"),
        "social": _word("Sociale", "Social", "social"),
        "legal": _word("Juridique", "Legal", "légal|légale|judiciaire|justice"),
        "community": _word("Communautaire", "Community", "communauté"),
        "clinical": _word("Clinique", "Clinical", "clinic"),
        "other": _word("Autre", "Other", "autres"),
    },
    "communications": {
        "telephone": _word(
            "Téléphone",
            "Telephone",
            "tél|tel|téléphones|appel|appels|appel téléphonique|appels téléphoniques|phone|phone call|phone calls|call|"
            "calls|cell|cellulaire",
        ),
        "text_message": _word(
            "Texto",
            "Text message",
            "textos|sms|texte|textes|message texte|messages texte|messages textes|text|texts|text messages|texting",
        ),
        "messenger": _word("Messenger", "Messenger", "facebook|fb|messenger facebook|facebook messenger|msn|mess"),
        "email": _word("Courriel", "E-mail", "courriels|email|emails|e-mails|mail|mails|mél"),
        "other": _word(
            "Autre moyen",
            "Another way",
            "autre|autres|other|others|instagram|insta|snapchat|snap|whatsapp|facetime|zoom|teams|skype|visio|vidéo|"
            "video|video call|appel vidéo|signal|tiktok|discord|lettre|letter|courrier",
        ),
    },
}

#: What means that there is nothing.
NOTHING: Final = frozenset(
    {"", "aucun", "aucune", "aucuns", "aucunes", "none", "nil", "non", "no", "n a", "s o", "rien"}
)


def plain(text: str) -> str:
    """A text as the words of the form are compared: small letters without accents, figures, and single blanks."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one if one.isalnum() else " " for one in letters if not unicodedata.combining(one))
    return " ".join(kept.split())


def field_of(head: str) -> str | None:
    """The field of a week that a column of this head holds; None where it is none of the form's."""
    said = plain(head[:_LONGEST_HEAD])
    return next((field for field, pattern in _HEADS if pattern.fullmatch(said)), None)


@cache
def codes_of(field: str) -> Mapping[str, str]:
    """The code of each answer of a menu, by every way to write it."""
    menu = ANSWERS["worker_satisfaction" if field == "participant_satisfaction" else field]
    return {spelling: code for code, word in menu.items() for spelling in word.spellings}


def words_of(field: str, language: str) -> Mapping[str, str]:
    """The answers of a menu as they are written in a language, by their codes."""
    menu = ANSWERS["worker_satisfaction" if field == "participant_satisfaction" else field]
    return {code: word.said(language) for code, word in menu.items()}
