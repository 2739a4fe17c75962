"""count_tests.py RESULTS…: what lit -o wrote, as "N passed, N failed, N skipped" in the last line.

Before it: the failed tests by name, and why tests were skipped. Exit code 1 if a test failed or none
ran.
"""

import collections
import json
import re
import sys

PASSED = {"PASS", "FLAKYPASS", "XFAIL"}
SKIPPED = {"UNSUPPORTED", "SKIPPED"}
IGNORED = {"EXCLUDED"}  # by --filter


def main():
    tests = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            tests += json.load(file)["tests"]
    counts = collections.Counter()
    reasons = collections.Counter()
    failures = []
    for test in tests:
        code = test["code"]
        if code in IGNORED:
            continue
        if code in PASSED:
            counts["passed"] += 1
        elif code in SKIPPED:
            counts["skipped"] += 1
            match = re.search(r"unavailable features: (.*)", test["output"])
            reasons["needs " + match[1] if match else "skips itself"] += 1
        else:
            counts["failed"] += 1
            failures.append(f"{code} {test['name']}")
    print()
    for failure in sorted(failures):
        print(failure)
    for reason, number in sorted(reasons.items()):
        print(f"skipped: {number} {reason}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
