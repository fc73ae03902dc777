"""Looks on and at what is left: what upstream was told, the proxy's memory, processes, descriptors and files."""

import json
import re
import threading
import time
from pathlib import Path

import httpx
from support import eventually
from support.processes import descriptors, own_children
from support.proxy import outside

from .traffic import TOKEN

COUNT = re.compile(r'ccp_claude_processes\{[^}]*state="(\w+)"\} (\d+)')


class Upstream(threading.Thread):
    """Reads what the simulator received: each request is of one conversation alone, no question is asked twice."""

    def __init__(self, simulator, report, stop):
        super().__init__(daemon=True)
        self.simulator, self.report, self.stop = simulator, report, stop
        self.after, self.asked = 0, {}

    def run(self):
        while not self.stop.wait(2):
            self.read()

    def read(self):
        address = f"{self.simulator.url}/__sim/requests?after={self.after}"
        for request in httpx.get(address, timeout=60, trust_env=False).json():
            self.after = request["id"]
            if request["path"] == "/v1/messages":
                self._check(request)

    def _check(self, request):
        self.report.count("calls upstream")
        conversations = {number for number, _ in TOKEN.findall(request["body"])}
        if len(conversations) != 1:
            self.report.violated(f"upstream was told of conversations {conversations} at once")
        last = [message for message in request["json"]["messages"] if message["role"] == "user"][-1]
        turn = max(TOKEN.findall(json.dumps(last["content"])), default=None)
        session = json.loads(request["json"]["metadata"]["user_id"])["session_id"]
        known = {name: request[name] for name in ("started_ms", "status", "ended", "ended_ms")}
        call = known | {"session": session, "asked": json.dumps(last["content"])[:300]}
        if turn in self.asked:
            self.report.violated(f"upstream was asked twice: {self.asked[turn]} and {call}")
        self.asked[turn] = call


class Memory(threading.Thread):
    """The resident size of the proxy, each half second."""

    def __init__(self, proxy, stop):
        super().__init__(daemon=True)
        self.proxy, self.stop = proxy, stop
        self.samples = []

    def run(self):
        began = time.monotonic()
        while not self.stop.wait(0.5):
            self.samples.append((time.monotonic() - began, resident(self.proxy.pid)))

    def figures(self):
        """Resident MB after the first quarter and at the end, each the median of a tenth of the samples; and the slope
        between in KB a minute."""
        count = len(self.samples)
        tenth = max(count // 10, 1)
        quarter, end = self.samples[count // 4 : count // 4 + tenth], self.samples[-tenth:]
        middle = [(sorted(time for time, _ in part)[tenth // 2], _median(part)) for part in (quarter, end)]
        (then, before), (later, after) = middle
        slope = (after - before) / 1024 / max(later - then, 1) * 60
        return {"after_a_quarter_mb": before >> 20, "at_the_end_mb": after >> 20, "slope_kb_a_minute": round(slope)}


def _median(samples):
    return sorted(size for _, size in samples)[len(samples) // 2]


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


class Rest:
    """The proxy at rest: one spare and nothing else. Compared with itself."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.wait(within=30)
        self.descriptors, self.files, self.outside = len(descriptors(proxy.pid)), len(self._scratch()), outside()

    def wait(self, within):
        eventually(self._at_rest, within, what=f"rest; {self.states()}, {own_children(self.proxy.pid)}")

    def _at_rest(self):
        busy = {state: count for state, count in self.states().items() if count and state != "spare"}
        return not busy and len(own_children(self.proxy.pid)) == self.states()["spare"] == 1

    def states(self):
        with self.proxy.http() as client:
            return {state: int(count) for state, count in COUNT.findall(client.get("/metrics").text)}

    def left(self):
        """What there is more than before, in words."""
        found = []
        try:
            self.wait(within=60)
            eventually(lambda: len(descriptors(self.proxy.pid)) <= self.descriptors, 15, "the descriptors of before")
            eventually(lambda: len(self._scratch()) <= self.files, 10, "the files of before")
        except AssertionError as error:
            found.append(f"{error}; {self.states()}; {sorted(descriptors(self.proxy.pid).values())}; {self._scratch()}")
        if more := outside() - self.outside:
            found.append(f"files outside: {sorted(more)}")
        return found

    def _scratch(self):
        """The scratch directories."""
        root = Path(f"/proc/{self.proxy.pid}/root{self.proxy.home}/tmp")
        return sorted(str(path.relative_to(root)) for path in root.glob("*/*/*"))
