"""What happened, counted; and what must not have."""

import collections
import json
import threading


class Report:
    """Filled by all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = collections.Counter()
        self.requests, self.errors, self.faults = (collections.Counter() for _ in range(3))
        self.violations, self.leaks = [], []
        self.memory = {}
        self.slowest = 0

    def count(self, what, times=1):
        with self._lock:
            self.counts[what] += times

    def broke(self, kind, times=1):
        with self._lock:
            self.faults[kind] += times

    def answered(self, dialect, kind, answer, fault, seconds):
        with self._lock:
            self.requests[f"{dialect} {kind}"] += 1
            self.counts["requests"] += 1
            self.counts[{"whole": "whole answers", "error": "errors", "hung up": "hang-ups"}[answer.ended]] += 1
            self.slowest = max(self.slowest, seconds)
            if fault:
                self.faults[f"upstream: {fault}"] += 1
            if answer.ended == "hung up":
                self.faults["hang-up"] += 1
            if answer.error:
                self.errors[answer.error] += 1

    def violated(self, what):
        with self._lock:
            self.violations.append(what)

    def as_dict(self):
        return {
            "counts": dict(sorted(self.counts.items())),
            "requests": dict(sorted(self.requests.items())),
            "faults": dict(sorted(self.faults.items())),
            "errors": dict(sorted(self.errors.items())),
            "slowest_seconds": round(self.slowest, 1),
            "memory": self.memory,
            "wrong": self.violations,
            "leaks": self.leaks,
        }

    def __str__(self):
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)
