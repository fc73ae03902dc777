"""A program in the place of Claude Code: mostly it is that at once; else it stands behind it and says other things on
standard output between its lines, as a library that prints or a broken build would."""

import collections
import sys
from pathlib import Path

from support.programs import claude_binary

_PROGRAM = """#!{python} -IS
import os, random, subprocess, sys
claude, arguments = "{claude}", sys.argv[1:]
serves = any(argument.startswith("--model=") for argument in arguments)
if not serves or random.random() > {share}:
    os.execv(claude, [claude, *arguments])
SOME = [
    b"Warning: something is deprecated",
    b"\\xff\\xfe\\x00 not a text",
    b'{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"ty',
    b"[]",
    b'{{"type":7}}',
    b'{{"type":"brand_new","event":{{"type":"message_stop"}}}}',
    b" ",
]
HUGE = [b"x" * (8 << 20), b'{{"type":"brand_new","text":"' + b"y" * (8 << 20) + b'"}}']

def say(line, kind):
    sys.stdout.buffer.write(line + b"\\n")
    with open("{folder}/said", "ab", buffering=0) as said:
        said.write(kind + b"\\n")

child = subprocess.Popen([claude, *arguments], stdout=subprocess.PIPE)
try:
    for line in child.stdout:
        sys.stdout.buffer.write(line)
        chance = random.random()
        if chance < 0.05:
            say(random.choice(SOME), b"garbage line")
        elif chance < 0.07:
            say(random.choice(HUGE), b"8 MB line")
        sys.stdout.buffer.flush()
except BrokenPipeError:
    pass
os._exit(child.wait() & 0xff)
"""


class Noise:
    """The program, and how often it said what."""

    def __init__(self, folder, share=0.4):
        self._folder = Path(folder)
        self.program = self._folder / "claude"
        text = _PROGRAM.format(python=sys.executable, claude=claude_binary(), folder=folder, share=share)
        self.program.write_text(text)
        self.program.chmod(0o755)

    def counts(self):
        said = self._folder / "said"
        return collections.Counter(said.read_text().splitlines() if said.exists() else [])
