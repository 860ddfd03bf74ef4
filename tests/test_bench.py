"""The measures run from end to end with tiny sizes, and the page of figures names each of their ratios."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.figures import cpu_of, tells_cpu

ROOT = Path(__file__).resolve().parent.parent

RATIOS = {
    "complete": {"complete.cpu", "complete.cpu_with_server", "complete.rate", "complete.statements"},
    "http": {"http.p50", "http.rate_with_32", "http.p99_with_32", "http.lost", "follow.opened_in_answer"},
    "pages": {"pages.statements", "pages.cpu"},
    "weeks": {"weeks.save", "weeks.statements"},
    "workbooks": {"workbooks.preview", "workbooks.memory"},
    "growth": {
        "growth.due_time",
        "growth.due_pages",
        "growth.complete_statements",
        "growth.complete_open_cases",
        "growth.restart",
        "growth.complete_case_size",
        "growth.outbox",
    },
    "sitting": {"sitting.share", "sitting.quiet_share", "sitting.pages_a_second", "sitting.seen_slowest"},
    "years": {f"years.{one}" for one in ("cpu", "cpu_of_all", "server", "server_of_all", "bytes", "statements")},
    "load": {
        *("load.reads_p95", "load.writes_p95", "load.errors"),
        *("load.nginx.reads_p95", "load.nginx.writes_p95", "load.nginx.errors"),
    },
    "follow": {
        *("follow.automatic_plain", "follow.by_prefect_p50", "follow.by_prefect_p99", "follow.at_once_slowest"),
        *("follow.idle_cpu", "follow.memory"),
    },
    "research": {f"research.{one}" for one in ("make_a_person", "download_a_person", "statements_a_person")},
    "packages": {"packages.seconds", "packages.make_a_week"},
    "meetings": {
        "meetings.dates",
        "meetings.invite",
        "meetings.invite_with_server",
        "meetings.invite_statements",
        "meetings.pdf",
        "meetings.docx",
        "meetings.pdf_growth",
        "meetings.docx_growth",
        "meetings.html",
        "meetings.html_growth",
        "meetings.html_changed_growth",
    },
    "start": {
        "follow.automatic_prefect",
        "start.first_page_first_time",
        "start.first_page",
        "start.people_after_first_page",
        "start.engine_after_year",
        "start.engine",
        "start.memory",
    },
}


def run(*names: str) -> dict[str, float]:
    """The ratios that a tiny run of these measures prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--smoke", "--only", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: float(value) for name, value in re.findall(r"^ratio (\S+) +([0-9.]+)", done.stdout, re.MULTILINE)}


@pytest.mark.skipif(not tells_cpu(), reason="only Linux tells the CPU time of other processes")
def test_the_cpu_of_a_process_counts_what_its_ended_threads_used() -> None:
    def work() -> None:
        end = time.thread_time() + 0.2
        while time.thread_time() < end:
            pass

    before = cpu_of([os.getpid()])
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert cpu_of([os.getpid()]) - before >= 0.2
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
        assert cpu_of([gone.pid]) == 0.0


@pytest.mark.nightly
def test_the_measures_of_completing_run_and_print_every_ratio() -> None:
    ratios = run("complete")
    assert ratios.keys() == RATIOS["complete"]
    assert all(value > 0 for value in ratios.values())
    # A count, which no busy machine changes.
    assert ratios["complete.statements"] <= 1.5


@pytest.mark.nightly
def test_the_measures_of_pages_run_and_no_page_asks_more_statements_than_it_may() -> None:
    ratios = run("pages")
    assert ratios.keys() == RATIOS["pages"]
    assert ratios["pages.statements"] <= 14


@pytest.mark.nightly
def test_the_measures_of_a_sitting_run_and_print_every_ratio() -> None:
    ratios = run("sitting")
    assert ratios.keys() == RATIOS["sitting"]
    assert all(value > 0 for value in ratios.values())


@pytest.mark.nightly
def test_the_measures_of_what_a_person_is_given_run_and_print_every_ratio() -> None:
    ratios = run("packages")
    assert ratios.keys() == RATIOS["packages"]
    assert all(value > 0 for value in ratios.values())


@pytest.mark.nightly
def test_the_measures_of_growth_run_and_print_every_ratio() -> None:
    ratios = run("growth")
    assert ratios.keys() == RATIOS["growth"]
    assert all(value > 0 for value in ratios.values())


@pytest.mark.nightly
def test_the_measures_of_years_run_and_no_list_asks_more_statements_after_ten_than_after_one() -> None:
    ratios = run("years")
    assert ratios.keys() == RATIOS["years"]
    assert ratios["years.statements"] <= 1.25


@pytest.mark.nightly
def test_the_measures_of_load_run_and_every_request_is_answered() -> None:
    ratios = run("load")
    assert ratios.keys() in (RATIOS["load"], {name for name in RATIOS["load"] if ".nginx." not in name})
    assert ratios["load.errors"] == 0


@pytest.mark.nightly
def test_the_measures_of_meetings_run_and_leave_the_same_dates_and_rows_as_the_libraries_alone() -> None:
    ratios = run("meetings")
    assert ratios.keys() == RATIOS["meetings"]
    assert all(value > 0 for value in ratios.values())
    # A count, which no busy machine changes: three a person, and what a season takes whoever comes.
    assert ratios["meetings.invite_statements"] <= 4


@pytest.mark.nightly
def test_no_unlock_is_lost_and_each_is_told_in_the_answer() -> None:
    ratios = run("http")
    assert ratios.keys() == RATIOS["http"]
    assert ratios["http.lost"] == 0
    assert ratios["follow.opened_in_answer"] == 1


@pytest.mark.nightly
def test_the_measures_of_whole_installations_run_and_print_every_ratio() -> None:
    assert run("follow", "start").keys() == RATIOS["follow"] | RATIOS["start"]


def test_the_page_of_figures_names_every_ratio() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    missing = {name for names in RATIOS.values() for name in names if f"`{name}`" not in page}
    assert not missing
