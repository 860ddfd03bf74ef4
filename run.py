"""The one command of a fresh checkout: makes .venv from the hash-checked lock, then runs. Needs Python alone.

python3 run.py up               install, start everything, print the address (the same as no argument)
python3 run.py test             style, types, import rules, languages, then the quick tests
python3 run.py test --ci        what continuous integration runs besides
python3 run.py test --nightly   every test that is not quick
python3 run.py test PATH -k x   only those tests
python3 run.py test --day "2028-02-29 23:55"   the quick tests, or a PATH of them, as if begun then (needs faketime)
python3 run.py bench            the measures of docs/performance.md
python3 run.py lock             write both locks anew (needs uv; --upgrade takes newer versions)
python3 run.py ANYTHING ELSE    is given to `spheres`
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENV = ROOT / ".venv"
BIN = ENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = ROOT / "lock"
INPUTS = ("pyproject.toml", "build.in")
OLDEST = (3, 11)

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("style", ("ruff", "check", "--quiet", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports", "--no-logo")),
    ("languages", ("python", "-m", "locales.check")),
)

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
                f"Il faut Python {oldest} ou plus récent; celui-ci est {here}.",
            )
        )
    command, rest = (arguments[0], list(arguments[1:])) if arguments else ("up", [])
    if command in ("-h", "--help"):
        print(__doc__)
        return 0
    if command == "lock":
        return lock(rest)
    if command == "test":
        ensure("dev")
        return test(rest)
    if command == "bench":
        ensure("app")
        return become("python", "-m", "bench", *rest)
    ensure("app")
    if command == "up" and not rest:
        rest = ["--demo"]  # a newcomer sees the work; an operator says --no-demo, or runs `spheres up`
    return become("spheres", command, *rest)


def test(arguments: list[str]) -> int:
    """All checks and the quick tests; those of a longer tier or of a day; or the tests named by `arguments` alone."""
    if arguments[:1] == ["--day"]:
        return test_on(arguments[1:2], arguments[2:])
    if arguments and arguments[0] in LONGER:
        return become("python", "-m", "pytest", "-m", LONGER[arguments[0]], *(arguments[1:] or ON_TWO_CORES))
    if arguments:
        return become("python", "-m", "pytest", *arguments)
    for name, tool in CHECKS:
        begun = time.monotonic()
        status = subprocess.run(_command(*tool), cwd=ROOT, env=_environment(), check=False).returncode
        print(f"{name}: {'ok' if status == 0 else 'FAILED'} ({time.monotonic() - begun:.1f} s)", flush=True)
        if status:
            return status
    return become("python", "-m", "pytest", "-m", QUICK, *ON_TWO_CORES)


def test_on(day: list[str], named: list[str]) -> int:
    """The quick tests, or those `named`, as if they began at that hour in Montréal.

    The database keeps the true time, of which the program asks it nothing but when a line of the record was written.
    """
    faketime = shutil.which("faketime")
    if faketime is None or not day:
        sys.exit(
            said(
                'Say a day as in --day "2028-02-29 23:55"; faketime must be installed (apt install faketime).',
                "Dites un jour, comme --day « 2028-02-29 23:55 »; il faut faketime (apt install faketime).",
            )
        )
    # Waits are by the monotonic clock, which stays true: else those of threads would never end.
    hour = {"TZ": "America/Toronto", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    tests = named or ["-m", QUICK, *ON_TWO_CORES]
    command = [faketime, "-m", *day, *_command("python", "-m", "pytest", *tests)]
    return subprocess.run(command, cwd=ROOT, env=_environment() | hour, check=False).returncode


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
                ".venv est un lien vers un environnement fait ailleurs: rien n’y a été changé. Retirez-le.",
            )
        )
    with _one_at_a_time():
        if _is_installed(name):
            return
        begun = time.monotonic()
        tell(f"Installing from lock/{name}.txt ...", f"Installation selon lock/{name}.txt…")
        install = _installer()
        steps = [
            [*install, "--quiet", "--require-hashes", "-r", str(LOCKS / f"{name}.txt")],
            # Not isolated: hatchling comes from the lock too, so nothing unpinned is fetched to build with.
            [*install, "--quiet", "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
        ]
        for step in steps:
            status = subprocess.run(step, cwd=ROOT, env=_environment(), check=False).returncode
            if status:
                sys.exit(
                    said(
                        f"The installation failed (status {status}): see above. Nothing was started.",
                        f"L’installation a échoué (état {status}): voir ci-dessus. Rien n’a été démarré.",
                    )
                )
        _mark(name).write_text(_wanted(name), encoding="utf-8")
        seconds = f"{time.monotonic() - begun:.0f}"
        tell(f"Installed in {seconds} s.", f"Installé en {seconds} s.")


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
    if moved or not PYTHON.exists():
        _make_environment(with_pip=uv is None)
    if uv is not None:
        return [uv, "pip", "install", "--python", str(PYTHON)]
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        _make_environment(with_pip=True)  # made by uv earlier, or interrupted half-way
    return [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]


def _make_environment(*, with_pip: bool) -> None:
    try:
        venv.create(ENV, clear=True, with_pip=with_pip, symlinks=os.name != "nt")
    except (subprocess.CalledProcessError, ImportError):
        shutil.rmtree(ENV, ignore_errors=True)
        sys.exit(
            said(
                "This Python cannot make an environment with pip, as on a Debian without its venv package.\n"
                "Run: apt install python3-venv    (or put uv on PATH), then run this again.",
                "Ce Python ne peut pas faire d’environnement avec pip, comme sur un Debian sans son paquet venv.\n"
                "Faites: apt install python3-venv    (ou mettez uv dans le PATH), puis recommencez.",
            )
        )


def _environment() -> dict[str, str]:
    """The caller's environment, without what would send pip or Python to another place than .venv."""
    elsewhere = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two terminals that begin together must not install into the same folder at the same time."""
    try:
        import fcntl  # noqa: PLC0415 - absent on Windows, where this guard is given up
    except ImportError:
        yield
        return
    with (ROOT / ".venv.lock").open("w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


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
