"""webhook.py: what a provider posts, what contactd learns, and what the provider and the phone are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import unittest
import urllib.parse
from typing import Any, List, Optional, Tuple
from unittest import mock

# First, for it says where the clients are.
from support import CLIENTS, LIST, DaemonTest, Lossy, Scripted, free_port, phone

import webhook
from contactd import Client

KEY = "0123456789abcdef"
URL = "https://sms.example.com/hooks"
STOP = f"<Response><Message>{webhook.CONFIRMATION}</Message></Response>"
NOTHING = "<Response></Response>"


def sign(path: str, form: List[Tuple[str, str]]) -> str:
    """As the provider's documentation says: the address, then every parameter in order, name and value."""
    text = URL + path + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Hooks(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        quiet = mock.patch.object(webhook.Handler, "log_message")
        quiet.start()
        self.addCleanup(quiet.stop)
        self.serve(self.daemon.port)

    def serve(self, port: int, **texts: str) -> None:
        client = Client("127.0.0.1", port, timeout=2, retry=0.5)
        server = webhook.Server(("127.0.0.1", 0), webhook.Receiver(client, **texts), KEY, URL + "/")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.port = server.server_port

    def post(self, path: str, form: Any, signature: Optional[str] = None) -> Tuple[int, str]:
        pairs = list(form.items()) if isinstance(form, dict) else form
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers["X-Twilio-Signature"] = sign(path, pairs) if signature is None else signature
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            wire.request("POST", path, urllib.parse.urlencode(pairs), headers)
            reply = wire.getresponse()
            return reply.status, reply.read().decode()
        finally:
            wire.close()

    def message(self, somebody: str, text: str, sid: str, **more: str) -> Tuple[int, str]:
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "From": somebody,
            "To": LIST,
            "Body": text,
            "NumMedia": "0",
            "FromCity": "",
        }
        return self.post("/inbound", {**form, **more})

    def test_a_stop_is_confirmed_once(self) -> None:
        self.client.optin(LIST, phone(1))
        status, told = self.message(phone(1), "Stop!", "SM1")
        self.assertEqual(status, 200)
        self.assertIn(STOP, told)
        self.assertEqual(self.client.check(LIST, phone(1)).reason, "list_opted_out")
        for sid in ("SM1", "SM1", "SM2"):
            status, told = self.message(phone(1), "Stop!", sid)
            self.assertEqual(status, 200)
            self.assertIn(NOTHING, told)
        self.assertEqual(next(self.client.history(phone(1), "inbound")).id, "SM2")

    def test_other_messages(self) -> None:
        self.assertIn("<Message>Reply STOP", self.message(phone(2), "help", "SM1")[1])
        self.assertIn(NOTHING, self.message(phone(2), "Who is this? é😀", "SM2")[1])
        self.assertIn(NOTHING, self.message(phone(2), "", "SM3")[1])
        self.assertIn(NOTHING, self.message(phone(2), "start", "SM4")[1])
        self.assertTrue(self.client.check(LIST, phone(2)))
        self.assertEqual([event.text for event in self.client.history(phone(2))][2], "Who is this? é😀")

    def test_texts_of_ones_own(self) -> None:
        self.serve(self.daemon.port, confirmation="Out & <done>", help="", welcome="Hello")
        self.assertIn("<Message>Hello</Message>", self.message(phone(3), "start", "SM1")[1])
        self.assertIn(NOTHING, self.message(phone(3), "start", "SM1")[1])
        self.assertIn("<Message>Out &amp; &lt;done&gt;</Message>", self.message(phone(3), "stop", "SM2")[1])
        self.assertIn(NOTHING, self.message(phone(3), "info", "SM3")[1])

    def test_a_date(self) -> None:
        self.client.optin(LIST, phone(4))
        self.message(phone(4), "stop", "SM1", DateSent="Fri, 01 May 2026 12:00:00 +0000")
        self.assertEqual(next(self.client.history(phone(4))).at.isoformat(), "2026-05-01T12:00:00+00:00")
        # An opt-in is newer than this message: nothing is confirmed, and it does not count.
        self.assertTrue(self.client.check(LIST, phone(4)))
        self.message(phone(4), "hello", "SM2", Timestamp="2026-05-01T14:00:00+02:00")
        self.assertEqual(next(self.client.history(phone(4))).at.isoformat(), "2026-05-01T12:00:00+00:00")
        for undated in ("yesterday", "2026-05-01 12:00:00", ""):
            self.assertEqual(self.message(phone(4), "hello", f"SM-{undated}", Timestamp=undated)[0], 200)

    def test_a_date_that_contactd_does_not_take(self) -> None:
        """A STOP counts for more than its date."""
        for number, date in enumerate(
            (
                "Thu, 01 Jan 1970 00:00:00 +0000",
                "Mon, 01 Jan 1990 00:00:00 +0100",
                "1989-12-31T23:59:59Z",
                "0001-01-01T00:00:00+02:00",
                "9999-12-31T23:59:59-02:00",
                "Mon, 01 Jan 99999999999999999999 00:00:00 +0000",
                "Mon, 01 Jan 2026 00:00:00 +9999",
                ",",
            )
        ):
            somebody = phone(20 + number)
            self.client.optin(LIST, somebody)
            with self.subTest(date=date):
                status, told = self.message(somebody, "stop", "SM1", DateSent=date)
                self.assertEqual(status, 200)
                self.assertIn(STOP, told)
                self.assertEqual(self.client.check(LIST, somebody).reason, "list_opted_out")
        # The first of them all that contactd takes.
        self.message(phone(19), "hello", "SM1", DateSent="Mon, 01 Jan 1990 00:00:00 +0000")
        self.assertEqual(next(self.client.history(phone(19))).at.year, 1990)

    def test_a_date_that_contactd_refuses(self) -> None:
        """Whatever is wrong with it then: the same without it."""
        date = "Fri, 01 May 2026 12:00:00 +0000"
        with Scripted(lambda request: b"-BADARG why\r\n" if '"at"' in request else b"+optout\r\n") as contactd:
            self.serve(contactd.port)
            self.assertIn(STOP, self.message(phone(30), "stop", "SM1", DateSent=date)[1])
        self.assertEqual(len(contactd.requests), 2)
        self.assertEqual(*[request.split(" ", 3)[:3] for request in contactd.requests])
        self.assertIn('"id":"SM1"', contactd.requests[1])
        with Scripted(lambda request: b"-BADARG why\r\n" if '"at"' in request else b":1\r\n") as contactd:
            self.serve(contactd.port)
            form = {"MessageSid": "SM1", "From": LIST, "To": phone(30), "MessageStatus": "failed", "DateSent": date}
            self.assertEqual(self.post("/status", {**form, "ErrorCode": "21610"})[0], 204)
        self.assertEqual(contactd.requests[1], f'FAILED {LIST} {phone(30)} SM1 {{"code":"21610"}}')
        with Scripted(lambda _: b"-BADARG why\r\n") as contactd:
            self.serve(contactd.port)
            self.assertEqual(self.message(phone(30), "stop", "SM1", DateSent=date)[0], 500)

    def test_what_the_provider_answers_itself(self) -> None:
        self.client.optin(LIST, phone(5))
        self.assertIn(NOTHING, self.message(phone(5), "arrêt", "SM1", OptOutType="STOP")[1])
        self.assertEqual(self.client.check(LIST, phone(5)).reason, "list_opted_out")
        self.assertIn(NOTHING, self.message(phone(5), "help", "SM2", OptOutType="HELP")[1])

    def test_status(self) -> None:
        self.client.optin(LIST, phone(6))
        self.client.claim(LIST, phone(6), "spring:6")

        def tell(status: str, **more: str) -> int:
            form = {"MessageSid": "SM1", "From": LIST, "To": phone(6), "MessageStatus": status, **more}
            return self.post("/status?id=spring%3A6", form)[0]

        for status in ("queued", "sending"):
            self.assertEqual(tell(status), 204)
        self.assertEqual(next(self.client.history(phone(6), "send")).state, "claimed")
        self.assertEqual([tell("sent"), tell("delivered")], [204, 204])
        self.assertEqual(str(self.client.claim(LIST, phone(6), "spring:6")), "dup sent")
        self.assertEqual(tell("undelivered", ErrorCode="30005"), 204)
        send = next(self.client.history(phone(6), "send"))
        self.assertEqual((send.state, send.code), ("failed", "30005"))
        self.assertEqual(self.client.check(LIST, phone(6)).reason, "invalid")
        form = {"MessageSid": "SM7", "From": LIST, "To": phone(7), "MessageStatus": "failed", "ErrorCode": "30003"}
        self.assertEqual(self.post("/status", form)[0], 204)
        self.assertEqual(next(self.client.history(phone(7), "send")).id, "SM7")
        self.assertEqual(self.post("/status", {**form, "MessageSid": "SM8", "ErrorCode": ""})[0], 204)

    def test_signatures(self) -> None:
        form = {"MessageSid": "SM1", "From": phone(8), "To": LIST, "Body": "stop"}
        good = sign("/inbound", list(form.items()))
        for wrong in ("", "x", "é", good[:-2] + "A=", sign("/status", list(form.items()))):
            self.assertEqual(self.post("/inbound", form, wrong)[0], 403, wrong)
        self.assertEqual(self.post("/inbound", {**form, "Body": "start"}, good)[0], 403)
        self.assertIsNone(self.client.get(phone(8)))
        # The example of the provider's documentation.
        form2 = {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+14158675310",
            "Digits": "1234",
            "From": "+14158675310",
            "To": "+18005551212",
        }
        told = webhook.signature(
            "12345", "https://example.com/myapp.php?foo=1&bar=2", {k: [v] for k, v in form2.items()}
        )
        self.assertEqual(told, "L/OH5YylLD5NRKLltdqwSvS0BnU=")

    def test_requests_that_are_none(self) -> None:
        self.assertEqual(self.post("/other", {})[0], 404)
        self.assertEqual(self.post("/inbound", {"From": phone(9)})[0], 400)
        self.assertEqual(self.post("/inbound", {"Body": "x" * 70_000})[0], 413)
        for request, status in (
            ("POST /inbound HTTP/1.1\r\nHost: x\r\n\r\n", "411"),
            ("POST /inbound HTTP/1.1\r\nHost: x\r\nContent-Length: ²\r\n\r\n", "411"),
            ("GET /inbound HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
        ):
            with socket.create_connection(("127.0.0.1", self.port)) as wire:
                wire.sendall(request.encode())
                with wire.makefile("rb") as reply:
                    self.assertEqual(reply.read().split()[1].decode(), status)

    def test_what_contactd_does_not_take(self) -> None:
        """Never 200: nobody would look, and a STOP would be lost."""
        self.assertEqual(self.message("whatsapp:+14155550123", "stop", "SM1")[0], 500)
        self.assertEqual(self.message("two words", "stop", "SM1")[0], 500)
        form = {"MessageSid": "SM1", "From": "24399", "To": phone(10), "MessageStatus": "sent"}
        self.assertEqual(self.post("/status", form)[0], 500)
        for code, status in (("READONLY", 503), ("INTERNAL", 503), ("NEWCODE", 500)):
            with Scripted(lambda _: f"-{code} why\r\n".encode()) as contactd:
                self.serve(contactd.port)
                self.assertEqual(self.message(phone(10), "stop", "SM1")[0], status)

    def test_contactd_is_away(self) -> None:
        self.client.optin(LIST, phone(11))
        self.daemon.kill()
        status, told = self.message(phone(11), "stop", "SM1")
        self.assertEqual(status, 503)
        self.assertNotIn("Message", told)
        form = {"MessageSid": "SM2", "From": LIST, "To": phone(11), "MessageStatus": "failed"}
        self.assertEqual(self.post("/status", form)[0], 503)
        self.daemon.start()
        # The provider delivers again.
        self.assertIn(STOP, self.message(phone(11), "stop", "SM1")[1])
        self.assertFalse(self.client.check(LIST, phone(11)))

    def test_a_reply_that_is_lost(self) -> None:
        """The STOP counts; whether it was confirmed nobody knows, so it is not confirmed again."""
        wire = Lossy(self.daemon.port)
        self.addCleanup(wire.end)
        self.serve(wire.port)
        self.client.optin(LIST, phone(12))
        wire.lose_next()
        self.assertIn(NOTHING, self.message(phone(12), "stop", "SM1")[1])
        self.assertFalse(self.client.check(LIST, phone(12)))

    def test_many_at_once(self) -> None:
        told: List[Tuple[int, str]] = []
        self.client.optin(LIST, phone(13))
        posts = [
            threading.Thread(target=lambda n=n: told.append(self.message(phone(13), "stop", f"SM{n}")))
            for n in range(100)
        ]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
        self.assertEqual([status for status, _ in told], [200] * 100)
        self.assertEqual(sum(STOP in text for _, text in told), 1)


class Program(DaemonTest):
    def test_the_program(self) -> None:
        port = free_port()
        words = [
            sys.executable,
            os.path.join(CLIENTS, "webhook.py"),
            "--listen",
            f"127.0.0.1:{port}",
            "--public-url",
            URL,
        ]
        told = subprocess.run(words, env=self.daemon.environment(), capture_output=True, text=True)
        self.assertEqual(told.returncode, 2)
        self.assertIn("TWILIO_AUTH_TOKEN", told.stderr)
        env = self.daemon.environment(TWILIO_AUTH_TOKEN=KEY)
        with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as program:
            assert program.stderr is not None
            self.assertIn(f"listening on 127.0.0.1:{port}", program.stderr.readline())
            form = {"MessageSid": "SM1", "From": phone(1), "To": LIST, "Body": "start"}
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            wire.request(
                "POST",
                "/inbound",
                urllib.parse.urlencode(form),
                {"X-Twilio-Signature": sign("/inbound", list(form.items()))},
            )
            self.assertEqual(wire.getresponse().status, 200)
            wire.close()
            self.assertTrue(self.client.check(LIST, phone(1)))
            program.send_signal(signal.SIGTERM)
            program.stderr.read()
            self.assertEqual(program.wait(20), 0)


    def test_where_it_listens(self) -> None:
        """On all interfaces only if that was said."""
        env = self.daemon.environment(TWILIO_AUTH_TOKEN=KEY)
        port = free_port()
        words = [sys.executable, os.path.join(CLIENTS, "webhook.py"), "--public-url", URL, "--listen"]
        for wrong in (str(port), "", "localhost", "localhost:", "localhost:x", "localhost:65536"):
            told = subprocess.run([*words, wrong], env=env, capture_output=True, text=True, timeout=30)
            with self.subTest(address=wrong):
                self.assertEqual(told.returncode, 2)
                self.assertIn(f"{wrong!r} is no address", told.stderr)
        for all_ in (f":{port}", f"*:{port}", f"0.0.0.0:{port}"):
            with self.subTest(address=all_), subprocess.Popen(
                [*words, all_], env=env, stderr=subprocess.PIPE, text=True
            ) as program:
                try:
                    assert program.stderr is not None
                    self.assertRegex(program.stderr.readline(), rf"listening on (\*|0\.0\.0\.0):{port}")
                finally:
                    program.kill()


if __name__ == "__main__":
    unittest.main()
