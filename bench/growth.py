"""How costs grow: finding what is due, completing, a restart and the outbox, as what is stored around them grows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from bench.completing import Ours, run_cases
from bench.figures import Cost, Ratio, costing, median, ms, table, timing
from bench.ground import Ground, now
from domain.casework import wakeups
from domain.kernel import local_day
from flows import post, sweep
from flows.engine import Means
from flows.reminders import _due
from models.ports import Accepted

STEPS = 25
#: Newly due, whatever else there is: this is what the round's work should follow.
DUE = 100
LETTERS = 50
#: Cases that a worker had in hand when it died: what the next one finds is this, whatever else is open.
IN_HAND = 25
#: Copies looked at next in a month, and every other one late, with all its reminders used up: the backlog.
_LATER_OR_USED_UP = "case when source.state <> 'open' or k % 2 = 0 then null else current_date + 30 end"


def measure(
    ground: Ground, *, open_cases: Sequence[int], case_sizes: Sequence[int], sent: Sequence[int], again: int
) -> Iterator[Ratio]:
    """Grow the number of open cases, then the size of one, then the letters that were sent; `again` times each."""
    at = now()
    ours = Ours(ground)
    due: list[tuple[Cost, float]] = []
    completing: list[Cost] = []
    statements: list[float] = []
    restarts: list[Cost] = []
    have = 0
    for wanted in open_cases:
        while have < wanted:
            part = min(2_000, wanted - have)
            ground.copies(STEPS, part, at=at, due=_LATER_OR_USED_UP, bulk=True)
            have += part
        _make_due(ground)
        ground.settle()
        due.append(_find_due(ground, again))
        run_cases(ground, ours.complete, ground.copies(STEPS, 1, at=at), at)
        cases = ground.copies(STEPS, max(1, again // 5), at=at)
        before = ground.statements
        completing.append(run_cases(ground, ours.complete, cases, at))
        statements.append((ground.statements - before) / completing[-1].operations)
        restarts.append(_restart(ground))
    columns = [f"{number:,}" for number in open_cases]
    rows = {
        f"finding {DUE} due: p50": [ms(cost.at(50)) for cost, _ in due],
        f"finding {DUE} due: pages read": [f"{pages:.0f}" for _, pages in due],
        "completing: CPU, server's too": [ms(cost.cpu_of_all) for cost in completing],
        "completing: p50": [ms(cost.at(50)) for cost in completing],
        "completing: statements": [f"{count:.1f}" for count in statements],
        "a restart: CPU, server's too": [ms(cost.cpu_of_all) for cost in restarts],
        "a restart: time": [ms(cost.at(50)) for cost in restarts],
    }
    print(table("3. With so many open cases, half of them late", columns, rows))
    yield Ratio("growth.due_time", due[-1][0].at(50) / due[0][0].at(50), at_most=1.25)
    yield Ratio("growth.due_pages", due[-1][1] / due[0][1], at_most=1.25)
    yield Ratio("growth.complete_statements", statements[-1] / statements[0], at_most=1.02)
    yield Ratio("growth.complete_open_cases", completing[-1].cpu_of_all / completing[0].cpu_of_all, at_most=1.25)
    yield Ratio("growth.restart", restarts[-1].cpu_of_all / restarts[0].cpu_of_all, at_most=1.25)
    yield from _by_size(ground, ours, case_sizes, again)
    yield from _by_letters(ground, sent)


def _make_due(ground: Ground) -> None:
    """Of the tasks that have time left, make so many due today, wherever they stand."""
    with ground.as_admin() as admin:
        admin.execute("update task set next_check = current_date + 30 where next_check <= current_date")
        admin.execute(
            """update task set next_check = current_date where ctid in (
                   select ctid from task where state = 'open' and next_check is not null
                   order by md5(id::text) limit %s)""",
            (DUE,),
        )


def _find_due(ground: Ground, again: int) -> tuple[Cost, float]:
    """The round's own query, and how many pages the server touches for it."""
    at = now()
    cost = Cost()
    for _ in range(again + 6):  # the first ones prepare it
        with ground.session() as session:
            local_day(session, at)  # known before, as in a round
            with timing(cost):
                found = _due(session, at, UUID(int=0))
            assert len(found) == DUE, f"{len(found)} found"
    cost.seconds = cost.seconds[6:]
    with ground.as_admin() as admin:
        plan = admin.execute(
            """explain (analyze, buffers, format json)
               select t.id from task t left join "case" c on c.program_id = t.program_id and c.id = t.case_id
               where t.program_id = %s and t.next_check <= current_date and t.state = 'open' order by t.id limit 200""",
            (ground.program_id,),
        ).fetchone()
    assert plan is not None
    top = plan[0][0]["Plan"]
    return cost, top["Shared Hit Blocks"] + top["Shared Read Blocks"]


