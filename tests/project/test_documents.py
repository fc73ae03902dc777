"""What the documents say is so: links lead somewhere, texts are the server's, metrics and log fields are explained."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
SOURCES = {path: path.read_text() for path in (ROOT / "crates").glob("*/src/**/*.rs")}
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def source(name):
    return SOURCES[ROOT / "crates" / name]


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" not in link:
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def patterns():
    """The string literals of the sources, as patterns: `{…}` stands for any text."""
    for text in SOURCES.values():
        for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL):
            literal = re.sub(r"\\\n\s*", "", literal).replace('\\"', '"')
            fixed = re.split(r"\{[^{}]*\}", literal)
            if len("".join(fixed)) >= 20 and "\n" not in literal:
                yield re.compile(".+".join(map(re.escape, fixed)))


TEXTS = re.findall(r"^\| ``(.+?)`` ", README.partition("## Troubleshooting")[2], re.MULTILINE)
PATTERNS = list(patterns())


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_of_the_troubleshooting_is_one_that_the_server_says(text):
    # A complaint about a field begins with its path.
    told = {text, re.sub(r"^[a-z_]+: ", "", text)}
    assert any(pattern.fullmatch(text) for pattern in PATTERNS for text in told), text


def test_the_troubleshooting_covers_the_usual_causes():
    for status in ("401", "403", "413", "429", "502", "504", "529"):
        assert f"({status}" in README, status
    assert len(TEXTS) > 10


def test_every_metric_is_explained_and_none_besides():
    registered = re.findall(r'r\.register(_with_unit)?\(\s*"(\w+)"', source("server/src/telemetry/metrics.rs"))
    explained = set(re.findall(r"^\| `ccp_(\w+)`", OPERATING, re.MULTILINE))
    names = {f"{name}_seconds" if unit else name for unit, name in registered}
    assert len(names) > 8
    assert {name.removesuffix("_total") for name in explained} == names


def test_every_field_of_a_log_line_is_explained():
    line = re.search(r'target: "access",(.+?)"request"\s*\)', source("server/src/pipeline/exchange.rs"), re.DOTALL)[1]
    fields = re.findall(r"^\s*(\w+) = ", line, re.MULTILINE)
    assert len(fields) > 15
    log = OPERATING.partition("## Log")[2].partition("## Signals")[0]
    assert [field for field in fields if f"`{field}`" not in log] == []


def test_the_example_of_the_configuration_is_the_documented_one():
    def example(page):
        return json.loads(re.search(r"```json\n(.+?)```", page, re.DOTALL)[1])

    assert example(README) == example((ROOT / "docs/configuration.md").read_text())


def test_every_setting_named_in_the_documents_exists():
    keys = set(re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    sections = {key.partition(".")[0] for key in keys if "." in key}
    assert len(keys) > 30
    for page in (README, OPERATING, (ROOT / "docs/accounts.md").read_text(), (ROOT / "docs/dialects.md").read_text(), (ROOT / "docs/agent.md").read_text()):
        named = {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)[`:]", page) if name.partition(".")[0] in sections}
        assert named - keys == set()
