#!/usr/bin/env python3
"""A receiver for a provider's webhooks, as Twilio sends them: what phones and carriers say goes to contactd.

    TWILIO_AUTH_TOKEN=… webhook.py --listen 127.0.0.1:8080 --public-url https://sms.example.com

* `POST /inbound`, the number's webhook for incoming messages: each becomes an INBOUND with the provider's id. An
  opt-out that came into force just now is answered with the confirmation; its repetitions, and late ones, are answered
  with nothing. HELP is answered with the help text.
* `POST /status`, the status callback of messages: delivered and sent become SENT, failed and undelivered become FAILED
  with the error's code. The message's id is `?id=…` of the callback's address if it is there (worker.py puts it
  there), else the provider's. A message that was claimed under that id tells its list, whatever number sent it.

Only requests with a good signature are taken. One that came to the other's address is taken for what its status says,
and the log has a warning.

**Nothing is lost while contactd is away.** Twilio delivers a webhook again once at most, within 15 s, and by default
only where no connection was made. So what contactd does not take is kept: it is appended to the spool, a file beside
this program (`--spool`), and synced before the provider is answered. Once contactd answers, it is handed over in the
order in which it came, with the time at which it came, also after a restart of this program. An opt-out that had to be
kept is not confirmed by a text. Handing a message over twice changes nothing: its id is known. What contactd refuses
for good stands in the spool's neighbour `.refused`, and in the log as an error. If the spool cannot be written, the
provider is told 503.

**The log** (standard error) has a line for each message, with its number and its id. A text that may want out, though
no keyword says so, is a warning with the text, and goes to `--maybe-url`: a person must look.

**Several numbers.** Twilio blocks a phone that says STOP for the whole Messaging Service. `--service MG…=+1…,+1…` says
which lists such a service sends for: a STOP to any of its numbers then counts for all of them. The confirmation speaks
of all numbers only if the opt-out was recorded for all.

Put it behind a server that speaks HTTPS. A token for contactd is taken from CONTACTD_TOKEN.
"""

from __future__ import annotations

import argparse
import base64
import collections
import errno
import fcntl
import hashlib
import hmac
import json
import os
import queue
import re
import signal
import sys
import threading
import time
import urllib.request
import uuid
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Callable, Counter, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set
from typing import Tuple, TypeVar
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from contactd import ALL, BadArgument, Busy, Client, ContactdError, Draining, Inbound, Loading, NoAuth, NoList
from contactd import NoPermission, NoProtocol, OverLimit, ProtocolError, Unreachable

BODY_BYTES_MAX = 64 * 1024
READ_SECONDS_MAX = 10
CONTACTD_SECONDS_MAX = 3.0
"""To connect, to be greeted, to be answered, and to try again: the provider waits for 15 s, and all four end before."""

SPOOL_BYTES_MAX = 256 * 1024 * 1024
"""About half a million messages. What does not fit is answered with 503."""

PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.25, 5.0
"""Between attempts to hand over what is kept."""

SENDS_LOOKED_AT = 1000
"""Of a contact's newest messages, to find the list of one."""

ID_BYTES_MAX = 64

MAYBE_QUEUED_MAX = 1000
MAYBE_PAUSES_SECONDS = (1.0, 5.0)
"""Before `--maybe-url` is tried again."""
CLOSING_SECONDS_MAX = 5.0

DATES = ("DateSent", "DateCreated", "Timestamp")
"""Where compatible providers say when a message was sent; Twilio itself does not."""

FIRST_DATE = datetime(2005, 1, 1, tzinfo=timezone.utc)
"""contactd takes no message of before: a clock was reset."""

KEPT = (
    "From", "To", "Body", "OptOutType", "MessagingServiceSid", "MessageStatus", "SmsStatus", "ErrorCode", "ErrorMessage",
    *DATES,
)
"""The parameters that are used, and kept in the spool."""

BODIES = ("Body", "MessageBody", "ButtonText", "ButtonPayload", "ListTitle", "ListId")
PHONES_OF_EVENTS = ("Author", "MessagingBinding.AuthorAddress", "MessagingBinding.Address")
NUMBERS_OF_EVENTS = ("MessagingBinding.ProxyAddress", "MessagingBinding.ProjectedAddress")
EVENTS_THAT_SAY = ("onmessageadd", "onmessageadded", "onconversationadd", "onconversationadded")
"""Those of Twilio Conversations that have what somebody wrote
(https://www.twilio.com/docs/conversations/conversations-webhooks). They name its author, and our number only where the
conversation begins."""

MESSAGES_OF_ERRORS = ("ErrorMessage", "ChannelStatusMessage")

RECEIVED = ("received", "receiving")
"""The statuses of a message from a phone."""

