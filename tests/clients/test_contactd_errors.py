"""contactd.py when something is wrong: every error that can be provoked, and replies that are none."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import threading
import time
import unittest
from typing import Any, Callable, List, Optional, Tuple
from unittest import mock

# First, for it says where the clients are.
from support import CLIENTS, GREETING, LIST, PATIENCE_SECONDS, Daemon, Scripted, free_port, phone

import contactd
from contactd import Client, ContactdError, Unreachable


class Errors(unittest.TestCase):
    def test_those_of_the_daemon(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client() as client:
            for kind, request in (
                (contactd.CommandError, "NOSUCH"),
                (contactd.CommandError, "CHECK 24365"),
                (contactd.BadArgument, "CHECK 24365 x"),
                (contactd.NoList, f"OPTIN 24365 {phone(1)}"),
                (contactd.OverLimit, "FIND LIMIT 1001"),
                (contactd.OverLimit, f"PING {'x' * 70_000}"),
                (contactd.NoProtocol, "HELLO 4"),
            ):
                with self.subTest(request=request[:20]), self.assertRaises(kind) as raised:
                    client.line(request)
                self.assertEqual(raised.exception.code, kind.code)
                self.assertFalse(raised.exception.retryable)
                self.assertEqual(raised.exception.request, request)
                self.assertEqual(client.ping(), "PONG")

    def test_tokens(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".tokens") as tokens:
            tokens.write("read read-0123456789abcdef\nwrite write-0123456789abcdef\nadmin admin-0123456789abcdef\n")
            tokens.flush()
            daemon = Daemon("--tokens", tokens.name)
            self.addCleanup(daemon.end)
            for token in (None, "not-a-token-of-ours", "not-a-token of-ours"):
                with daemon.client(token=token) as client, self.assertRaises(contactd.NoAuth) as raised:
                    client.check(LIST, phone(1))
                self.assertNotIn("not-a-token", f"{raised.exception} {raised.exception.request}")
                self.assertEqual(raised.exception.request, f"CHECK {LIST} {phone(1)}")
            with daemon.client(token="read-0123456789abcdef") as client:
                self.assertFalse(client.check(LIST, phone(1)))
                with self.assertRaises(contactd.NoPermission):
                    client.optout(LIST, phone(1))
            with daemon.client(token="admin-0123456789abcdef") as client:
                self.assertTrue(client.optout(LIST, phone(1)))
                daemon.restart()
                self.assertEqual(client.verify(), [])

    def test_a_token_where_none_is_needed(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client(token="any-0123456789abcdef") as client:
            self.assertEqual(client.ping(), "PONG")

    def test_those_that_pass(self) -> None:
        """A daemon that loads or has no room is asked again; what it then says counts."""
        for code in ("LOADING", "BUSY"):
            told = [f"-{code} later\r\n".encode(), f"-{code} later\r\n".encode(), GREETING]
            with self.subTest(code=code), Greeting(told) as server:
                with Client("127.0.0.1", server.port) as client:
                    self.assertTrue(client.check(LIST, phone(1)))
            with Greeting([f"-{code} later\r\n".encode()] * 100) as server:
                with Client("127.0.0.1", server.port, retry=0.2) as client, self.assertRaises(ContactdError) as raised:
                    client.optout(LIST, phone(1))
                self.assertEqual((raised.exception.code, raised.exception.retryable), (code, True))
                self.assertEqual(raised.exception.request, f"OPTOUT {LIST} {phone(1)}")

    def test_draining(self) -> None:
        told = iter([b"-DRAINING\r\n", b"+removed\r\n"])
        with Scripted(lambda _: next(told)) as server, Client("127.0.0.1", server.port) as client:
            # Nothing was done, so even what is never repeated may be sent again.
            self.assertEqual(client.unlist("24365"), "removed")

    def test_those_to_be_kept(self) -> None:
        for code, kind in (("READONLY", contactd.ReadOnly), ("INTERNAL", contactd.Internal)):
            with Scripted(lambda _: f"-{code} disk\r\n".encode()) as server:
                with Client("127.0.0.1", server.port) as client, self.assertRaises(kind) as raised:
                    client.click(LIST, phone(1))
                self.assertTrue(raised.exception.retryable)
                # As it was sent, and with its date: later it still means the same.
                first, kept = (text.split(" ", 3) for text in (server.requests[0], raised.exception.request))
                self.assertEqual(first[:3], kept[:3])
                self.assertEqual(json.loads(kept[3])["id"], json.loads(first[3])["id"])
                self.assertLess(abs(json.loads(kept[3])["at"] / 1000 - time.time()), PATIENCE_SECONDS)
                with Client("127.0.0.1", server.port) as client, self.assertRaises(kind) as raised:
                    client.unlist(LIST)
                self.assertEqual(raised.exception.retryable, code == "READONLY")

    def test_a_code_that_is_not_known(self) -> None:
        with Scripted(lambda _: b"-NEWCODE why\r\n") as server:
            with Client("127.0.0.1", server.port) as client, self.assertRaises(ContactdError) as raised:
                client.check(LIST, phone(1))
        self.assertEqual((raised.exception.code, raised.exception.retryable), ("NEWCODE", False))
        self.assertEqual(raised.exception.message, "why")

    def test_nobody_there(self) -> None:
        with Client("127.0.0.1", free_port(), retry=0.3) as client, self.assertRaises(Unreachable) as raised:
            client.optout(LIST, phone(1))
        self.assertTrue(raised.exception.retryable)
        self.assertEqual(raised.exception.request, f"OPTOUT {LIST} {phone(1)}")
        with self.assertRaises(Unreachable):
            with Client("127.0.0.1", free_port(), retry=0).pipeline() as batch:
                batch.optout(LIST, phone(1))

    def test_they_can_be_passed_between_processes(self) -> None:
        error = pickle.loads(pickle.dumps(contactd._error(b"-NEWCODE why", "X")))
        self.assertEqual((error.code, error.message, error.request), ("NEWCODE", "why", "X"))
        lost = Unreachable("why", "X")
        lost.retryable = False
        self.assertFalse(pickle.loads(pickle.dumps(lost)).retryable)

    def test_every_code_of_the_protocol_has_a_class(self) -> None:
        with open(os.path.join(CLIENTS, "..", "protocol.md"), encoding="utf-8") as file:
            chapter = file.read().partition("\n## Errors\n")[2].partition("\n## ")[0]
        codes = {line.split("`")[1] for line in chapter.splitlines() if line.startswith("| `")}
        self.assertGreater(len(codes), 10)
        self.assertEqual(codes - set(contactd._ERRORS), set())


class Greeting(Scripted):
    """A daemon that answers each connection's HELLO with the next of some replies, and CHECK with yes."""

    def __init__(self, told: List[bytes]) -> None:
        self._told = iter(told)
        super().__init__(lambda _: b"+yes\r\n")

    def _serve(self, wire: Any) -> None:
        with wire, wire.makefile("rb") as lines:
            for line in lines:
                reply = next(self._told) if line.startswith(b"HELLO") else b"+yes\r\n"
                wire.sendall(reply)
                if reply.startswith(b"-"):
                    return


