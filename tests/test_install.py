"""A fresh checkout installs from its locks alone: they are whole, current, and tell no registry's address."""

import ast
import errno
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from locales.told import language_of_terminal

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,]+\])?==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\$")

Pins = dict[str, list[tuple[Version, str]]]


@pytest.mark.parametrize("name", ["app", "dev"])
def test_a_lock_names_no_host_and_pins_everything_by_hash(name: str) -> None:
    text = (ROOT / "lock" / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    pins = 0
    for entry in re.split(r"\n(?=\S)", text.strip()):
        first, *rest = entry.splitlines()
        assert PINNED.match(first), first
        assert rest, f"{first} has no hash"
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in rest), first
        pins += 1
    assert pins > 50


def test_the_developers_lock_is_the_applications_and_more() -> None:
    app, dev = _pins("app"), _pins("dev")
    assert {name: dev.get(name) for name in app} == app
    assert dev.keys() > app.keys()


@pytest.mark.parametrize("name", ["app", "dev"])
def test_a_lock_holds_what_the_project_asks_for_and_nothing_left_over(name: str) -> None:
    """Follows what the installed packages themselves require, so no network is needed."""
    pins, wanted, reached = _pins(name), list(_asked(name)), set[tuple[str, str]]()
    trouble: list[str] = []
    while wanted:
        asked, by = wanted.pop()
        key = canonicalize_name(asked.name)
        held = [version for version, marker in pins.get(key, []) if _applies(marker)]
        if not any(asked.specifier.contains(version, prereleases=True) for version in held):
            trouble.append(f"{by} asks for {asked}; the lock holds {[str(version) for version in held]}")
            continue
        for extra in {"", *asked.extras}:
            if (key, extra) not in reached:
                reached.add((key, extra))
                wanted.extend(_required_by(key, extra))
    assert trouble == [], "run `python3 run.py lock`"
    here = {key for key, versions in pins.items() if any(_applies(marker) for _, marker in versions)}
    assert here - {key for key, _ in reached} == set(), "left over; run `python3 run.py lock`"


def test_the_packages_that_run_are_those_of_the_lock() -> None:
    differing = {
        key: (str(held), distribution(key).version)
        for key, versions in _pins("dev").items()
        for held, marker in versions
        if _applies(marker) and Version(distribution(key).version) != held
    }
    assert differing == {}


def test_no_file_of_the_project_names_a_package_registry() -> None:
    # In pieces, since this file is one of those searched.
    host = re.compile(r"\b(?:files\.)?(?:py" r"pi|python" r"hosted|npm" r"js|yarn" r"pkg)\.(?:org|com|io)\b")
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if told.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in told.stdout.decode().split("\0") if name]
    naming = [str(path.relative_to(ROOT)) for path in files if path.is_file() and host.search(_text_of(path))]
    assert naming == []


def test_every_package_is_installed_and_its_imports_are_watched() -> None:
    """But for what stands beside the product in a checkout; their imports are watched all the same."""
    here = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert here - {"demo", "simulation"} == set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert here == set(PROJECT["tool"]["importlinter"]["root_packages"])


def test_every_protocol_is_kept_apart_from_the_others() -> None:
    (contract,) = (one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["id"] == "protocols")
    # One that is declared alone, without a line of Python, has nothing to import.
    protocols = {
        f"flows.{path.parent.name}" for path in ROOT.glob("flows/*/protocol.yaml") if [*path.parent.glob("**/*.py")]
    }
    assert protocols == set(contract["modules"])