OUTCOMES = ("sent", "delivered", "failed", "undelivered")
"""Of the statuses of a message, those that say what became of it."""

OPT_OUT_CODE = "21610"
"""Twilio's and SignalWire's code for a person who opted out with them."""

OPT_OUT_WORDS_OF_ERRORS = re.compile(r"unsubscribed|opted[ _-]?out|\bstop\b", re.IGNORECASE)
"""What they say where they give no code, like `Attempt to send to unsubscribed recipient`."""

OPT_IN_WORDS = ("START", "UNSTOP", "YES")
OPT_OUT_WORDS = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
"""Twilio's own (help.twilio.com/articles/223134027). contactd knows more; these count where there is no list to tell it
of."""

NOBODY = "+1000000"
"""A number that nobody has, to ask about a list."""

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT_CODE = re.compile(r"[1-9][0-9]{2,7}")
WITHOUT_PLUS = re.compile(r"[1-9][0-9]{8,14}")
"""Longer than any short code."""

WRITTEN = re.compile(r"(?:(?:whatsapp|sms|mms|rcs|tel|callto):)?([ +]*)([0-9]{3,15})", re.IGNORECASE)
"""A number and the channel before it. In a form, a plus that was not encoded arrives as a blank."""

CONFIRMATION = "You are unsubscribed and will get no more messages from this number. Reply START to subscribe again."
CONFIRMATION_ALL = "You are unsubscribed and will get no more messages from us. Reply START to subscribe again."
HELP = "Reply STOP to unsubscribe. Message and data rates may apply."

Form = Mapping[str, List[str]]
T = TypeVar("T")


def say(level: str, text: str) -> None:
    """A line of the log."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    print(f"webhook.py: {now} {level}: {text}", file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """A text from outside as it stands in the log: on one line, and without a terminal's controls."""
    return text if E164.fullmatch(text) or SHORT_CODE.fullmatch(text) else repr(text[:1600])


class Answer(NamedTuple):
    """What the provider is told: an HTTP status, and a text for the phone, empty for none."""

    status: int
    text: str = ""


class Refusal(Exception):
    """A request that is not taken."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


# What a provider posts


class Post(NamedTuple):
    """What a provider has posted: as much of it as is used, when it came, and the message's id."""

    kind: str
    """`inbound` or `status`."""
    id: str
    at_ms: int
    form: Mapping[str, str]

    def get(self, *names: str) -> str:
        """The first parameter that is there."""
        return next((self.form[name] for name in names if self.form.get(name)), "")

    @property
    def phone(self) -> str:
        """The number of the person, as it was written."""
        return self.get("From" if self.kind == "inbound" else "To")

    @property
    def number(self) -> str:
        """Our number, as it was written; empty where it is not told."""
        return self.get("To" if self.kind == "inbound" else "From")

    @property
    def key(self) -> str:
        """The person's number as it is compared."""
        return plain(self.phone)

    @property
    def outcome(self) -> str:
        """What became of a message, `failed` also if it was withheld for an opt-out, whatever its status says; empty if
        that is not known yet."""
        status = self.get("MessageStatus", "SmsStatus").strip().lower()
        return "failed" if self.is_blocked else status if status in OUTCOMES else ""

    @property
    def code(self) -> str:
        """The error's code, or its words where these say more, or there is none."""
        code, words = self.get("ErrorCode").strip(), self.get("ErrorMessage").strip()
        return words if not code or code != OPT_OUT_CODE and OPT_OUT_WORDS_OF_ERRORS.search(words) else code

    @property
    def is_blocked(self) -> bool:
        """Whether the person opted out with the provider."""
        return self.code == OPT_OUT_CODE or bool(OPT_OUT_WORDS_OF_ERRORS.search(self.code))

    @property
    def came(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, timezone.utc)

    def __str__(self) -> str:
        way = ("from", "to") if self.kind == "inbound" else ("to", "from")
        return f"{self.kind} {self.id} {way[0]} {shown(self.phone)} {way[1]} {shown(self.number)}"

    @staticmethod
    def kind_of(path: str, form: Form) -> str:
        """What a post is. Whoever enters the wrong address with the provider must not lose a STOP: the status tells."""
        status = next((form[name][0] for name in ("MessageStatus", "SmsStatus") if form.get(name)), "").strip().lower()
        if path == "status" and status in RECEIVED:
            return "inbound"
        is_written = any(name in form for name in BODIES)
        return "status" if path == "inbound" and status and status not in RECEIVED and not is_written else path

    @classmethod
    def of(cls, kind: str, form: Form, query: Form) -> Post:
        kept = {name: form[name][0] for name in KEPT if form.get(name, [""])[0]}
        if is_event(form):
            for name, ones in (("From", PHONES_OF_EVENTS), ("To", NUMBERS_OF_EVENTS)):
                known = next((form[one][0] for one in ones if form.get(one, [""])[0]), "")
                if known:
                    kept[name] = known
        # A button says what was written on it and what it stands for, as does the row of a list; what stands twice may be
        # two texts.
        for name, names in (("Body", BODIES), ("ErrorMessage", MESSAGES_OF_ERRORS)):
            texts = dict.fromkeys(text for each in names for text in form.get(each, ()) if text.strip())
            if texts:
                kept[name] = "\n".join(texts)
        sid = form.get("MessageSid", form.get("SmsSid", [""]))[0]
        given = [sid] if kind == "inbound" else [query.get("id", [""])[0], sid]
        # An id of our own serves as well: it is kept with the message. One made of the text would make the next STOP a
        # repetition of this one.
        id = next(filter(_is_id, given), "") or uuid.uuid4().hex
        return cls(kind, id, int(time.time() * 1000), kept)

    def line(self) -> str:
        return json.dumps({"kind": self.kind, "id": self.id, "at": self.at_ms, "form": self.form})

    @classmethod
    def read(cls, line: bytes) -> Post:
        """Raises ValueError if the line is not one."""
        kept = json.loads(line)
        try:
            post = cls(kept["kind"], str(kept["id"]), int(kept["at"]), {k: str(v) for k, v in kept["form"].items()})
        except (AttributeError, LookupError, TypeError) as why:
            raise ValueError(str(why)) from why
        if post.kind not in ("inbound", "status"):
            raise ValueError(f"a post of the kind {post.kind!r}")
        return post


