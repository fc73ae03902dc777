"""A program in the place of Claude Code that writes down how it was started and what it is told, and then is Claude Code:
the same process, command line, environment and directory."""

import json
import os
import shlex
import sys
from collections import namedtuple
from pathlib import Path

from .programs import claude_binary

# Isolated from the environment that it has to pass on untouched.
_PROGRAM = """#!{python} -IS
import json, os, sys
raw = open("/proc/self/environ", "rb").read().split(b"\\0")[:-1]
environment = dict(variable.split(b"=", 1) for variable in raw)
home = environment[b"HOME"].decode()
started = open("/proc/self/stat").read().rpartition(")")[2].split()[19]
told = f"{folder}/{{os.getpid()}}-{{started}}.told"
record = {{
    "arguments": sys.argv[1:],
    "environment": [variable.decode(errors="surrogateescape") for variable in raw],
    "directory": os.getcwd(),
    "files": sorted(os.listdir(".")) + sorted(os.listdir(home) if home.startswith(os.path.dirname(os.getcwd())) else []),
    "told": told,
}}
with open("{folder}/starts", "ab", buffering=0) as starts:
    starts.write(json.dumps(record).encode() + b"\\n")
ours, theirs = os.pipe()
if os.fork() == 0:
    for unused in (ours, 1, 2):
        os.close(unused)
    with open(told, "ab", buffering=0) as copy:
        while said := os.read(0, 1 << 16):
            copy.write(said)
            try:
                while said:
                    said = said[os.write(theirs, said):]
            except BrokenPipeError:
                break
    os._exit(0)
os.close(theirs)
os.dup2(ours, 0)
os.close(ours)
os.execve("{claude}", ["{claude}", *sys.argv[1:]], environment)
"""
# Every command that could be found by its name writes down that it was asked for.
_COMMAND = """#!/bin/sh
printf '%s\\n' "${{0##*/}} $*" >> {folder}/commands
exit 128
"""

Start = namedtuple("Start", "arguments environment directory files told")


class Witness:
    """What was started of Claude Code, and by it, since it was made."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.program = self.folder / "claude"
        self._write(self.program, _PROGRAM.format(python=sys.executable, folder=folder, claude=claude_binary()))
        self.path = self.folder / "bin"
        self.path.mkdir()
        command = self.folder / "command"
        self._write(command, _COMMAND.format(folder=shlex.quote(str(folder))))
        for directory in os.environ["PATH"].split(os.pathsep):
            for name in os.listdir(directory) if os.path.isdir(directory) else ():
                if not (self.path / name).is_symlink():
                    (self.path / name).symlink_to(command)

    @staticmethod
    def _write(path, text):
        path.write_text(text)
        path.chmod(0o755)

    def starts(self):
        """Each process that was started to serve a model, oldest first."""
        lines = self._lines("starts")
        records = [Start(**json.loads(line)) for line in lines]
        return [start for start in records if any(each.startswith("--model=") for each in start.arguments)]

    def commands(self):
        """The commands that were looked for on the search path."""
        return self._lines("commands")

    def told(self, start):
        """The lines that a process was told."""
        return [json.loads(line) for line in Path(start.told).read_text().split("\n") if line]

    def _lines(self, name):
        file = self.folder / name
        return file.read_text(errors="replace").splitlines() if file.exists() else []
