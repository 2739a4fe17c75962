"""Malformed models: exit code 1, one line that says what is wrong, in no time and with little memory.

REQUIRES: moec-test-python
RUN: %python %s moec-opt %t
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from malformed_cases import CASES

SECONDS, MEGABYTES = 1, 512


def run(moec_opt, path):
    """Exit code, standard error, CPU seconds and megabytes of one run."""
    log = path.with_suffix(".log")
    with open(log, "wb") as stderr:
        process = subprocess.Popen([moec_opt, path], stdout=subprocess.DEVNULL, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (process.returncode, log.read_text(errors="replace"), usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024)


def problem_of(moec_opt, root, name):
    folder = root / name
    folder.mkdir(parents=True)
    build, wanted = CASES[name]
    built = build(folder)
    contents = built if isinstance(built, bytes) else built.SerializeToString()
    (folder / "model.onnx").write_bytes(contents)
    code, text, seconds, megabytes = run(moec_opt, folder / "model.onnx")
    errors = [line for line in text.splitlines() if "warning:" not in line]
    if code != 1:
        return f"exit code {code}: {text[:300]}"
    if len(errors) != 1 or "error:" not in errors[0]:
        return f"{len(errors)} lines, expected one error: {text[:500]}"
    if not re.search(wanted, errors[0]):
        return f"{errors[0]!r} does not match {wanted!r}"
    if seconds > SECONDS or megabytes > MEGABYTES:
        return f"{seconds:.2f} s of CPU and {megabytes:.0f} MB"
    shutil.rmtree(folder)
    return None


def main():
    moec_opt, root = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(root, ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems = pool.map(lambda name: (name, problem_of(moec_opt, root, name)), CASES)
    failed = [f"{name}: {problem}" for name, problem in problems if problem]
    print("\n".join(failed))
    print(f"{len(CASES)} cases, {len(failed)} failed")
    sys.exit(bool(failed))


main()
