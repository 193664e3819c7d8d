#!/usr/bin/env python3
"""A receiver for a provider's webhooks, as Twilio sends them: what phones and carriers say goes to contactd.

    TWILIO_AUTH_TOKEN=… webhook.py --listen 127.0.0.1:8080 --public-url https://sms.example.com

* `POST /inbound`, the number's webhook for incoming messages: each becomes an INBOUND with the provider's id. An
  opt-out that came into force just now is answered with the confirmation; its repetitions, and late ones, are answered
  with nothing. HELP is answered with the help text.
* `POST /status`, the status callback of messages: delivered and sent become SENT, failed and undelivered become FAILED
  with the error's code. The message's id is `?id=…` of the callback's address if it is there (worker.py puts it
  there), else the provider's.

Only requests with a good signature are taken. The provider is told 200 once contactd has answered, and never before:
if contactd cannot be reached or takes nothing, it is told 503, so that the provider delivers again. No reply to a STOP
is sent twice; if contactd's reply is lost on the way, none is sent.

Put it behind a server that speaks HTTPS. A token for contactd is taken from CONTACTD_TOKEN.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
import signal
import sys
import threading
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from contactd import BadArgument, Client, ContactdError

BODY_BYTES_MAX = 64 * 1024
READ_SECONDS_MAX = 10
CONTACTD_SECONDS_MAX = 3.0
"""To connect, to be greeted, to be answered, and to try again: the provider waits for 15 s, and all four end before."""

DATES = ("DateSent", "DateCreated", "Timestamp")
"""Where compatible providers say when a message was sent; Twilio itself does not."""

FIRST_DATE = datetime(1990, 1, 1, tzinfo=timezone.utc)
"""contactd takes none before it."""

CONFIRMATION = "You are unsubscribed and will get no more messages. Reply START to subscribe again."
HELP = "Reply STOP to unsubscribe. Message and data rates may apply."

Form = Mapping[str, List[str]]
T = TypeVar("T")


class Answer(NamedTuple):
    """What the provider is told: an HTTP status, and a text for the phone, empty for none."""

    status: int
    text: str = ""


class Refusal(Exception):
    """A request that is not taken."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Receiver:
    """Turns webhooks into requests to contactd."""

    def __init__(self, client: Client, confirmation: str = CONFIRMATION, help: str = HELP, welcome: str = "") -> None:
        self._client = client
        self._texts = {"optout": confirmation, "help": help, "optin": welcome}

    def inbound(self, form: Form) -> Answer:
        """An incoming message."""
        list_, phone, text = _one(form, "To"), _one(form, "From"), form.get("Body", [""])[0]
        id = _one(form, "MessageSid", "SmsSid")
        # A connection for each: one request must not wait for another's.
        with self._client.clone() as client:
            told = _dated(lambda at: client.inbound(list_, phone, text, at=at, id=id), form)
            keyword = form.get("OptOutType", [""])[0]
            if keyword == "STOP" and told.meaning != "optout":
                # The provider knows a word for it that contactd does not.
                client.optout(list_, phone, how="keyword", source="provider", reason=f"OptOutType of {id}")
        if keyword:
            # The provider has answered by itself.
            return Answer(200)
        return Answer(200, "" if told.turn else self._texts.get(told.meaning, ""))

    def status(self, form: Form, query: Form) -> Answer:
        """What became of a message that was sent."""
        list_, phone, status = _one(form, "From"), _one(form, "To"), _one(form, "MessageStatus", "SmsStatus")
        msg_id = query["id"][0] if "id" in query else _one(form, "MessageSid", "SmsSid")
        with self._client.clone() as client:
            if status in ("sent", "delivered"):
                _dated(lambda at: client.sent(list_, phone, msg_id, at=at), form)
            elif status in ("failed", "undelivered"):
                code = form.get("ErrorCode", [None])[0]
                _dated(lambda at: client.failed(list_, phone, msg_id, code=code, at=at), form)
        return Answer(204)


def _one(form: Form, *names: str) -> str:
    for name in names:
        if form.get(name, [""])[0]:
            return form[name][0]
    raise Refusal(400, f"{names[0]} is missing")


def _dated(tell: Callable[[Optional[datetime]], T], form: Form) -> T:
    """Tells it with its date, or without one that contactd does not take: what happened counts for more than when."""
    at = _when(form)
    try:
        return tell(at)
    except BadArgument:
        if at is None:
            raise
        return tell(None)


def _when(form: Form) -> Optional[datetime]:
    for name in DATES:
        for text in form.get(name, []):
            try:
                when = (
                    parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text.replace("Z", "+00:00"))
                )
                # Without a time zone it says nothing that could be relied on, nor does one that contactd refuses.
                if when.tzinfo is not None and when.astimezone(timezone.utc) >= FIRST_DATE:
                    return when
            except (ArithmeticError, LookupError, TypeError, ValueError):
                continue
    return None


