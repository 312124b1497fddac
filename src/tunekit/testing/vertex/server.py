"""The HTTP server: sockets, and what goes wrong on them.

Belongs here: reading a request, writing a reply in one piece, and breaking either as a fault says.
Does not belong here: what is answered (`routes.py`, `storage/`), when a fault happens (`faults.py`).
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tunekit.testing.vertex.faults import VertexFault
from tunekit.testing.vertex.wire import Call, Reply, status_text

_PIECES = 8
"""How many pieces a slow answer comes in."""


class Answered:
    """What the emulator makes of a call.

    Args:
        reply: The answer. `None` where a fault keeps the call from having one.
        fault: What is to go wrong.
    """

    __slots__ = ("fault", "reply")

    def __init__(self, reply: Reply | None, fault: VertexFault | None) -> None:
        self.reply = reply
        self.fault = fault


class Server:
    """Serves on a free port of the loopback, in threads of its own.

    Args:
        answer: What to make of a call.
    """

    def __init__(self, answer: Callable[[Call], Answered]) -> None:
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._answer = answer
        self._http = _Http(self)
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="tunekit-vertex-emulator",
            daemon=True,
        )

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and close every connection."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, call: Call) -> Answered:
        """What to make of a call."""
        return self._answer(call)

    def opened(self, connection: socket.socket) -> None:
        """A client has connected."""
        self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A connection is over."""
        self._connections.discard(connection)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault of the emulator."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.server.owner.opened(self.connection)

    def finish(self) -> None:
        self.server.owner.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: `VertexEmulator.requests` has what came."""

    def handle_one_request(self) -> None:
        with suppress(ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True

    def do_GET(self) -> None:  # the name is given
        self._do()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # likewise

    def _do(self) -> None:
        parts = urlsplit(self.path)
        call = Call(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=self._body(),
        )
        answered = self.server.owner.answer(call)
        if answered.fault is None:
            assert answered.reply is not None
            self._send(_bytes(answered.reply, self.command))
        else:
            self._go_wrong(answered.fault, answered.reply)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def _go_wrong(self, fault: VertexFault, reply: Reply | None) -> None:
        """Break the answer as the fault says; the call has taken effect already, or will not."""
        if fault.kind in ("status", "html", "garbage", "duplicate"):
            assert reply is not None
            self._send(_bytes(reply, self.command))
            return
        self.close_connection = True
        if fault.kind == "stall":
            self.server.owner.stopping.wait(fault.seconds)
        elif fault.kind == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        elif fault.kind == "truncate":
            data = _bytes(reply or Reply(body=b'{"name": "projects/' + b"-" * 200), self.command)
            self._send(data[: -max(1, len(data) // 4)])
        elif fault.kind == "slow":
            assert reply is not None
            self._trickle(_bytes(reply, self.command), fault.seconds)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _trickle(self, data: bytes, seconds: float) -> None:
        size = max(1, len(data) // _PIECES)
        for start in range(0, len(data), size):
            self._send(data[start : start + size])
            if self.server.owner.stopping.wait(seconds / _PIECES):
                return


def _bytes(reply: Reply, method: str) -> bytes:
    """A reply in one piece: written in two, it would wait for the client's acknowledgement in between."""
    head = [
        f"HTTP/1.1 {reply.status} {status_text(reply.status)}",
        *(f"{key}: {value}" for key, value in reply.headers.items()),
    ]
    if reply.body:
        head.append(f"Content-Type: {reply.content_type}")
    if reply.status != 204:
        head.append(f"Content-Length: {len(reply.body)}")
    body = b"" if method == "HEAD" else reply.body
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body