def _is_id(text: str) -> bool:
    """Whether contactd takes it for the id of a message."""
    return 0 < len(text.encode()) <= ID_BYTES_MAX and text.isprintable() and " " not in text and text[0] not in '"[{'


def is_event(form: Form) -> bool:
    """Whether it is an event of Twilio Conversations."""
    return "EventType" in form and "From" not in form


def plain(number: str) -> str:
    """A number without its channel, as contactd writes it; what is not a number stays as it is."""
    written = WRITTEN.fullmatch(re.sub(r"(?<=[0-9)])[-.() ]+(?=[(0-9])|\(|\)", "", number.rstrip()))
    if written is None:
        return number.strip()
    number = ("+" if written[1] else "") + written[2]
    # Mexico's old spelling.
    return re.sub(r"^\+521([0-9]{10})$", r"+52\1", number)


def _is_list(number: str) -> bool:
    return bool(E164.fullmatch(number) or SHORT_CODE.fullmatch(number))


# What is kept


class Spool:
    """Posts that contactd has not taken yet, in a file, a line each. Whatever happens, a line that was synced comes to
    contactd or into `PATH.refused`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._changed = threading.Condition()
        self._lines: List[bytes] = []
        self._phones: Counter[str] = collections.Counter()
        # Two programs would drop what the other has kept.
        try:
            self._alone = _open(f"{path}.lock")
        except OSError as why:
            raise ValueError(f"nothing could be kept: {why}: say with --spool where") from why
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._alone)
            raise ValueError(f"{path} is the spool of another webhook.py: give --spool") from None
        self._file = _open(path)
        self._bytes = os.fstat(self._file).st_size
        self._load()
        self.away = bool(self._lines)
        """Whether contactd was not there when something was last kept: what comes goes behind that."""

    def _load(self) -> None:
        with open(self.path, "rb") as file:
            lines = file.read().split(b"\n")
        torn = lines.pop()
        good = []
        for line in lines:
            try:
                good.append((line, Post.read(line)))
            except ValueError as why:
                say("error", f"{self.path}: a line that cannot be read is put aside: {why}")
                self._put_aside(line)
        if torn:
            # It was being written when the power failed: nobody was told that it is kept, but it may be whole.
            try:
                good.append((torn, Post.read(torn)))
            except ValueError:
                say("warning", f"{self.path}: the last line breaks off, and was never said to be kept: {torn[:300]!r}")
        self._lines = [line for line, _ in good]
        self._phones.update(post.key for _, post in good)
        self._rewrite()

    def __len__(self) -> int:
        return len(self._lines)

    def waits_for(self, key: str) -> bool:
        """Whether something of this phone waits: what it said later must not overtake that."""
        with self._changed:
            return key in self._phones

    def append(self, post: Post, away: bool) -> None:
        """Keeps a post: it is synced when this returns. Raises OSError if it cannot be kept."""
        line = post.line().encode() + b"\n"
        with self._changed:
            if self._bytes + len(line) > SPOOL_BYTES_MAX:
                raise OSError(errno.EFBIG, f"{self.path} has {SPOOL_BYTES_MAX} bytes")
            try:
                _write(self._file, line)
                os.fsync(self._file)
            except OSError:
                # Half a line would spoil the next one.
                os.ftruncate(self._file, self._bytes)
                raise
            self._bytes += len(line)
            self._lines.append(line[:-1])
            self._phones[post.key] += 1
            self.away = self.away or away
            self._changed.notify_all()

    def wait(self, closed: threading.Event) -> None:
        """Waits until something is kept, or `closed` is set and `wake` called."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or closed.is_set())

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def replay(self, tell: Callable[[Post], None], closed: threading.Event) -> Optional[Exception]:
        """Hands over what is kept, in order. Gives the first trouble, after which something still waits."""
        with self._changed:
            lines = self._lines[:]
        done: Set[int] = set()
        away = False
        trouble: Optional[Exception] = None
        try:
            for number, line in enumerate(lines):
                if closed.is_set():
                    break
                post = Post.read(line)
                try:
                    tell(post)
                except Exception as why:
                    if not isinstance(why, _FINAL):
                        trouble = trouble or why
                        if isinstance(why, _AWAY):
                            away = True
                            break
                        # A full disk refuses what permits; what forbids must not wait behind it, nor behind a defect.
                        continue
                    say("error", f"{post}: contactd refuses it, it is put aside in {self.path}.refused: {why}")
                    self._put_aside(line)
                done.add(number)
                with self._changed:
                    self._phones[post.key] -= 1
                    if not self._phones[post.key]:
                        del self._phones[post.key]
        finally:
            with self._changed:
                self._lines = [line for number, line in enumerate(self._lines) if number not in done]
                self.away = away
                if done:
                    try:
                        self._rewrite()
                    except OSError as why:
                        # The old file still has everything: what is done would be told again, and change nothing.
                        say("error", f"{self.path} cannot be rewritten: {why}")
        return trouble

    def put_aside(self, post: Post) -> None:
        """Keeps a post that contactd will never take, for a person."""
        with self._changed:
            self._put_aside(post.line().encode())

    def _put_aside(self, line: bytes) -> None:
        file = _open(f"{self.path}.refused")
        try:
            _write(file, line + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        _sync_folder(self.path)

    def _rewrite(self) -> None:
        """Writes the file without what is done: beside the old one, synced, then in its place."""
        beside = f"{self.path}.new"
        file = _open(beside, os.O_TRUNC)
        try:
            _write(file, b"".join(line + b"\n" for line in self._lines))
            os.fsync(file)
            os.replace(beside, self.path)
        except OSError:
            os.close(file)
            raise
        os.close(self._file)
        self._file = file
        self._bytes = sum(len(line) + 1 for line in self._lines)
        _sync_folder(self.path)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._alone)


