"""A relay between a client and the server under test that keeps a copy of what passes, whatever the client is made of.

It hands on bytes as they come, one way and the other, and reads them as HTTP on the side: nothing is held back, and a
hang-up on one side is a hang-up on the other.
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import h11

from .waiting import eventually


@dataclass
class Exchange:
    """One request with what was answered, as far as both came."""

    method: str
    target: str
    request_headers: dict
    request: bytes = b""
    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    @property
    def path(self):
        return self.target.partition("?")[0]

    def __str__(self):
        return f"{self.method} {self.target} → {self.status}\n{self.body.decode(errors='replace')[:4000]}"


def _headers(event):
    return {name.decode().lower(): value.decode() for name, value in event.headers}


class Reading:
    """One connection's bytes, read as HTTP in both directions."""

    def __init__(self, exchanges):
        self._exchanges = exchanges
        self._requests, self._answers = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
        self._now = None
        self._is_readable = True

    @property
    def is_busy(self):
        return self._now is not None and not self._now.is_whole

    def sent(self, data):
        """What the client sent; empty for its end."""
        # What is no HTTP is the client's business: an answer to it is not read either.
        with suppress(h11.RemoteProtocolError, h11.LocalProtocolError):
            if self._is_readable:
                self._requests.receive_data(data)
                self._read_requests()

    def answered(self, data):
        """What the server sent; empty for its end."""
        try:
            if self._is_readable and self._now:
                self._answers.receive_data(data)
                self._read_answers()
        except h11.ProtocolError:
            self._is_readable = False

    def _read_requests(self):
        while (event := self._requests.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                target = event.target.decode()
                self._now = Exchange(event.method.decode(), target, _headers(event))
                self._exchanges.append(self._now)
            elif isinstance(event, h11.Data):
                self._now.request += bytes(event.data)
            elif isinstance(event, h11.ConnectionClosed):
                return
            self._answers.send(event)

    def _read_answers(self):
        while (event := self._answers.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                self._now.status, self._now.headers = event.status_code, _headers(event)
            elif isinstance(event, h11.Data):
                self._now.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._now.is_whole = True
            elif isinstance(event, h11.ConnectionClosed):
                return
            self._requests.send(event)
        if self._requests.our_state is h11.DONE and self._requests.their_state is h11.DONE:
            self._requests.start_next_cycle()
            self._answers.start_next_cycle()
            self._read_requests()


class Relay:
    """Listens on a free port of this machine for clients of the server at `upstream`."""

    def __init__(self, upstream):
        self._upstream = upstream
        self._exchanges, self._open = [], set()
        self._ended = asyncio.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._run()], daemon=True)
        self._thread.start()
        assert self._listens.wait(10), "the relay did not start"

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listens.set()
        # What is open when this returns is cancelled with it.
        await self._ended.wait()
        server.close()

    async def _serve(self, reader, writer):
        reading = Reading(self._exchanges)
        self._open.add(reading)
        host, _, port = self._upstream.removeprefix("http://").partition(":")
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(
                self._pass_on(reader, upstream_writer, reading.sent),
                self._pass_on(upstream_reader, writer, reading.answered),
            )
        except OSError:
            pass
        finally:
            writer.close()
            self._open.discard(reading)

    async def _pass_on(self, reader, writer, seen):
        with suppress(OSError):
            while data := await reader.read(65536):
                # Read before it goes on: what a client has seen, has been copied.
                seen(data)
                writer.write(data)
                await writer.drain()
        seen(b"")
        writer.close()

    def taken(self):
        """What has passed since this was last asked; an answer that is under way gets a moment to end."""
        with suppress(AssertionError):
            eventually(lambda: not any(reading.is_busy for reading in list(self._open)), within=2)
        taken, self._exchanges[:] = list(self._exchanges), []
        return taken

    def stop(self):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
