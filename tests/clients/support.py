"""What the tests of the clients stand on: a real daemon, one that says what it is told, and a wire that loses replies.

CONTACTD_BIN is the daemon's program. A test whose other programs are missing is skipped; under CONTACTD_TEST_ALL=1 it
fails.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.normpath(os.path.join(HERE, "..", "..", "clients"))
sys.path.insert(0, CLIENTS)

from contactd import Client

PATIENCE_SECONDS = 60.0
LIST = "+14155550100"


def free_port() -> int:
    """A port that nobody listens on, and that nobody but the test gets: it stays bound, without listening, for as long
    as the tests run. A daemon may listen on it all the same, be killed, and listen on it again."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    port: int = reserved.getsockname()[1]
    # Nobody closes it before the process ends.
    reserved.detach()
    return port


def phone(number: int) -> str:
    """One of a million numbers that exist."""
    return f"+1415{5_000_000 + number}"

DOUBTS = (
    ("phone,status,label.note", "{0},active,VIP", "{0},active,STOP"),
    ("phone,status,label.note", "{0},active,VIP", "{1},active,do not text"),
    ("phone,status", "{0},active", "{0},withdrawn"),
    ("phone,status", "{0},active", "{0},no"),
    ("phone,status", "{0},active", "{0},"),
    ("phone,status", "{0},active", "{1} x12,unsubscribed"),
    ("phone,status", "{0},active", "{0} / +14155009999,active"),
    ("phone,status", "{0},active", "#{0},active"),
    ("phone,status", "{0},active", "// {0},active"),
    ("phone,subscribed_at", "{0},2024-01-01", "{0},0000-00-00"),
    ("phone,opted_out_at", "{0},", "{0},#N/A"),
)
"""Headings, a row that subscribes a number, and one of the same number that is refused and may forbid."""


def written_twice(number: int) -> Tuple[str, str]:
    """A number in E.164, and as people of its country write it."""
    return phone(number), f"(415) {phone(number)[5:8]}-{phone(number)[8:]}"


def missing(what: str) -> None:
    """Skips a test, or fails it where all must run."""
    if os.environ.get("CONTACTD_TEST_ALL"):
        raise AssertionError(f"{what} is not installed")
    raise unittest.SkipTest(f"{what} is not installed")


def needs(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        missing(program)
    assert path is not None
    return path


def eventually(holds: Callable[[], Any], what: str = "it") -> Any:
    """Waits until something holds."""
    started = time.monotonic()
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise AssertionError(f"{what} does not come to hold")
        time.sleep(0.01)


class Daemon:
    """A daemon with a data directory of its own."""

    def __init__(self, *arguments: str) -> None:
        program = os.environ.get("CONTACTD_BIN")
        if not program:
            raise AssertionError("CONTACTD_BIN must name the daemon's program")
        self._program = program
        self._arguments = arguments
        self.dir = tempfile.mkdtemp(prefix="contactd-test-")
        self.port = free_port()
        self.server = f"127.0.0.1:{self.port}"
        self._process: Optional[subprocess.Popen[bytes]] = None
        self.start()

    def start(self) -> None:
        data = os.path.join(self.dir, "data")
        serve = [self._program, "serve", "--listen", self.server, "--data-dir", data, *self._arguments]
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self._process = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        eventually(self._answers, "the daemon's answer")

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"the daemon ended: {log.read()}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as wire:
                wire.sendall(b"PING\n")
                return wire.recv(100).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self) -> None:
        """As a power cut: kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def terminate(self) -> None:
        """SIGTERM: it drains, and ends well."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(PATIENCE_SECONDS)
        self._process = None
        if code != 0:
            raise AssertionError(f"the daemon ended with {code}")

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def client(self, **settings: Any) -> Client:
        return Client("127.0.0.1", self.port, **settings)

    def environment(self, **more: str) -> Dict[str, str]:
        """That of a program which is to find this daemon."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CONTACTD_")}
        return {**kept, "CONTACTD_SERVER": self.server, **more}


class DaemonTest(unittest.TestCase):
    """Tests that share a daemon; each has a client and a list."""

    ARGUMENTS: Sequence[str] = ()
    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon(*cls.ARGUMENTS)
        cls.addClassCleanup(cls.daemon.end)

    def setUp(self) -> None:
        self.client = self.daemon.client()
        self.addCleanup(self.client.close)
        self.client.list(LIST)


class Scripted:
    """A daemon that answers by a function: from a request to what is sent, None to close without a word."""

    def __init__(self, answer: Callable[[str], Optional[bytes]]) -> None:
        self.requests: List[str] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(wire,), daemon=True).start()

    def _serve_one(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(wire)

    def _serve(self, wire: socket.socket) -> None:
        with wire, wire.makefile("rb") as lines:
            for line in lines:
                request = line.decode().rstrip("\r\n")
                if request.startswith("HELLO"):
                    wire.sendall(GREETING)
                    continue
                self.requests.append(request)
                reply = self._answer(request)
                if reply is None:
                    wire.shutdown(socket.SHUT_RDWR)
                    return
                wire.sendall(reply)

    def end(self) -> None:
        self._listener.close()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


GREETING = b"*6\r\n+server\r\n+contactd\r\n+version\r\n+0\r\n+proto\r\n:2\r\n"


class Lossy:
    """A wire to a daemon that can lose a reply: the request arrives, then the connection breaks. `heed` sees each
    request before the daemon does."""

    def __init__(self, port: int, heed: Callable[[bytes], None] = lambda _: None) -> None:
        self._heed = heed
        self.lost = threading.Event()
        """Set once a reply was lost."""
        self._losing = False
        self._holding = False
        self._open = threading.Event()
        self._open.set()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next(self, hold: bool = False) -> None:
        """The next request's reply is lost. With `hold` the connections after that wait for `let_go`."""
        self.lost.clear()
        self._losing, self._holding = True, hold

    def let_go(self) -> None:
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near,), daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        self._open.wait(PATIENCE_SECONDS)
        with near, socket.create_connection(("127.0.0.1", self._to)) as far:
            far.settimeout(PATIENCE_SECONDS)
            while True:
                try:
                    request = near.recv(1 << 20)
                    if not request:
                        return
                    self._heed(request)
                    far.sendall(request)
                    replies = b""
                    while replies.count(b"\n") < request.count(b"\n"):
                        replies += far.recv(1 << 20)
                    if self._losing and not request.startswith(b"HELLO"):
                        self._losing = False
                        if self._holding:
                            self._open.clear()
                        self.lost.set()
                        return
                    near.sendall(replies)
                except OSError:
                    return

    def end(self) -> None:
        self._listener.close()
