"""What breaks around the proxy: its processes die or freeze, its disk is full."""

import contextlib
import os
import signal
import threading
import time

from support.processes import children

from .disk import FullDisk, LostDirectory

ANSWERS_BETWEEN = 2
# But after so many seconds in any case.
LONGEST_PEACE = 10


class Breakage(threading.Thread):
    """Breaks something every second or so until it is told to stop; what it began it brings to an end. A machine that is
    slow to answer is broken less often: otherwise nothing would ever be answered."""

    def __init__(self, proxy, random, report, stop, has_disk):
        super().__init__(daemon=True)
        self.proxy, self.random, self.report, self.stop = proxy, random, report, stop
        self.disk = FullDisk if has_disk else LostDirectory
        self.answers, self.last = 0, time.monotonic()

    def run(self):
        usual = [self.kill, self.freeze, self.fill]
        # Each of them at least once, in however short a time.
        kinds = self.random.sample(usual, len(usual))
        while not self.stop.wait(self.random.uniform(0.3, 1.5)):
            if not self._has_gone_on():
                continue
            kind = kinds.pop() if kinds else self.random.choices(usual, [6, 3, 1])[0]
            try:
                kind()
            except Exception as error:
                self.report.violated(f"the test itself: {error!r}")

    def _has_gone_on(self):
        answers, now = self.report.counts["whole answers"], time.monotonic()
        if answers < self.answers + ANSWERS_BETWEEN and now < self.last + LONGEST_PEACE:
            return False
        self.answers, self.last = answers, now
        return True

    def kill(self):
        if pid := self._some_process():
            self._signal(pid, signal.SIGKILL)
            self.report.broke("SIGKILL")

    def freeze(self):
        if pid := self._some_process():
            self._signal(pid, signal.SIGSTOP)
            self.report.broke("SIGSTOP, then SIGKILL")
            time.sleep(self.random.uniform(0.1, 3))
            self._signal(pid, signal.SIGKILL)

    def fill(self):
        with self.disk(self.proxy):
            self.report.broke(self.disk.kind)
            time.sleep(self.random.uniform(0.5, 2))

    def _some_process(self):
        found = children(self.proxy.pid)
        return self.random.choice(found) if found else None

    @staticmethod
    def _signal(pid, kind):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, kind)
