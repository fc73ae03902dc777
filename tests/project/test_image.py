"""The container image and the compose file, as far as they can be read without an engine."""

import fnmatch
import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
PROXY = COMPOSE["services"]["proxy"]
DOCKERFILE = ROOT / PROXY["build"]["context"] / PROXY["build"]["dockerfile"]


def instructions():
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        yield name, rest.strip()


def stages():
    """The instructions of each stage, by its name or number."""
    found = {}
    for name, rest in instructions():
        if name == "FROM":
            stage = rest.split()[-1] if " AS " in rest else str(len(found))
            found[stage] = []
        found[stage].append((name, rest))
    return found


def is_in_context(path):
    """Whether .dockerignore lets a path into the build: the last pattern that fits decides."""
    kept = True
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        if pattern and not pattern.startswith("#"):
            keeps = pattern.startswith("!")
            pattern = pattern.lstrip("!")
            parts = Path(path).parts
            # `**/x` fits an `x` in any folder; whatever fits a folder fits all in it.
            starts = range(len(parts)) if pattern.startswith("**/") else [0]
            spans = ["/".join(parts[start:end]) for start in starts for end in range(start + 1, len(parts) + 1)]
            if any(fnmatch.fnmatch(span, pattern.removeprefix("**/")) for span in spans):
                kept = keeps
    return kept


def copied_from_context():
    for name, rest in instructions():
        words = shlex.split(rest)
        if name == "COPY" and not words[0].startswith("--from"):
            yield from words[:-1]


def test_what_is_copied_is_there_and_in_the_build_context():
    sources = list(copied_from_context())
    assert "Cargo.lock" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert is_in_context(source), source


def test_nothing_private_is_in_the_build_context():
    for path in (".env", "config.json", ".git/config", "target/release/x", "tools/claude/node_modules/x"):
        assert not is_in_context(path), path


def test_every_stage_that_is_copied_from_exists():
    names = stages().keys()
    for name, rest in instructions():
        if stage := re.match(r"--from=(\S+)", rest):
            assert stage[1] in names


def test_the_image_runs_without_root_and_checks_its_health():
    *_, last = stages().values()
    last = dict(last)
    assert last["USER"] not in ("root", "0")
    assert '["claude-code-proxy", "health"]' in last["HEALTHCHECK"]
    assert last["EXPOSE"] == "8000"
    assert last["VOLUME"] == "/data"


def test_claude_code_is_installed_only_when_asked_for():
    claude = stages()["claude"]
    assert ("ARG", "INSTALL_CLAUDE=0") in claude
    installing = [rest for name, rest in claude if "tools.sh claude" in rest and name == "RUN"]
    assert len(installing) == 1 and 'if [ "$INSTALL_CLAUDE" = 1 ]' in installing[0]
    assert PROXY["build"]["args"]["INSTALL_CLAUDE"] == "${INSTALL_CLAUDE:-0}"


def test_the_image_is_built_with_the_pinned_toolchain():
    channel = re.search(r'channel = "(.+)"', (ROOT / "rust-toolchain.toml").read_text())[1]
    build = dict(stages()["build"])
    assert build["FROM"].startswith(f"rust:{channel}-")
    assert build["ENV"] == f"RUSTUP_TOOLCHAIN={channel}"


def test_compose_opens_this_machine_only_and_keeps_the_data():
    assert PROXY["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]
    volumes = [volume.split(":")[0] for volume in PROXY["volumes"]]
    assert all(volume in COMPOSE["volumes"] for volume in volumes)
    assert {"path": ".env", "required": False} in PROXY["env_file"]


def test_every_setting_of_the_example_is_documented():
    names = set(re.findall(r"^# (CCP_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    documented = (ROOT / "docs/configuration.md").read_text()
    assert len(names) > 5
    assert {name for name in names if f"`{name}`" not in documented} == set()
