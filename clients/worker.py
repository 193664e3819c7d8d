#!/usr/bin/env python3
"""A sending worker: takes a segment page by page and sends one message to each contact that may get it.

    worker.py --list +14155550100 --campaign spring-26 --segment 'label.state=CA' --text 'Spring sale: …' \
        --state spring-26.json --provider twilio

**Never twice, never after a STOP.** Each message has the id `campaign:phone` and is claimed in the moment before it is
handed to the provider; only a claim that is true is sent. A message that was claimed and whose outcome nobody knows
(the worker died, the provider did not answer) is not sent again: it is listed for a person, who looks at the
provider's log and says `contactd.py sent LIST PHONE ID` or `contactd.py failed LIST PHONE ID`; the next run takes it
off the list.

**Start it again** whenever it ended, with the same arguments: it goes on where it was. The state file has the page it
was at; what that page had already is told by the claims. While it runs it follows contactd's feed, and takes those off
its queue who may not get the message any more. If contactd restarts, it waits for it. Several workers may share a
campaign, each with a state file of its own. contactd remembers the ids of messages for 30 days (`--keep-messages`): a
campaign must be over by then, and its id is not used again.

The provider is a function `send(phone, text, msg_id)`, named as `module:function`. It returns once the provider has
the message, raises `worker.Refused` if the provider said that it will not send it, `worker.NotSent` if the message
surely never left, and anything else if it is not known what became of it. Several are called at a time, by threads.
What never left is tried again a few times, then the run ends, and the next one sends it: each time contactd is asked
anew whether it may.

Exit codes: 0 all done; 1 done, but somebody must look at the list; 2 stopped before the end: start it again.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import http.client
import importlib
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from contactd import BadArgument, Change, Client, ContactdError, NoList, OverLimit

FAILURES_IN_A_ROW_MAX = 20
"""So many messages that were not sent, one after another, are no bad luck: the run ends."""

CLOSED = {"list_paused": "is paused", "unknown_list": "is no sending list: it is not known, or was removed"}
"""What CHECK says of a list from which nothing can be sent, before it looks at the contact."""

PAUSES_SECONDS = (1.0, 2.0, 4.0)
"""Before a message is tried again that never left."""

NOBODY = "+1000000"
"""A number that nobody has, to ask about a list."""

CLAIMED_BEFORE = "claimed before, and nobody has told what became of it"

Send = Callable[[str, str, str], None]


class Refused(Exception):
    """The provider will not send this message; `code` is its reason, `provider` whose code that is, like `vonage`, and
    `permanent` whether the number is no good for ever."""

    def __init__(
        self, code: Union[int, str, None], permanent: Optional[bool] = None, provider: Optional[str] = None
    ) -> None:
        super().__init__(f"refused with code {code}")
        self.code = code
        self.permanent = permanent
        self.provider = provider


class NotSent(Exception):
    """The message surely did not go out, whoever it is for: nobody was reached, or nothing is taken now."""


class Stopped(Exception):
    """The run ends here; what was not sent can be sent by the next one."""


# Providers


TWILIO_NEEDS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")

ABOUT_NO_MESSAGE = (401, 403, 404, 429)
"""Twilio's answers about the account, its key, its address and its pace: the message was not looked at."""


def show(phone: str, text: str, msg_id: str) -> None:
    """A provider that prints what it would send."""
    print(f"{phone} {msg_id} {text}", flush=True)


def twilio(phone: str, text: str, msg_id: str) -> None:
    """Twilio's Messages resource. TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM say who sends;
    TWILIO_STATUS_CALLBACK is the public address of contactd's /webhooks/twilio, or of webhook.py's /status, which then
    knows each message by its id."""
    form = {"To": phone, "From": os.environ["TWILIO_FROM"], "Body": text}
    if os.environ.get("TWILIO_STATUS_CALLBACK"):
        form["StatusCallback"] = _with_id(os.environ["TWILIO_STATUS_CALLBACK"], msg_id)
    request = urllib.request.Request(_twilio_url(), urllib.parse.urlencode(form).encode())
    key = f"{os.environ['TWILIO_ACCOUNT_SID']}:{os.environ['TWILIO_AUTH_TOKEN']}"
    request.add_header("Authorization", f"Basic {base64.b64encode(key.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            if reply.geturl() != request.full_url:
                # A redirection is followed by a GET, which sends nothing.
                raise NotSent(f"the provider is not at {request.full_url} but at {reply.geturl()}")
    except urllib.error.HTTPError as why:
        with why:
            if why.code in ABOUT_NO_MESSAGE:
                raise NotSent(str(why)) from why
            if 400 <= why.code < 500:
                raise Refused(_code(why), provider="twilio") from why
        raise
    except urllib.error.URLError as why:
        if isinstance(why.reason, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)):
            raise NotSent(str(why.reason)) from why
        raise
    except http.client.InvalidURL as why:
        raise NotSent(str(why)) from why


