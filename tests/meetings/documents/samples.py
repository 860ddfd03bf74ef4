"""An agenda, its addendum, minutes and a register as a program would hold them: fictitious, in both languages."""

from datetime import date, datetime, time

from meetings.documents.content import (
    AgendaContent,
    AgendaLine,
    AttendanceLine,
    Both,
    DecisionLine,
    MeetingHeading,
    MinutesContent,
    MinutesItem,
    RegisterContent,
    RegisterLine,
)

COORDINATION = Both("Coordination et secrétariat", "Coordination and secretariat")
EN_MARGE = Both("En Marge 12-17", "En Marge 12-17")
SPVM = Both("SPVM", "SPVM")
OPENING = Both("Ouverture", "Opening")
CASES = Both("Discussions de cas", "Case discussions")
DECISIONS = Both("Suites des décisions", "Decisions to follow up")

HEAD = MeetingHeading(
    program=Both("SPHÈRES – Grand Montréal", "SPHÈRES – Greater Montréal"),
    committee=Both("Comité clinique", "Clinical Committee"),
    number="12",
    starts=datetime(2026, 12, 2, 9, 30),
    minutes=150,
    place="1550, rue Sainte-Catherine Est, salle 3",
    online="https://visio.example/clinique?salle=3&cle=4f7a",
    chair=COORDINATION,
    host=EN_MARGE,
)

ITEMS = (
    AgendaLine(
        number="1",
        section=OPENING,
        title=Both("Mot de bienvenue et lecture de l’ordre du jour", "Welcome and reading of the agenda"),
        presenter=COORDINATION,
        minutes=5,
        purpose="information",
    ),
    AgendaLine(
        number="2",
        section=OPENING,
        title=Both("Approbation du procès-verbal du 25 novembre", "Approval of the minutes of November 25"),
        presenter=COORDINATION,
        minutes=5,
        purpose="decision",
        why=Both("Les membres l’ont reçu le 27 novembre.", "The members received them on November 27."),
    ),
    AgendaLine(
        number="3",
        section=CASES,
        title=Both("#2019-02 : hébergement d’urgence", "#2019-02: emergency housing"),
        presenter=EN_MARGE,
        minutes=30,
        purpose="discussion",
        why=Both("Aucune nouvelle depuis 21 jours.", "No news for 21 days."),
        times_seen=2,
    ),
    AgendaLine(
        number="4",
        section=CASES,
        title=Both("Qui prend le suivi de #2024-11 ?", "Who takes the follow-up of #2024-11?"),
        presenter=SPVM,
        minutes=45,
        purpose="decision",
        why=Both(
            "Un départ est annoncé pour le 18 décembre ; le « transfert » n’a pas de relève.",
            "A departure is announced for December 18; the hand-over has no successor.",
        ),
    ),
    AgendaLine(
        number="5",
        section=DECISIONS,
        title=Both("CC-2026-031 : calendrier des rencontres jumelées", "CC-2026-031: calendar of paired meetings"),
        presenter=COORDINATION,
        minutes=85,
        purpose="discussion",
        why=Both("L’échéance est passée depuis 6 jours.", "The due day was 6 days ago."),
        times_seen=1,
    ),
)

LATE = AgendaLine(
    number="3.1",
    section=CASES,
    title=Both("#2025-07 : retour après une absence", "#2025-07: return after an absence"),
    presenter=EN_MARGE,
    minutes=20,
    purpose="discussion",
    late=True,
    late_reason=Both("Connu seulement lundi soir.", "Known only on Monday evening."),
)

AGENDA = AgendaContent(head=HEAD, items=ITEMS, overrun_minutes=20)
ADDENDUM = AgendaContent(head=HEAD, addendum=1, items=(LATE,), overrun_minutes=40)

QUORUM = Both("Quorum atteint : 5 sièges avec droit de vote (4 requis).", "Quorum: 5 voting seats (4 needed).")
LOST_QUORUM = Both("Pas de quorum. Il manque : 1 siège avec droit de vote.", "No quorum. Missing: 1 voting seat.")

