"""Waiting for what happens soon, with an end to the patience."""

import time


def eventually(check, within, what="it", every=0.02):
    """The first true value of `check()`, or a failure after `within` seconds that shows the last value."""
    deadline = time.monotonic() + within
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within} s; last seen: {value!r}")
        time.sleep(every)
