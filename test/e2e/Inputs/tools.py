"""Command lines of the tools."""

import subprocess


def run(*arguments):
    """What became of a command: return code, standard output, standard error."""
    return subprocess.run([*map(str, arguments)], capture_output=True, text=True)


def output(*arguments):
    """The standard output of a command that must succeed."""
    done = run(*arguments)
    assert done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


def moec(*arguments):
    return output("moec", *arguments)