def _with_id(url: str, msg_id: str) -> str:
    """The callback's address for one message. What stands behind # is for the provider, as in `#rc=5&rp=all`."""
    parts = urllib.parse.urlsplit(url)
    query = "&".join(filter(None, (parts.query, urllib.parse.urlencode({"id": msg_id}))))
    return urllib.parse.urlunsplit(parts._replace(query=query))


def _twilio_url() -> str:
    api = os.environ.get("TWILIO_API", "https://api.twilio.com")
    return f"{api}/2010-04-01/Accounts/{os.environ['TWILIO_ACCOUNT_SID']}/Messages.json"


def _code(why: urllib.error.HTTPError) -> Union[int, str]:
    """Twilio's code, or HTTP's if something in between has answered."""
    try:
        code: Union[int, str] = json.load(why)["code"]
    except (ValueError, LookupError, TypeError, OSError, http.client.HTTPException):
        return why.code
    return code


# The worker


class State:
    """What a run must know of the runs before it, in a small file that is whole at any moment."""

    def __init__(self, path: str, run: Mapping[str, str]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.cursor: Optional[str] = None
        self.done = False
        self.unknown: Dict[str, str] = {}
        """Claimed, and nobody knows whether it was sent: msg-id to phone."""
        self.unsent: Dict[str, str] = {}
        """Claimed, and surely not sent."""
        self.unreported: List[str] = []
        """Requests that tell contactd what became of a message, and did not reach it."""
        self._run = dict(run)
        # Two runs would overwrite what the other knows, and send twice what is unsent.
        self._alone = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{path} is the state of a run that goes on") from None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            if kept["run"] != self._run:
                raise ValueError(f"{path} is the state of another run: {kept['run']}")
            self.cursor, self.done = kept["cursor"], kept["done"]
            self.unknown, self.unreported = kept["unknown"], kept["unreported"]
            self.unsent = kept.get("unsent", {})
        # What cannot be written is to be known before the first claim.
        with self.changed():
            pass

    @contextlib.contextmanager
    def changed(self) -> Iterator[None]:
        """Writes it once the block has changed it: beside the old one, synced, then in its place."""
        with self._lock:
            yield
            beside = f"{self._path}.new"
            with open(beside, "w", encoding="utf-8") as file:
                kept = {"run": self._run, "cursor": self.cursor, "done": self.done, "unknown": self.unknown}
                json.dump({**kept, "unsent": self.unsent, "unreported": self.unreported}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
            folder = os.open(os.path.dirname(os.path.abspath(self._path)), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


class Queue:
    """The phones of a page that wait, and how many are being dealt with."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Dict[str, None] = {}
        self._busy = 0
        self.closed = False

    def fill(self, phones: Iterable[str]) -> None:
        with self._changed:
            self._waiting.update(dict.fromkeys(phones))
            self._changed.notify_all()

    def drop(self, phone: str) -> bool:
        """Takes a phone off the queue, if it waits."""
        with self._changed:
            found = phone in self._waiting
            self._waiting.pop(phone, None)
            self._changed.notify_all()
            return found

    def take(self) -> Optional[str]:
        """The next phone, once there is one; None when the queue is closed. `done` must follow."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.closed)
            if self.closed:
                return None
            phone = next(iter(self._waiting))
            del self._waiting[phone]
            self._busy += 1
            return phone

    def done(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def finish(self) -> None:
        """Waits until every phone was dealt with, or the queue is closed and nobody is busy."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and (self.closed or not self._waiting))

    def close(self) -> None:
        """Nothing more is taken."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class Pace:
    """At most so many a second."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        time.sleep(at - now)


class Worker:
    """One run of a campaign."""

    def __init__(self, client: Client, args: argparse.Namespace, send: Send) -> None:
        self._client = client
        self._list: str = args.list
        self._campaign: str = args.campaign
        self._text: str = args.text
        self._page: int = args.page
        # Not eligible=, which nobody is while the list is paused: a pause must not look like the end.
        self._filter = f"list={args.list} status=active" + (f" ({args.segment})" if args.segment else "")
        self._send = send
        self._pace = Pace(args.rate)
        self._queue = Queue()
        self._senders: int = args.threads
        self._lock = threading.RLock()
        self._failures_in_a_row = 0
        self._trouble: Optional[BaseException] = None
        self.counts: Dict[str, int] = {}
        self.state = State(args.state, {"list": args.list, "campaign": args.campaign, "segment": args.segment})

    def run(self) -> None:
        """Sends to the segment, from where the last run was. Raises Stopped, or contactd's error, before the end."""
        self._report_again()
        self._settle()
        if self.state.done:
            return
        self._look()
        # The feed begins before the first page, so no change is missed between the two.
        position = self._client.feed_page()[1]
        threading.Thread(target=self._follow, args=(position,), daemon=True).start()
        senders = [threading.Thread(target=self._work) for _ in range(self._senders)]
        for sender in senders:
            sender.start()
        try:
            while not self.state.done:
                self._send_page()
        finally:
            self._queue.close()
            for sender in senders:
                sender.join()
        self._settle()

    def stop(self, why: BaseException) -> None:
        """Ends the run once the messages are done that are being sent now."""
        with self._lock:
            self._trouble = self._trouble or why
        self._queue.close()

    def _look(self) -> None:
        """Raises Stopped unless the list can be sent from."""
        self._heed_reason(self._client.check(self._list, NOBODY).reason)

    def _heed_reason(self, reason: str) -> None:
        if reason in CLOSED:
            raise Stopped(f"{self._list} {CLOSED[reason]}")

    def _send_page(self) -> None:
        phones, cursor = self._client.find_page(self._filter, limit=self._page, after=self.state.cursor)
        self._queue.fill([*self.state.unsent.values(), *phones])
        self._queue.finish()
        if self._trouble is not None:
            raise self._trouble
        if cursor is None:
            # Of a list that was removed FIND finds nobody, which is not the end.
            self._look()
        with self.state.changed():
            self.state.cursor, self.state.done = cursor, cursor is None

    def _work(self) -> None:
        with self._client.clone() as client:
            while True:
                phone = self._queue.take()
                if phone is None:
                    return
                try:
                    self._deliver(client, phone)
                except BaseException as why:
                    self.stop(why)
                finally:
                    self._queue.done()

    def _deliver(self, client: Client, phone: str) -> None:
        for pause in (*PAUSES_SECONDS, None):
            self._pace.wait()
            try:
                self._attempt(client, phone)
                return
            except NotSent as why:
                if pause is None or self._queue.closed:
                    raise Stopped(f"{phone} was not sent: {why}") from why
                say(f"{phone} is tried again in {pause:g} s: {why}")
                time.sleep(pause)

    def _attempt(self, client: Client, phone: str) -> None:
        """Claims a message, hands it over and tells what became of it. Raises NotSent if it can be tried again."""
        msg_id = f"{self._campaign}:{phone}"
        claim = client.claim(self._list, phone, msg_id)
        if claim.state == "claimed" and msg_id in self.state.unsent:
            # Our own claim, of a message that never left; what has come since counts.
            verdict = client.check(self._list, phone)
            if verdict:
                self._hand_over(client, phone, msg_id)
            else:
                self._heed_reason(verdict.reason)
                self._report(partial(client.failed, self._list, phone, msg_id, reason=f"not sent: {verdict}"))
                self._forget(msg_id)
                self._count(str(verdict))
            return
        self._forget(msg_id)
        if claim:
            self._hand_over(client, phone, msg_id)
        elif claim.state == "claimed":
            # Another run, or an attempt whose reply was lost: it may have been sent.
            self._not_known(phone, msg_id, CLAIMED_BEFORE)
        elif claim.duplicate:
            self._count(f"{claim.state} before")
        else:
            self._heed_reason(claim.reason)
            self._count(f"no {claim.reason}")

    def _hand_over(self, client: Client, phone: str, msg_id: str) -> None:
        if msg_id in self.state.unsent:
            # From here on it may have gone out, should nobody live to tell.
            with self.state.changed():
                self.state.unknown[msg_id] = self.state.unsent.pop(msg_id)
        try:
            self._send(phone, self._text, msg_id)
        except NotSent:
            with self.state.changed():
                self.state.unknown.pop(msg_id, None)
                self.state.unsent[msg_id] = phone
            raise
        except Refused as why:
            tell = partial(client.failed, self._list, phone, msg_id, code=why.code, provider=why.provider)
            self._report(partial(tell, permanent=why.permanent))
            self._count(f"failed with code {why.code}", failure=True)
        except Exception as why:
            self._not_known(phone, msg_id, f"{type(why).__name__}: {why}")
        else:
            self._report(partial(client.sent, self._list, phone, msg_id))
            self._count("sent", failure=False)

    def _forget(self, msg_id: str) -> None:
        """It is not unsent any more: somebody has told of it, or contactd has forgotten it."""
        if msg_id in self.state.unsent:
            with self.state.changed():
                del self.state.unsent[msg_id]

    def _report(self, tell: Callable[[], bool]) -> None:
        """Tells contactd what became of a message. What it cannot be told now is kept for the next run."""
        try:
            tell()
        except ContactdError as why:
            with self.state.changed():
                self.state.unreported.append(why.request)
            say(f"kept for the next run: {why}")

    def _report_again(self) -> None:
        for request in list(self.state.unreported):
            try:
                self._client.line(request)
            except ContactdError as why:
                if not isinstance(why, (BadArgument, NoList, OverLimit)):
                    # A FAILED may be an opt-out, so it is kept until contactd has looked at it.
                    raise
                say(f"contactd does not take {request!r}: {why}")
            with self.state.changed():
                self.state.unreported.remove(request)

    def _not_known(self, phone: str, msg_id: str, why: str) -> None:
        known = msg_id in self.state.unknown
        if not known:
            with self.state.changed():
                self.state.unknown[msg_id] = phone
        if not known or why != CLAIMED_BEFORE:
            say(f"not known whether {msg_id} was sent: {why}")
        self._count("not known", failure=None if why == CLAIMED_BEFORE else True)

    def _settle(self) -> None:
        """Takes off the list what is known by now: another worker, a status callback or a person has told it."""
        for msg_id, phone in list(self.state.unknown.items()):
            sends = self._client.history(phone, "send")
            newest = next((event for event in sends if event.id == msg_id and event.list == self._list), None)
            if newest is not None and newest.state in ("sent", "failed"):
                with self.state.changed():
                    del self.state.unknown[msg_id]

    def _count(self, what: str, failure: Optional[bool] = None) -> None:
        """Counts an outcome; `failure` says whether a message was tried in vain."""
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            if failure is not None:
                self._failures_in_a_row = self._failures_in_a_row + 1 if failure else 0
            if self._failures_in_a_row >= FAILURES_IN_A_ROW_MAX:
                self.stop(Stopped(f"{self._failures_in_a_row} messages in a row were not sent"))

    def _follow(self, position: Optional[str]) -> None:
        """Takes off the queue who may not get the message any more. The claim would refuse them too, only later."""
        with self._client.clone() as client:
            while not self._queue.closed:
                try:
                    changes, position = client.feed_page(position, wait=1.0)
                except OverLimit:
                    # What was missed meanwhile, the claims see.
                    position = None
                except ContactdError as why:
                    say(f"the feed is away: {why}")
                    time.sleep(1)
                else:
                    for change in changes:
                        self._heed(change)

    def _heed(self, change: Change) -> None:
        if change.kind == "list" and change.list == self._list and (change.paused or change.known is False):
            self.stop(Stopped(f"{self._list} was paused or removed"))
        if change.phone is None or f"{self._campaign}:{change.phone}" in self.state.unsent:
            # What is claimed is not dropped, but told of.
            return
        if self._forbids(change) and self._queue.drop(change.phone):
            self._count(f"taken off the queue: {change.cause}")

    def _forbids(self, change: Change) -> bool:
        here = any(on.list == self._list and on.status != "active" for on in change.lists)
        return here or change.status in ("invalid", "suppressed", "opted_out")


def say(text: str) -> None:
    print(f"worker.py: {text}", file=sys.stderr, flush=True)


def provider(name: str) -> Send:
    """The function that a name means: one of this file, or `module:function`."""
    if name == "twilio":
        # Found out by the first message, it would cost claim after claim.
        missing = [variable for variable in TWILIO_NEEDS if not os.environ.get(variable)]
        if missing:
            raise ValueError(f"--provider twilio needs {', '.join(missing)} in the environment")
        urllib.request.Request(_twilio_url())
    if name in ("show", "twilio"):
        return {"show": show, "twilio": twilio}[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise ValueError(f"{name!r} is no provider: expected show, twilio or module:function")
    sys.path.insert(0, os.getcwd())
    send: Send = getattr(importlib.import_module(module), function)
    return send


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = options().parse_args(arguments)
    try:
        if (
            len(args.campaign) > 48
            or not args.campaign.isprintable()
            or not args.campaign.isascii()
            or " " in args.campaign
        ):
            raise ValueError(
                "--campaign has at most 48 letters and no blanks: with the phone it makes an id of 64 bytes"
            )
        if args.rate <= 0 or args.threads < 1 or not 1 <= args.page <= 1000:
            raise ValueError("--rate must be above 0, --threads at least 1, --page from 1 to 1000")
        send = provider(args.provider)
        token = os.environ.get("CONTACTD_TOKEN") or None
        with Client.at(args.server, token=token, retry=args.retry, ca_file=args.ca_file) as client:
            worker = Worker(client, args, send)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: worker.stop(Stopped("asked to stop")))
            try:
                worker.run()
            finally:
                for what, number_of in sorted(worker.counts.items()):
                    print(f"{number_of:>9,} {what}")
    except (Stopped, ContactdError) as why:
        say(f"{why}; start it again to go on")
        return 2
    except (ValueError, OSError) as why:
        say(str(why))
        return 2
    except Exception:
        traceback.print_exc()
        return 2
    for msg_id, phone in worker.state.unknown.items():
        print(f"not known: {args.list} {phone} {msg_id}")
    return 1 if worker.state.unknown else 0


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], epilog="A token is taken from CONTACTD_TOKEN."
    )
    parser.add_argument("--list", required=True, help="the sending list")
    parser.add_argument(
        "--campaign", required=True, metavar="ID", help="names the messages: each contact gets one per campaign"
    )
    parser.add_argument("--segment", default="", metavar="FILTER", help="whom to send to, of those who may get it")
    parser.add_argument("--text", required=True, help="the message")
    parser.add_argument("--state", required=True, metavar="FILE", help="where the run keeps where it is")
    parser.add_argument("--provider", default="show", metavar="NAME", help="show, twilio, or module:function [show]")
    parser.add_argument("--rate", type=float, default=10.0, metavar="N", help="messages a second, at most [10]")
    parser.add_argument("--threads", type=int, default=4, metavar="N", help="how many are sent at a time [4]")
    parser.add_argument(
        "--page", type=int, default=500, metavar="N", help="how many are queued at a time, at most 1000 [500]"
    )
    parser.add_argument(
        "--retry", type=float, default=60.0, metavar="SECONDS", help="how long to wait for contactd [60]"
    )
    parser.add_argument(
        "--server",
        default=os.environ.get("CONTACTD_SERVER", "127.0.0.1:7164"),
        metavar="ADDRESS",
        help="host:port, tls:host:port or unix:/path; of daemons that share a store all, with commas [CONTACTD_SERVER, 127.0.0.1:7164]",
    )
    parser.add_argument("--ca-file", metavar="FILE", help="for tls: the authorities to trust [CONTACTD_CA_FILE]")
    return parser


if __name__ == "__main__":
    # A provider says `from worker import Refused`, and must get the class that is caught here.
    sys.modules["worker"] = sys.modules[__name__]
    sys.exit(main())
