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
import tempfile
import threading
import unittest
import urllib.parse
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple
from unittest import mock

# First, for it says where the clients are.
from support import CLIENTS, LIST, PATIENCE_SECONDS, Daemon, DaemonTest, Lossy, Scripted, eventually, free_port, phone

import webhook
from contactd import Client

KEY = "0123456789abcdef"
URL = "https://sms.example.com/hooks"
STOP = f"<Response><Message>{webhook.CONFIRMATION}</Message></Response>"
STOP_ALL = f"<Response><Message>{webhook.CONFIRMATION_ALL}</Message></Response>"
NOTHING = "<Response></Response>"


def sign(path: str, form: List[Tuple[str, str]]) -> str:
    """As the provider's documentation says: the address, then every parameter in order, name and value."""
    text = URL + path + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha1).digest()).decode()


def post_to(port: int, path: str, form: Any, signature: Optional[str] = None) -> Tuple[int, str]:
    pairs = list(form.items()) if isinstance(form, dict) else form
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers["X-Twilio-Signature"] = sign(path, pairs) if signature is None else signature
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        wire.request("POST", path, urllib.parse.urlencode(pairs), headers)
        reply = wire.getresponse()
        return reply.status, reply.read().decode()
    finally:
        wire.close()


def incoming(somebody: str, text: str, sid: str, **more: str) -> Dict[str, str]:
    form = {"MessageSid": sid, "SmsSid": sid, "From": somebody, "To": LIST, "Body": text, "NumMedia": "0"}
    return {**form, "FromCity": "", **more}


