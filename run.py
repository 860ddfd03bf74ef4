"""The one command of a fresh checkout: makes .venv from the hash-checked lock, then runs. Needs Python alone.

Read by a Python that is too old as well, which it tells so: nothing newer than 3.8 before that.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to end, a Ctrl-C shows no traceback

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

ROOT = Path(__file__).resolve().parent
ENV = ROOT / ".venv"
BIN = ENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = ROOT / "lock"
INPUTS = ("pyproject.toml", "build.in")
OLDEST = (3, 11)
NEEDED_MB = 700
#: A silent network is given up within a minute, unless the caller is more patient.
PATIENCE = {"PIP_RETRIES": "2", "PIP_DEFAULT_TIMEOUT": "15", "UV_HTTP_TIMEOUT": "15"}
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

USAGE_EN = """python3 run.py up               install, start everything, print the address (the same as no argument)
python3 run.py test             style, types, import rules, languages, then the quick tests
python3 run.py test --ci        what continuous integration runs besides
python3 run.py test --nightly   every test that is not quick
python3 run.py test PATH -k x   only those tests
python3 run.py test --day "2028-02-29 23:55"   the quick tests, or a PATH of them, as if begun then (needs faketime)
python3 run.py bench            the measures of docs/performance.md
python3 run.py house            the numbers of the house, and what each may be at most (--lower, --places)
python3 run.py simulate         live a program through from a seed: --seed 7 --years 10 --faults all --page years.html
python3 run.py lock             write both locks anew (needs uv; --upgrade takes newer versions)
python3 run.py ANYTHING ELSE    is given to `spheres`
"""
USAGE_FR = """python3 run.py up               installer, tout démarrer, donner l’adresse (comme sans argument)
python3 run.py test             style, types, règles d’import, langues, puis les tests rapides
python3 run.py test --ci        ce que l’intégration continue exécute de plus
python3 run.py test --nightly   chaque test qui n’est pas rapide
python3 run.py test CHEMIN -k x ces tests seulement
python3 run.py test --day "2028-02-29 23:55"   les tests rapides, ou un CHEMIN, comme ce jour-là (avec faketime)
python3 run.py bench            les mesures de docs/performance.md
python3 run.py house            les chiffres du code, et le plafond de chacun (--lower, --places)
python3 run.py simulate         vivre un programme à partir d’un nombre : --seed 7 --years 10 --faults all --page a.html
python3 run.py lock             refaire les deux verrous (avec uv ; --upgrade prend des versions plus récentes)
python3 run.py AUTRE CHOSE      est donné à `spheres`
"""

#: The types take as long as all others: they come first.
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("types", ("mypy",)),
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("style", ("ruff", "check", "--quiet", ".")),
    ("imports", ("lint-imports", "--no-logo")),
    ("languages", ("python", "-m", "locales.check")),
    ("house", ("python", "-m", "bench.house", "--check")),
)

#: Commands that are modules beside the product.
BESIDE = {"bench": "bench", "house": "bench.house", "simulate": "simulation"}
#: Which tests each tier takes, by their markers (pyproject.toml). Quick and nightly are all that there are.
QUICK = "not ci and not nightly"
LONGER = {"--ci": "ci and not nightly", "--nightly": "ci or nightly"}
#: A file at a time on each of two cores: its browser and its servers are its own. The longest come first
#: (tests/conftest.py).
ON_TWO_CORES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def main(arguments: Sequence[str]) -> int:
    """Run one command of the list above and give back its exit status."""
    if sys.version_info < OLDEST:
        oldest, here = f"{OLDEST[0]}.{OLDEST[1]}", sys.version.split()[0]
        sys.exit(
            said(
                f"Python {oldest} or newer is needed; this is {here}.",
                f"Il faut Python {oldest} ou plus récent ; celui-ci est {here}.",
            )
        )
    command, rest = (arguments[0], list(arguments[1:])) if arguments else ("up", [])
    if command in ("-h", "--help"):
        return usage()
    if command == "lock":
        return lock(rest)
    if command == "test":
        ensure("dev")
        return test(rest)
    if command in BESIDE:
        ensure("app")
        return become("python", "-m", BESIDE[command], *rest)
    ensure("app")
    if command == "up":
        _hold_signals_back()
    if command == "up" and not rest:
        rest = ["--demo"]  # a newcomer sees the work; an operator says --no-demo, or runs `spheres up`
    return become("spheres", command, *rest)


def usage() -> int:
    """Say what there is to run; the commands of `spheres` too, once they are installed. Installs nothing."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without these letters
    print(said(USAGE_EN, USAGE_FR))
    if not _is_installed("app"):
        print(
            said(
                "`spheres` has more commands: this lists them once `python3 run.py up` has installed them.",
                "`spheres` a d’autres commandes : elles s’affichent ici après l’installation par `python3 run.py up`.",
            )
        )
        return 0
    print(said("The commands of `spheres`:", "Les commandes de `spheres` :"), flush=True)
    return subprocess.run(_command("spheres", "--help"), cwd=ROOT, env=_environment(), check=False).returncode


