"""What the black-box tests share: the programs under test, started as a user would, and ways to look at them."""

from .programs import ROOT, claude_binary
from .proxy import BACKENDS, KEY, USUAL_PROCESSES, Proxy
from .simulator import MODEL, Simulator, turn
from .waiting import eventually

__all__ = [
    "BACKENDS",
    "KEY",
    "MODEL",
    "ROOT",
    "USUAL_PROCESSES",
    "Proxy",
    "Simulator",
    "claude_binary",
    "eventually",
    "turn",
]