class Base(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.spools = 0
        self.log: List[str] = []
        telling = mock.patch.object(webhook, "say", lambda level, text: self.log.append(f"{level}: {text}"))
        telling.start()
        self.addCleanup(telling.stop)
        self.serve(self.daemon.port)

    def serve(self, port: int, timeout: float = PATIENCE_SECONDS, **settings: Any) -> None:
        client = Client("127.0.0.1", port, timeout=timeout, retry=0.5)
        self.spools += 1
        self.path = os.path.join(self.folder, f"spool-{self.spools}")
        spool = webhook.Spool(self.path)
        self.addCleanup(spool.close)
        receiver = webhook.Receiver(client, spool, **settings)
        self.addCleanup(receiver.close)
        server = webhook.Server(("127.0.0.1", 0), receiver, KEY, URL + "/")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.port = server.server_port
        self.spool = spool

    def kept(self) -> List[str]:
        with open(self.path, encoding="utf-8") as file:
            return file.read().splitlines()

    def logged(self, *words: str) -> str:
        """The line of the log that has all of these."""
        found = [line for line in self.log if all(word in line for word in words)]
        self.assertTrue(found, f"{words} in {self.log}")
        return found[0]

    def reason(self, somebody: str, list_: str = LIST) -> str:
        return self.client.check(list_, somebody).reason

    def post(self, path: str, form: Any, signature: Optional[str] = None) -> Tuple[int, str]:
        return post_to(self.port, path, form, signature)

    def status(self, form: Mapping[str, str], id: str = "") -> int:
        return self.post(f"/status?{urllib.parse.urlencode({'id': id})}" if id else "/status", dict(form))[0]

    def message(self, somebody: str, text: str, sid: str, **more: str) -> Tuple[int, str]:
        return self.post("/inbound", incoming(somebody, text, sid, **more))


class Hooks(Base):
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
        self.serve(self.daemon.port, confirmation="Out & <done>", confirmation_all="", help="", welcome="Hello")
        self.assertIn("<Message>Hello</Message>", self.message(phone(3), "start", "SM1")[1])
        self.assertIn(NOTHING, self.message(phone(3), "start", "SM1")[1])
        self.assertIn("<Message>Out &amp; &lt;done&gt;</Message>", self.message(phone(3), "stop", "SM2")[1])
        self.assertIn(NOTHING, self.message(phone(3), "info", "SM3")[1])
        self.assertIn(NOTHING, self.message(phone(3), "stop all", "SM4")[1])

    def test_a_date(self) -> None:
        self.client.optin(LIST, phone(4))
        self.message(phone(4), "stop", "SM1", DateSent="Fri, 01 May 2026 12:00:00 +0000")
        self.assertEqual(next(self.client.history(phone(4))).at.isoformat(), "2026-05-01T12:00:00.999000+00:00")
        # An opt-in is newer than this message: nothing is confirmed, and it does not count.
        self.assertTrue(self.client.check(LIST, phone(4)))
        self.message(phone(4), "hello", "SM2", Timestamp="2026-05-01T14:00:00+02:00")
        self.assertEqual(next(self.client.history(phone(4))).at.isoformat(), "2026-05-01T12:00:00+00:00")
        for undated in ("yesterday", "2026-05-01 12:00:00", ""):
            self.assertEqual(self.message(phone(4), "hello", f"SM-{undated[:4]}", Timestamp=undated)[0], 200)

    def test_a_date_that_contactd_does_not_take(self) -> None:
        """A STOP counts for more than its date."""
        for number, date in enumerate(
            (
                "Thu, 01 Jan 1970 00:00:00 +0000",
                "Sat, 01 Jan 2005 00:00:00 +0100",
                "1989-12-31T23:59:59Z",
                "2000-01-01T00:00:12Z",
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
        self.message(phone(19), "hello", "SM1", DateSent="Sat, 01 Jan 2005 00:00:00 +0000")
        self.assertEqual(next(self.client.history(phone(19))).at.year, 2005)

    def test_a_date_that_contactd_refuses(self) -> None:
        """Whatever is wrong with it then: the same without it."""
        date = "Fri, 01 May 2026 12:00:00 +0000"
        with Scripted(lambda request: b"-BADARG why\r\n" if '"at"' in request else b"+optout\r\n") as contactd:
            self.serve(contactd.port)
            self.assertIn(STOP, self.message(phone(30), "stop", "SM1", DateSent=date)[1])
        asked = [request for request in contactd.requests if request.startswith("INBOUND")]
        self.assertEqual(len(asked), 2)
        self.assertEqual(*[request.split(" ", 3)[:3] for request in asked])
        self.assertIn('"id":"SM1"', contactd.requests[1])
        self.assertIn("taken as of now", self.logged("warning", "SM1", phone(30)))
        # But a START counts with its date alone.
        with Scripted(lambda request: b"-BADARG why\r\n" if '"at"' in request else b"+optin\r\n") as contactd:
            self.serve(contactd.port)
            self.assertEqual(self.message(phone(30), "Start", "SM2", DateSent=date)[0], 500)
        self.assertEqual(len([request for request in contactd.requests if request.startswith("INBOUND")]), 1)

        def answer(request: str) -> bytes:
            if request.startswith("HISTORY"):
                return b"$-1\r\n"
            return b"-BADARG why\r\n" if '"at"' in request else b":1\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port)
            form = {"MessageSid": "SM1", "From": LIST, "To": phone(30), "MessageStatus": "failed", "DateSent": date}
            self.assertEqual(self.status({**form, "ErrorCode": "30005"}), 204)
        self.assertEqual(contactd.requests[-1], f'FAILED {LIST} {phone(30)} SM1 {{"provider":"twilio","code":"30005"}}')

    def test_a_contactd_that_does_not_know_the_provider(self) -> None:
        """It is older than this program, and its opt-outs are not lost for that."""

        def answer(request: str) -> bytes:
            if request.startswith("HISTORY"):
                return b"$-1\r\n"
            return b"-BADARG in the JSON: unknown field `provider`\r\n" if "provider" in request else b":1\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port)
            form = {"MessageSid": "SM1", "From": LIST, "To": phone(30), "MessageStatus": "failed"}
            self.assertEqual(self.status({**form, "ErrorCode": "21610"}), 204)
        self.assertEqual(contactd.requests[-1], f'FAILED {LIST} {phone(30)} SM1 {{"code":"21610"}}')

    def test_what_the_provider_answers_itself(self) -> None:
        self.client.optin(LIST, phone(5))
        self.assertIn(NOTHING, self.message(phone(5), "arrêt", "SM1", OptOutType="STOP")[1])
        self.assertEqual(self.client.check(LIST, phone(5)).reason, "list_opted_out")
        self.assertIn(NOTHING, self.message(phone(5), "help", "SM2", OptOutType="HELP")[1])
        for number, (text, keyword) in enumerate((("ALTO", "stop"), ("start", "STOP"), ("no más", " Stop "))):
            somebody = phone(50 + number)
            self.client.optin(LIST, somebody, at="2026-04-01")
            self.assertIn(NOTHING, self.message(somebody, text, "SM1", OptOutType=keyword)[1])
            self.assertEqual(self.reason(somebody), "list_opted_out", text)
            # The provider's word for START is nobody's consent.
            self.message(somebody, "ALTA", "SM2", OptOutType="START")
            self.assertEqual(self.reason(somebody), "list_opted_out", text)

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

    def test_an_opt_out_counts_whatever_the_status_says(self) -> None:
        words = "Attempt to send to unsubscribed recipient"
        statuses = ("canceled", "sent", "rejected", "queued", "FAILED", "Undelivered")
        for number, status in enumerate(statuses):
            for more, error in enumerate(({"ErrorCode": "21610"}, {"ErrorMessage": words})):
                somebody = phone(300 + 10 * number + more)
                self.client.optin(LIST, somebody)
                form = {"MessageSid": "SM1", "From": LIST, "To": somebody, "MessageStatus": status, **error}
                self.assertEqual(self.post("/status", form)[0], 204)
                self.assertEqual(self.client.check(LIST, somebody).reason, "list_opted_out", f"{status} {error}")
                self.assertEqual(next(self.client.history(somebody, "send")).state, "failed")
        form = {"MessageSid": "SM1", "From": LIST, "To": phone(390), "MessageStatus": "queued", "ErrorCode": "30005"}
        self.assertEqual(self.post("/status", form)[0], 204)
        self.assertIsNone(self.client.get(phone(390)))

    def test_the_wrong_address(self) -> None:
        """The provider was given one address for both: its status tells what a request is."""
        for number, status in enumerate(("received", "Received", "receiving")):
            somebody = phone(380 + number)
            self.client.optin(LIST, somebody)
            form = incoming(somebody, "STOP", f"SM{number}", SmsStatus=status)
            self.assertEqual(self.post("/status", form)[0], 200)
            self.assertEqual(self.reason(somebody), "list_opted_out", status)
            self.logged("warning", somebody, "it came to /status")
        somebody = phone(384)
        self.client.optin(LIST, somebody)
        form = {"MessageSid": "SM9", "From": LIST, "To": somebody, "MessageStatus": "failed", "ErrorCode": "21610"}
        self.assertEqual(self.post("/inbound", form)[0], 204)
        self.assertEqual(self.reason(somebody), "list_opted_out")
        self.logged("warning", somebody, "it came to /inbound")
        # What has words is from a phone, whatever its status.
        somebody = phone(385)
        self.client.optin(LIST, somebody)
        self.post("/inbound", incoming(somebody, "STOP", "SM10", SmsStatus="delivered"))
        self.assertEqual(self.reason(somebody), "list_opted_out")

    def test_the_row_of_a_list(self) -> None:
        somebody = phone(386)
        self.client.optin(LIST, somebody)
        self.message(somebody, "", "SM11", ListTitle="Unsubscribe", ListId="row-2")
        self.assertEqual(self.reason(somebody), "list_opted_out")

    def test_an_event_of_conversations(self) -> None:
        somebody = phone(3650)
        self.client.optin(LIST, somebody)
        event = {
            "EventType": "onMessageAdded", "ConversationSid": "CH1", "MessageSid": "IM1", "Author": somebody, "Body": "STOP",
        }
        self.assertEqual(self.post("/inbound", {**event, "Author": "agent-7"})[0], 204)
        self.assertEqual(self.post("/inbound", {**event, "EventType": "onMessageUpdated"})[0], 204)
        self.assertEqual(self.reason(somebody), "")
        begun = {**event, "MessagingBinding.ProxyAddress": LIST, "MessageSid": "IM2"}
        self.assertEqual(self.post("/status", begun)[0], 204)
        self.assertEqual(self.reason(somebody), "list_opted_out")
        self.assertEqual(self.post("/inbound", event)[0], 204)
        self.assertEqual(self.reason(somebody), "opted_out", "no list is known: it counts for all")

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
        self.assertEqual(self.post("/inbound", {"To": phone(9), "Body": "stop"})[0], 400)
        self.assertEqual(self.post("/status", {"MessageStatus": "failed"})[0], 400)
        self.assertEqual(self.post("/status", {"To": phone(9)})[0], 400)
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


    def test_dates_as_kannel_writes_them(self) -> None:
        """%t has no zone and no seconds, %T are seconds: a STOP counts for more than its date, and the log says so."""
        dates = ("2024-01-02 15:04", "1704207840", "1/2/2024", "02.01.2024", "0000-00-00 00:00:00", "now")
        for number, date in enumerate(dates):
            somebody = phone(60 + number)
            self.client.optin(LIST, somebody, at="2023-06-01")
            with self.subTest(date=date):
                status, told = self.message(somebody, "STOP", "k", Timestamp=date)
                self.assertEqual(status, 200)
                self.assertIn(STOP, told)
                self.assertEqual(self.reason(somebody), "list_opted_out")
                self.assertIn("cannot be read", self.logged("warning", somebody, date))

    def test_numbers_without_a_plus(self) -> None:
        """Kannel's %p, and Plivo and Vonage. What contactd knows tells that it is missing; nothing is guessed."""
        bare = phone(70)[1:]
        self.client.optin(LIST, phone(70), at="2023-06-01")
        self.assertIn(STOP, self.message(bare, "STOP", "k", To=LIST[1:])[1])
        self.assertEqual(self.reason(phone(70)), "list_opted_out")
        # A short code tells nothing of pluses, but the contact is known.
        self.client.list("24365")
        self.client.optin("24365", phone(71), at="2023-06-01")
        self.assertIn(STOP, self.message(phone(71)[1:], "STOP", "k", To="24365")[1])
        self.assertEqual(self.reason(phone(71), "24365"), "list_opted_out")
        form = {"MessageSid": "SM1", "From": LIST[1:], "To": phone(72)[1:], "MessageStatus": "failed"}
        self.client.optin(LIST, phone(72), at="2023-06-01")
        self.assertEqual(self.status({**form, "ErrorCode": "21610"}), 204)
        self.assertEqual(self.reason(phone(72)), "list_opted_out")
        # 4155550173 may be dialled in the US, and +4155550173 is somebody in Switzerland.
        self.client.optin(LIST, "+14155550173", at="2023-06-01")
        self.assertEqual(self.message("4155550173", "STOP", "k")[0], 200)
        self.assertIsNone(self.client.get("+4155550173"))
        self.assertIn("'STOP'", self.logged("warning", "4155550173", "a person must look"))
        # A plus that was not encoded is a blank.
        self.client.optin(LIST, phone(73), at="2023-06-01")
        self.assertIn(STOP, self.message(f" {phone(73)[1:]}", "STOP", "k", To=f" {LIST[1:]}")[1])
        self.assertEqual(self.reason(phone(73)), "list_opted_out")

    def test_what_may_want_out_is_shown_to_a_person(self) -> None:
        told: List[Tuple[str, Dict[str, Any]]] = []
        desk = Desk(told, fails=1)
        self.addCleanup(desk.end)
        attention = webhook.Attention(desk.url)
        with mock.patch.object(webhook, "MAYBE_PAUSES_SECONDS", (0.01, 0.01)):
            self.serve(self.daemon.port, attention=attention)
            self.client.optin(LIST, phone(80), at="2023-06-01")
            for number, text in enumerate(("stop it 😂", "wrong number")):
                status, reply = self.message(phone(80), text, f"SM{number}")
                self.assertEqual(status, 200)
                self.assertIn(NOTHING, reply)
                self.assertIn("a person must look", self.logged("warning", f"SM{number}", phone(80), repr(text)))
            eventually(lambda: len(told) == 2, "what is posted")
        kind, said = told[0]
        self.assertEqual(kind, "application/json")
        self.assertEqual((said["what"], said["phone"], said["list"]), ("maybe_optout", phone(80), LIST))
        self.assertEqual((said["text"], said["id"]), ("stop it 😂", "SM0"))
        # Nothing was changed, and ordinary texts are not posted.
        self.assertEqual(self.reason(phone(80)), "")
        for text in ("hello", "stop", "\x1b[\u202esotp"):
            self.message(phone(81), text, f"SM-{len(text)}")
        self.assertIn(r"\x1b[\u202e", self.logged("warning", phone(81)))
        eventually(lambda: len(told) == 3, "the third")
        self.assertFalse([line for line in self.log if "'hello'" in line])

    def test_a_desk_that_does_not_answer(self) -> None:
        attention = webhook.Attention(f"http://127.0.0.1:{free_port()}/")
        with mock.patch.object(webhook, "MAYBE_PAUSES_SECONDS", (0.01, 0.01)):
            self.serve(self.daemon.port, attention=attention)
            self.assertEqual(self.message(phone(82), "wrong number", "SM1")[0], 200)
            eventually(lambda: any("was not told" in line for line in self.log), "the log's word of it")
        self.logged("error", "SM1", phone(82))
        # A shutdown does not wait for it.
        with mock.patch.object(webhook, "CLOSING_SECONDS_MAX", 0.0):
            for number in range(20):
                self.message(phone(83), "wrong number", f"SM-{number}")
            attention.close()
        self.logged("error", "SM-19", "asked to stop")

    def test_a_failure_without_a_sender(self) -> None:
        """With a Messaging Service the number is not known until it is sent: the claim's id tells the list."""
        self.client.list("24365")
        for number, (claimed, more) in enumerate(
            (
                (LIST, {}),
                ("24365", {}),
                (LIST, {"MessagingServiceSid": "MG1"}),
                # A number of the pool has sent it, or a name.
                (LIST, {"From": "+14155550199", "MessagingServiceSid": "MG1"}),
                (LIST, {"From": "MyBrand"}),
                (LIST, {"From": "rcs:brand_agent"}),
            )
        ):
            somebody, id = phone(90 + number), f"c:{number}"
            self.client.optin(claimed, somebody, at="2023-06-01")
            self.assertTrue(self.client.claim(claimed, somebody, id))
            form = {"MessageSid": "SM1", "To": somebody, "ErrorCode": "21610", **more}
            with self.subTest(more=more):
                self.assertEqual(self.status({**form, "MessageStatus": "accepted", "ErrorCode": ""}, id), 204)
                self.assertEqual(self.status({**form, "MessageStatus": "failed"}, id), 204)
                self.assertEqual(self.reason(somebody, claimed), "list_opted_out")
                send = next(self.client.history(somebody, "send"))
                self.assertEqual((send.list, send.state, send.code), (claimed, "failed", "21610"))
                self.assertEqual(sum(1 for _ in self.client.history(somebody, "send")), 2)
        # What else a failure says is found as well.
        self.client.optin(LIST, phone(98), at="2023-06-01")
        self.client.claim(LIST, phone(98), "c")
        form = {"MessageSid": "SM1", "To": phone(98), "MessageStatus": "undelivered", "ErrorCode": "30005"}
        self.assertEqual(self.status(form, "c"), 204)
        self.assertEqual(self.reason(phone(98)), "invalid")
        self.client.optin(LIST, phone(99), at="2023-06-01")
        self.client.claim(LIST, phone(99), "c")
        self.assertEqual(self.status({"MessageSid": "SM1", "To": phone(99), "MessageStatus": "delivered"}, "c"), 204)
        self.assertEqual(next(self.client.history(phone(99), "send")).state, "sent")

    def test_an_opt_out_of_which_no_list_is_known(self) -> None:
        """It counts for all."""
        self.client.list("24365")
        for number, (more, id) in enumerate(
            (
                ({}, ""),
                ({}, "c:unknown"),
                ({"From": "MyBrand"}, ""),
                ({"MessagingServiceSid": "MG9"}, "x" * 65),
                ({}, "a b"),
            )
        ):
            somebody = phone(100 + number)
            for list_ in (LIST, "24365"):
                self.client.optin(list_, somebody, at="2023-06-01")
            form = {"MessageSid": "SM1", "To": somebody, "MessageStatus": "failed", "ErrorCode": "21610", **more}
            with self.subTest(more=more, id=id):
                self.assertEqual(self.status(form, id), 204)
                self.assertEqual([self.reason(somebody, one) for one in (LIST, "24365")], ["opted_out"] * 2)
        # Nothing is known of what else happened: nothing is recorded, and the log has it.
        self.client.optin(LIST, phone(109), at="2023-06-01")
        form = {"MessageSid": "SM9", "To": phone(109), "MessageStatus": "failed", "ErrorCode": "30005"}
        self.assertEqual(self.status(form), 204)
        self.assertEqual(self.reason(phone(109)), "")
        self.logged("SM9", phone(109), "30005", "no list that is known")
        self.assertEqual(self.status({**form, "MessageStatus": "sent"}), 204)
        self.logged("SM9", phone(109), "not recorded")

    def test_a_service(self) -> None:
        """Twilio blocks the phone for the whole Messaging Service, so all of its lists are out."""
        other, third, alone = "+14155550101", "24365", "+14155550102"
        for list_ in (other, third, alone):
            self.client.list(list_)
        self.serve(self.daemon.port, services={"MG1": [LIST, other], "MG2": [third], "MG3": [alone]})

        def lists(somebody: str) -> List[str]:
            return [self.reason(somebody, one) for one in (LIST, other, third)]

        out = "list_opted_out"
        for number, (more, text, expected) in enumerate(
            (
                ({"To": LIST}, "STOP", [out, out, ""]),
                ({"To": other, "MessagingServiceSid": "MG1"}, "Stop!", [out, out, ""]),
                ({"To": "+14155550199", "MessagingServiceSid": "MG1"}, "unsubscribe", [out, out, ""]),
                ({"To": "+14155550199", "MessagingServiceSid": "MG1", "OptOutType": "STOP"}, "ALTO", [out, out, ""]),
                ({"To": "brand", "MessagingServiceSid": "MG1"}, "STOP", [out, out, ""]),
                ({"To": "+14155550198", "MessagingServiceSid": "MG2"}, "quit", ["", "", out]),
                ({"To": third}, "end", ["", "", out]),
                ({"To": LIST}, "hello", ["", "", ""]),
            )
        ):
            somebody = phone(110 + number)
            for list_ in (LIST, other, third):
                self.client.optin(list_, somebody, at="2023-06-01")
            with self.subTest(more=more):
                for sid in ("SM1", "SM1"):
                    status, told = self.message(somebody, text, sid, **more)
                    self.assertEqual(status, 200)
                    self.assertEqual(lists(somebody), expected)
                    self.assertNotIn(webhook.CONFIRMATION_ALL, told)
        # A START counts for the number that it was sent to, and subscribes nobody to the others.
        self.message(phone(110), "START", "SM2", To=other)
        self.assertEqual(lists(phone(110)), [out, "", ""])
        self.message(phone(119), "START", "SM1", To=other)
        self.assertEqual(lists(phone(119)), ["not_subscribed", "", "not_subscribed"])
        # A pool from whose numbers one list sends: what is said to any of them is said to the list.
        self.message(phone(115), "start", "SM3", To="+14155550198", MessagingServiceSid="MG2")
        self.assertEqual(lists(phone(115)), ["", "", ""])
        # Another list among its numbers is a list all the same, though --service does not say so.
        for list_ in (third, other):
            self.client.optin(list_, phone(122), at="2023-06-01")
        self.message(phone(122), "STOP", "SM1", To=other, MessagingServiceSid="MG2")
        self.assertEqual(lists(phone(122))[1:], [out, out])
        # A message that was blocked tells of the service as well.
        for list_ in (LIST, other):
            self.client.optin(list_, phone(120), at="2023-06-01")
        form = {"MessageSid": "SM1", "To": phone(120), "MessageStatus": "failed", "ErrorCode": "21610"}
        self.assertEqual(self.status({**form, "MessagingServiceSid": "MG1"}), 204)
        self.assertEqual(lists(phone(120))[:2], [out, out])
        self.client.optin(alone, phone(121), at="2023-06-01")
        form = {"MessageSid": "SM1", "From": "+14155550197", "To": phone(121), "MessagingServiceSid": "MG3"}
        self.assertEqual(self.status({**form, "MessageStatus": "sent"}), 204)
        self.assertEqual([send.list for send in self.client.history(phone(121), "send")], [alone])

    def test_the_confirmation_says_what_is_true(self) -> None:
        self.client.list("24365")
        for number, (text, more, told) in enumerate(
            (
                ("STOP", {}, STOP),
                ("STOP", {"To": "+14155550199", "MessagingServiceSid": "MG1"}, STOP),
                ("STOPALL", {}, STOP_ALL),
                ("stop all", {"To": "24365"}, STOP_ALL),
                ("STOP", {"To": "messenger:1234"}, STOP_ALL),
            )
        ):
            somebody = phone(130 + number)
            for list_ in (LIST, "24365"):
                self.client.optin(list_, somebody, at="2023-06-01")
            with self.subTest(text=text, more=more):
                reply = self.message(somebody, text, "SM1", **more)[1]
                self.assertIn(told, reply)
                if "no more messages from us" in reply:
                    self.assertFalse(any(verdict for _, verdict in self.client.check_many("24365", [somebody])))
                    self.assertEqual([bool(self.client.check(one, somebody)) for one in (LIST, "24365")], [False] * 2)

    def test_senders_that_are_not_phones(self) -> None:
        """They cannot be contacts: there is nothing to record, and nobody to alarm."""
        senders = ("SUPPORT", "72234", "MyBrand", "messenger:1234567", "client:alice", "+1", "+0123456789")
        for sender in senders:
            with self.subTest(sender=sender):
                status, told = self.message(sender, "Your parcel is here", "SM1")
                self.assertEqual(status, 200)
                self.assertIn(NOTHING, told)
                self.logged("info", "SM1", sender, "is not a phone")
        self.assertEqual(self.kept(), [])
        # Such messages are parcels and passwords: the log has no text of them.
        self.assertFalse([line for line in self.log if "parcel" in line])
        # Their statuses say nothing of a contact either.
        form = {"MessageSid": "SM1", "From": LIST, "To": "messenger:1234567", "MessageStatus": "failed"}
        self.assertEqual(self.status({**form, "ErrorCode": "21610"}), 204)
        # To what is not a number, an opt-out counts for all lists, and what else it is somebody must look at.
        self.client.optin(LIST, phone(140), at="2023-06-01")
        self.message(phone(140), "hello", "SM1", To="brand_agent")
        self.logged("warning", phone(140), "brand_agent", "'hello'")
        self.message(phone(140), "Stop.", "SM2", To="brand_agent")
        self.assertEqual(self.reason(phone(140)), "opted_out")
        self.client.optin(LIST, phone(141), at="2023-06-01")
        self.message(phone(141), "stop", "SM2", To="")
        self.assertEqual(self.reason(phone(141)), "opted_out")

    def test_channels_before_the_number(self) -> None:
        for number, (theirs, ours) in enumerate(
            (("whatsapp:{}", "whatsapp:{}"), ("sms:{}", "sms:{}"), ("tel:{}", "{}"), ("{}", "callto:{}"),
             ("WhatsApp:{}", "{}"), ("rcs:{}", "rcs:{}"))
        ):  # fmt: skip
            somebody = phone(150 + number)
            self.client.optin(LIST, somebody, at="2023-06-01")
            with self.subTest(theirs=theirs, ours=ours):
                told = self.message(theirs.format(somebody), "STOP", "SM1", To=ours.format(LIST))[1]
                self.assertIn(STOP, told)
                self.assertEqual(self.reason(somebody), "list_opted_out")
            self.client.valid(somebody)
            form = {"MessageSid": "SM1", "From": ours.format(LIST), "To": theirs.format(somebody)}
            self.assertEqual(self.status({**form, "MessageStatus": "undelivered", "ErrorCode": "30005"}), 204)
            self.assertEqual(self.reason(somebody), "invalid")

    def test_a_message_without_an_id(self) -> None:
        self.client.optin(LIST, phone(160), at="2023-06-01")
        form = {"From": phone(160), "To": LIST, "Body": "stop"}
        self.assertEqual(self.post("/inbound", form)[0], 200)
        self.assertEqual(self.reason(phone(160)), "list_opted_out")
        # The next STOP is not a repetition of it.
        self.message(phone(160), "start", "SM1")
        self.assertEqual(self.reason(phone(160)), "")
        self.assertIn(STOP, self.post("/inbound", form)[1])
        self.assertEqual(self.reason(phone(160)), "list_opted_out")

    def test_one_phone_at_a_time(self) -> None:
        """What a phone says comes to contactd in its order, however slow that is."""
        told: List[str] = []
        first = threading.Event()

        def answer(request: str) -> bytes:
            told.append(request)
            if len(told) == 1:
                first.wait(PATIENCE_SECONDS)
            return b"+message\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port)
            posts = []
            for number in range(3):
                post = threading.Thread(target=self.message, args=(phone(161), f"text {number}", f"SM{number}"))
                post.start()
                posts.append(post)
                eventually(lambda: told, "the first")
            self.message(phone(162), "another", "SM9")
            self.assertEqual(len(told), 2)
            first.set()
            for post in posts:
                post.join()
        self.assertIn("text 0", told[0])
        self.assertEqual(len(told), 4)


class Kept(Base):
    """What contactd does not take is kept, and handed over once it does."""

    def setUp(self) -> None:
        self.patience = mock.patch.object(webhook, "PAUSE_SECONDS_MAX", 0.3)
        self.patience.start()
        self.addCleanup(self.patience.stop)
        super().setUp()

    def drained(self) -> None:
        eventually(lambda: not self.kept(), "an empty spool")

    def test_contactd_is_away(self) -> None:
        self.client.list("24365")
        for number in range(5):
            self.client.optin(LIST, phone(number), at="2023-06-01")
            self.client.optin("24365", phone(number), at="2023-06-01")
        self.client.claim(LIST, phone(3), "c:3")
        self.daemon.kill()
        blocked = {"MessageStatus": "failed", "ErrorCode": "21610"}
        told = [
            self.message(phone(0), "stop", "SM1"),
            self.message(phone(1), "stopall", "SM2"),
            self.message(phone(2), "ALTO", "SM3", OptOutType="STOP"),
            self.post("/status?id=c:3", {**blocked, "MessageSid": "SM4", "To": phone(3)}),
            self.post("/status", {**blocked, "MessageSid": "SM5", "To": phone(4)}),
            self.post("/status", {"MessageSid": "SM6", "From": LIST, "To": phone(5), "MessageStatus": "sent"}),
            self.post("/status", {"MessageSid": "SM7", "From": LIST, "To": phone(5), "MessageStatus": "queued"}),
        ]
        # It is safe: the provider need not deliver it again. Nobody knows whether to confirm.
        self.assertEqual([status for status, _ in told], [200] * 3 + [204] * 4)
        self.assertFalse([reply for _, reply in told if "Message>" in reply])
        self.assertEqual(len(self.kept()), 6)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertIn("kept in", self.logged("warning", "SM1", phone(0), LIST))
        # The second time nobody waits for contactd.
        self.assertIn("others wait", self.logged("warning", "SM2"))
        self.daemon.start()
        self.drained()
        self.assertEqual([self.reason(phone(number)) for number in range(5)],
                         ["list_opted_out", "opted_out", "list_opted_out", "list_opted_out", "opted_out"])  # fmt: skip
        self.assertEqual(self.reason(phone(0), "24365"), "")
        self.assertEqual(next(self.client.history(phone(5), "send")).id, "SM6")
        # The provider delivers again, without the date by which it was kept: nothing changes.
        self.assertIn(NOTHING, self.message(phone(0), "stop", "SM1")[1])
        self.assertEqual(self.reason(phone(0)), "list_opted_out")

    def test_what_came_since_counts(self) -> None:
        """What is kept is dated by its coming, so that a newer word stands, in whatever order they are told."""
        came_back, started = phone(10), phone(11)
        for somebody in (came_back, started):
            self.client.optin(LIST, somebody, at="2023-06-01")
        self.client.optout(LIST, started, at="2023-07-01")
        self.daemon.kill()
        self.message(came_back, "stop", "SM1")
        self.message(started, "start", "SM2")
        # While webhook.py cannot reach contactd, others can.
        elsewhere = free_port()
        self.daemon.port, port = elsewhere, self.daemon.port
        self.daemon.server = f"127.0.0.1:{elsewhere}"
        self.daemon.start()
        with self.daemon.client() as client:
            self.assertEqual(len(self.kept()), 2)
            client.optin(LIST, came_back, at=webhook.datetime.now(webhook.timezone.utc))
            client.optout(LIST, started)
        self.daemon.kill()
        self.daemon.port, self.daemon.server = port, f"127.0.0.1:{port}"
        self.daemon.start()
        self.drained()
        self.assertEqual(self.reason(came_back), "")
        self.assertEqual(self.reason(started), "list_opted_out")

    def test_the_order_is_kept(self) -> None:
        """Of one phone, and nothing is handed over twice harmfully."""
        texts = ["start", "stop", "start", "STOP", "Start", "unstop", "Stop!"]
        self.daemon.kill()
        for number, text in enumerate(texts):
            self.assertEqual(self.message(phone(20), text, f"SM{number}")[0], 200)
        self.assertEqual(self.message(phone(21), "start", "SM1")[0], 200)
        self.daemon.start()
        self.drained()
        said = [event.text for event in self.client.history(phone(20), "inbound")]
        self.assertEqual(said[::-1], texts)
        self.assertEqual([self.reason(phone(20)), self.reason(phone(21))], ["list_opted_out", ""])

    def test_contactd_takes_nothing_now(self) -> None:
        codes = ("READONLY", "INTERNAL", "LOADING", "DRAINING", "BUSY", "NOAUTH", "NOPERM", "NEWCODE", "ERR")
        for number, code in enumerate(codes):
            refusing = threading.Event()
            refusing.set()

            def answer(request: str) -> bytes:
                return f"-{code} why\r\n".encode() if refusing.is_set() else b"+optout\r\n"

            with Scripted(answer) as contactd, self.subTest(code=code):
                self.serve(contactd.port)
                status, told = self.message(phone(30 + number), "stop", "SM1")
                self.assertEqual(status, 200)
                self.assertNotIn("Message>", told)
                self.assertEqual(len(self.kept()), 1)
                self.logged("warning", "kept in", phone(30 + number))
                refusing.clear()
                self.drained()
                self.assertRegex(contactd.requests[-1], r'^INBOUND .*"at":"20.*"id":"SM1"')

    def test_a_defect(self) -> None:
        with mock.patch.object(webhook.Client, "inbound", side_effect=ZeroDivisionError("a defect")):
            self.assertEqual(self.message(phone(47), "stop", "SM1")[0], 200)
            self.assertIn("a defect", self.logged("warning", "kept in", "SM1"))
            self.assertEqual(len(self.kept()), 1)
        self.drained()
        self.assertEqual(self.reason(phone(47)), "list_opted_out")

    def test_an_answer_that_does_not_come(self) -> None:
        late = threading.Event()

        def answer(request: str) -> bytes:
            late.wait(PATIENCE_SECONDS)
            return b"+optout\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port, timeout=0.5)
            self.assertEqual(self.message(phone(40), "stop", "SM1")[0], 200)
            self.assertEqual(len(self.kept()), 1)
            late.set()
            self.drained()
        self.assertEqual({request.split(" ")[0] for request in contactd.requests}, {"INBOUND"})

    def test_what_forbids_does_not_wait_behind_what_permits(self) -> None:
        """With little disk space contactd takes INBOUND, and no SENT."""

        def answer(request: str) -> bytes:
            if request.startswith("HISTORY"):
                return b"$-1\r\n"
            return b"-READONLY full\r\n" if request.startswith("SENT") else b"+optout\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port)
            form = {"MessageSid": "SM1", "From": LIST, "To": phone(41), "MessageStatus": "sent"}
            self.assertEqual(self.status(form), 204)
            self.assertIn(STOP, self.message(phone(42), "stop", "SM2")[1])
            # Of the same phone it goes behind, but is not held up.
            self.message(phone(41), "stop", "SM3")
            eventually(lambda: any('"id":"SM3"' in request for request in contactd.requests), "the STOP")
            eventually(lambda: len(self.kept()) == 1, "the SENT alone")

    def test_what_contactd_refuses_for_good(self) -> None:
        """It must not hold up what is behind it, and is not lost: a person finds it beside the spool."""
        refusing = threading.Event()

        def answer(request: str) -> bytes:
            if '"id":"bad"' in request:
                return b"-BADARG why\r\n"
            return b"-LOADING\r\n" if refusing.is_set() else b"+optout\r\n"

        with Scripted(answer) as contactd:
            self.serve(contactd.port)
            self.assertEqual(self.message(phone(43), "stop", "bad")[0], 500)
            self.logged("error", "put aside", "bad", phone(43))
            refusing.set()
            self.message(phone(44), "stop", "SM1")
            for somebody, sid in ((phone(43), "bad"), (phone(45), "SM2")):
                self.assertEqual(self.message(somebody, "stop", sid)[0], 200)
            self.assertEqual(len(self.kept()), 3)
            refusing.clear()
            self.drained()
        with open(f"{self.path}.refused", encoding="utf-8") as file:
            self.assertEqual(["bad" in line for line in file], [True, True])
        self.assertEqual(os.stat(f"{self.path}.refused").st_mode & 0o777, 0o600)

    def test_a_spool_that_cannot_be_written(self) -> None:
        """Then the provider is told, and the log says that it may be lost."""
        self.daemon.kill()
        with mock.patch.object(webhook.os, "fsync", side_effect=OSError(28, "No space left on device")):
            self.assertEqual(self.message(phone(46), "stop", "SM1")[0], 503)
        self.logged("error", "LOST", "SM1", phone(46), "No space left")
        self.assertEqual(self.kept(), [])
        with mock.patch.object(webhook, "SPOOL_BYTES_MAX", 10):
            self.assertEqual(self.message(phone(46), "stop", "SM1")[0], 503)
        # Half a line is taken back, so that the next one is whole.
        real = os.write

        def half(file: int, data: bytes) -> int:
            if len(data) > 50:
                return real(file, bytes(data[:50]))
            raise OSError(28, "No space left on device")

        with mock.patch.object(webhook.os, "write", half):
            self.assertEqual(self.message(phone(46), "stop", "SM1")[0], 503)
        self.assertEqual(self.message(phone(46), "stop", "SM1")[0], 200)
        self.assertEqual(len(self.kept()), 1)
        self.daemon.start()
        self.drained()
        self.assertEqual(self.reason(phone(46)), "list_opted_out")
        self.assertEqual(next(self.client.history(phone(46), "inbound")).meaning, "optout")

    def test_many_while_it_is_away(self) -> None:
        for number in range(100):
            self.client.optin(LIST, phone(200 + number), at="2023-06-01")
        self.daemon.kill()
        told: List[int] = []
        posts = [
            threading.Thread(target=lambda n=n: told.append(self.message(phone(200 + n), "stop", f"SM{n}")[0]))
            for n in range(100)
        ]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
        self.assertEqual(told, [200] * 100)
        self.daemon.start()
        self.drained()
        self.assertEqual({self.reason(phone(200 + number)) for number in range(100)}, {"list_opted_out"})


class Spools(unittest.TestCase):
    """The file alone."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "spool")
        self.log: List[str] = []
        telling = mock.patch.object(webhook, "say", lambda level, text: self.log.append(f"{level}: {text}"))
        telling.start()
        self.addCleanup(telling.stop)

    def open(self) -> webhook.Spool:
        spool = webhook.Spool(self.path)
        self.addCleanup(spool.close)
        return spool

    def posts(self, count: int) -> List[webhook.Post]:
        forms = [incoming(phone(n), "stop é\n", f"SM{n}") for n in range(count)]
        return [webhook.Post("inbound", f"SM{n}", 1_777_636_800_000 + n, form) for n, form in enumerate(forms)]

    def told(self, spool: webhook.Spool) -> List[webhook.Post]:
        told: List[webhook.Post] = []
        self.assertIsNone(spool.replay(told.append, threading.Event()))
        return told

    def fill(self, count: int) -> None:
        spool = webhook.Spool(self.path)
        for post in self.posts(count):
            spool.append(post, True)
        spool.close()

    def test_what_is_kept_comes_back(self) -> None:
        self.fill(3)
        spool = self.open()
        self.assertTrue(spool.away and spool.waits_for(phone(1)) and not spool.waits_for(phone(9)))
        self.assertEqual(self.told(spool), self.posts(3))
        self.assertEqual((len(spool), os.path.getsize(self.path)), (0, 0))
        self.assertFalse(spool.waits_for(phone(1)))

    def test_a_line_that_breaks_off(self) -> None:
        """As after a power cut: what was whole comes back, and what is kept next is whole, too."""
        self.fill(2)
        with open(self.path, "rb") as file:
            whole = file.read()
        first = whole.index(b"\n") + 1
        for end in (*range(first, len(whole), 9), len(whole) - 1, len(whole)):
            with open(self.path, "wb") as file:
                file.write(whole[:end])
            spool = webhook.Spool(self.path)
            # A line that lacks its end alone is whole.
            expected = self.posts(2 if end >= len(whole) - 1 else 1)
            self.assertEqual(len(spool), len(expected), end)
            next_one = self.posts(3)[2]
            spool.append(next_one, True)
            spool.close()
            spool = webhook.Spool(self.path)
            self.assertEqual(self.told(spool), [*expected, next_one])
            spool.close()
        self.assertTrue(any("breaks off" in line and phone(1) in line for line in self.log))
        self.assertFalse(os.path.exists(f"{self.path}.refused"))

    def test_a_line_that_is_spoilt(self) -> None:
        self.fill(3)
        with open(self.path, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        other = b'{"kind":"other","id":"x","at":1,"form":{}}\n'
        for spoilt in (b"{}\n", b"\x00\xff\n", other, b"[1]\n", b'{"kind":"inbound"\n'):
            with open(self.path, "wb") as file:
                file.write(lines[0] + spoilt + lines[2])
            spool = webhook.Spool(self.path)
            self.assertEqual(self.told(spool), [self.posts(3)[0], self.posts(3)[2]])
            spool.close()
            with open(f"{self.path}.refused", "rb") as file:
                self.assertEqual(file.readlines()[-1], spoilt)

    def test_two_programs(self) -> None:
        self.open()
        with self.assertRaisesRegex(ValueError, "another webhook.py"):
            webhook.Spool(self.path)
        with self.assertRaisesRegex(ValueError, "--spool"):
            webhook.Spool("/no/such/folder/spool")

    def test_trouble_in_the_middle(self) -> None:
        self.fill(6)
        spool = webhook.Spool(self.path)
        told: List[str] = []

        def tell(post: webhook.Post) -> None:
            told.append(post.id)
            if post.id == "SM1":
                raise ZeroDivisionError("a defect")
            if post.id == "SM3":
                raise webhook.Unreachable("why")

        trouble = spool.replay(tell, threading.Event())
        self.assertEqual(told, ["SM0", "SM1", "SM2", "SM3"])
        self.assertIsInstance(trouble, ZeroDivisionError)
        self.assertTrue(spool.away)
        # The next program finds what is left.
        spool.close()
        other = webhook.Spool(self.path)
        self.assertEqual([post.id for post in self.told(other)], ["SM1", "SM3", "SM4", "SM5"])
        other.close()


class Desk:
    """What is told of messages that may want out."""

    def __init__(self, told: List[Tuple[str, Dict[str, Any]]], fails: int) -> None:
        desk = self
        self.fails = fails

        class Handler(webhook.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                desk.fails -= 1
                if desk.fails < 0:
                    told.append((self.headers["Content-Type"], webhook.json.loads(body)))
                self.send_response(500 if desk.fails >= 0 else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = webhook.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Running:
    """webhook.py as a program."""

    def __init__(self, daemon: Daemon, spool: str, *options: str) -> None:
        self.port = free_port()
        words = [sys.executable, os.path.join(CLIENTS, "webhook.py"), "--listen", f"127.0.0.1:{self.port}"]
        words += ["--public-url", URL, "--spool", spool, *options]
        env = daemon.environment(TWILIO_AUTH_TOKEN=KEY)
        self.process = subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True)
        self.log: List[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        eventually(lambda: any("listening on" in line for line in self.log), "webhook.py")

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            self.log.extend(stderr)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        return code


class Program(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.spool = os.path.join(folder.name, "spool")

    def run_webhook(self, *options: str) -> Running:
        program = Running(self.daemon, self.spool, *options)
        self.addCleanup(program.process.kill)
        return program

    def test_the_program(self) -> None:
        words = [sys.executable, os.path.join(CLIENTS, "webhook.py"), "--public-url", URL]
        told = subprocess.run(words, env=self.daemon.environment(), capture_output=True, text=True)
        self.assertEqual(told.returncode, 2)
        self.assertIn("TWILIO_AUTH_TOKEN", told.stderr)
        env = self.daemon.environment(TWILIO_AUTH_TOKEN=KEY)
        for options, why in (
            (("--service", "MG1"), "'MG1' is not a service"),
            (("--service", "MG1=news"), "'MG1=news' is not a service"),
            (("--service", "=24365"), "is not a service"),
            (("--maybe-url", "desk.example.com"), "is not an address"),
            (("--spool", "/no/such/folder/spool"), "--spool"),
        ):
            told = subprocess.run([*words, "--spool", self.spool, *options], env=env, capture_output=True, text=True)
            self.assertEqual(told.returncode, 2, told.stderr)
            self.assertIn(why, told.stderr)
        program = self.run_webhook("--service", f"MG1={LIST},24365", "--service", "MG2=whatsapp:+14155550101")
        self.assertEqual(post_to(program.port, "/inbound", incoming(phone(1), "start", "SM1"))[0], 200)
        self.assertTrue(self.client.check(LIST, phone(1)))
        self.assertIn(STOP, post_to(program.port, "/inbound", incoming(phone(1), "stop", "SM2", To="24365"))[1])
        self.assertFalse(self.client.check(LIST, phone(1)))
        self.assertEqual(program.end(signal.SIGTERM), 0)
        told_of = "".join(program.log)
        self.assertRegex(told_of, rf"Z info: inbound SM1 from \{phone(1)} to \{LIST}: optin\n")
        self.assertRegex(told_of, rf"Z info: inbound SM2 from \{phone(1)} to 24365: optout\n")

    def test_killed_with_something_kept(self) -> None:
        """Daemon down, webhook.py killed, both started again: nothing is lost."""
        for number in range(40):
            self.client.optin(LIST, phone(10 + number), at="2023-06-01")
        program = self.run_webhook()
        self.daemon.kill()
        for number in range(20):
            status, _ = post_to(program.port, "/inbound", incoming(phone(10 + number), "stop", f"SM{number}"))
            self.assertEqual(status, 200)
        self.assertEqual(program.end(signal.SIGKILL), -signal.SIGKILL)
        # As if the power had gone in the middle of a line.
        with open(self.spool, "ab") as file:
            file.write(b'{"kind": "inbound", "id": "SM99", "at": 17')
        program = self.run_webhook()
        for number in range(20, 40):
            status, _ = post_to(program.port, "/inbound", incoming(phone(10 + number), "stop", f"SM{number}"))
            self.assertEqual(status, 200)
        # A shutdown in good order loses nothing either.
        self.assertEqual(program.end(signal.SIGTERM), 0)
        self.assertTrue(any("breaks off" in line for line in program.log))
        program = self.run_webhook()
        self.daemon.start()
        eventually(lambda: os.path.getsize(self.spool) == 0, "an empty spool")
        reasons = {self.client.check(LIST, phone(10 + number)).reason for number in range(40)}
        self.assertEqual(reasons, {"list_opted_out"})
        self.assertEqual(program.end(signal.SIGTERM), 0)

    def test_killed_again_and_again_while_it_hands_over(self) -> None:
        """What is told twice changes nothing."""
        texts = ["start", "stop", "start", "hello", "stop"]
        program = self.run_webhook()
        self.daemon.kill()
        for number in range(60):
            for turn, text in enumerate(texts):
                form = incoming(phone(100 + number), text, f"SM{number}-{turn}")
                self.assertEqual(post_to(program.port, "/inbound", form)[0], 200)
        program.end(signal.SIGKILL)
        self.daemon.start()
        for _ in range(4):
            program = self.run_webhook()
            eventually(lambda: self.client.count() > 0, "the first")
            program.end(signal.SIGKILL)
        program = self.run_webhook()
        eventually(lambda: os.path.getsize(self.spool) == 0, "an empty spool")
        for number in range(60):
            events = [event.text for event in self.client.history(phone(100 + number), "inbound")]
            self.assertEqual(events[::-1], texts)
            self.assertEqual(self.client.check(LIST, phone(100 + number)).reason, "list_opted_out")
        program.end(signal.SIGTERM)

    def test_where_it_listens(self) -> None:
        """On all interfaces only if that was said."""
        env = self.daemon.environment(TWILIO_AUTH_TOKEN=KEY)
        port = free_port()
        words = [sys.executable, os.path.join(CLIENTS, "webhook.py"), "--public-url", URL]
        words += ["--spool", self.spool, "--listen"]
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
        with socket.create_server(("127.0.0.1", port)):
            told = subprocess.run([*words, f"127.0.0.1:{port}"], env=env, capture_output=True, text=True, timeout=30)
            self.assertEqual(told.returncode, 2)


class ScopeOfAll(Base):
    """Under --stop-scope all a STOP to one number is one to all, and the confirmation may say so."""

    ARGUMENTS = ("--stop-scope", "all")

    def test_it_is_recorded_for_all(self) -> None:
        self.client.list("24365")
        for list_ in (LIST, "24365"):
            self.client.optin(list_, phone(1), at="2023-06-01")
        self.assertIn(STOP_ALL, self.message(phone(1), "stop", "SM1")[1])
        self.assertEqual(self.reason(phone(1), "24365"), "list_opted_out")


if __name__ == "__main__":
    unittest.main()
