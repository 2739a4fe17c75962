"""make_venv.py VENV REQUIREMENTS: the virtual environment of the tests, made anew when the pins change.

Exits with 0 also where packages cannot be had, after a message: then there is no
VENV/requirements.sha256 and lit skips what needs them.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys


def main():
    venv, requirements = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    marker = venv / "requirements.sha256"
    if marker.exists() and marker.read_text() == wanted and (venv / "bin" / "python").exists():
        return
    shutil.rmtree(venv, ignore_errors=True)
    steps = [
        [sys.executable, "-m", "venv", str(venv)],
        [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        + ["--only-binary", ":all:", "--disable-pip-version-check", "-r", str(requirements)],
    ]
    for step in steps:
        done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            last = (done.stdout.strip().splitlines() or ["no output"])[-1]
            print(f"no Python packages for tests, the tests that compare will be skipped: {last}")
            return
    marker.write_text(wanted)


main()