class NeverAWrongYes(unittest.TestCase):
    """Whatever comes back, only `+yes` and its line end is true."""

    def test_replies_that_are_none(self) -> None:
        for reply in (
            b"+yes",
            b"+ye",
            b"+YES\r\n",
            b"+yes \r\n",
            b"+yes later\r\n",
            b"yes\r\n",
            b":1\r\n",
            b"+\r\n",
            b"+no\r\n",
            b"$-1\r\n",
            b"*1\r\n+yes\r\n",
            b"+yes\r\n+yes\r\n",
            b"$3\r\nyes\r\n+no\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"\r\n",
            b"+yes\n",
            b"*?\r\n",
        ):
            for ask in ("check", "claim"):
                with self.subTest(reply=reply, ask=ask), Scripted(lambda _: reply) as server:
                    with Client("127.0.0.1", server.port, timeout=0.2, retry=0.1) as client:
                        with self.assertRaises(ContactdError):
                            client.check(LIST, phone(1)) if ask == "check" else client.claim(LIST, phone(1), "m")

    def test_a_bulk_string_is_no_verdict_of_its_own(self) -> None:
        with Scripted(lambda _: b"*2\r\n+yes\r\n+no x\r\n") as server, Client("127.0.0.1", server.port) as client:
            with self.assertRaises(contactd.ProtocolError):
                list(client.check_many(LIST, [phone(1), phone(2), phone(3)]))

    def test_json_that_is_none(self) -> None:
        for text in ("{", "{}", "[]", '{"phone_number":"+1","status":"x","labels":{},"created_at":"then"}', "\xff"):
            reply = b"+" + text.encode("latin-1") + b"\r\n"
            answers = {"GET": reply, "EXPORT": b"*?\r\n" + reply}
            with self.subTest(text=text), Scripted(lambda request: answers[request.split()[0]]) as server:
                with Client("127.0.0.1", server.port) as client:
                    with self.assertRaises(contactd.ProtocolError):
                        client.get(phone(1))
                    with self.assertRaises(contactd.ProtocolError):
                        next(client.export())

    def test_a_late_reply_is_not_that_of_the_next_request(self) -> None:
        late = threading.Event()

        def answer(request: str) -> Optional[bytes]:
            if phone(1) in request:
                late.wait(PATIENCE_SECONDS)
                return b"+yes\r\n"
            return b"+no suppressed\r\n"

        asks: Tuple[Callable[[Client], Any], ...] = (
            lambda client: client.check(LIST, phone(1)),
            # The same where nothing is repeated.
            lambda client: client.call("CHECK", LIST, phone(1)),
        )
        with Scripted(answer) as server, Client("127.0.0.1", server.port, retry=0.0) as client:
            for ask in asks:
                late.clear()
                self.assertFalse(client.check(LIST, phone(2)))
                with mock.patch.object(client, "timeout", 0.1), self.assertRaises(Unreachable):
                    ask(client)
                self.assertFalse(client.check(LIST, phone(2)))
                late.set()
                # It comes now, if it comes at all.
                time.sleep(0.1)
                self.assertFalse(client.check(LIST, phone(2)))

    def test_what_comes_behind_a_reply_makes_it_worthless(self) -> None:
        with Scripted(lambda _: b"+yes\r\n+") as server, Client("127.0.0.1", server.port, retry=0) as client:
            with self.assertRaises(contactd.ProtocolError):
                client.check(LIST, phone(1))
            with self.assertRaises(contactd.ProtocolError):
                client.call("CHECK", LIST, phone(1))
            self.assertIsNone(client._connection)

    def test_an_interrupted_call_leaves_no_reply_behind(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client() as client:
            client.list(LIST)
            client.optin(LIST, phone(1))
            connection = client._connected()
            interrupted = mock.patch.object(connection, "_fill", side_effect=KeyboardInterrupt)
            with interrupted, self.assertRaises(KeyboardInterrupt):
                client.check(LIST, phone(1))
            self.assertFalse(client.check(LIST, phone(2)))

    def test_unasked_replies_end_the_connection(self) -> None:
        """A reply that nobody asked for came before the request: whose it is cannot be known."""
        sent = []

        def answer(request: str) -> bytes:
            sent.append(request)
            return b"+no not_subscribed\r\n"

        with Scripted(answer) as server, Client("127.0.0.1", server.port) as client:
            client.check(LIST, phone(1))
            connection = client._connection
            assert connection is not None
            connection._cutter.take(b"+yes\r\n")
            self.assertFalse(client.check(LIST, phone(2)))
            self.assertIsNot(client._connection, connection)

    def test_replies_in_pieces(self) -> None:
        """However the network cuts them, the same replies come out."""
        text = b"+a\r\n*2\r\n+b\r\n-E x\r\n*0\r\n$-1\r\n$3\r\na b\r\n:1\r\n*3\r\n+1\r\n+2\r\n+3\r\n+z\r\n"
        whole = [b"+a", [b"+b", b"-E x"], [], b"$-1", b"+a b", b":1", [b"+1", b"+2", b"+3"], b"+z"]
        for size in range(1, len(text) + 1):
            cutter = contactd._Cutter()
            replies: List[Any] = []
            for at in range(0, len(text), size):
                cutter.take(text[at : at + size])
                replies += cutter.replies()
            self.assertEqual(replies, whole, size)
            self.assertTrue(cutter.is_clean())

    def test_a_forked_process_has_its_own_connection(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        client = daemon.client()
        self.addCleanup(client.close)
        client.list(LIST)
        client.optin(LIST, phone(1))
        children = []
        for _ in range(4):
            pid = os.fork()
            if pid == 0:
                right = all(bool(client.check(LIST, phone(1 + n % 2))) == (n % 2 == 0) for n in range(2000))
                os._exit(0 if right else 1)
            children.append(pid)
        for n in range(2000):
            self.assertEqual(bool(client.check(LIST, phone(1 + n % 2))), n % 2 == 0)
        self.assertEqual([os.waitpid(pid, 0)[1] for pid in children], [0] * 4)

    def test_threads_may_share_a_client(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        client = daemon.client()
        self.addCleanup(client.close)
        client.list(LIST)
        client.optin(LIST, phone(0))
        wrong: List[int] = []

        def ask(own: int) -> None:
            for _ in range(500):
                if bool(client.check(LIST, phone(own))) != (own == 0):
                    wrong.append(own)

        threads = [threading.Thread(target=ask, args=(own,)) for own in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