# ------------------------------------------------------------------------------------------------------- run.py


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """run.py, over a checkout of its own in which nothing is installed yet."""
    spec = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("SPHERES_LANG", "en")
    (tmp_path / "lock").mkdir()
    for name in ("lock/app.txt", "lock/dev.txt", "pyproject.toml", "build.in"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    binaries = tmp_path / ".venv" / "bin"
    for name, value in (
        ("ROOT", tmp_path),
        ("ENV", tmp_path / ".venv"),
        ("BIN", binaries),
        ("PYTHON", binaries / "python"),
        ("LOCKS", tmp_path / "lock"),
    ):
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def installs(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that an installation gives, which here do nothing."""
    given: list[list[str]] = []

    def making(*, with_pip: bool) -> None:
        given.append(["make an environment", "with pip" if with_pip else "without pip"])
        run.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        run.PYTHON.touch()

    def installing(_: object, command: list[str]) -> int:
        given.append(command)
        return 0

    monkeypatch.setattr(run, "_make_environment", making)
    monkeypatch.setattr(run.Installing, "run", installing)
    monkeypatch.setattr(
        run.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0)
    )  # whether pip is there
    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    return given


def test_the_first_run_makes_the_environment_and_takes_what_the_lock_says_and_nothing_released_since(
    run: ModuleType, installs: list[list[str]]
) -> None:
    run.ensure("app")
    assert installs[0] == ["make an environment", "with pip"]
    (locked,) = [command for command in installs if "-r" in command]
    assert {"--require-hashes", "--no-deps"} <= set(locked)
    (ours,) = [command for command in installs if "-e" in command]
    assert {"--no-deps", "--no-build-isolation"} <= set(ours)


def test_a_second_run_installs_nothing(run: ModuleType, installs: list[list[str]]) -> None:
    run.ensure("app")
    installs.clear()
    run.ensure("app")
    assert installs == []


def test_what_a_developer_installed_serves_the_application_too_but_not_the_reverse(
    run: ModuleType, installs: list[list[str]]
) -> None:
    run.ensure("app")
    installs.clear()
    run.ensure("dev")
    assert installs
    installs.clear()
    run.ensure("app")
    assert installs == []


@pytest.mark.parametrize("changed", ["lock/app.txt", "pyproject.toml", "build.in"])
def test_a_changed_lock_or_project_is_installed_again(run: ModuleType, installs: list[list[str]], changed: str) -> None:
    run.ensure("app")
    installs.clear()
    (run.ROOT / changed).write_text("changed", encoding="utf-8")
    run.ensure("app")
    assert any("-r" in command for command in installs)
    assert ["make an environment", "with pip"] not in installs


def test_a_checkout_that_was_moved_gets_a_new_environment(run: ModuleType, installs: list[list[str]]) -> None:
    run.ensure("app")
    installs.clear()
    mark = run.ENV / ".installed-app"
    mark.write_text(mark.read_text(encoding="utf-8").replace(str(run.ROOT), "/elsewhere"), encoding="utf-8")
    run.ensure("app")
    assert installs[0] == ["make an environment", "with pip"]


def test_an_environment_of_another_checkout_is_not_emptied_through_a_link(
    run: ModuleType, installs: list[list[str]], tmp_path: Path
) -> None:
    run.ensure("app")
    installs.clear()
    theirs = tmp_path / "theirs"
    run.ENV.rename(theirs)
    run.ENV.symlink_to(theirs)
    run.ensure("app")  # made for this very place: nothing is to be done
    (theirs / ".installed-app").write_text("of another place", encoding="utf-8")
    with pytest.raises(SystemExit, match="link"):
        run.ensure("app")
    assert installs == []
    assert (theirs / ".installed-app").read_text(encoding="utf-8") == "of another place"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SPHERES_LANG": "en", "LANG": "fr_CA.UTF-8"}, "Installing from lock/app.txt"),
        ({"SPHERES_LANG": "fr", "LANG": "en_CA.UTF-8"}, "Installation selon lock/app.txt"),
        ({"LANG": "en_CA.UTF-8"}, "Installing from"),
        ({"LANG": "C.UTF-8"}, "Installation selon"),
        ({}, "Installation selon"),
    ],
)
def test_an_installation_is_told_in_the_language_that_spheres_would_speak(
    run: ModuleType,
    installs: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    said: str,
) -> None:
    for name in ("SPHERES_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of_terminal(environment) == ("en" if said.startswith("Installing") else "fr")
    run.ensure("app")
    assert installs
    assert said in capsys.readouterr().err


def test_an_installation_that_fails_is_tried_again(
    run: ModuleType, installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    works = run.Installing.run
    monkeypatch.setattr(run.Installing, "run", lambda _, command: len(command))
    with pytest.raises(SystemExit, match="Nothing was started"):
        run.ensure("app")
    installs.clear()
    monkeypatch.setattr(run.Installing, "run", works)
    run.ensure("app")
    assert any("-r" in command for command in installs)


def test_a_python_without_pip_is_told_what_to_install(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    monkeypatch.setattr(run.venv, "create", refusing)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        run.ensure("app")
    assert not run.ENV.exists()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", r"^Python 3\.11 or newer is needed; this is"), ("fr", r"^Il faut Python 3\.11 ou plus récent")],
)
@pytest.mark.parametrize("arguments", [[], ["up"], ["test"], ["--help"]])
def test_an_old_python_is_refused_in_one_sentence(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: list[str], language: str, sentence: str
) -> None:
    monkeypatch.setenv("SPHERES_LANG", language)
    monkeypatch.setattr(sys, "version_info", (3, 8, 20))
    with pytest.raises(SystemExit, match=sentence):
        run.main(arguments)


def test_an_old_python_reads_the_command_far_enough_to_say_so() -> None:
    """What 3.8 cannot parse, import or evaluate would be a traceback in the place of the sentence."""
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert "annotations" in names, "else it evaluates tuple[str, ...], which it cannot"
    run_at_once = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    new = {"list", "dict", "tuple", "set", "frozenset", "type"}
    for node in [inner for outer in run_at_once for inner in ast.walk(outer)]:
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(value="")  # not evaluated
    for node in [inner for outer in run_at_once for inner in ast.walk(outer)]:
        if isinstance(node, ast.Subscript):
            assert not (isinstance(node.value, ast.Name) and node.value.id in new), ast.unparse(node)
    modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert modules - {"tomllib", "zoneinfo", "graphlib"} == modules
    assert {str(module).partition(".")[0] for module in modules} <= sys.stdlib_module_names


# ------------------------------------------------------------------------------- how an installation is told of

#: As pip speaks: what it takes, then what it changes.
_PIP = """
import sys, time, pathlib
print("Ignoring colorama: markers do not match your environment")
for name in ("alembic", "babel"):
    print(f"Collecting {name}==1 (from -r lock/app.txt)", flush=True)
"""
_FINISHES = _PIP + 'print("Installing collected packages: alembic, babel", flush=True)\n'
_HANGS = _FINISHES + "time.sleep(60)\n"


@pytest.fixture
def made(run: ModuleType) -> ModuleType:
    """A checkout with an environment that was installed, of an earlier lock."""
    run.PYTHON.parent.mkdir(parents=True)
    run.PYTHON.symlink_to(sys.executable)
    for name in ("app", "dev"):
        run._mark(name).write_text(f"earlier\n{run.ROOT}\n", encoding="utf-8")
    return run


@pytest.mark.ci
def test_an_installation_counts_what_it_fetched_and_what_it_installed(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = made.ENV / "lib" / "python3.11" / "site-packages"
    (site / "alembic-1.dist-info").mkdir(parents=True)
    told: list[str] = []
    monkeypatch.setattr(sys, "stderr", _Terminal(told))
    installing = made.Installing(packages=3)
    assert installing.run([sys.executable, "-c", _FINISHES + "time.sleep(1)\n"]) == 0
    assert (installing.packages, installing.collected) == (2, 2), "one is for another system"
    assert "1 of 2 installed" in "".join(told)
    assert "".join(told).endswith("\r\033[K"), "the line is gone at the end"


@pytest.mark.ci
def test_where_a_line_cannot_be_written_over_few_are_written(
    made: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", _PIP + "time.sleep(1)\n"]
    made.Installing(3).run(command)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(made.Installing, "APART_SECONDS", 0.0)
    made.Installing(3).run(command)
    assert "  2 of 2 fetched\n" in capsys.readouterr().err


@pytest.mark.ci
def test_what_was_broken_off_while_packages_were_changed_is_made_anew(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a package that is there by half would be taken for one that is there."""
    made.Installing(3).run([sys.executable, "-c", _PIP])
    assert not made._unfinished().exists(), "nothing was changed yet"
    assert made._mark("app").exists()
    made.Installing(3).run([sys.executable, "-c", _FINISHES])
    assert not made._mark("app").exists()
    assert not made._mark("dev").exists()
    anew: list[bool] = []
    monkeypatch.setattr(made, "_make_environment", lambda *, with_pip: anew.append(with_pip))
    monkeypatch.setattr(made.shutil, "which", lambda _: None)
    made._installer()
    assert anew == [True]


@pytest.mark.parametrize(
    ("pip_says", "cause"),
    [
        ("WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'", "network"),
        ("error: error sending request for url", "network"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "failed: see above"),
    ],
)
def test_an_installation_that_fails_says_in_its_own_words_and_in_ours_why(
    made: ModuleType, capsys: pytest.CaptureFixture[str], pip_says: str, cause: str
) -> None:
    installing = made.Installing(3)
    assert installing.run([sys.executable, "-c", _PIP + f"sys.exit({pip_says!r})"]) == 1
    with pytest.raises(SystemExit, match=cause):
        installing.fail()
    said = capsys.readouterr().err
    assert pip_says in said
    assert "Collecting" not in said, "what went well is not why"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_installation_and_what_it_started_in_one_sentence(
    made: ModuleType, tmp_path: Path, number: signal.Signals
) -> None:
    ours = tmp_path / "ours.py"
    ours.write_text(_SIGNALLED.format(run=str(ROOT / "run.py"), root=str(made.ROOT), hangs=_HANGS), encoding="utf-8")
    environment = {**os.environ, "SPHERES_LANG": "en"}
    with subprocess.Popen(
        [sys.executable, ours], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as installing:
        assert installing.stdout
        pip = int(installing.stdout.readline())
        os.killpg(installing.pid, number)
        os.killpg(installing.pid, number)
        said = installing.communicate(timeout=60)[1].decode()
    assert installing.returncode == 128 + number
    assert said.splitlines()[-1] == "Stopped before the installation was through. Run this again to begin anew."
    assert "Traceback" not in said
    until = time.monotonic() + 60
    while _is_there(pip) and time.monotonic() < until:  # the number is taken until the machine has buried it
        time.sleep(0.1)
    assert not _is_there(pip)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


#: run.py over a checkout, with a pip that says its number and hangs.
_SIGNALLED = """
import importlib.util, subprocess, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("run", {run!r})
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)
run.ROOT = Path({root!r}); run.ENV = run.ROOT / ".venv"; run.LOCKS = run.ROOT / "lock"
run.PYTHON = run.ENV / "bin" / "python"
run._installer = lambda: [sys.executable, "-c", "import os; print(os.getpid(), flush=True)\\n" + {hangs!r}]
hear = run.Installing._hear
def tell(self, line):
    if line.isdigit():
        print(line, flush=True)
    hear(self, line)
run.Installing._hear = tell
run.ensure("app")
"""


@pytest.mark.parametrize(("errno_", "sentence"), [(errno.EROFS, "does not let it"), (errno.ENOSPC, "disk is full")])
def test_a_folder_that_cannot_be_written_is_a_sentence_that_names_it(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, errno_: int, sentence: str
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno_, os.strerror(errno_), str(run.ROOT / ".venv.lock"))

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(SystemExit, match=sentence) as said:
        run.ensure("app")
    assert str(run.ROOT) in str(said.value)


def test_a_disk_that_fills_while_the_environment_is_made_is_not_taken_for_a_missing_package(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filling(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip", output=b"OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    monkeypatch.setattr(run.venv, "create", filling)
    with pytest.raises(SystemExit, match="disk is full"):
        run.ensure("app")
    assert not run.ENV.exists()


@pytest.mark.parametrize(("language", "says"), [("en", "once `python3 run.py up`"), ("fr", "après l’installation")])
def test_help_where_nothing_is_installed_says_that_there_is_more_and_installs_nothing(
    run: ModuleType,
    installs: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    says: str,
) -> None:
    monkeypatch.setenv("SPHERES_LANG", language)
    assert run.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "python3 run.py up" in said
    assert says in said
    assert installs == []


@pytest.mark.ci
def test_help_lists_the_commands_that_are_installed(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "ROOT", ROOT)
    monkeypatch.setattr(run, "_is_installed", lambda _: True)
    monkeypatch.setattr(run, "_command", lambda *_: [sys.executable, "-m", "api.cli", "--help"])
    assert run.main(["--help"]) == 0
    said = capfd.readouterr().out
    assert "python3 run.py test" in said
    assert re.search(r"^ +protocol\b", said, re.MULTILINE)
    assert re.search(r"^ +keys\b", said, re.MULTILINE)


class _Terminal:
    """A terminal that keeps what it is told."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.told.append(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def became(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the command goes on as, where everything is installed."""
    seen: list[tuple[str, ...]] = []

    def becoming(*command: str) -> int:
        seen.append(command)
        return 0

    monkeypatch.setattr(run, "become", becoming)
    monkeypatch.setattr(run, "ensure", lambda name: seen.append(("ensure", name)))
    return seen


#: The quick tests, a file at a time on each of two cores.
QUICK = (
    "python",
    "-m",
    "pytest",
    "-m",
    "not ci and not nightly",
    "-n",
    "2",
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
)
CI = ("python", "-m", "pytest", "-m", "ci and not nightly", *QUICK[5:])
NIGHTLY = ("python", "-m", "pytest", "-m", "ci or nightly", *QUICK[5:])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], [("ensure", "app"), ("spheres", "up", "--demo")]),
        (["up", "--no-demo"], [("ensure", "app"), ("spheres", "up", "--no-demo")]),
        (["up", "--demo"], [("ensure", "app"), ("spheres", "up", "--demo")]),
        (["program", "check", "x"], [("ensure", "app"), ("spheres", "program", "check", "x")]),
        (["bench"], [("ensure", "app"), ("python", "-m", "bench")]),
        (["house", "--lower"], [("ensure", "app"), ("python", "-m", "bench.house", "--lower")]),
        (["test", "--ci"], [("ensure", "dev"), CI]),
        (["test", "--nightly"], [("ensure", "dev"), NIGHTLY]),
        (["test", "--nightly", "tests/api"], [("ensure", "dev"), (*NIGHTLY[:5], "tests/api")]),
        (["test", "tests/api", "-k", "x"], [("ensure", "dev"), ("python", "-m", "pytest", "tests/api", "-k", "x")]),
    ],
)
def test_a_command_becomes_the_program_that_does_it(
    run: ModuleType, became: list[tuple[str, ...]], asked: list[str], expected: list[tuple[str, ...]]
) -> None:
    run.main(asked)
    assert became == expected


@pytest.mark.parametrize("named", [[], ["tests/domain", "-k", "x"]])
def test_the_tests_of_a_day_run_under_faketime_and_wait_by_the_true_clock(
    run: ModuleType, became: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, named: list[str]
) -> None:
    ran: list[tuple[list[str], dict[str, str]]] = []

    def running(command: list[str], *, env: dict[str, str], **_: object) -> "subprocess.CompletedProcess[bytes]":
        ran.append((command, env))
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(run.shutil, "which", lambda _: "/there/faketime")
    monkeypatch.setattr(run.subprocess, "run", running)
    assert run.main(["test", "--day", "2028-02-29 23:55", *named]) == 1
    ((command, env),) = ran
    assert command[:3] == ["/there/faketime", "-m", "-f"]
    assert time.time() + float(command[3]) == pytest.approx(1835499300, abs=60), "23:55 in Montréal"
    assert command[5:] == ["-m", "pytest", *(named or QUICK[3:])]
    assert (env["TZ"], env["FAKETIME_DONT_FAKE_MONOTONIC"]) == ("America/Toronto", "1")
    assert became == [("ensure", "dev")]


@pytest.mark.parametrize(
    ("asked", "found"), [(["2028-02-29"], None), ([], "/there/faketime"), (["29.2.2028"], "/there/faketime")]
)
def test_a_day_without_faketime_or_without_a_day_is_one_sentence(
    run: ModuleType, became: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, asked: list[str], found: str | None
) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda _: found)
    with pytest.raises(SystemExit, match="faketime"):
        run.main(["test", "--day", *asked])
    assert became == [("ensure", "dev")]