MINUTES = MinutesContent(
    head=HEAD,
    attendance=(
        AttendanceLine(
            seat=COORDINATION, organization=Both("CCSMTL", "CCSMTL"), person="Odile Marchessault", state="present"
        ),
        AttendanceLine(
            seat=EN_MARGE, organization=EN_MARGE, person="Théo Lanctôt-Bélisle", state="remote", left=time(11, 30)
        ),
        AttendanceLine(
            seat=SPVM, organization=SPVM, person="Inès Kadri", state="alternate", remote=True, arrived=time(9, 50)
        ),
        AttendanceLine(
            seat=Both("Recherche évaluative", "Evaluative research"),
            organization=Both("CCSMTL", "CCSMTL"),
            person="Paul-Émile Ngo",
            state="excused",
        ),
        AttendanceLine(
            seat=Both("L’Anonyme", "L’Anonyme"), organization=Both("L’Anonyme", "L’Anonyme"), state="absent"
        ),
        AttendanceLine(organization=Both("Maison des jeunes", "Youth centre"), person="Rosa Vianney", state="present"),
    ),
    has_quorum=True,
    quorum=QUORUM,
    items=(
        MinutesItem(line=ITEMS[0], outcome="treated"),
        MinutesItem(
            line=ITEMS[1],
            outcome="decided",
            decisions=(
                DecisionLine(
                    number="CC-2026-034",
                    text=Both(
                        "Le procès-verbal du 25 novembre est approuvé.", "The minutes of November 25 are approved."
                    ),
                    has_quorum=True,
                    quorum=QUORUM,
                ),
            ),
        ),
        MinutesItem(
            line=ITEMS[2],
            said=Both(
                "La dernière rencontre remonte au 11 novembre. Deux ressources ont été jointes : l’une a une place "
                "dès lundi, l’autre demande une lettre.\n\nLe SPVM n’a pas été appelé depuis.",
                "The last meeting was on November 11. Two resources were reached: one has a place from Monday on, the "
                "other asks for a letter.\n\nThe SPVM has not been called since.",
            ),
            outcome="decided",
            decisions=(
                DecisionLine(
                    number="CC-2026-035",
                    text=Both(
                        "Joindre #2019-02 par la ressource d’hébergement d’ici vendredi ; faire rapport au comité.",
                        "Reach #2019-02 through the housing resource by Friday; report to the committee.",
                    ),
                    owner=Both("Intervenant·e jeunesse, En Marge 12-17", "Youth worker, En Marge 12-17"),
                    due_on=date(2026, 12, 4),
                    has_quorum=True,
                    quorum=QUORUM,
                ),
            ),
        ),
        MinutesItem(
            line=LATE,
            said=Both("Le retour est confirmé.", "The return is confirmed."),
            outcome="referred",
            referred_to=Both("Comité directeur", "Steering Committee"),
        ),
        MinutesItem(
            line=ITEMS[3],
            outcome="decided",
            decisions=(
                DecisionLine(
                    number="CC-2026-036",
                    text=Both("CODIM propose une relève.", "CODIM proposes a successor."),
                    owner=Both("Gestionnaire, CODIM", "Manager, CODIM"),
                    due_on=date(2026, 12, 11),
                    has_quorum=False,
                    quorum=LOST_QUORUM,
                ),
            ),
        ),
        MinutesItem(line=ITEMS[4], outcome="carried"),
    ),
    decisions=(
        DecisionLine(
            number="CC-2026-037",
            text=Both("La rencontre du 23 décembre est annulée.", "The meeting of December 23 is cancelled."),
            owner=COORDINATION,
            due_on=date(2026, 12, 9),
            has_quorum=True,
            quorum=QUORUM,
        ),
    ),
    state="circulated",
)

REGISTER = RegisterContent(
    program=HEAD.program,
    committee=HEAD.committee,
    on=date(2026, 12, 2),
    decisions=(
        RegisterLine(
            number="CC-2026-028",
            decided_on=date(2026, 10, 21),
            text=Both("Tenir une journée de formation sur le consentement.", "Hold a training day on consent."),
            state="done",
            owner=COORDINATION,
            due_on=date(2026, 11, 20),
            closed_on=date(2026, 11, 18),
        ),
        RegisterLine(
            number="CC-2026-031",
            decided_on=date(2026, 11, 11),
            text=Both("Établir le calendrier des rencontres jumelées.", "Set the calendar of paired meetings."),
            state="open",
            owner=Both("Intervenant·e jeunesse, En Marge 12-17", "Youth worker, En Marge 12-17"),
            due_on=date(2026, 11, 26),
            endorsement=Both("Endossée par 5 partenaires sur 6.", "Endorsed by 5 of 6 partners."),
        ),
        RegisterLine(
            number="CC-2026-034",
            decided_on=date(2026, 12, 2),
            text=Both("Le procès-verbal du 25 novembre est approuvé.", "The minutes of November 25 are approved."),
            state="standing",
        ),
        RegisterLine(
            number="CC-2026-012",
            decided_on=date(2026, 5, 6),
            text=Both("Déplacer les rencontres au jeudi.", "Move the meetings to Thursdays."),
            state="withdrawn",
            closed_on=date(2026, 9, 2),
        ),
    ),
)

ALL = {"agenda": AGENDA, "addendum": ADDENDUM, "minutes": MINUTES, "register": REGISTER}