def _restart(ground: Ground) -> Cost:
    """What a worker does first after another died: each case that was in hand is taken over once its lease is past, and
    what was lost is looked for.
    """
    means = Means(lambda _: ground.session(), ground.open_session, now, _Taker())
    takes: list[Cost] = []
    for turn in range(4):  # the first one prepares it
        _leave_in_hand(ground)
        with costing(ground.servers) as cost, timing(cost):
            for expected in (*[True] * IN_HAND, False):
                with ground.open_session() as session:
                    taken = wakeups.claim(session, worker=f"bench-{turn}", at=now(), lease=timedelta(minutes=2))
                    session.commit()
                assert (taken is not None) is expected, taken
            lost = sweep.sweep(means, ground.program_id, "bench")
            assert lost == 0, f"{lost} were lost"
        takes.append(cost)
    return min(takes[1:], key=lambda one: one.cpu_of_all)


def _leave_in_hand(ground: Ground) -> None:
    """Everything was carried but so many cases, which a worker that is gone took three minutes ago."""
    with ground.as_admin() as admin:
        admin.execute("update wake_up set have = want, leased_until = null, leased_by = '' where want > have")
        admin.execute(
            """update wake_up set want = have + 1, not_before = now() - interval '3 minutes', attempts = 1,
                      leased_by = 'gone', leased_until = now() - interval '1 minute'
               where (program_id, case_id) in (select program_id, case_id from wake_up order by case_id limit %s)""",
            (IN_HAND,),
        )
        admin.execute("delete from round_mark where key = %s", (sweep.sweep.key,))


def _by_size(ground: Ground, ours: Ours, sizes: Sequence[int], again: int) -> Iterator[Ratio]:
    """Completing the first 25 steps of ever larger cases, in turn, so that the machine's moods meet all alike."""
    at = now()
    turns: dict[int, list[Cost]] = {size: [] for size in sizes}
    for size in sizes:
        run_cases(ground, ours.complete, ground.copies(size, 1, at=at), at, most=20)
    ground.settle()
    for _ in range(max(1, again // 6)):
        for size in sizes:
            turns[size].append(run_cases(ground, ours.complete, ground.copies(size, 2, at=at), at, most=20))
    cpu = {size: median(cost.cpu_of_all for cost in costs) for size, costs in turns.items()}
    p50 = {size: median(cost.at(50) for cost in costs) for size, costs in turns.items()}
    rows = {
        "completing: CPU, server's too": [ms(value) for value in cpu.values()],
        "completing: p50": [ms(value) for value in p50.values()],
    }
    print(table("3. In a case of so many tasks", [str(size) for size in sizes], rows))
    yield Ratio("growth.complete_case_size", cpu[sizes[-1]] / cpu[sizes[0]], at_most=1.3)


class _Taker:
    """A relay that takes every letter at once: what is measured is the outbox."""

    def send(self, *, to: str, message: bytes, again: bool = False) -> Accepted:
        assert not again, "nothing is lost on the way"
        assert to, "a letter has an address"
        assert message, "a letter has bytes"
        return Accepted()


def _by_letters(ground: Ground, sent: Sequence[int]) -> Iterator[Ratio]:
    """Draining the same number of letters beside ever more that were sent."""
    means = Means(lambda _: ground.session(), ground.open_session, now, _Taker())
    costs: list[Cost] = []
    have = 0
    post.deliver(means, most=10_000)  # what opening the first cases wrote
    for wanted in sent:
        _put_letters(ground, wanted - have, is_sent=True)
        have = wanted
        ground.settle()
        takes: list[Cost] = []
        for _ in range(4):
            _put_letters(ground, LETTERS, is_sent=False)
            with costing(ground.servers) as cost:
                begun = time.perf_counter()
                delivered = post.deliver(means, most=LETTERS * 2)
                cost.seconds.extend([(time.perf_counter() - begun) / LETTERS] * LETTERS)
            assert delivered.attempts == LETTERS, delivered
            takes.append(cost)
        costs.append(min(takes[1:], key=lambda one: one.cpu_of_all))
    rows = {
        "a letter: CPU, server's too": [ms(cost.cpu_of_all) for cost in costs],
        "a letter: time": [ms(cost.at(50)) for cost in costs],
    }
    print(table("3. Sending a letter beside so many sent", [f"{number:,}" for number in sent], rows))
    yield Ratio("growth.outbox", costs[-1].cpu_of_all / costs[0].cpu_of_all, at_most=1.25)


def _put_letters(ground: Ground, count: int, *, is_sent: bool) -> None:
    """Letters in the outbox, by SQL: sent long ago, or due now."""
    state = ("'sent'", "now()", "null") if is_sent else ("'queued'", "null", "now() - interval '1 minute'")
    with ground.as_admin() as admin:
        admin.execute(
            f"""insert into notice (program_id, id, key, person_id, to_address, language, template, thread, subject,
                                    calls, message, state, created_at, attempts, sent_at, next_attempt_at, code)
                select %s, gen_random_uuid(), 'bench:' || gen_random_uuid(), %s, 'someone@bench.example', 'fr',
                       'digest', '', 'Objet', '{{}}', convert_to(repeat('x', 3000), 'UTF8'), {state[0]}, now(), 0,
                       {state[1]}, {state[2]}, '' from generate_series(1, %s)""".encode(),
            (ground.program_id, ground.coordinator.person_id, count),
        )
