"""What one may be to a thing: the relations of the one table, and what each of them means."""

from enum import StrEnum


class Relation(StrEnum):
    """What the asker is to the thing that they ask about.

    A participant's file is opened by the coordinator, ASSIGNED and CLINICAL alone, and by SECOND as far as a referral's
    facts go; BARRED takes away what any other gives (`api.access.follow_ups.to_follow_up`), and with it their cases and
    tasks, and their lines in lists (`domain.roles.sight`). See docs/adr/0006.

    In the order of closeness: of several, an act is recorded under the first. What is owed is before what is overseen.
    """

    OWES = "owes"  # the task is now theirs to do, or the clause is owed by a role that they hold
    ATTESTS = "attests"  # holds the role that the clause names to state it
    # It falls to them to look at the proof of the clause: the coordinator's, and of what the coordination owes or gave,
    # the manager's of another partner.
    ACCEPTS = "accepts"
    APPROVES = "approves"  # it waits for their approval
    MAY_WAIVE = "may_waive"  # holds a role that the protocol lets waive the step
    DECLARED = "declared"  # holds a role that the protocol lets do this to a case
    DID = "did"  # did it, and may take it back
    SELF = "self"  # the person is themselves
    ASSIGNED = "assigned"  # the follow-up is theirs, or that of whom they act for
    HAD_IT = "had_it"  # accompanied the participant as the primary worker until the follow-up ended
    COORDINATOR = "coordinator"
    SECOND = "second"  # is to meet a candidate with the worker, before a consent opens the file to whom they are of
    # Sits on the Clinical Committee that day for a partner who is told (AD-R11): domain.terms.sharing.
    CLINICAL = "clinical"
    # As CLINICAL, each where the organization for which they sit is told this too (AG-IS): who the person is, why they
    # were referred and admitted, their risk, what they consented to.
    TOLD_WHO = "told_who"
    TOLD_WHY = "told_why"
    TOLD_RISK = "told_risk"
    TOLD_CONSENTS = "told_consents"
    IN_SESSION = "in_session"  # sits there now, with the candidate on the table: of itself it lets nobody do anything
    FOLLOWS = "follows"  # is a youth worker of the program
    MANAGER_HERE = "manager_here"  # manages the organization that the thing belongs to
    DIRECTOR_HERE = "director_here"
    SECOND_HERE = "second_here"  # its second representative, who speaks where nobody else is there (CM-2R)
    OFFICE = "office"  # the administrative officer
    SITS = "sits"  # holds a seat of the committee, as principal or as alternate
    SITS_NOW = "sits_now"  # sits in this meeting now, as it is recorded; before it is opened, is to sit in it today
    INVITED = "invited"  # to this meeting, with or without a seat
    SITS_WITH = "sits_with"  # holds a seat on a committee on which the person holds one
    ADMINISTRATOR = "administrator"  # runs the installation, and sees no case
    RESEARCH = "research"  # coordinates the research
    RECEIVES = "receives"  # is named to receive what the research is given
    PRIVACY = "privacy"  # answers for the protection of personal information
    STANDS_IN = "stands_in"  # the coordinator, while nobody can act as who answers for that
    SUBJECT = "subject"  # the one whom the case is about
    TAKES_PART = "takes_part"  # has, or had, something to do in the case
    TOOK_PART = "took_part"  # the same, in the case of somebody whose file is not open to them, and nothing more to do
    TRIES_OUT = "tries_out"  # staff of a demonstration, whose letters reach nobody
    WORKS_HERE = "works_here"  # holds any role at the organization that the thing belongs to
    STAFF = "staff"  # holds a role in the program today
    ANYONE = "anyone"  # signed in or not
    OPERATOR = "operator"  # at the terminal of the installation, with its database and its keys
    BARRED = "barred"  # the participant does not want this person to see their file: no row of the table holds it