_FINAL = (BadArgument, NoList, OverLimit)
"""contactd will never take such a request."""

_AWAY = (Unreachable, Busy, Loading, Draining, NoAuth, NoPermission, NoProtocol, ProtocolError)
"""contactd takes nothing at all."""


def _open(path: str, flags: int = 0) -> int:
    """A file that nobody else may read: it has numbers and texts."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    os.fchmod(file, 0o600)
    return file


def _write(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Turns:
    """One at a time for each phone, so that its messages come to contactd in their order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: Set[str] = set()

    @contextmanager
    def of(self, phone: str) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: phone not in self._busy)
            self._busy.add(phone)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(phone)
                self._changed.notify_all()


class Attention:
    """Tells a person, by the log and by `--maybe-url`, of messages that may want out."""

    def __init__(self, url: str = "") -> None:
        self._url = url
        self._waiting: queue.Queue[Optional[Dict[str, str]]] = queue.Queue(MAYBE_QUEUED_MAX)
        self._closing = threading.Event()
        self._give_up = float("inf")
        self._thread: Optional[threading.Thread] = None
        if url:
            self._thread = threading.Thread(target=self._post_all)
            self._thread.start()

    def draw(self, post: Post, what: str, why: str) -> None:
        """`what` is for programs: `maybe_optout`, `no_phone` or `no_list`."""
        say("warning", f"{post}: {why}: a person must look: {shown(post.get('Body'))}")
        if not self._url:
            return
        told = {
            "what": what, "why": why, "phone": plain(post.phone), "list": plain(post.number), "id": post.id,
            "text": post.get("Body"), "at": post.came.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        try:
            self._waiting.put_nowait(told)
        except queue.Full:
            say("error", f"{post}: {self._url} is too slow: it was not told of this")

    def _post_all(self) -> None:
        for told in iter(self._waiting.get, None):
            for pause in (*MAYBE_PAUSES_SECONDS, None):
                try:
                    if time.monotonic() > self._give_up:
                        raise TimeoutError("webhook.py was asked to stop")
                    self._post(told)
                    break
                except (OSError, ValueError) as why:
                    if pause is None or self._closing.wait(pause):
                        say("error", f"{told['id']} from {shown(told['phone'])}: {self._url} was not told: {why}")
                        break

    def _post(self, told: Mapping[str, str]) -> None:
        request = urllib.request.Request(self._url, json.dumps(told).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=READ_SECONDS_MAX):
            pass

    def close(self) -> None:
        """What waits is tried once more, as far as there is time."""
        self._give_up = time.monotonic() + CLOSING_SECONDS_MAX
        self._closing.set()
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()


# What is done with it


class Receiver:
    """Turns posts into requests to contactd, and keeps what contactd does not take."""

    def __init__(
        self, client: Client, spool: Spool, *, confirmation: str = CONFIRMATION,
        confirmation_all: str = CONFIRMATION_ALL, help: str = HELP, welcome: str = "",
        services: Optional[Mapping[str, Sequence[str]]] = None, provider: str = "twilio",
        attention: Optional[Attention] = None,
    ) -> None:
        self._client = client
        self._spool = spool
        self.texts = {"optout": confirmation, "help": help, "optin": welcome}
        self.confirmation_all = confirmation_all
        self.services = services or {}
        self.provider = provider
        self.attention = attention or Attention()
        self._turns = Turns()
        self._closed = threading.Event()
        self._replayer = threading.Thread(target=self._replay)
        self._replayer.start()

    def close(self) -> None:
        """Ends behind what is being handed over. What waits stays in the spool."""
        self._closed.set()
        self._spool.wake()
        self._replayer.join()
        self.attention.close()

    def receive(self, post: Post) -> Answer:
        """Hands a post over to contactd, or keeps it."""
        if post.kind == "status" and not post.outcome:
            return Answer(204)
        with self._turns.of(post.key):
            if self._spool.away or self._spool.waits_for(post.key):
                return self._keep(post, "others wait before it", self._spool.away)
            try:
                # A connection for each: one request must not wait for another's.
                with self._client.clone() as client:
                    return Handover(self, client, post, None).run()
            except _FINAL as why:
                with self._or_lost(post, why):
                    self._spool.put_aside(post)
                say("error", f"{post}: contactd refuses it, it is put aside in {self._spool.path}.refused: {why}")
                raise Refusal(500, f"contactd: {why.code}") from why
            except Exception as why:
                # Whatever it is, a defect of this program too, is not to lose the message.
                return self._keep(post, why, isinstance(why, _AWAY))

    def _keep(self, post: Post, why: object, away: bool) -> Answer:
        with self._or_lost(post, why):
            self._spool.append(post, away)
        reason = why if isinstance(why, (str, ContactdError)) else repr(why)
        say("warning", f"{post}: kept in {self._spool.path}: {reason}")
        return Answer(200 if post.kind == "inbound" else 204)

    @contextmanager
    def _or_lost(self, post: Post, why: object) -> Iterator[None]:
        try:
            yield
        except OSError as trouble:
            say("error", f"{post}: LOST unless the provider delivers it again: {why}; it cannot be kept: {trouble}")
            raise Refusal(503, "it can be neither taken nor kept") from trouble

    def _replay(self) -> None:
        pause = PAUSE_SECONDS_MIN
        told = ""
        while True:
            self._spool.wait(self._closed)
            if self._closed.is_set():
                return
            try:
                with self._client.clone() as client:
                    trouble = self._spool.replay(partial(self._replay_one, client), self._closed)
            except OSError as why:
                # A disk that fails: what waits is in the file.
                trouble = why
            if trouble is None:
                pause, told = PAUSE_SECONDS_MIN, ""
                continue
            if told != repr(trouble):
                told = repr(trouble)
                say("warning", f"{len(self._spool)} wait in {self._spool.path}: {told}")
            self._closed.wait(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _replay_one(self, client: Client, post: Post) -> None:
        Handover(self, client, post, post.came).run()


class Handover:
    """One post on its way to contactd. `came` dates what was kept; what comes just now is dated by contactd."""

    def __init__(self, receiver: Receiver, client: Client, post: Post, came: Optional[datetime]) -> None:
        self._receiver = receiver
        self._client = client
        self._post = post
        self._is_kept = came is not None
        self._at = self._date(came)

    def run(self) -> Answer:
        phone, list_ = self._numbers()
        service = self._service(list_)
        if list_ not in service and len(service) == 1 and not (list_ and self._is_known_list(list_)):
            # A number of the pool from which this one list sends.
            list_ = service[0]
        if self._post.kind == "inbound":
            return self._inbound(phone, list_, service)
        self._status(phone, list_, service)
        return Answer(204)

    # A message from a phone

    def _inbound(self, phone: str, list_: str, service: Sequence[str]) -> Answer:
        post, text = self._post, self._post.get("Body")
        if not phone:
            if WITHOUT_PLUS.fullmatch(plain(post.phone)):
                why = "its number may lack a country code, so contactd does not know whose it is"
                self._receiver.attention.draw(post, "no_phone", why)
            else:
                # Its text may be a password.
                say("info", f"{post}: not recorded: the sender is not a phone")
            return Answer(200)
        # Providers write it in capitals.
        keyword = post.get("OptOutType").strip().upper()
        if not list_ and not service:
            return self._inbound_to_no_list(phone, text, keyword)
        lists = list(dict.fromkeys([list_ or service[0], *service]))
        told = self._inbound_to_list(lists[0], phone, text)
        if told.meaning == "optout":
            for other in lists[1:]:
                self._inbound_to_list(other, phone, text)
        elif keyword == "STOP":
            # The provider knows a word for it that contactd does not.
            for one in lists:
                self._opt_out(one, phone, f"OptOutType of {post.id}", how="keyword")
        if told.turn == "maybe_optout" and keyword != "STOP":
            self._receiver.attention.draw(post, told.turn, "it may want out")
        else:
            say("info", f"{post}: {told}" + (f", OptOutType {shown(keyword)}" if keyword else ""))
        if keyword or told.turn or self._is_kept:
            # The provider has answered by itself; or there is nothing to say; or nobody any more who would say it.
            return Answer(200)
        if told.meaning == "optout" and self._is_out_of_all(phone):
            return Answer(200, self._receiver.confirmation_all)
        return Answer(200, self._receiver.texts.get(told.meaning, ""))

    def _inbound_to_list(self, list_: str, phone: str, text: str) -> Inbound:
        try:
            told = self._dated(
                lambda at: self._client.inbound(list_, phone, text, at=at, id=self._post.id),
                # What permits counts with its date alone.
                repeat=re.sub(r"\W", "", text).upper() not in OPT_IN_WORDS,
            )
        except BadArgument as why:
            if not why.taken:
                raise
            say("warning", f"{self._post}: {why}")
            return Inbound("optout")
        if told.undated:
            say("warning", f"{self._post}: taken as of now, without its date")
        return told

    def _inbound_to_no_list(self, phone: str, text: str, keyword: str) -> Answer:
        """A message to what is not a number, like the sender of another channel. An opt-out counts for all lists."""
        post = self._post
        if keyword == "STOP" or re.sub(r"\W", "", text).upper() in OPT_OUT_WORDS:
            changed = self._opt_out(ALL, phone, f"{text[:60]!r} to {post.number[:30]!r}", how="keyword")
            say("info", f"{post}: out of all lists, for no list is known")
            return Answer(200, self._receiver.confirmation_all if changed and not keyword else "")
        self._receiver.attention.draw(post, "no_list", "it was sent to no list's number, so contactd has not read it")
        return Answer(200)

    def _is_out_of_all(self, phone: str) -> bool:
        """Whether an opt-out of all numbers was recorded: no other may be promised."""
        try:
            contact = self._client.get(phone)
            is_out = contact is not None and contact.status == "opted_out"
            return is_out or self._client.stats().get("stop_scope") == "all"
        except ContactdError:
            return False

    # What became of a message

    def _status(self, phone: str, list_: str, service: Sequence[str]) -> None:
        post = self._post
        if not phone:
            say("info", f"{post}: not recorded: the recipient is not a phone")
            return
        outcome = post.outcome
        # The claim's own list, where it is known: a pool sends from any of its numbers.
        claimed = self._claimed(phone)
        lists = list(dict.fromkeys([*([list_] if list_ in claimed else []), *claimed]))
        lists = lists or ([list_] if list_ else [])
        if outcome in ("sent", "delivered"):
            self._sent(phone, lists)
            return
        code = post.code
        if lists:
            self._failed(phone, lists[0], code)
        if post.is_blocked:
            # The block is the whole service's, not the number's.
            others = [one for one in (*lists, list_, *service) if one and one not in lists[:1]]
            for one in dict.fromkeys(others if lists or others else [ALL]):
                self._opt_out(one, phone, f"{code[:60]} {post.id}"[:120], source=self._receiver.provider)
        where = f" on {', '.join(lists[:1])}" if lists else ", of no list that is known"
        say("info", f"{post}: {outcome} {code or 'without a code'}{where}")

    def _sent(self, phone: str, lists: Sequence[str]) -> None:
        post = self._post
        if not lists:
            say("info", f"{post}: sent, but not recorded: no list is known")
            return
        try:
            self._dated(lambda at: self._client.sent(lists[0], phone, post.id, at=at))
        except NoList as why:
            say("warning", f"{post}: sent, but not recorded: {why}")

    def _failed(self, phone: str, list_: str, code: str) -> None:
        post, provider = self._post, self._receiver.provider
        attempts = ((provider, True), (provider, False), (None, False))
        for whose, dated in attempts:
            try:
                at = self._at if dated else None
                self._client.failed(list_, phone, post.id, code=code or None, provider=whose, at=at)
                return
            except BadArgument as why:
                if why.taken:
                    say("warning", f"{post}: {why}")
                    return
                # A date that it does not take; a contactd that does not know the key yet.
                if (whose, dated) == attempts[-1]:
                    raise

    def _claimed(self, phone: str) -> List[str]:
        """The lists on which a message with this id is known."""
        sends = self._client.history(phone, "send")
        found = [event.list for event in islice(sends, SENDS_LOOKED_AT) if event.id == self._post.id]
        return [one for one in dict.fromkeys(found) if one]

    # Both

    def _opt_out(
        self, list_: str, phone: str, reason: str, how: Optional[str] = None, source: str = "provider"
    ) -> bool:
        def tell(at: Optional[datetime]) -> bool:
            try:
                return self._client.optout(list_, phone, at=at, how=how, source=source, reason=reason)
            except BadArgument as why:
                if not why.taken:
                    raise
                say("warning", f"{self._post}: {why}")
                return True

        return self._dated(tell)

    def _dated(self, tell: Callable[[Optional[datetime]], T], repeat: bool = True) -> T:
        """Tells it with its date, or, unless `repeat` is false, without one that contactd does not take: what happened
        counts for more than when."""
        at = self._at
        try:
            return tell(at)
        except BadArgument as why:
            if at is None or not repeat:
                raise
            say("warning", f"{self._post}: taken as of now, without its date {at.isoformat()}: {why}")
            return tell(None)

    def _date(self, came: Optional[datetime]) -> Optional[datetime]:
        """When it was, as far as that is known: else, of what was kept, when it came."""
        texts = [self._post.form[name] for name in DATES if name in self._post.form]
        at = next(filter(None, map(_date, texts)), None)
        if texts and at is None:
            now = "now" if came is None else "when it came"
            say("warning", f"{self._post}: taken as of {now}: its date {shown(texts[0])} cannot be read")
        return at or came

    def _service(self, list_: str) -> Sequence[str]:
        """The lists for which the post's Messaging Service sends."""
        services = self._receiver.services
        named = services.get(self._post.get("MessagingServiceSid"))
        return named or next((lists for lists in services.values() if list_ in lists), ())

    def _numbers(self) -> Tuple[str, str]:
        """The phone and the list, each empty if it is not one."""
        phone, list_ = plain(self._post.phone), plain(self._post.number)
        # Some providers write no plus. That is taken for sure only from what contactd knows: 4155550100 may be dialled
        # in the US, and +4155550100 is a number in Switzerland.
        without_plus = bool(WITHOUT_PLUS.fullmatch(list_)) and self._is_known_list(f"+{list_}")
        if without_plus:
            list_ = f"+{list_}"
        if WITHOUT_PLUS.fullmatch(phone) and (without_plus or self._client.get(f"+{phone}") is not None):
            phone = f"+{phone}"
        return phone if E164.fullmatch(phone) else "", list_ if _is_list(list_) else ""

    def _is_known_list(self, list_: str) -> bool:
        return self._client.check(list_, NOBODY).reason != "unknown_list"


def _date(text: str) -> Optional[datetime]:
    try:
        when = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text.replace("Z", "+00:00"))
        # Without a time zone it says nothing that could be relied on, nor does one that contactd refuses.
        if when.tzinfo is not None and when.astimezone(timezone.utc) >= FIRST_DATE:
            return when
    except (ArithmeticError, LookupError, TypeError, ValueError):
        pass
    return None


# HTTP


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
        """The provider hung up, or a defect: it has got no answer."""
        say("error", f"{client_address}: {sys.exc_info()[1]!r}")


class Handler(BaseHTTPRequestHandler):
    """One request of the provider."""

    server: Server
    timeout = READ_SECONDS_MAX

    def do_POST(self) -> None:
        try:
            answer = self._answer()
        except Refusal as why:
            say("warning", f"{self.client_address[0]}: POST {shown(self.path)}: {why.status} {why}")
            self._tell(why.status, str(why))
        else:
            self._reply(answer)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Each message has a line of its own."""

    def log_message(self, format: str, *args: object) -> None:
        say("warning", f"{self.client_address[0]}: {format % args}")

    def _answer(self) -> Answer:
        url = urlsplit(self.path)
        if url.path not in ("/inbound", "/status"):
            raise Refusal(404, "POST /inbound or /status")
        form = self._form()
        given = self.headers.get("X-Twilio-Signature", "")
        # The provider keeps the part behind a # to itself, and does not sign it.
        if not hmac.compare_digest(
            given.encode(), signature(self.server.key, self.server.public_url + self.path, form).encode()
        ):
            raise Refusal(403, "the signature is wrong: are the key and --public-url as the provider has them?")
        path = url.path[1:]
        if is_event(form):
            event = form["EventType"][0].strip().lower()
            if event not in EVENTS_THAT_SAY or not any(text.strip() for name in BODIES for text in form.get(name, ())):
                return Answer(204)
            path = "inbound"
        post = Post.of(Post.kind_of(path, form), form, parse_qs(url.query))
        if post.kind != path:
            say("warning", f"{post}: it came to /{path}: give the provider the address /{post.kind} for it")
        if not post.phone:
            raise Refusal(400, f"{'From' if post.kind == 'inbound' else 'To'} is missing")
        if post.kind == "status" and not post.get("MessageStatus", "SmsStatus"):
            raise Refusal(400, "MessageStatus is missing")
        answer = self.server.receiver.receive(post)
        # What answers an event does not come to the phone.
        return Answer(204) if is_event(form) else answer

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
    confirmation = CONFIRMATION if args.confirmation is None else args.confirmation
    confirmation_all = args.confirmation_all
    if confirmation_all is None:
        # One's own text is for both, unless there are two.
        confirmation_all = CONFIRMATION_ALL if args.confirmation is None else args.confirmation
    receiver = None
    try:
        client = Client.at(
            args.server, token=token, timeout=CONTACTD_SECONDS_MAX, retry=CONTACTD_SECONDS_MAX, ca_file=args.ca_file
        )
        host, port = address(args.listen)
        chosen = services(args.service)
        if args.maybe_url and urlsplit(args.maybe_url).scheme not in ("http", "https"):
            raise ValueError(f"{args.maybe_url!r} is not an address: http://… or https://…")
        spool = Spool(args.spool)
        receiver = Receiver(
            client, spool, confirmation=confirmation, confirmation_all=confirmation_all, help=args.help_text,
            welcome=args.welcome, services=chosen, provider=args.provider, attention=Attention(args.maybe_url),
        )
        server = Server((host, port), receiver, key, args.public_url)
    except (OSError, ValueError) as why:
        print(f"webhook.py: {why}", file=sys.stderr)
        if receiver is not None:
            receiver.close()
        return 2
    # What is being answered is answered to its end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        print(f"webhook.py: listening on {host or '*'}:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()
    receiver.close()
    spool.close()
    return 0


def address(text: str) -> Tuple[str, int]:
    """Where to listen. Without a host it must be meant: a port alone would be open to everybody by mistake."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is no address: host:port, or *:port for all interfaces")
    return "" if host == "*" else host, int(port)


