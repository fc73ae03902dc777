"""One run: callers and breakage for a while, then peace, then the reckoning."""

import random
import tempfile
import threading
import time

from support import Proxy, Simulator
from support.processes import children

from . import disk
from .audit import Memory, Rest, Upstream
from .breakage import Breakage
from .noise import Noise
from .report import Report
from .traffic import Caller

CALLERS = 6
# Short limits, so that what hangs is seen to end, and that nothing waits for long when the run is over.
LIMITS = {
    "max_processes": 8,
    "min_idle": 1,
    "max_idle": 1,
    "idle_time": 4,
    "hold_time": 4,
    "start_timeout": 15,
    "silence_timeout": 5,
    "queue_timeout": 30,
}
# What the proxy may have grown by between the first quarter and the end: some lines of 8 MB that are just being read.
GROWTH_MB = 48


def run(seconds, seed, log=None):
    """Makes a mess for so long; the report. `log` is a file for the proxy's log with all its steps."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="ccp-") as folder:
        simulator = Simulator(folder)
        try:
            noise = Noise(folder)
            under = disk.launcher()
            config = {"claude_code": LIMITS | {"path": str(noise.program)}, "server": {"idle_timeout": 10}}
            if log:
                config["logging"] = {"level": "DEBUG"}
            with Proxy("claude-code", simulator.url, config=config, under=under) as proxy:
                _mess(proxy, simulator, seconds, random.Random(seed), report, bool(under))
                descendants = children(proxy.pid)
                if log:
                    log.write_text(proxy.stdout())
            _after(proxy, descendants, report)
            for kind, times in noise.counts().items():
                report.broke(kind, times)
        finally:
            simulator.stop()
    return report


def _mess(proxy, simulator, seconds, chance, report, has_disk):
    rest = Rest(proxy)
    calm, over = threading.Event(), threading.Event()
    callers = [Caller(proxy, random.Random(chance.random()), report, calm) for _ in range(CALLERS)]
    breakage = Breakage(proxy, random.Random(chance.random()), report, calm, has_disk)
    upstream, memory = Upstream(simulator, report, over), Memory(proxy, calm)
    threads = [*callers, breakage, upstream, memory]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    calm.set()
    for thread in [*callers, breakage, memory]:
        thread.join(180)
        if thread.is_alive():
            report.violated("a request did not end")
    over.set()
    upstream.join()
    upstream.read()
    report.leaks += rest.left()
    report.memory = memory.figures()
    before, after = report.memory["after_a_quarter_mb"], report.memory["at_the_end_mb"]
    if after > before + GROWTH_MB:
        report.leaks.append(f"memory: {report.memory}")


def _after(proxy, descendants, report):
    """The proxy has ended, and well."""
    left = [pid for pid in descendants if _is_program(pid)]
    if left:
        report.leaks.append(f"processes that outlive the proxy: {left}")


def _is_program(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"--model=" in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False
