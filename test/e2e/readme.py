"""The walk through of README.md, command by command, as a newcomer would type it.

RUN: rm -rf %t && mkdir -p %t
RUN: %python %s %src_root %t
"""

import pathlib
import re
import subprocess
import sys


def main(root, scratch):
    text = (root / "README.md").read_text(encoding="utf-8")
    walk = text[text.index("## A walk through") : text.index("## Layout")]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", walk, re.S | re.M)
    script = "".join(text for language, text in blocks if not language)
    commands = [line for line in script.splitlines() if line.startswith(("moec", "cc", "/tmp"))]
    assert len(commands) >= 10, f"README.md has only these commands: {commands}"
    # The tools under test are on PATH already, wherever this build is.
    script = script.replace("export PATH=$PWD/build/release/bin:$PATH\n", "")
    script = script.replace("/tmp/", f"{scratch}/")
    # A reader that goes away early, like head, is no failure of the tool before it: no pipefail.
    done = subprocess.run(["bash", "-eux", "-c", script], cwd=root)
    raise SystemExit(done.returncode)


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
