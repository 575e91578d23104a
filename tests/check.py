"""`make check`: format, lint, types, import contracts, measures, migrations, templates, translations. One line each."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cloud.run import vendor
from tests.judge import kept, stories
from tests.judge.hops import Code
from tests.judge.tree import Tree
from tests.live import CLONE

BIN = Path(sys.executable).parent
LANGUAGE = "zh_Hans"
#: Shell scripts, for git to find.
SHELL = ("*.sh", ".ci/run")
#: What makemessages reads.
TRANSLATED = (".py", ".html", ".js", ".txt")


class Wrong(Exception):
    """A check that found something; the message is what it found."""


def _run(*command: str | Path, cwd: Path = CLONE) -> str:
    environment = {**os.environ, "STACKLING_SECRET_KEY": "checks-sign-nothing"}
    if cwd == CLONE:
        environment["DJANGO_SETTINGS_MODULE"] = "cloud.settings"
    else:
        environment.pop("DJANGO_SETTINGS_MODULE", None)  # it would have the clone's own catalogs written
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Wrong((done.stdout + done.stderr).strip())
    return done.stdout


def templates() -> None:
    """Every template compiles: Django's own parser, with this project's tags. As written, so that lines have their numbers."""
    import django
    from django.template import TemplateSyntaxError, engines

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
    os.environ.setdefault("STACKLING_SECRET_KEY", "checks-sign-nothing")
    django.setup()
    found = []
    for root in sorted(CLONE.glob("*/templates")):
        for path in sorted(root.rglob("*.*")):
            try:
                engines["django"].from_string(path.read_text())
            except TemplateSyntaxError as error:
                found.append(f"{path.relative_to(CLONE)}: {error}")
    if found:
        raise Wrong("\n".join(found))


def translations() -> None:
    """Every text that the code marks has its translation, and none is only guessed (fuzzy)."""
    kept = CLONE / "locale" / LANGUAGE / "LC_MESSAGES"
    if not kept.is_dir():
        raise Wrong(f"{kept.relative_to(CLONE)} is not there: run `make messages`")
    with tempfile.TemporaryDirectory(prefix="stackling-texts-") as folder:
        scratch = Path(folder)
        for name in _run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
            if (
                name.endswith(TRANSLATED)
                and not name.startswith(("tests/", "bench/", "static/vendor/"))
                and (CLONE / name).exists()
            ):
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(CLONE / name, scratch / name)
        shutil.copytree(CLONE / "locale", scratch / "locale", dirs_exist_ok=True)
        domains = {"django": (), "djangojs": ("--domain", "djangojs")}
        for domain, options in domains.items():
            if (kept / f"{domain}.po").exists():
                _run(BIN / "django-admin", "makemessages", "--locale", LANGUAGE, "--no-obsolete", *options, cwd=scratch)
        missing = []
        for catalog in sorted((scratch / "locale" / LANGUAGE / "LC_MESSAGES").glob("*.po")):
            _run("msgfmt", "--check-format", "-o", "/dev/null", catalog)
            for flag in ("--untranslated", "--only-fuzzy"):
                text = _run("msgattrib", flag, "--no-obsolete", "--no-wrap", catalog)
                missing += [line for line in text.splitlines() if line.startswith("msgid ") and line != 'msgid ""']
    if missing:
        raise Wrong(
            f"{len(missing)} texts have no translation; `make messages`, then fill in locale/{LANGUAGE}:\n"
            + "\n".join(missing[:15])
        )


def secrets() -> None:
    """Nothing tracked may be a key, a password file or a database."""
    names = _run("git", "ls-files").splitlines()
    bad = [
        name
        for name in names
        if name.endswith((".key", ".sqlite3", ".pem", ".mo")) or name in (".env", "var/passwords")
    ]
    if bad:
        raise Wrong("tracked by git, and must not be: " + ", ".join(bad))


def types() -> None:
    """mypy. Django's plugin lets a cache name the modules of models, also those that moved since: then once more without."""
    try:
        _run(BIN / "mypy")
    except Wrong as wrong:
        if "[import-not-found]" not in str(wrong):
            raise
        shutil.rmtree(CLONE / ".mypy_cache", ignore_errors=True)
        _run(BIN / "mypy")


def measures() -> None:
    """No measure of the house is worse than tests/judge/most.tsv says."""
    try:
        worse, better = kept.differences(Tree(CLONE))
    except ModuleNotFoundError as missing:
        raise Wrong(f"{missing}: requirements/dev.txt has changed; run ./setup.sh test") from missing
    for line in better:
        print(f"  better: {line}. Keep it: make judge LOWER=1", flush=True)
    if worse:
        raise Wrong("\n".join(worse) + "\n`make judge` says what each measure is; CONTRIBUTING.md what to do")


def told_stories() -> None:
    """The code goes the way that docs/stories.tsv tells."""
    code = Code(Tree(CLONE))
    gaps = [gap for story in stories.read(CLONE).values() for gap in code.gaps(story)]
    if gaps:
        raise Wrong("\n".join(gaps) + "\ndocs/stories.tsv says a hop a row: move the row with the hop")


CHECKS: dict[str, Callable[[], object]] = {
    "format": lambda: _run(BIN / "ruff", "format", "--check", "."),
    "lint": lambda: _run(BIN / "ruff", "check", "."),
    "types": types,
    "import contracts": lambda: _run(sys.executable, "-m", "tests.contracts"),
    "measures": measures,
    "stories": told_stories,
    "settings": lambda: _run(sys.executable, "manage.py", "check"),
    "migrations": lambda: _run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"),
    "templates": templates,
    "template format": lambda: _run(BIN / "djlint", "--check", "portal/templates"),
    "translations": translations,
    "scripts, styles": lambda: _run(
        vendor.NODE, vendor.tool("@biomejs/biome/bin/biome"), "lint", "--error-on-warnings", "--max-diagnostics=100"
    ),
    "shell scripts": lambda: _run("shellcheck", "-x", *_run("git", "ls-files", *SHELL).split()),
    "tracked files": secrets,
}


def main() -> int:
    failed = []
    for name, check in CHECKS.items():
        begin = time.monotonic()
        try:
            check()
        except Wrong as wrong:
            failed.append(name)
            print(f"  {name:<20} {time.monotonic() - begin:6.1f} s  WRONG\n{wrong}\n", flush=True)
        else:
            print(f"  {name:<20} {time.monotonic() - begin:6.1f} s", flush=True)
    print(
        f"{len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed"
        + (f"; wrong: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
