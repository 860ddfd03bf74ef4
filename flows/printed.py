"""The procedures as people read them: `docs/protocols.md`, printed in both languages from the files behind the cases.

`python -m flows.printed` writes it; a test says when it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from domain.declarations import ANSWER_WITHIN, Protocol, Rung, Step, clause_without_role
from domain.holdings import NAMES
from flows.protocols import PROTOCOLS, read_protocol
from locales import LANGUAGES, N_, say, say_n, show_list

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "protocols.md"

_OPENING: Final = """\
# Protocoles · Protocols

Imprimé à partir des fichiers `flows/*/protocol.yaml`, ceux-là mêmes qui conduisent les dossiers, par
`python -m flows.printed` : corrigez le fichier, pas cette page.

Printed from the files `flows/*/protocol.yaml`, the very ones that drive the cases, by `python -m flows.printed`:
correct the file, not this page."""

#: What a step wants as proof, by its key.
EVIDENCE: Final = {
    "serial": N_("serial number"),
    "document": N_("document"),
    "account": N_("user name of the account"),
    "note": N_("note"),
    "way": N_("what the participant wants"),
    "interviews": N_("marks of two interviewers"),
    "empty_hands": N_("nothing left in hand"),
    "act": N_("the act itself, on its own page"),
}
#: To whom a reminder goes, by its key.
TOLD: Final = {
    "owner": N_("the person who owes the task"),
    "manager": N_("their manager"),
    "accountable": N_("the person accountable for the case"),
}


def printed() -> str:
    """Every protocol of the program, in each language. Raises DeclaredErrors where a file is wrong."""
    parts = [_OPENING]
    for bound in PROTOCOLS.values():
        protocol = read_protocol(bound.file).value
        parts += [procedure(protocol, language) for language in LANGUAGES]
    return "\n\n".join(parts) + "\n"


def procedure(protocol: Protocol, language: str) -> str:
    """One protocol in one language, as Markdown: what is done, by which role, when, in which order, on which ground.

    Raises ValueError for a language that the program does not speak.
    """
    return "\n\n".join(_blocks(protocol, language))


def _blocks(protocol: Protocol, language: str) -> Iterator[str]:
    title = protocol.title.in_language(language)
    yield "## " + say(language, N_("%(title)s, version %(number)s"), title=title, number=protocol.version)
    yield protocol.source.in_language(language) + "."
    yield "\n".join(f"- **{label}** – {value}" for label, value in _in_short(protocol, language))
    for stage in protocol.stages:
        yield f"### {stage.title.in_language(language)}"
        yield "\n".join(
            line
            for number, step in enumerate(protocol.steps, start=1)
            if step.stage == stage.id
            for line in _step(protocol, step, number, language)
        ).rstrip()
    yield from _gates(protocol, language)
    yield f"### {say(language, N_('Who does each step'))}"
    yield "\n".join(_falls(protocol, language))
    if protocol.remind:
        yield f"### {say(language, N_('Reminders'))}"
        yield "\n".join(f"- {_rung(rung, language)} – {say(language, TOLD[rung.to])}" for rung in protocol.remind)
    ids = ", ".join(sorted(protocol.sources()))
    yield say(language, N_("Items of the guide that these steps cover: %(ids)s"), ids=ids) + "."


def _gates(protocol: Protocol, language: str) -> Iterator[str]:
    if protocol.gates:
        yield f"### {say(language, N_('Conditions'))}"
    for gate in protocol.gates.values():
        yield f"**{gate.title.in_language(language)}** ({', '.join(gate.source)})"
        yield say(language, N_("Opens once these steps are settled:"))
        yield "\n".join(
            f"- {_number(protocol, name)}. {protocol.by_id[name].title.in_language(language)}" for name in gate.steps
        )


def _in_short(protocol: Protocol, language: str) -> Iterator[tuple[str, str]]:
    yield say(language, N_("A case is about")), protocol.subject_in_words(language)
    yield say(language, N_("It begins")), protocol.starts_in_words(language)
    yield say(language, N_("Accountable")), _role(protocol, protocol.accountable, language)
    yield say(language, N_("It closes")), say(language, N_("when every required step is done or waived"))
    for label, allowed in ((N_("May cancel a case"), protocol.cancel), (N_("May reopen one"), protocol.reopen)):
        yield say(language, label), show_list(language, [_role(protocol, name, language) for name in allowed.by])


def _step(protocol: Protocol, step: Step, number: int, language: str) -> Iterator[str]:
    indent = " " * (len(str(number)) + 2)
    yield f"{number}. **{step.title.in_language(language)}**\\"
    yield indent + " · ".join(_facts(protocol, step, language))
    if step.help:
        yield ""
        yield indent + step.help.in_language(language)
    yield ""


def _facts(protocol: Protocol, step: Step, language: str) -> Iterator[str]:
    yield _role(protocol, step.by, language) if step.by else say(language, N_("done by the program"))
    yield from _when(protocol, step, language)
    if step.approved_by:
        who = _role(protocol, step.approved_by.role, language)
        yield say(language, N_("approved by: %(who)s"), who=who)
    yield from _asked(step, language)
    yield from _each(step, language)
    yield from _needed(protocol, step, language)
    if step.waive != "never":
        yield say(language, N_("may be waived by: %(who)s"), who=_role(protocol, step.waive.by, language))
    if not step.required:
        yield say(language, N_("optional"))
    yield from step.source
    if step.clause:
        yield clause_without_role(step.clause)


def _asked(step: Step, language: str) -> Iterator[str]:
    """What is given with a step: its proof, what is filled in, and that it goes before a committee."""
    if step.evidence != "none":
        yield say(language, EVIDENCE[step.evidence])
    if step.asks:
        parts = show_list(language, [part.title.in_language(language) for part in step.asks])
        yield say(language, N_("to fill in: %(parts)s"), parts=parts)
    if step.agenda:
        yield say(language, N_("goes automatically on a committee’s agenda"))


def _needed(protocol: Protocol, step: Step, language: str) -> Iterator[str]:
    """After which steps it comes, and for which gates it waits."""
    before = [str(_number(protocol, name)) for name in step.needs if name not in protocol.gates]
    if before:
        yield f"{say(language, N_('after'))} {', '.join(before)}"
    for name in step.needs:
        if name in protocol.gates:
            yield say(language, N_("waits for: %(gate)s"), gate=protocol.gates[name].title.in_language(language))


def _when(protocol: Protocol, step: Step, language: str) -> Iterator[str]:
    if step.due:
        yield protocol.due_in_words(step, language)
    if step.lapses:
        yield say(language, N_("not asked in a case that opens after that day"))


def _each(step: Step, language: str) -> Iterator[str]:
    if step.for_each and step.for_each.list_:
        items = show_list(language, [item.title.in_language(language) for item in step.for_each.list_])
        yield say(language, N_("One task for each: %(what)s"), what=items)
    elif step.for_each and step.for_each.over:
        kind = say(language, NAMES[step.for_each.over])
        yield say(language, N_("One task for each item in hand: %(what)s"), what=kind)
        if step.for_each.over == "follow_up" and step.for_each.settles:
            yield say_n(
                language,
                "the person offered it answers within %(n)s working day",
                "the person offered it answers within %(n)s working days",
                step.for_each.answer_within or ANSWER_WITHIN,
            )


def _falls(protocol: Protocol, language: str) -> Iterator[str]:
    for name in protocol.roles:
        then = [_role(protocol, other, language) for other in protocol.chain(name)[1:]]
        line = f"- {_role(protocol, name, language)}"
        if then:
            line += "; " + say(language, N_("if vacant: %(names)s"), names=show_list(language, then))
        yield line


def _rung(rung: Rung, language: str) -> str:
    days = rung.after_working_days
    if days < 0:
        return say_n(language, "%(n)s working day before it is due", "%(n)s working days before it is due", -days)
    if days == 0:
        return say(language, N_("on the day that it is due"))
    return say_n(language, "%(n)s working day after it was due", "%(n)s working days after it was due", days)


def _number(protocol: Protocol, name: str) -> int:
    """A step's place in the procedure, counted from 1, by which people speak of it."""
    return list(protocol.by_id).index(name) + 1


def _role(protocol: Protocol, name: str, language: str) -> str:
    return protocol.roles[name].title.in_language(language)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(printed(), encoding="utf-8")
