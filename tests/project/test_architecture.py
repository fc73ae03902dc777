"""ARCHITECTURE.md names for each invariant the tests that hold it: they are there, and the crates depend as it says."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
SECTION = TEXT.partition("## Invariants")[2]
INVARIANTS = dict(re.findall(r"^(\d)\. (\*\*.+?)(?=^\d\. |\Z)", SECTION, re.MULTILINE | re.DOTALL))
# `crates/x/tests/y.rs`: `one_test`, `another_test`
NAMED = re.compile(r"^ +- `([\w./-]+)`:((?:[\s,]*`\w+`)+)", re.MULTILINE)
TESTS = [(file, name) for file, names in NAMED.findall(SECTION) for name in re.findall(r"\w+", names)]
ROW = re.compile(r"^\| `([\w-]+)` \| .+ \| (.+) \|$", re.MULTILINE)
WITHOUT_OURS = {"wire", "messages", "policy", "store", "simulator"}


def definition(file, name):
    """Where a test is defined: with its attribute in Rust, inside a property test's macro too, by its name in Python."""
    rust = rf"#\[(?:tokio::)?test(?:\([^)]*\))?\](?:\s*#\[.+?\]|\s*//.*)*\s*(?:async )?fn {name}\("
    return re.search(rust if file.endswith(".rs") else rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_holds_an_invariant_is_there(file, name):
    assert (ROOT / file).is_file(), file
    assert definition(file, name), f"{file} has no test {name}"


def test_every_invariant_names_its_tests():
    assert list(INVARIANTS) == list("123456789")
    assert [number for number, body in INVARIANTS.items() if not NAMED.search(body)] == []


def test_the_crates_depend_on_each_other_as_told():
    told = {crate: set(re.findall(r"`([\w-]+)`", needs)) for crate, needs in ROW.findall(TEXT)}
    found = {}
    for manifest in (ROOT / "crates").glob("*/Cargo.toml"):
        found[manifest.parent.name] = set(tomllib.loads(manifest.read_text())["dependencies"])
    assert told == {crate: needs & found.keys() for crate, needs in found.items()}
    assert {crate for crate, needs in told.items() if not needs} == WITHOUT_OURS


def test_every_file_named_on_a_requests_way_is_there():
    way = TEXT.partition("## A request's way")[2].partition("## The crates")[0]
    names = re.findall(r"`([\w./-]+\.rs)`", way)
    assert len(names) > 10
    folders = ("", "crates/server/src/", "crates/backends/src/")
    assert [name for name in names if not any((ROOT / folder / name).is_file() for folder in folders)] == []
