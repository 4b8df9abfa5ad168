"""Make .venv: a virtual environment with the locked packages and this project in it, editable.

Runs before there is an environment, so with the standard library only. Safe to interrupt and to
repeat. Everything is pinned by hash: pip installs uv from requirements/uv.txt, uv installs
requirements/dev.txt. Where packages come from is the machine's business: what pip is configured
with (pip.conf, PIP_*) is handed to uv, unless UV_* says otherwise.
"""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PIP_FLAGS = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:")
UV_FLAGS = ("--compile-bytecode", "--quiet", "--require-hashes", "--only-binary", ":all:")

# What pip calls it, what uv calls it, and what stands between several values in uv's.
PIP_TO_UV = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("default-timeout", "UV_HTTP_TIMEOUT", ""),
    ("timeout", "UV_HTTP_TIMEOUT", ""),
    ("cert", "SSL_CERT_FILE", ""),
    ("client-cert", "SSL_CLIENT_CERT", ""),
    ("proxy", "ALL_PROXY", ""),
)


def main() -> None:
    """Make or repair the environment, or say in one line what to do first."""
    check_ensurepip()
    if not fits():
        print(f"setup: making .venv with Python {VERSION}", flush=True)
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(VENV)
    run([PYTHON, "-m", "pip", "install", *PIP_FLAGS, "-r", "requirements/uv.txt"], os.environ)
    environment = translate(pip_settings(), os.environ)
    uv = [VENV / "bin" / "uv", "pip", "install", "--python", PYTHON]
    run([*uv, *UV_FLAGS, "-r", "requirements/dev.txt"], environment)
    run([*uv, "--quiet", "--offline", "--no-deps", "--no-build-isolation", "-e", "."], environment)
    print("setup: done; the command line is .venv/bin/pfs", flush=True)


def check_ensurepip() -> None:
    """End with the way out where this Python cannot make a virtual environment."""
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"setup: this Python ({sys.executable}) comes without ensurepip, which makes virtual"
            f" environments. On Debian and Ubuntu install python{VERSION}-venv; or name another"
            " Python: make setup PYTHON=/path/to/python3.11"
        )


def fits() -> bool:
    """Return whether .venv is there, runs, has pip and is of this Python's version."""
    try:
        said = subprocess.run(
            [PYTHON, "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return said.strip() == VERSION


def pip_settings() -> dict[str, str]:
    """Return what pip is configured with, by pip's names; the environment outranks files."""
    said = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings: dict[str, str] = {}
    for rank in ("global.", "install.", ":env:."):
        for line in said.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(rank) and value.startswith(("'", '"')):
                settings[name[len(rank) :]] = ast.literal_eval(value)
    return settings


def translate(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with pip's settings under the names that uv reads; uv's own win."""
    translated = dict(environment)
    for pip_name, uv_name, separator in PIP_TO_UV:
        value = settings.get(pip_name, "")
        if separator:
            # A folder that is not there is a warning to pip and an error to uv.
            value = separator.join(
                part for part in value.split() if not part.startswith("/") or Path(part).exists()
            )
        if value:
            translated.setdefault(uv_name, value)
    if not writable(Path(translated.get("UV_CACHE_DIR") or Path.home() / ".cache")):
        translated["UV_CACHE_DIR"] = str(VENV / "cache")
    return translated


def writable(folder: Path) -> bool:
    """Return whether files can be made in the folder, or the folder itself can be made."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)


def run(command: list[object], environment: Mapping[str, str]) -> None:
    """Run one step in the project's folder; end with its exit code if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        shutil.rmtree(VENV / "cache", ignore_errors=True)
        sys.exit(f"setup: this step failed: {' '.join(words)}")


if __name__ == "__main__":
    main()
