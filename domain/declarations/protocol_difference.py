"""How two versions of a protocol differ, in plain words, for those who follow one and are offered the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from domain.declarations.protocol import Gate, Protocol, Step
from locales import N_, say, show_list


def difference(old: Protocol, new: Protocol, language: str) -> list[str]:
    """What changed from `old` to `new`, one plain sentence each; empty where they say the same."""
    return [say(language, sentence, **facts) for sentence, facts in _changes(old, new, language)]


_Said = tuple[str, Mapping[str, str]]


def _changes(old: Protocol, new: Protocol, language: str) -> Iterator[_Said]:
    """What a reader of the printed procedure would notice, steps first, in the new order."""
    for step in new.steps:
        title = {"step": step.title.in_language(language)}
        before = old.by_id.get(step.id)
        if before is None:
            yield N_("New step: “%(step)s”."), title
            continue
        for sentence, facts in _step_changes(old, new, before, step, language):
            yield sentence, {**title, **facts}
    for step in old.steps:
        if step.id not in new.by_id:
            yield N_("“%(step)s” is no longer asked."), {"step": step.title.in_language(language)}
    if _order(old, new) != _order(new, old):
        yield N_("The order of the steps changed."), {}
    for name in dict.fromkeys([*new.gates, *old.gates]):
        yield from _gate_changes(old.gates.get(name), new.gates.get(name), language)
    yield from _setting_changes(old, new, language)


def _order(protocol: Protocol, other: Protocol) -> list[str]:
    """Those steps of a protocol, in their order, that another version has too."""
    return [step.id for step in protocol.steps if step.id in other.by_id]


def _setting_changes(old: Protocol, new: Protocol, language: str) -> Iterator[_Said]:
    for name in dict.fromkeys([*new.roles, *old.roles]):
        role = new.roles.get(name) or old.roles[name]
        if new.roles.get(name) != old.roles.get(name):
            yield N_("Who is meant by “%(role)s” changed."), {"role": role.title.in_language(language)}
    for name in dict.fromkeys([*new.anchors, *old.anchors]):
        anchor = new.anchors.get(name) or old.anchors[name]
        if new.anchors.get(name) != old.anchors.get(name):
            yield N_("What sets the day “%(anchor)s” changed."), {"anchor": anchor.title.in_language(language)}
    for field, sentence in _WHOLE.items():
        if getattr(new, field) != getattr(old, field):
            yield sentence, {}


_WHOLE: Final = {
    "title": N_("The title of the procedure changed."),
    "source": N_("The source of the procedure changed."),
    "subject": N_("The subject of the procedure changed."),
    "starts": N_("When a case begins automatically changed."),
    "calendar": N_("The closed days that count changed."),
    "accountable": N_("The role that answers for the whole procedure changed."),
    "stages": N_("The stages changed."),
    "remind": N_("The reminders changed."),
    "close": N_("What closes a case changed."),
    "cancel": N_("Who may cancel a case changed."),
    "reopen": N_("Who may reopen a case changed."),
}
_SAID_APART: Final = {
    "title",
    "due",
    "by",
    "action",
    "needs",
    "approved_by",
    "stage",
    "required",
    "evidence",
    "instead",
    "asks",
}


def _step_changes(old: Protocol, new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Said]:
    if before.title != after.title:
        yield N_("“%(old)s” is now called “%(step)s”."), {"old": before.title.in_language(language)}
    yield from _due_changes(before, after, old.due_in_words(before, language), new.due_in_words(after, language))
    if (before.by, before.action) != (after.by, after.action):
        doers = {"now": _doer(new, after, language), "was": _doer(old, before, language)}
        yield N_("“%(step)s” is done by %(now)s, and no longer by %(was)s."), doers
    yield from _need_changes(old, new, before, after, language)
    yield from _approval_changes(new, before, after, language)
    if before.stage != after.stage:
        stage = next(stage.title for stage in new.stages if stage.id == after.stage)
        yield N_("“%(step)s” moves to the stage “%(stage)s”."), {"stage": stage.in_language(language)}
    yield from _detail_changes(before, after)
    yield from _asked_changes(before, after, language)
    if before.model_dump(exclude=_SAID_APART) != after.model_dump(exclude=_SAID_APART):
        yield N_("The details of “%(step)s” changed."), {}


def _due_changes(before: Step, after: Step, was: str, now: str) -> Iterator[_Said]:
    if now and not was:
        yield N_("“%(step)s” is now due %(now)s."), {"now": now}
    elif was and not now:
        yield N_("“%(step)s” no longer has a due day."), {}
    elif (before.due, was) != (after.due, now):
        yield N_("“%(step)s” is due %(now)s, and no longer %(was)s."), {"now": now, "was": was}


def _detail_changes(before: Step, after: Step) -> Iterator[_Said]:
    if before.required != after.required:
        yield (N_("“%(step)s” is now required.") if after.required else N_("“%(step)s” is now optional.")), {}
    if before.evidence != after.evidence:
        yield N_("“%(step)s” asks for another kind of evidence."), {}
    if before.instead != after.instead:
        yield N_("“%(step)s” says something else to a person who does it in another’s place."), {}


def _asked_changes(before: Step, after: Step, language: str) -> Iterator[_Said]:
    if before.asks != after.asks and after.asks:
        parts = show_list(language, [part.title.in_language(language) for part in after.asks])
        yield N_("“%(step)s” now asks to fill in: %(parts)s."), {"parts": parts}
    elif before.asks != after.asks:
        yield N_("“%(step)s” no longer asks to fill anything in."), {}


def _doer(protocol: Protocol, step: Step, language: str) -> str:
    if step.by is None:
        return say(language, N_("the system itself (%(action)s)"), action=step.action or "")
    return protocol.roles[step.by].title.in_language(language)


def _need_changes(old: Protocol, new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Said]:
    for name in after.needs:
        if name not in before.needs:
            yield N_("“%(step)s” now waits for “%(need)s”."), {"need": _name(new, name, language)}
    for name in before.needs:
        if name not in after.needs:
            yield N_("“%(step)s” no longer waits for “%(need)s”."), {"need": _name(old, name, language)}


def _name(protocol: Protocol, name: str, language: str) -> str:
    """The title of a step or of a gate."""
    part = protocol.gates[name] if name in protocol.gates else protocol.by_id[name]
    return part.title.in_language(language)


def _approval_changes(new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Said]:
    was, now = before.approved_by, after.approved_by
    if now is None and was is not None:
        yield N_("“%(step)s” no longer needs an approval."), {}
    elif now is not None and (was is None or was.role != now.role):
        role = new.roles[now.role].title.in_language(language)
        yield N_("“%(step)s” is now approved by %(role)s."), {"role": role}
    elif was != now:
        yield N_("Who may not approve “%(step)s” changed."), {}


def _gate_changes(old: Gate | None, new: Gate | None, language: str) -> Iterator[_Said]:
    if new is None and old is not None:
        yield N_("The gate “%(gate)s” is no more."), {"gate": old.title.in_language(language)}
    elif new is not None and old is None:
        yield N_("New gate: “%(gate)s”."), {"gate": new.title.in_language(language)}
    elif new is not None and new != old:
        said = N_("What “%(gate)s” waits for, or is called, changed.")
        yield said, {"gate": new.title.in_language(language)}
