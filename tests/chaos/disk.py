"""The disk of the scratch directories: a small one of its own that can be filled, where the machine lets us mount one."""

import contextlib
import errno
import itertools
import os
import subprocess
import sys
from pathlib import Path

_SIZE = "size=96m,nr_inodes=6000"
# Mounts over the directory in $TMPDIR, seen by this process and its children alone, and becomes the program.
_SCRIPT = f'mount -t tmpfs -o {_SIZE} chaos "$TMPDIR" && exec "$@"'
_WAYS = [["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]]


def launcher():
    """What to put before the proxy's command to give it such a disk; nothing where that is not allowed."""
    for way in _WAYS:
        command = [*way, "sh", "-c", _SCRIPT, "sh"]
        environment = {"PATH": os.environ["PATH"], "TMPDIR": "/tmp"}
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run([*command, "true"], env=environment, capture_output=True).returncode == 0:
                return command
    said = "No file system can be mounted here, not even in a namespace: instead of a full disk there will be a scratch"
    print(f"{said} directory that is gone for a while.", file=sys.stderr)
    return []


class FullDisk:
    """Every file and directory below is refused with ENOSPC while it is open."""

    kind = "full disk"

    def __init__(self, proxy):
        # Only seen from within.
        self._filler = Path(f"/proc/{proxy.pid}/root{proxy.home}/tmp/filler")

    def __enter__(self):
        self._filler.mkdir()
        try:
            self._take(self._bytes)
            self._take(self._names)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _take(self, everything):
        """Until the file system says that there is no more; whatever ends later makes a little room again."""
        try:
            everything()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def _bytes(self):
        with (self._filler / "bytes").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))

    def _names(self):
        for number in itertools.count():
            (self._filler / str(number)).touch()

    def __exit__(self, *_):
        for name in os.listdir(self._filler):
            (self._filler / name).unlink()
        self._filler.rmdir()


class LostDirectory:
    """The next best: the root of the scratch directories is a file while it is open."""

    kind = "lost scratch directory"

    def __init__(self, proxy):
        self._root = Path(proxy.home / f"tmp/claude-code-proxy-{os.getuid()}/{proxy.pid}")
        self._aside = self._root.with_name("aside")

    def __enter__(self):
        self._root.rename(self._aside)
        self._root.touch()
        return self

    def __exit__(self, *_):
        self._root.unlink()
        self._aside.rename(self._root)
