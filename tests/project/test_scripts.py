"""The scripts behind `make`: what they count, and what they say is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted([*(ROOT / "scripts").glob("*.sh"), ROOT / ".ci/run"])
CARGO = "test result: {}. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; finished in 0.1s\n"
JUNIT = '<testsuites><testsuite errors="{}" failures="{}" skipped="{}" tests="{}"/></testsuites>'


def tally(folder, *suites):
    command = [sys.executable, "-B", ROOT / "scripts/tally.py", folder, *suites]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.splitlines()[-1], ended.returncode


@pytest.fixture
def results(tmp_path):
    (tmp_path / "rust.log").write_text(CARGO.format("ok", 3, 0, 1) + "noise\n" + CARGO.format("ok", 4, 0, 0))
    (tmp_path / "rust.status").write_text("0\n")
    (tmp_path / "clients.xml").write_text(JUNIT.format(0, 0, 2, 7))
    (tmp_path / "clients.status").write_text("0\n")
    return tmp_path


def test_passed_failed_and_skipped_are_summed_up(results):
    assert tally(results, "rust", "clients") == ("12 passed, 0 failed, 3 skipped", 0)


def test_failed_tests_are_counted_once(results):
    (results / "rust.log").write_text(CARGO.format("FAILED", 3, 2, 0))
    (results / "rust.status").write_text("101\n")
    (results / "clients.xml").write_text(JUNIT.format(1, 2, 0, 7))
    (results / "clients.status").write_text("1\n")
    assert tally(results, "rust", "clients") == ("7 passed, 5 failed, 0 skipped", 1)


def test_a_suite_that_crashed_is_a_failure(results):
    (results / "rust.status").write_text("101\n")
    assert tally(results, "rust") == ("7 passed, 1 failed, 1 skipped", 1)


@pytest.mark.parametrize("status", ["0", "5"])
def test_a_suite_that_ran_no_test_is_a_failure(tmp_path, status):
    (tmp_path / "claude.status").write_text(status)
    assert tally(tmp_path, "claude") == ("0 passed, 1 failed, 0 skipped", 1)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_run_and_stops_at_an_unset_name(script):
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    lines = script.read_text().splitlines()
    assert any(line in ("set -euo pipefail", "set -uo pipefail") for line in lines)


@pytest.mark.parametrize(
    ("lint", "test", "last_line", "code"),
    [
        ("exit 0", "echo 5 passed, 0 failed, 1 skipped", "6 passed, 0 failed, 1 skipped", 0),
        ("exit 1", "echo 5 passed, 0 failed, 1 skipped", "5 passed, 1 failed, 1 skipped", 1),
        ("exit 0", "echo 5 passed, 2 failed, 0 skipped; exit 1", "6 passed, 2 failed, 0 skipped", 1),
        ("exit 0", "exit 1", "1 passed, 1 failed, 0 skipped", 1),
    ],
)
def test_the_last_line_of_ci_sums_up(tmp_path, lint, test, last_line, code):
    for name in (".ci", "scripts"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "scripts/lint.sh").write_text(f"#!/bin/sh\n{lint}\n")
    (tmp_path / "scripts/lint.sh").chmod(0o755)
    (tmp_path / "Makefile").write_text(f"test:\n\t@{test}\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = subprocess.run([tmp_path / ".ci/run"], env=env, capture_output=True, text=True, check=False)
    assert (ended.stdout.splitlines()[-1], ended.returncode) == (last_line, code)


def machine(folder, **programs):
    """An environment whose PATH has bash and the given programs, each a script, and nothing else."""
    bash = shutil.which("bash")
    (folder / "bash").symlink_to(bash)
    for name, script in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!{bash}\n{script}\n")
        program.chmod(0o755)
    return {"PATH": str(folder)}


def needs(env, *parts):
    command = [shutil.which("bash"), ROOT / "scripts/needs.sh", *parts]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_user_is_told_what_to_install(tmp_path):
    ended = needs(machine(tmp_path, id="echo 1000", cargo="exit 0"), "rust", "node", "python")
    assert ended.returncode == 1
    packages = "gcc libc6-dev nodejs npm python3 python3-venv"
    assert f"sudo apt-get install --yes --no-install-recommends {packages}" in ended.stderr


def test_root_gets_packages_installed_once_and_is_told_what_is_still_missing(tmp_path):
    log = tmp_path / "apt.log"
    env = machine(tmp_path, id="echo 0", apt_get=f'echo "$@" >>{log}', env='exec "$@"')
    ended = needs(env, "node")
    assert log.read_text().splitlines() == [
        "update --quiet=2",
        "install --yes --no-install-recommends nodejs npm --quiet=2",
    ]
    assert ended.returncode == 1 and "nodejs npm" in ended.stderr


def test_a_node_too_old_is_named(tmp_path):
    env = machine(tmp_path, node='if [ "$1" = -p ]; then echo 18; else echo v18.1.0; fi', npm="exit 0")
    ended = needs(env, "node")
    assert ended.returncode == 1 and "Node.js 20 or later: this is v18.1.0" in ended.stderr
