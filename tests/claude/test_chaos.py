"""Everything at once goes wrong for two minutes (CHAOS_SECONDS changes that): no answer is wrong, nothing is left."""

import os

import pytest
from chaos.run import run

SECONDS = float(os.environ.get("CHAOS_SECONDS") or 120)


@pytest.mark.timeout(SECONDS + 600)
def test_chaos_leaves_no_wrong_answer_and_nothing_behind():
    report = run(SECONDS, seed=20261122)
    print(report)
    assert report.violations == [] and report.leaks == []
    # Otherwise it was too quiet.
    kinds = {"SIGKILL", "SIGSTOP, then SIGKILL", "hang-up", "garbage line", "8 MB line"}
    assert kinds <= set(report.faults) and {"full disk", "lost scratch directory"} & set(report.faults)
    assert report.counts["whole answers"] > SECONDS / 20