def test_every_check_runs_and_one_that_fails_is_told_and_keeps_the_tests_from_running(
    run: ModuleType, became: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status: dict[str, int] = {}
    tried: list[str] = []

    def checking(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        tool = Path(command[0]).name
        tried.append(tool)
        return subprocess.CompletedProcess(command, status.get(tool, 0), f"what {tool} says")

    monkeypatch.setattr(run.subprocess, "run", checking)
    assert run.main(["test"]) == 0
    assert sorted(tried) == ["lint-imports", "mypy", "python", "python", "ruff", "ruff"]
    assert became[-1] == QUICK
    assert "says" not in capsys.readouterr().out

    became.clear()
    status["mypy"] = 3
    assert run.main(["test"]) == 3
    assert "what mypy says" in capsys.readouterr().out
    assert QUICK not in became


# ------------------------------------------------------------------------------------------- reading the locks


def _pins(name: str) -> Pins:
    pins: Pins = {}
    for line in (ROOT / "lock" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if found := PINNED.match(line):
            pins.setdefault(found["name"], []).append((Version(found["version"]), found["marker"] or ""))
    return pins


def _asked(name: str) -> Iterator[tuple[Requirement, str]]:
    """What pyproject.toml and build.in ask for."""
    lines = list(PROJECT["project"]["dependencies"])
    lines += [line for line in (ROOT / "build.in").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    if name == "dev":
        lines += PROJECT["dependency-groups"]["dev"]
    for line in lines:
        yield Requirement(line), "the project"


def _required_by(key: str, extra: str) -> Iterator[tuple[Requirement, str]]:
    try:
        listed = distribution(key).requires or []
    except PackageNotFoundError:
        pytest.fail(f"{key} is in the lock and not installed here; run `python3 run.py test`")
    for line in listed:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement, key


def _applies(marker: str) -> bool:
    """Whether a lock's line counts on this machine and this Python."""
    if not marker:
        return True
    condition = Requirement(f"x ; {marker}").marker
    assert condition
    return condition.evaluate(_here())


def _here() -> dict[str, str]:
    return {name: str(value) for name, value in default_environment().items()}


def _text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")
