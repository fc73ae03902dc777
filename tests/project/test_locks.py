"""What is installed is fixed by hashes, comes from whatever mirror the user has, and has its version in one place."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NPM_LOCKS = ["tools/claude", "tools/codex", "tests/clients/node"]
PYTHON_LOCKS = ["tests", "tests/apart"]


@pytest.mark.parametrize("folder", NPM_LOCKS)
def test_an_npm_lock_fits_its_package_and_names_no_host(folder):
    package = json.loads((ROOT / folder / "package.json").read_text())
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == package["dependencies"]
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    for entry in packages.values():
        # Where an author takes donations is nothing that is fetched.
        entry.pop("funding", None)
    text = json.dumps(packages)
    assert "://" not in text and "resolved" not in text


@pytest.mark.parametrize("folder", PYTHON_LOCKS)
def test_python_requirements_are_all_pinned_and_hashed(folder):
    text = (ROOT / folder / "requirements.txt").read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[\w.]+ \\\n", entry), entry.splitlines()[0]
        assert entry.count("--hash=sha256:") >= 1, entry.splitlines()[0]
    assert "://" not in text and "index" not in text


def asked_for(folder):
    """(name, version or nothing) of each line."""
    for line in (ROOT / folder / "requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.lower().partition("==")
            yield name.partition("[")[0], version


@pytest.mark.parametrize("folder", PYTHON_LOCKS)
def test_the_python_lock_holds_what_was_asked_for(folder):
    text = (ROOT / folder / "requirements.txt").read_text()
    for name, version in asked_for(folder):
        assert re.search(rf"^{name}=={re.escape(version)}", text, re.MULTILINE), name


def test_the_page_about_clients_tells_the_versions_that_are_tested():
    told = dict(re.findall(r"^\| `([^`]+)`[^|]*\| ([\d.]+) \|", (ROOT / "docs/clients.md").read_text(), re.MULTILINE))
    pinned = {name: version for folder in PYTHON_LOCKS for name, version in asked_for(folder) if version}
    for folder in ("tools/codex", "tests/clients/node"):
        pinned |= json.loads((ROOT / folder / "package.json").read_text())["dependencies"]
    # OpenAI's clients have one name in both languages.
    del pinned["zod"], pinned["openai"], told["openai"]
    assert told == pinned


def test_the_version_of_claude_code_stands_in_one_place():
    package = json.loads((ROOT / "tools/claude/package.json").read_text())
    version = package["dependencies"]["@anthropic-ai/claude-code"]
    files = [ROOT / "Makefile", ROOT / ".ci/run"]
    for folder in ("crates", "scripts", "deploy", "tests", "tools"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    # As a value of its own: an example of the CLI's output in a test or a comment is none.
    value = re.compile(rf"""["'=@ ]{re.escape(version)}["'\n]""")
    holders = [
        str(path.relative_to(ROOT))
        for path in files
        if not {"node_modules", "__pycache__"} & set(path.parts) and value.search(path.read_text(errors="replace"))
    ]
    assert sorted(holders) == ["tools/claude/package-lock.json", "tools/claude/package.json"]