def signature(key: str, url: str, form: Form) -> str:
    """Twilio's signature of a form that was posted to an address."""
    text = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Server(ThreadingHTTPServer):
    """Takes webhooks at /inbound and /status of `public_url`, signed with `key`."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 1024
    """Of socketserver's own five, a burst of messages would overflow, and the provider be hung up on."""

    def __init__(self, address: Tuple[str, int], receiver: Receiver, key: str, public_url: str) -> None:
        self.receiver = receiver
        self.key = key
        self.public_url = public_url.rstrip("/")
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """The provider hung up, or a defect: it has got no answer, and delivers again."""
        print(f"webhook.py: {client_address}: {sys.exc_info()[1]!r}", file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """One request of the provider."""

    server: Server
    timeout = READ_SECONDS_MAX

    def do_POST(self) -> None:
        try:
            answer = self._answer()
        except Refusal as why:
            self._tell(why.status, str(why))
        except ContactdError as why:
            # Never 200: the provider must deliver it again, or somebody look why it cannot be taken.
            self.log_error("contactd: %s", why)
            self._tell(503 if why.retryable else 500, f"contactd: {why.code}")
        else:
            self._reply(answer)

    def _answer(self) -> Answer:
        url = urlsplit(self.path)
        if url.path not in ("/inbound", "/status"):
            raise Refusal(404, "POST /inbound or /status")
        form = self._form()
        given = self.headers.get("X-Twilio-Signature", "")
        if not hmac.compare_digest(
            given.encode(), signature(self.server.key, self.server.public_url + self.path, form).encode()
        ):
            raise Refusal(403, "the signature is wrong: are the key and --public-url as the provider has them?")
        if url.path == "/inbound":
            return self.server.receiver.inbound(form)
        return self.server.receiver.status(form, parse_qs(url.query))

    def _form(self) -> Dict[str, List[str]]:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(411, "a form with its length, please")
        if int(length) > BODY_BYTES_MAX:
            raise Refusal(413, f"a form has at most {BODY_BYTES_MAX} bytes")
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            raise Refusal(400, "the form broke off")
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)

    def _reply(self, answer: Answer) -> None:
        if answer.status == 204:
            self.send_response(204)
            self.end_headers()
            return
        message = f"<Message>{escape(answer.text)}</Message>" if answer.text else ""
        self._send(answer.status, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>')

    def _tell(self, status: int, text: str) -> None:
        self.close_connection = True
        self._send(status, "text/plain", text + "\n")

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = options().parse_args(arguments)
    key = os.environ.get("TWILIO_AUTH_TOKEN", "")
    if not key:
        print("webhook.py: TWILIO_AUTH_TOKEN is not set: without it nobody's signature can be checked", file=sys.stderr)
        return 2
    token = os.environ.get("CONTACTD_TOKEN") or None
    try:
        client = Client.at(args.server, token=token, timeout=CONTACTD_SECONDS_MAX, retry=CONTACTD_SECONDS_MAX)
        receiver = Receiver(client, args.confirmation, args.help_text, args.welcome)
        host, port = address(args.listen)
        server = Server((host, port), receiver, key, args.public_url)
    except (OSError, ValueError) as why:
        print(f"webhook.py: {why}", file=sys.stderr)
        return 2
    # What is being answered is answered to its end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        print(f"webhook.py: listening on {host or '*'}:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()
    return 0


def address(text: str) -> Tuple[str, int]:
    """Where to listen. Without a host it must be meant: a port alone would be open to everybody by mistake."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is no address: host:port, or *:port for all interfaces")
    return "" if host == "*" else host, int(port)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="The provider's key is taken from TWILIO_AUTH_TOKEN, contactd's token from CONTACTD_TOKEN.",
    )
    parser.add_argument(
        "--public-url", required=True, metavar="URL", help="where the provider sees this, without /inbound"
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8080",
        metavar="ADDRESS",
        help="host:port, *:port for all interfaces [127.0.0.1:8080]",
    )
    parser.add_argument(
        "--server",
        default=os.environ.get("CONTACTD_SERVER", "127.0.0.1:7164"),
        metavar="ADDRESS",
        help="contactd: host:port or unix:/path [CONTACTD_SERVER, 127.0.0.1:7164]",
    )
    parser.add_argument(
        "--confirmation", default=CONFIRMATION, metavar="TEXT", help="answers an opt-out; '' where the provider does"
    )
    parser.add_argument("--help-text", default=HELP, metavar="TEXT", help="answers HELP; '' where the provider does")
    parser.add_argument("--welcome", default="", metavar="TEXT", help="answers an opt-in [nothing]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