def test(arguments: list[str]) -> int:
    """All checks and the quick tests; those of a longer tier or of a day; or the tests named by `arguments` alone."""
    if arguments[:1] == ["--day"]:
        return test_on(arguments[1:2], arguments[2:])
    if arguments and arguments[0] in LONGER:
        return become("python", "-m", "pytest", "-m", LONGER[arguments[0]], *(arguments[1:] or ON_TWO_CORES))
    if arguments:
        return become("python", "-m", "pytest", *arguments)
    failed = 0
    with ThreadPoolExecutor(2) as cores:
        for name, (status, told) in zip(dict(CHECKS), cores.map(_checked, dict(CHECKS).values()), strict=True):
            print(f"{name}: {told}", flush=True)
            failed = failed or status
    return failed or become("python", "-m", "pytest", "-m", QUICK, *ON_TWO_CORES)


def _checked(tool: tuple[str, ...]) -> tuple[int, str]:
    """The exit status of a check, and what is told of it."""
    begun, out = time.monotonic(), subprocess.PIPE
    done = subprocess.run(
        _command(*tool), cwd=ROOT, env=_environment(), check=False, stdout=out, stderr=subprocess.STDOUT, text=True
    )
    took = f"({time.monotonic() - begun:.1f} s)"
    return done.returncode, f"FAILED {took}\n{done.stdout}" if done.returncode else f"ok {took}"


def test_on(day: list[str], named: list[str]) -> int:
    """The quick tests, or those `named`, as if they began at that hour in Montréal: "2028-02-29 23:55".

    The database's server goes by it too: commands and pages ask it for the time.
    """
    faketime, at = shutil.which("faketime"), _moment(*day)
    if faketime is None or at is None:
        sys.exit(
            said(
                'Say a day as in --day "2028-02-29 23:55"; faketime must be installed (apt install faketime).',
                "Dites un jour, comme --day « 2028-02-29 23:55 »; il faut faketime (apt install faketime).",
            )
        )
    # Waits are by the monotonic clock, which stays true: else those of threads would never end. Nor is it mended, as
    # for an older glibc: waits would end at once, and threads that wait for each other take all of a core.
    hour = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
    tests = named or ["-m", QUICK, *ON_TWO_CORES]
    # So many seconds from now, and not a moment: the server reads what it is given by itself.
    command = [faketime, "-m", "-f", f"{at - time.time():+.0f}", *_command("python", "-m", "pytest", *tests)]
    return subprocess.run(command, cwd=ROOT, env=_environment() | hour, check=False).returncode


def _moment(day: str = "") -> float | None:
    """That hour in Montréal, in seconds since 1970; None where it is none. From now on, Montréal's clock is ours."""
    os.environ["TZ"] = "America/Toronto"
    time.tzset()
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
        with contextlib.suppress(ValueError):
            return time.mktime(time.strptime(day, form))
    return None


