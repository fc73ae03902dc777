"""Sums up test suites from what they left behind: `cargo test` output (NAME.log), JUnit files (NAME.xml) and exit
codes (NAME.status). A suite that failed without saying which test did (it did not compile, it crashed, it found no
test) counts as one failed test. Ends with `N passed, N failed, N skipped` and fails unless there was none failed."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: "Count") -> "Count":
        return Count(*(mine + theirs for mine, theirs in zip(self, other)))

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)


def cargo(output: str) -> Count:
    total = Count()
    for numbers in CARGO_RESULT.findall(output):
        total = total.plus(Count(*map(int, numbers)))
    return total


def junit(path: Path) -> Count:
    total = Count()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total = total.plus(Count(int(suite.get("tests", 0)) - failed - skipped, failed, skipped))
    return total


def suite(folder: Path, name: str) -> Count:
    log, xml, status = (folder / f"{name}.{ending}" for ending in ("log", "xml", "status"))
    total = Count()
    if log.exists():
        total = cargo(log.read_text(errors="replace"))
    if xml.exists():
        total = junit(xml)
    ended_well = status.exists() and status.read_text().strip() == "0"
    found_nothing = total == Count()
    if total.failed == 0 and (not ended_well or found_nothing):
        total = total.plus(Count(failed=1))
    return total


def main() -> int:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    total = Count()
    for name in names:
        count = suite(folder, name)
        print(f"{name}: {count}")
        total = total.plus(count)
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
