"""A process and its descendants, as the kernel tells (Linux)."""

import os
from pathlib import Path


def _parent_and_state(pid):
    """From /proc/PID/stat, whose second field may hold anything."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), fields[0]


def children(pid):
    """All descendants that run, oldest first. A zombie counts: somebody has yet to reap it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = _parent_and_state(entry.name)[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, wave = [], {pid}
    while wave:
        wave = {child for child, parent in parents.items() if parent in wave}
        found += sorted(wave)
    return found


def only_child(pid):
    """The one process that it started itself; a failure names all that run below it."""
    own = own_children(pid)
    assert len(own) == 1, [(child, _command_line(child)) for child in children(pid)]
    return own[0]


def own_children(pid):
    """Those that it started itself; without what they start, which is gone in a moment."""
    return [child for child in children(pid) if _is_child(child, pid)]


def _is_child(child, pid):
    try:
        return _parent_and_state(child)[0] == pid
    except (FileNotFoundError, ProcessLookupError):
        return False


def calls(pid, port):
    """Whether a process has a connection to this port of the machine."""
    try:
        sockets = {target for target in descriptors(pid).values() if target.startswith("socket:")}
        table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return False
    rows = [line.split() for line in table]
    established = [row for row in rows if row[3] == "01" and int(row[2].rpartition(":")[2], 16) == port]
    return any(f"socket:[{row[9]}]" in sockets for row in established)


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def is_alive(pid):
    try:
        return _parent_and_state(pid)[1] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors(pid):
    """What each open file descriptor of a process points at."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
    return found