def lock(options: list[str]) -> int:
    """Resolve both locks for every platform, with hashes and without a registry's address."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("uv is needed to write the locks. Install it, or put it on PATH, and run this again.")
    LOCKS.mkdir(exist_ok=True)
    shared = ["--universal", "--python-version", f"{OLDEST[0]}.{OLDEST[1]}", "--generate-hashes"]
    shared += ["--no-emit-index-url", "--no-header", "--no-annotate", "--quiet", *options]
    for name, extra in (("app", []), ("dev", ["-c", "lock/app.txt", "--group", "dev"])):
        target = LOCKS / f"{name}.txt"
        target.touch()
        made = subprocess.run(
            [uv, "pip", "compile", *shared, *extra, *INPUTS, "-o", str(target.relative_to(ROOT))],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,  # uv repeats the whole file it writes
            check=False,
        )
        if made.returncode:
            return made.returncode
        print(f"lock/{name}.txt: {target.read_text(encoding='utf-8').count('==')} packages")
    return 0


def ensure(name: str) -> None:
    """Bring .venv to what lock/`name`.txt and pyproject.toml say; nothing to do where it is so already."""
    if _is_installed(name):
        return
    if ENV.is_symlink():
        # Else what others work in would be emptied, and filled for this checkout alone.
        sys.exit(
            said(
                ".venv is a link to an environment that was made elsewhere: nothing there was changed. Remove it.",
                ".venv est un lien vers un environnement fait ailleurs : rien n’y a été changé. Retirez-le.",
            )
        )
    with _ending_plainly(), _one_at_a_time():
        if _is_installed(name):
            return
        begun = time.monotonic()
        packages = len(re.findall("^[^ #]*==", (LOCKS / f"{name}.txt").read_text(encoding="utf-8"), re.MULTILINE))
        tell(
            f"Installing from lock/{name}.txt: {packages} packages, one to two minutes the first time.",
            f"Installation selon lock/{name}.txt : {packages} paquets, une à deux minutes la première fois.",
        )
        install = _installer()
        steps = [
            # The lock is whole, so nothing is resolved: an older pip would take a newer release for "httpx[http2]".
            (packages, [*install, "--no-deps", "--require-hashes", "-r", str(LOCKS / f"{name}.txt")]),
            # Not isolated: hatchling comes from the lock too, so nothing unpinned is fetched to build with.
            (0, [*install, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]),
        ]
        for counted, step in steps:
            installing = Installing(counted)
            if installing.run(step):
                installing.fail()
        _write_path_in_ascii()
        _mark(name).write_text(_wanted(name), encoding="utf-8")
        with contextlib.suppress(FileNotFoundError):
            _unfinished().unlink()
        seconds = f"{time.monotonic() - begun:.0f}"
        tell(f"Installed in {seconds} s.", f"Installé en {seconds} s.")


class Installing:
    """One run of pip or uv, of which a person sees how far it is: one line at a terminal, else one now and then.

    Nothing is shown where there are no `packages` to count.
    """

    #: How often a line is written where it cannot be written over.
    APART_SECONDS = 15.0
    #: What is said along the way, and is not why it failed.
    _ON_THE_WAY = (
        *("Collecting", "Downloading", "Downloaded", "Using cached", "Requirement already", "Ignoring", "Looking in"),
        *("Obtaining", "Installing", "Preparing", "Checking", "Building", "Built", "Created", "Stored", "Resolved"),
    )

    def __init__(self, packages: int) -> None:
        self.packages = packages
        self.collected = 0
        self.said: list[str] = []
        self.changes = False
        self.network_is_silent = False
        self._told_at = time.monotonic()

    def run(self, command: list[str]) -> int:
        """Run it, away from the terminal's Ctrl-C, and give back its status. A signal ends it first."""
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**PATIENCE, **_environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        listening = threading.Thread(target=self._listen, args=(running.stdout,), daemon=True)
        listening.start()
        try:
            while running.poll() is None:
                self._tell()
                time.sleep(0.2)
        finally:
            if running.poll() is None:
                self._end(running)
            listening.join(5)
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)
        return running.returncode

    def fail(self) -> NoReturn:
        """Say what it said itself, and then in a sentence what to do."""
        reasons = [line for line in self.said if line and not line.startswith(self._ON_THE_WAY)]
        print(*reasons[-20:], sep="\n", file=sys.stderr)
        if any("No space left on device" in line or "os error 28" in line for line in self.said):
            _fail_for_want_of_room()
        if self.network_is_silent:
            sys.exit(
                said(
                    "The network does not answer, or not where packages come from. Nothing was started. The first\n"
                    "start needs it; run this again when it is back. What is installed works without it.",
                    "Le réseau ne répond pas, ou pas là d’où viennent les paquets. Rien n’a été démarré. Le premier\n"
                    "démarrage en a besoin ; recommencez quand il est revenu. Ce qui est installé marche sans lui.",
                )
            )
        sys.exit(
            said(
                "The installation failed: see above. Nothing was started.",
                "L’installation a échoué : voir ci-dessus. Rien n’a été démarré.",
            )
        )

    @staticmethod
    def _end(running: subprocess.Popen[str]) -> None:
        running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(3)
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)  # with what it started to build something
        running.kill()
        running.wait()

    def _listen(self, lines: TextIO) -> None:
        with lines:
            for line in lines:
                self._hear(line.strip())

    def _hear(self, line: str) -> None:
        self.said.append(line)
        if line.startswith("Ignoring"):
            self.packages -= 1  # it is for another system or Python
        elif line.startswith(("Collecting", "Requirement already satisfied")):
            self.collected += 1
        elif line.startswith(("Installing collected", "Resolved")) and not self.changes:
            # From here on .venv is neither what it was nor what it is to be.
            self.changes = True
            _unfinished().touch()
            for name in ("app", "dev"):
                with contextlib.suppress(FileNotFoundError):
                    _mark(name).unlink()
        elif "Retrying (" in line or "error sending request" in line or "Failed to fetch" in line:
            self.network_is_silent = True

    def _tell(self) -> None:
        if not self.packages:
            return
        done = sum(1 for _ in ENV.glob("lib/python*/site-packages/*.dist-info")) if self.changes else self.collected
        done = min(done, self.packages)
        if self.network_is_silent and not self.changes:
            line = said("The network does not answer; trying again…", "Le réseau ne répond pas ; nouvel essai…")
        elif self.changes:
            line = said(f"{done} of {self.packages} installed", f"{done} sur {self.packages} installés")
        else:
            line = said(f"{done} of {self.packages} fetched", f"{done} sur {self.packages} reçus")
        if sys.stderr.isatty():
            print(f"\r  {line}\033[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._told_at > self.APART_SECONDS:
            self._told_at = time.monotonic()
            print(f"  {line}", file=sys.stderr, flush=True)


class Stopped(BaseException):
    """A signal said stop."""


def _write_path_in_ascii() -> None:
    """Name this checkout to Python in ASCII alone: it reads the file by the locale, which may know no accent."""
    for file in ENV.glob("lib/python*/site-packages/_editable_impl_*.pth"):
        paths = list(dict.fromkeys(file.read_text(encoding="utf-8").splitlines()))
        if not paths[0].startswith("import "):
            file.write_text(f"import sys; sys.path.extend({paths!a})\n", encoding="ascii")


@contextlib.contextmanager
def _ending_plainly() -> Iterator[None]:
    """End with a sentence at a signal, a folder that cannot be written and a disk that is full."""
    with _raising_at_signals():
        try:
            yield
        except Stopped as stopped:
            tell(
                "Stopped before the installation was through. Run this again to begin anew.",
                "Arrêté avant la fin de l’installation. Recommencez pour la refaire.",
            )
            sys.exit(128 + stopped.args[0])
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                _fail_for_want_of_room()
            why = f"{error.filename or ROOT}: {error.strerror or type(error).__name__}"
            sys.exit(
                said(
                    f"The installation writes into {ROOT}, which does not let it ({why}).\n"
                    "Give that folder to your account, or copy it to one of yours and start there.",
                    f"L’installation écrit dans {ROOT}, qui ne le permet pas ({why}).\n"
                    "Donnez ce dossier à votre compte, ou copiez-le dans un des vôtres et démarrez de là.",
                )
            )


@contextlib.contextmanager
def _raising_at_signals() -> Iterator[None]:
    """Raise Stopped at the first signal that says stop, and hear the same ones as before afterwards."""

    def stop(number: int, _: FrameType | None) -> None:
        for one in STOPS:
            signal.signal(one, signal.SIG_IGN)  # a second Ctrl-C breaks nothing off
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        for number in STOPS:
            if before[number] is not signal.SIG_IGN:
                signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail_for_want_of_room() -> NoReturn:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    sys.exit(
        said(
            f"The disk is full: {free} MB are free in {ROOT}, and the installation takes about {NEEDED_MB} MB there,\n"
            "and as much in the temporary folder. Make room, then run this again. Nothing was started.",
            f"Le disque est plein : il reste {free} Mo dans {ROOT}, et l’installation y prend environ {NEEDED_MB} Mo,\n"
            "et autant dans le dossier temporaire. Faites de la place, puis recommencez. Rien n’a été démarré.",
        )
    )


def said(english: str, french: str) -> str:
    """The words in the language of the terminal, as `spheres` chooses it; the catalogues are not installed yet."""
    for name in ("SPHERES_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(name, "")[:2].lower()
        if code in ("en", "fr"):
            return english if code == "en" else french
    return french


def tell(english: str, french: str) -> None:
    """Say how far the installation is, where errors are said: the output is that of the command that follows."""
    print(said(english, french), file=sys.stderr, flush=True)


def _is_installed(name: str) -> bool:
    """Whether .venv was made here from this lock, or from dev, which holds all of app's versions too."""
    if not PYTHON.exists():
        return False
    for candidate in {name, "dev"}:
        mark = _mark(candidate)
        if mark.exists() and mark.read_text(encoding="utf-8") == _wanted(candidate):
            return True
    return False


def _mark(name: str) -> Path:
    return ENV / f".installed-{name}"


def _unfinished() -> Path:
    """Is there while packages are changed: what was broken off half-way is made anew."""
    return ENV / ".unfinished"


def _wanted(name: str) -> str:
    """What a mark says: the digest of everything the installation comes from, and where it was made.

    A moved checkout keeps scripts and a path file that point to its old place, hence the second line.
    """
    path = LOCKS / f"{name}.txt"
    if not path.exists():
        sys.exit(
            said(
                f"lock/{name}.txt is missing: this checkout is not whole.",
                f"lock/{name}.txt manque: cette copie du projet n’est pas entière.",
            )
        )
    digest = hashlib.sha256(path.read_bytes())
    for source in INPUTS:
        digest.update((ROOT / source).read_bytes())
    return f"{digest.hexdigest()}\n{ROOT}\n"


def _installer() -> list[str]:
    """The command that installs into .venv: uv where it is on PATH, else the environment's own pip."""
    uv = shutil.which("uv")
    moved = any(
        mark.exists() and mark.read_text(encoding="utf-8").splitlines()[1:2] != [str(ROOT)]
        for mark in (_mark("app"), _mark("dev"))
    )
    if moved or _unfinished().exists() or not PYTHON.exists():
        _make_environment(with_pip=uv is None)
    if uv is not None:
        return [uv, "pip", "install", "--python", str(PYTHON)]
    if subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        _make_environment(with_pip=True)  # made by uv earlier
    return [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]


def _make_environment(*, with_pip: bool) -> None:
    try:
        tell("  making .venv", "  création de .venv")
        try:
            venv.create(ENV, clear=True, with_pip=with_pip, symlinks=os.name != "nt")
        except BaseException:
            shutil.rmtree(ENV, ignore_errors=True)
            raise
    except (subprocess.CalledProcessError, ImportError) as failed:
        if b"No space left on device" in (getattr(failed, "output", None) or b""):
            _fail_for_want_of_room()
        sys.exit(
            said(
                "This Python cannot make an environment with pip, as on a Debian without its venv package.\n"
                "Run: apt install python3-venv    (or put uv on PATH), then run this again.",
                "Ce Python ne peut pas faire d’environnement avec pip, comme sur un Debian sans son paquet venv.\n"
                "Faites : apt install python3-venv    (ou mettez uv dans le PATH), puis recommencez.",
            )
        )


def _environment() -> dict[str, str]:
    """The caller's environment, without what would send pip or Python to another place than .venv.

    Nor what would have each process compile every module anew: a start, and the tests, begin many.
    """
    unwanted = (
        *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_QUIET"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
    )
    return {name: value for name, value in os.environ.items() if name not in unwanted}


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two terminals that begin together must not install into the same folder at the same time."""
    try:
        import fcntl  # noqa: PLC0415 - absent on Windows, where this guard is given up
    except ImportError:
        yield
        return
    with (ROOT / ".venv.lock").open("w", encoding="utf-8") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(
                "Another terminal is installing here; waiting for it.", "Un autre terminal installe ici ; on l’attend."
            )
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _hold_signals_back() -> None:
    """Have a signal wait until `spheres up` is there to heed it: until then a Ctrl-C would be an error of Python's."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def become(name: str, *arguments: str) -> int:
    """Go on as a program of .venv: its exit status is ours, and a signal sent to us reaches it."""
    os.chdir(ROOT)
    command = _command(name, *arguments)
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, _environment())  # noqa: S606 - no shell is wanted
    try:
        return subprocess.run(command, env=_environment(), check=False).returncode
    except KeyboardInterrupt:
        return 130


def _command(name: str, *arguments: str) -> list[str]:
    return [str(BIN / (f"{name}.exe" if os.name == "nt" else name)), *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