def services(texts: Iterable[str]) -> Dict[str, List[str]]:
    """Messaging Services and the lists for which they send, from `SID=NUMBER,NUMBER`."""
    found: Dict[str, List[str]] = {}
    for text in texts:
        sid, equals, numbers = text.partition("=")
        lists = [plain(number) for number in numbers.split(",")]
        if not (sid and equals) or not all(map(_is_list, lists)):
            raise ValueError(
                f"{text!r} is not a service: its id, =, and its lists, like MG0123=+14155550100,+14155550101"
            )
        known = found.setdefault(sid, [])
        known += [one for one in lists if one not in known]
    return found


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
        help="contactd: host:port, tls:host:port or unix:/path; of daemons that share a store all, with commas [CONTACTD_SERVER, 127.0.0.1:7164]",
    )
    parser.add_argument("--ca-file", metavar="FILE", help="for tls: the authorities to trust [CONTACTD_CA_FILE]")
    parser.add_argument(
        "--spool",
        default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "webhook.spool"),
        metavar="FILE",
        help="where what contactd does not take is kept until it does [webhook.spool beside this program]",
    )
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="MG…=+1…,+1…",
        help="a Messaging Service and the lists for which it sends: a STOP to one of its numbers counts for all of"
        " them. May be given several times",
    )
    parser.add_argument(
        "--provider", default="twilio", metavar="NAME", help="whose error codes these are, for FAILED [twilio]"
    )
    parser.add_argument(
        "--maybe-url", default="", metavar="URL", help="where messages that may want out are posted, as JSON"
    )
    parser.add_argument(
        "--confirmation",
        default=None,
        metavar="TEXT",
        help=f"answers an opt-out; '' where the provider does [{CONFIRMATION}]",
    )
    parser.add_argument(
        "--confirmation-all",
        default=None,
        metavar="TEXT",
        help=f"answers one that was recorded for all numbers [--confirmation; without that: {CONFIRMATION_ALL}]",
    )
    parser.add_argument("--help-text", default=HELP, metavar="TEXT", help="answers HELP; '' where the provider does")
    parser.add_argument("--welcome", default="", metavar="TEXT", help="answers an opt-in [nothing]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
