#!/usr/bin/env python3
"""Client of contactd: may I send to this contact from this sending list, now?

One file, standard library only, Python 3.8 or newer: copy it beside your program, or run it as a command.

    from contactd import Client

    with Client("127.0.0.1", 7164) as client:
        client.list("+14155550100", name="Spring sale")
        client.optin("+14155550100", "+14155550123", source="web form 7")
        if client.check("+14155550100", "+14155550123"):
            ...

        with client.pipeline() as batch:
            verdicts = [batch.check("+14155550100", phone) for phone in phones]
        allowed = [phone for phone, verdict in zip(phones, verdicts) if verdict.get()]

Every command of protocol.md that a program needs is a method of the same name and returns Python values: datetimes
with the time zone UTC, Decimal for money, and for CHECK and CLAIM an object that is true or false and says why. An
error is an exception, and nothing but the daemon's own `yes` is ever true.

**Connection loss.** A call connects again and repeats its request for up to `retry` seconds, where a repetition cannot
do harm:

* Clicks, conversions and inbound messages get a random id before the first attempt, unless you give one. A repetition
  carries the same id and, unless you give `at`, the time of the first attempt; so do RELEASE, VALID and SENT. What was
  taken already changes nothing, and what happened meanwhile is not undone by a late repetition.
* CLAIM is repeated with its msg-id. If the daemon then answers `dup claimed`, the grant may be the one whose reply was
  lost: `Claim.retried` says so, and the claim stays false. Whoever knows better may decide otherwise.
* What forbids (OPTOUT, SUPPRESS, INVALID, FAILED) is dated by the daemon if you give no `at`, at a repetition too:
  there the last word counts, and no client whose clock is behind can lose a STOP. OPTIN is never dated by this client:
  only a date of consent that you give lifts an opt-out.
* Not repeated once it may have arrived: UNLIST, LIST with `paused=False`, PURGE RUN, `call` and `line`. They raise
  `Unreachable` with `retryable` False: ask what became of it.

**Threads.** A client is one connection with a lock: threads may share it and take turns. A pipeline belongs to one
thread. `feed` and `export` open a connection of their own. After a fork the child connects anew.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import random
import re
import selectors
import socket
import ssl
import sys
import threading
import time
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from itertools import islice
from types import TracebackType
from typing import (
    IO, Any, Callable, Dict, Generic, Iterable, Iterator, List, Mapping, NoReturn, Optional, Sequence, Set, Tuple,
    Type, TypeVar, Union,
)
from urllib.parse import unquote, urlsplit

__all__ = [
    "ALL", "BadArgument", "Busy", "Change", "Claim", "Client", "CommandError", "ConnectedClient", "Contact", "ContactdError", "Draining",
    "Erased", "Event", "Fact", "Feed", "Ground", "Imported", "Inbound", "Internal", "LabelCount", "ListContact", "ListInfo", "Loading", "NoAuth",
    "NoList", "NoPermission", "NoProtocol", "OverLimit", "Pending", "Pipeline", "ProtocolError", "ReadOnly", "Row",
    "StatusChange", "Trend", "Unreachable", "UnresolvedClaim", "Verdict", "WaitingMessage", "Why",
]

ALL = "*"
"""In the place of a list: all lists (OPTOUT), or the contact alone (IMPORT)."""

_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What reading a reply raises that is not as it should be."""

T = TypeVar("T")
When = Union[date, str]
"""A time: an aware datetime, a date (midnight UTC), or a text as protocol.md allows it."""
Reply = Union[bytes, List[bytes]]
"""A reply as it came, without line ends: a line, or the lines of an array."""

CHECK_PHONES = 1000
PAGE_ITEMS = 1000
BATCH_REQUESTS = 10_000
READ_BYTES = 256 * 1024
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


# Errors


class ContactdError(Exception):
    """What contactd answered instead, or that it did not answer.

    `code` is for programs, `message` for people. `retryable` says that the same request may succeed later and that
    repeating it does no harm: keep `request`, which carries its id and date, and give it to `Client.line` then. An
    opt-out that got such an error is not lost as long as you keep it. A code that this client does not know is not
    retryable. `taken` says that what the request forbids is on disk all the same.
    """

    code = "UNKNOWN"
    retryable = False

    def __init__(self, message: str, request: str = "", code: str = "") -> None:
        self.message = message
        self.request = request
        self.code = code or self.code
        super().__init__(f"{self.code} {message}")

    @property
    def taken(self) -> str:
        """The number of which contactd took what the request forbids, and refused only the rest; else empty."""
        words = self.message.split(" ", 2)
        return words[1] if len(words) == 3 and words[0] == "taken" else ""

    def __reduce__(self) -> Tuple[Any, ...]:
        return _revive, (type(self), self.message, self.request, self.code, self.retryable)


def _revive(kind: Type[ContactdError], message: str, request: str, code: str, retryable: bool) -> ContactdError:
    error = kind(message, request, code)
    error.retryable = retryable
    return error


class CommandError(ContactdError):
    """No such command, or the wrong number of arguments."""

    code = "ERR"


class BadArgument(ContactdError):
    """An argument is wrong; the message names it. `opted out on …`: an OPTIN must say when consent was given."""

    code = "BADARG"


class NoList(ContactdError):
    """The number is no sending list: create it with `Client.list`."""

    code = "NOLIST"


class OverLimit(ContactdError):
    """Over a limit; for FEED, the position has expired or is another store's."""

    code = "LIMIT"


class NoAuth(ContactdError):
    """A token is needed, or the one given is not known."""

    code = "NOAUTH"


class NoPermission(ContactdError):
    """The token does not allow this command."""

    code = "NOPERM"


class NoProtocol(ContactdError):
    """The daemon does not speak RESP 2."""

    code = "NOPROTO"


class Busy(ContactdError):
    """The daemon has all the clients it takes."""

    code = "BUSY"
    retryable = True


class Loading(ContactdError):
    """The daemon has just started."""

    code = "LOADING"
    retryable = True


class Draining(ContactdError):
    """The daemon is shutting down; nothing was done."""

    code = "DRAINING"
    retryable = True


class Standby(ContactdError):
    """Another daemon owns the store, or has just taken it over. Whether a write took effect is not known."""

    code = "STANDBY"
    retryable = True


class Moved(ContactdError):
    """Another partition has the contact. Daemons say it to each other."""

    code = "MOVED"
    retryable = True


class ReadOnly(ContactdError):
    """The disk is full or fails. What forbids counts until the daemon restarts: keep it and send it again once that is
    mended."""

    code = "READONLY"
    retryable = True


class Internal(ContactdError):
    """A defect or a failing disk. Whether the write took effect is not known."""

    code = "INTERNAL"
    retryable = True


class Unreachable(ContactdError):
    """No connection, or it was lost before the reply: whether the request took effect is not known then."""

    code = "UNREACHABLE"
    retryable = True


class ProtocolError(ContactdError):
    """What answers is not contactd, or says what this client cannot read."""

    code = "PROTOCOL"


_PASSING = (Unreachable, Busy, Loading, Draining, Standby)
_ERRORS: Dict[str, Type[ContactdError]] = {
    kind.code: kind
    for kind in (
        CommandError, BadArgument, NoList, OverLimit, NoAuth, NoPermission, NoProtocol, Busy, Loading, Draining,
        Standby, Moved, ReadOnly, Internal,
    )
}


# Values


@dataclass(frozen=True)
class Verdict:
    """The answer to CHECK: true for `yes` and for nothing else.

    `reason` is empty for yes, else a word of protocol.md's table like `list_opted_out`. Where a phone of `check_many`
    is no number it is the code of `error`.
    """

    yes: bool
    reason: str = ""
    error: Optional[ContactdError] = None

    def __bool__(self) -> bool:
        return self.yes

    def __str__(self) -> str:
        return "yes" if self.yes else f"no {self.reason}"


@dataclass(frozen=True)
class Claim:
    """The answer to CLAIM: true if the message may be handed over now, by this caller.

    `reason` says why not, like a verdict's. `state` is that of a duplicate: `claimed`, `sent` or `failed`. `retried`
    says that the reply to an earlier attempt of this call was lost: `claimed` may then be this call's own grant.
    """

    granted: bool
    reason: str = ""
    state: str = ""
    retried: bool = False

    @property
    def duplicate(self) -> bool:
        """Whether this msg-id was granted, sent or failed before."""
        return bool(self.state)

    def __bool__(self) -> bool:
        return self.granted

    def __str__(self) -> str:
        return "yes" if self.granted else f"dup {self.state}" if self.state else f"no {self.reason}"


@dataclass(frozen=True)
class Inbound:
    """What a message from a phone meant.

    `meaning` is `optout`, `optin`, `help` or `message`; `turn` is empty for just now, else `again`, `late`, or of a
    message `maybe_optout`. `undated`: contactd could not read `at` and took it as of now. `retried`: the reply to an earlier attempt was lost, so `again` may be this call's own
    effect.
    """

    meaning: str
    turn: str = ""
    retried: bool = False
    undated: bool = False

    @property
    def confirm(self) -> bool:
        """Whether the one confirmation of an opt-out is due."""
        return self.meaning == "optout" and not self.turn

    def __str__(self) -> str:
        return " ".join(filter(None, (self.meaning, self.turn, "undated" if self.undated else "")))


@dataclass(frozen=True)
class Imported:
    """What became of a row: `outcome` is `created`, `updated`, `unchanged` or `kept`, and then `why` tells what stands
    against the subscription. `phone` is in E.164."""

    outcome: str
    phone: str
    why: str = ""


@dataclass(frozen=True)
class Erased:
    """What ERASE removed besides the contact: events of its history, and entries of the feed that named it."""

    events: int
    feed_entries: int

    def __str__(self) -> str:
        return f"erased events {self.events} feed_entries {self.feed_entries}"


@dataclass
class Row:
    """A row of an import; the keys are those of IMPORT. Only `phone` must be given, as it stands in the file."""

    phone: str
    region: Optional[str] = None
    labels: Optional[Mapping[str, Optional[str]]] = None
    how: Optional[str] = None
    source: Optional[str] = None
    import_id: Optional[str] = None
    reason: Optional[str] = None
    status: Optional[str] = None
    subscribed_at: Optional[When] = None
    opted_out_at: Optional[When] = None
    suppressed_at: Optional[When] = None
    invalid_at: Optional[When] = None
    created_at: Optional[When] = None
    total_sends: Optional[int] = None
    total_clicks: Optional[int] = None
    total_bot_clicks: Optional[int] = None
    total_conversions: Optional[int] = None
    sends_since_engaged: Optional[int] = None
    total_revenue: Union[Decimal, str, None] = None
    last_sent: Optional[When] = None
    last_clicked: Optional[When] = None
    last_engaged: Optional[When] = None
    last_inbound: Optional[When] = None


class _Told:
    """What the daemon told as JSON, shown without what it did not. `raw` also has what this client does not know."""

    raw: Mapping[str, Any]

    def __repr__(self) -> str:
        told = {key: value for key, value in vars(self).items() if key in self.raw and value is not None}
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in told.items())})"


@dataclass(frozen=True, repr=False)
class ListContact(_Told):
    """A contact's relation to a list, as GET tells it."""

    list: str
    status: str
    how: Optional[str] = None
    subscribed_at: Optional[datetime] = None
    source: Optional[str] = None
    by: Optional[str] = None
    opted_out_at: Optional[datetime] = None
    opted_out_how: Optional[str] = None
    opted_out_source: Optional[str] = None
    opted_out_reason: Optional[str] = None
    opted_out_by: Optional[str] = None
    suppressed_at: Optional[datetime] = None
    suppressed_how: Optional[str] = None
    suppressed_source: Optional[str] = None
    suppressed_reason: Optional[str] = None
    suppressed_by: Optional[str] = None
    released_at: Optional[datetime] = None
    released_how: Optional[str] = None
    released_source: Optional[str] = None
    released_reason: Optional[str] = None
    released_by: Optional[str] = None
    verdict: Optional[str] = None
    list_removed_at: Optional[datetime] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Contact(_Told):
    """All that is known of a contact, as GET tells it; of one that is gone (`purged_at`, `erased_at`), what its
    tombstone keeps."""

    phone_number: str
    status: str
    labels: Mapping[str, str]
    created_at: Optional[datetime] = None
    lists: Sequence[ListContact] = ()
    total_sends: int = 0
    total_clicks: int = 0
    total_bot_clicks: int = 0
    total_conversions: int = 0
    total_revenue: Decimal = Decimal(0)
    last_sent: Optional[datetime] = None
    last_clicked: Optional[datetime] = None
    last_engaged: Optional[datetime] = None
    last_inbound: Optional[datetime] = None
    sends_since_engaged: int = 0
    soft_failures: int = 0
    opted_out_all_at: Optional[datetime] = None
    opted_out_all_how: Optional[str] = None
    opted_out_all_source: Optional[str] = None
    opted_out_all_reason: Optional[str] = None
    opted_out_all_by: Optional[str] = None
    suppressed_at: Optional[datetime] = None
    suppressed_how: Optional[str] = None
    suppressed_source: Optional[str] = None
    suppressed_reason: Optional[str] = None
    suppressed_by: Optional[str] = None
    released_at: Optional[datetime] = None
    released_how: Optional[str] = None
    released_source: Optional[str] = None
    released_reason: Optional[str] = None
    released_by: Optional[str] = None
    invalid_at: Optional[datetime] = None
    invalid_how: Optional[str] = None
    invalid_source: Optional[str] = None
    invalid_reason: Optional[str] = None
    invalid_by: Optional[str] = None
    valid_at: Optional[datetime] = None
    valid_how: Optional[str] = None
    valid_source: Optional[str] = None
    valid_reason: Optional[str] = None
    valid_by: Optional[str] = None
    purged_at: Optional[datetime] = None
    purged_reason: Optional[str] = None
    erased_at: Optional[datetime] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    def on(self, list: str) -> Optional[ListContact]:
        """The relation to a list, if there is one."""
        return next((relation for relation in self.lists if relation.list == list), None)


@dataclass(frozen=True, repr=False)
class ListInfo(_Told):
    """A sending list, as LISTS tells it. Rates are shares: 0.02 is two in a hundred."""

    list: str
    name: Optional[str] = None
    paused: bool = False
    created_at: Optional[datetime] = None
    active: int = 0
    opted_out: int = 0
    suppressed: int = 0
    opt_out_rate: float = 0.0
    sends_30d: int = 0
    opt_outs_30d: int = 0
    opt_out_rate_30d: Optional[float] = None
    opt_out_rate_enough_sends: bool = False
    opt_out_rate_high: bool = False
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Event(_Told):
    """What happened to a contact, as HISTORY tells it: `at` as it counts, `seen_at` when contactd learned of it."""

    kind: str
    at: datetime
    seen_at: Optional[datetime] = None
    given_at: Optional[datetime] = None
    list: Optional[str] = None
    id: Optional[str] = None
    state: Optional[str] = None
    code: Optional[str] = None
    message: Optional[str] = None
    bot: bool = False
    url: Optional[str] = None
    amount: Optional[Decimal] = None
    meaning: Optional[str] = None
    text: Optional[str] = None
    evidence: Optional[str] = None
    how: Optional[str] = None
    source: Optional[str] = None
    reason: Optional[str] = None
    by: Optional[str] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Fact(_Told):
    """A fact behind a verdict, as WHY tells it."""

    kind: str
    at: datetime
    list: Optional[str] = None
    how: Optional[str] = None
    source: Optional[str] = None
    reason: Optional[str] = None
    by: Optional[str] = None
    change: Optional[str] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Ground(_Told):
    """A reason that stands behind another one."""

    reason: str
    meaning: str = ""
    ends: str = ""
    fact: Optional[Fact] = None
    memory_only: bool = False
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Why(_Told):
    """The verdict and what it follows from, as WHY tells it; `text` says it in words. True if the verdict is yes."""

    list: str
    phone: str
    verdict: str
    reason: str = ""
    meaning: str = ""
    ends: str = ""
    fact: Optional[Fact] = None
    memory_only: bool = False
    event: Optional[Event] = None
    behind: Sequence[Ground] = ()
    purged_at: Optional[datetime] = None
    purged_reason: Optional[str] = None
    erased_at: Optional[datetime] = None
    text: str = ""
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return self.verdict == "yes"


@dataclass(frozen=True, repr=False)
class Trend(_Told):
    """What happened on a list, or on all of them, on one day (UTC)."""

    day: date
    sends: int = 0
    failed: int = 0
    opt_outs: int = 0
    clicks: int = 0
    bot_clicks: int = 0
    conversions: int = 0
    revenue: Decimal = Decimal(0)
    replies: int = 0
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class UnresolvedClaim(_Told):
    """A message that was claimed, and nobody has said what became of it."""

    list: str
    phone: str
    id: str
    at: datetime
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class ConnectedClient(_Told):
    """Who is connected: `name` is whose token it gave, `transport` is tcp, tls, unix or inside."""

    id: int
    address: str
    transport: str
    level: str
    requests: int = 0
    idle_seconds: int = 0
    name: Optional[str] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class WaitingMessage(_Told):
    """A message in which somebody may want out, and that nobody has settled."""

    number: int
    phone: str
    list: str
    text: str
    at: datetime
    seen_at: datetime
    id: str = ""
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class StatusChange(_Told):
    """The status that a contact has on a list since a change."""

    list: str
    status: str
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, repr=False)
class Change(_Told):
    """A change of consent, status, list or scope, as FEED tells it. FEED from `position` gives this change again."""

    position: str
    kind: str
    at: Optional[datetime] = None
    phone: Optional[str] = None
    cause: Optional[str] = None
    meaning: Optional[str] = None
    status: Optional[str] = None
    lists: Sequence[StatusChange] = ()
    list: Optional[str] = None
    known: Optional[bool] = None
    paused: Optional[bool] = None
    stop_scope: Optional[str] = None
    fenced: Optional[bool] = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class LabelCount:
    """A label key, or a value of one, and how many contacts have it."""

    name: str
    contacts: int


# Batches


class Pending(Generic[T]):
    """A reply that comes when its pipeline is sent. It is neither true nor false: ask `get`."""

    __slots__ = ("_line", "_read", "_again", "_repeatable", "_reply", "_lost", "_retried")

    def __init__(
        self, line: str, read: Callable[[Reply, bool], T], again: Optional[Callable[[int], str]] = None,
        repeatable: bool = True,
    ) -> None:
        self._line = line
        self._read = read
        self._again = again
        self._repeatable = repeatable
        self._reply: Optional[Reply] = None
        self._lost: Optional[ContactdError] = None
        self._retried = False

    def get(self) -> T:
        """The value, or the error raised: the daemon's, or Unreachable."""
        reply = self._reply
        if reply is None:
            raise self._lost or RuntimeError("not sent yet: leave the pipeline's with block, or call its flush")
        if reply[:1] == b"-":
            raise self._told_error(reply)
        try:
            return self._read(reply, self._retried)
        except _UNREADABLE as why:
            raise _strange(reply) from why

    @property
    def error(self) -> Optional[ContactdError]:
        """The error that `get` would raise for want of a value, if any."""
        reply = self._reply
        if reply is not None and reply[:1] == b"-":
            return self._told_error(reply)
        return self._lost

    def __bool__(self) -> NoReturn:
        raise TypeError("a pending reply is neither true nor false: ask its get()")

    def _told_error(self, reply: Reply) -> ContactdError:
        error = _error(reply, self._line)
        if isinstance(error, Internal):
            error.retryable = self._repeatable
        return error

    def _date(self, first_attempt_ms: int) -> None:
        """From now on the request is what may be sent later, or a second time."""
        if self._again is not None:
            self._line = self._again(first_attempt_ms)
            self._again = None


class _Requests:
    """The requests that may stand in a batch, each written out once. What they mean is told at Client."""

    def _add(self, pending: Pending[T]) -> Pending[T]:
        return pending

    def _dated(self, read: Callable[[Reply, bool], T], words: Sequence[str], keys: Mapping[str, Any]) -> Pending[T]:
        """A request whose repetition says when the first attempt was."""

        def again(first_attempt_ms: int) -> str:
            return _line(*words, keys={**keys, "at": first_attempt_ms})

        return self._add(Pending(_line(*words, keys=keys), read, again if keys.get("at") is None else None))

    def check(self, list: str, phone: str) -> Pending[Verdict]:
        """As Client.check."""
        return self._add(Pending(_line("CHECK", list, phone), _verdict))

    def claim(self, list: str, phone: str, msg_id: str) -> Pending[Claim]:
        """As Client.claim."""
        return self._add(Pending(_line("CLAIM", list, phone, msg_id), _claim))

    def sent(self, list: str, phone: str, msg_id: str, *, at: Optional[When] = None) -> Pending[bool]:
        """As Client.sent."""
        return self._dated(_changed, ("SENT", list, phone, msg_id), {"at": at})

    def failed(
        self, list: str, phone: str, msg_id: str, *, code: Union[int, str, None] = None,
        provider: Optional[str] = None, permanent: Optional[bool] = None, at: Optional[When] = None,
        reason: Optional[str] = None, source: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.failed."""
        keys = {
            "provider": provider, "code": code, "permanent": permanent, "at": at, "reason": reason, "source": source,
        }
        return self._add(Pending(_line("FAILED", list, phone, msg_id, keys=keys), _changed))

    def click(
        self, list: str, phone: str, *, at: Optional[When] = None, id: Optional[str] = None,
        message: Optional[str] = None, bot: Optional[bool] = None, url: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.click."""
        keys = {"at": at, "id": id or _new_id(), "message": message, "bot": bot, "url": url}
        return self._dated(_changed, ("CLICK", list, phone), keys)

    def convert(
        self, list: str, phone: str, amount: Union[Decimal, int, str], *, at: Optional[When] = None,
        id: Optional[str] = None, message: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.convert."""
        amount = format(amount, "f") if isinstance(amount, Decimal) else str(amount)
        keys = {"at": at, "id": id or _new_id(), "message": message}
        return self._dated(_changed, ("CONVERT", list, phone, amount), keys)

    def optin(
        self, list: str, phone: str, *, at: Optional[When] = None, how: Optional[str] = None, id: Optional[str] = None,
        source: Optional[str] = None, evidence: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.optin."""
        keys = {"at": at, "how": how, "id": id, "source": source, "evidence": evidence}
        return self._add(Pending(_line("OPTIN", list, phone, keys=keys), _changed))

    def optout(
        self, list: str, phone: str, *, at: Optional[When] = None, how: Optional[str] = None,
        source: Optional[str] = None, reason: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.optout."""
        keys = {"at": at, "how": how, "source": source, "reason": reason}
        return self._add(Pending(_line("OPTOUT", list, phone, keys=keys), _changed))

    def inbound(
        self, list: str, phone: str, text: str, *, at: Optional[When] = None, id: Optional[str] = None
    ) -> Pending[Inbound]:
        """As Client.inbound."""
        return self._dated(_inbound, ("INBOUND", list, phone), {"text": text, "at": at, "id": id or _new_id()})

    def import_row(self, list: str, row: Row) -> Pending[Imported]:
        """As Client.import_row."""
        keys = dict(vars(row))
        return self._add(Pending(_line("IMPORT", list, keys=keys), _imported))

    def put(self, phone: str, labels: Optional[Mapping[str, Optional[str]]] = None) -> Pending[str]:
        """As Client.put."""
        return self._add(Pending(_line("PUT", phone, keys={"labels": labels}), _text))

    def get(self, phone: str) -> Pending[Optional[Contact]]:
        """As Client.get."""
        return self._add(Pending(_line("GET", phone), _maybe_contact))

    def erase(self, phone: str) -> Pending[Optional[Erased]]:
        """As Client.erase."""
        return self._add(Pending(_line("ERASE", phone), _maybe_erased))

    def suppress(
        self, phone: str, *, list: Optional[str] = None, at: Optional[When] = None, source: Optional[str] = None,
        reason: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.suppress."""
        words = ("SUPPRESS", phone) if list is None else ("SUPPRESS", list, phone)
        return self._add(Pending(_line(*words, keys={"at": at, "source": source, "reason": reason}), _changed))

    def release(
        self, phone: str, *, list: Optional[str] = None, at: Optional[When] = None, source: Optional[str] = None,
        reason: Optional[str] = None,
    ) -> Pending[bool]:
        """As Client.release."""
        words = ("RELEASE", phone) if list is None else ("RELEASE", list, phone)
        return self._dated(_changed, words, {"at": at, "source": source, "reason": reason})

    def invalid(
        self, phone: str, *, at: Optional[When] = None, source: Optional[str] = None, reason: Optional[str] = None
    ) -> Pending[bool]:
        """As Client.invalid."""
        return self._add(
            Pending(_line("INVALID", phone, keys={"at": at, "source": source, "reason": reason}), _changed)
        )

    def valid(
        self, phone: str, *, at: Optional[When] = None, source: Optional[str] = None, reason: Optional[str] = None
    ) -> Pending[bool]:
        """As Client.valid."""
        return self._dated(_changed, ("VALID", phone), {"at": at, "source": source, "reason": reason})

    def count(self, filter: str = "") -> Pending[int]:
        """As Client.count."""
        return self._add(Pending(_text_line("COUNT", filter), _integer))


class Pipeline(_Requests):
    """Many requests, sent together: `with client.pipeline() as batch: …`.

    Its methods take what the client's take and return a `Pending`; the values are there once the block is left, or
    after `flush`. Requests take effect in the order in which they were added. Every 10,000 are sent by themselves, so
    a batch may have any length. Leaving the block raises the first error among the replies, for nobody may look at
    each; all requests are done then, and `Pending.get` still tells every value. With `raise_errors=False` only a lost
    connection is raised. A block that is left by an exception of your own sends nothing more.
    """

    def __init__(self, client: Client, raise_errors: bool = True) -> None:
        self._client = client
        self._raise_errors = raise_errors
        self._queue: List[Pending[Any]] = []
        self._error: Optional[ContactdError] = None

    def _add(self, pending: Pending[T]) -> Pending[T]:
        self._queue.append(pending)
        if len(self._queue) >= BATCH_REQUESTS:
            self.flush()
        return pending

    def flush(self) -> None:
        """Sends what is queued and waits for the replies. Raises Unreachable if they do not come."""
        batch, self._queue = self._queue, []
        if not batch:
            return
        self._client._run(batch)
        for pending in batch:
            reply = pending._reply
            if reply is None:
                raise pending._lost or ProtocolError("a request was not answered", pending._line)
            if reply[:1] == b"-" and self._error is None:
                self._error = pending.error

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            self.flush()
            if self._error is not None and self._raise_errors:
                raise self._error


# The client


class Client:
    """A connection to a contactd daemon, made when it is first needed and made again when it is lost.

    `host` may also be `unix:/path`. With `tls` the connection is encrypted, and the daemon's certificate must have the
    name `host` and be of an authority in `ca_file`; without that, of one that the system trusts. `cert_file` and
    `key_file` are shown to a daemon that asks its clients for a certificate. What is not given comes from
    CONTACTD_CA_FILE, CONTACTD_CERT_FILE and CONTACTD_KEY_FILE. `timeout` is how many seconds the daemon may be silent while a reply is due; then
    the connection counts as lost. `retry` is for how many seconds a call connects again and repeats its request; 0
    tries once. Every method may raise a ContactdError; those that are said to be false for "no change" tell what the
    last attempt did.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 7164, *, token: Optional[str] = None, timeout: float = 10.0,
        retry: float = 10.0, tls: bool = False, ca_file: Optional[str] = None, cert_file: Optional[str] = None,
        key_file: Optional[str] = None,
    ) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout
        self.retry = retry
        self._places = [(host, port)]
        """Where daemons that share a store are: the first one is called until it fails."""
        self._token = token
        self._tls = _Tls(ca_file, cert_file, key_file) if tls else None
        self._lock = threading.RLock()
        self._connection: Optional[_Connection] = None
        self._pid = os.getpid()
        self._ask = _Requests()

    @classmethod
    def at(
        cls, server: str, *, token: Optional[str] = None, timeout: float = 10.0, retry: float = 10.0,
        ca_file: Optional[str] = None, cert_file: Optional[str] = None, key_file: Optional[str] = None,
    ) -> Client:
        """A client of a daemon named by `host:port`, `host`, `tls:host:port` or `unix:/path`, as everywhere in
        contactd, or by a URL: `contactd://host:port`, and `contactds://host:port` for TLS. A URL may have the token:
        `contactds://:TOKEN@host:port`. `redis://` and `rediss://` mean the same.

        Where daemons share a store, name them all, with commas between: `a:7164,b:7164`. Whichever fails, the next one is
        called. Give a `retry` that is longer than their lease."""
        addresses = [_address(address.strip()) for address in server.split(",")]
        host, port, tls, in_url = addresses[0]
        if any(other[2] != tls for other in addresses):
            raise ValueError(f"{server!r}: either all of them speak TLS, or none")
        client = cls(
            host, port, token=in_url if token is None else token, timeout=timeout, retry=retry, tls=tls,
            ca_file=ca_file, cert_file=cert_file, key_file=key_file,
        )
        client._places = [address[:2] for address in addresses]
        return client

    def clone(self) -> Client:
        """A client of the same daemon with a connection of its own."""
        other = Client(self.host, self.port, token=self._token, timeout=self.timeout, retry=self.retry)
        other._tls = self._tls
        other._places = list(self._places)
        return other

    def close(self) -> None:
        """Ends the connection. The next call makes a new one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def pipeline(self, *, raise_errors: bool = True) -> Pipeline:
        """Many requests, sent together. See Pipeline."""
        return Pipeline(self, raise_errors)

    # The question

    def check(self, list: str, phone: str) -> Verdict:
        """May I send to this contact from this list, now? Ask as late as you can, or better, `claim`."""
        return self._do(self._ask.check(list, phone))

    def check_many(self, list: str, phones: Iterable[str]) -> Iterator[Tuple[str, Verdict]]:
        """Each phone with its verdict, in order; a phone that is no number gets one that is false and has an `error`.

        1,000 are asked at once, so a verdict is as old as it takes you to use up to 1,000 before it: for reports and
        for planning. Before a message, `claim`.
        """
        phones = iter(phones)
        while True:
            page = [*islice(phones, CHECK_PHONES)]
            if not page:
                return
            yield from zip(page, self._check_page(list, page))

    def _check_page(self, list: str, phones: List[str]) -> List[Verdict]:
        if all(map(_is_word, phones)):
            # One phone is asked twice: alone, an error could be about the list as well.
            asked = phones if len(phones) > 1 else phones * 2
            verdicts = self._do(Pending(_line("CHECK", list, *asked), _verdicts))
            if len(verdicts) != len(asked):
                raise ProtocolError(f"{len(verdicts)} verdicts for {len(asked)} phones")
            return verdicts
        # What is no word of a request is told apart here; only the others are sent.
        words = [phone for phone in phones if _is_word(phone)]
        told = iter(self._check_page(list, words) if words else ())
        return [next(told) if _is_word(phone) else _no_number(phone) for phone in phones]

    def why(self, list: str, phone: str) -> Why:
        """The verdict, the fact behind it, and what ends it; `text` is for people."""
        return self._do(Pending(_line("WHY", list, phone), _why))

    def claim(self, list: str, phone: str, msg_id: str) -> Claim:
        """The check at the last moment: if it is yes, the send is recorded under your `msg_id` (1 to 64 bytes, no
        blanks).

        Hand the message over if the claim is true, and only then. Choose the id before the first attempt and keep it.
        """
        return self._do(self._ask.claim(list, phone, msg_id))

    def sent(self, list: str, phone: str, msg_id: str, *, at: Optional[When] = None) -> bool:
        """The message was sent. False if the id was known as sent or failed."""
        return self._do(self._ask.sent(list, phone, msg_id, at=at))

    def failed(
        self, list: str, phone: str, msg_id: str, *, code: Union[int, str, None] = None,
        provider: Optional[str] = None, permanent: Optional[bool] = None, at: Optional[When] = None,
        reason: Optional[str] = None, source: Optional[str] = None,
    ) -> bool:
        """The message did not arrive; final for its id. `code` is the provider's: some say that the number does not
        exist, or that the person opted out there. Name the `provider`, like `vonage`: 9 is an opt-out with Vonage and
        nothing elsewhere. `permanent` says whether the number exists, whatever the code. False if it was known as
        failed."""
        return self._do(
            self._ask.failed(
                list, phone, msg_id, code=code, provider=provider, permanent=permanent, at=at, reason=reason,
                source=source,
            )
        )

    def click(
        self, list: str, phone: str, *, at: Optional[When] = None, id: Optional[str] = None,
        message: Optional[str] = None, bot: Optional[bool] = None, url: Optional[str] = None,
    ) -> bool:
        """Somebody followed a link of the message whose msg-id is `message`; `bot` for a link scanner. False if `id`
        was known."""
        return self._do(self._ask.click(list, phone, at=at, id=id, message=message, bot=bot, url=url))

    def convert(
        self, list: str, phone: str, amount: Union[Decimal, int, str], *, at: Optional[When] = None,
        id: Optional[str] = None, message: Optional[str] = None,
    ) -> bool:
        """Somebody bought for `amount`, at most six decimals, in the store's one currency; negative for a refund.
        False if `id` was known."""
        return self._do(self._ask.convert(list, phone, amount, at=at, id=id, message=message))

    # Consent and status

    def optin(
        self, list: str, phone: str, *, at: Optional[When] = None, how: Optional[str] = None, id: Optional[str] = None,
        source: Optional[str] = None, evidence: Optional[str] = None,
    ) -> bool:
        """An explicit opt-in. Where it would lift an opt-out it must say when consent was given, else BadArgument.

        True if it came into force; NoList if the list is none.
        """
        return self._do(self._ask.optin(list, phone, at=at, how=how, id=id, source=source, evidence=evidence))

    def optout(
        self, list: str, phone: str, *, at: Optional[When] = None, how: Optional[str] = None,
        source: Optional[str] = None, reason: Optional[str] = None,
    ) -> bool:
        """An opt-out of a list, or of all with ALL. Never refused for an unknown list or contact.

        False if it was so, or if an opt-in that is newer than `at` stands. An error means that it was not taken: keep
        `error.request`.
        """
        return self._do(self._ask.optout(list, phone, at=at, how=how, source=source, reason=reason))

    def inbound(
        self, list: str, phone: str, text: str, *, at: Optional[When] = None, id: Optional[str] = None
    ) -> Inbound:
        """A message from a phone to one of your numbers: hand over every one, with your provider's `id` and, if told,
        when it was sent. `Inbound.confirm` says whether to answer an opt-out."""
        return self._do(self._ask.inbound(list, phone, text, at=at, id=id))

    def suppress(
        self, phone: str, *, list: Optional[str] = None, at: Optional[When] = None, source: Optional[str] = None,
        reason: Optional[str] = None,
    ) -> bool:
        """Holds a contact back, on a list or everywhere, until `release`. False if it was so."""
        return self._do(self._ask.suppress(phone, list=list, at=at, source=source, reason=reason))

    def release(
        self, phone: str, *, list: Optional[str] = None, at: Optional[When] = None, source: Optional[str] = None,
        reason: Optional[str] = None,
    ) -> bool:
        """Ends a suppression, of the list or of the contact. False if there was none, or one newer than `at`."""
        return self._do(self._ask.release(phone, list=list, at=at, source=source, reason=reason))

    def invalid(
        self, phone: str, *, at: Optional[When] = None, source: Optional[str] = None, reason: Optional[str] = None
    ) -> bool:
        """The number does not exist any more. False if it was so."""
        return self._do(self._ask.invalid(phone, at=at, source=source, reason=reason))

    def valid(
        self, phone: str, *, at: Optional[When] = None, source: Optional[str] = None, reason: Optional[str] = None
    ) -> bool:
        """The number exists after all. False if nothing newer than `at` said otherwise."""
        return self._do(self._ask.valid(phone, at=at, source=source, reason=reason))

    # Contacts and lists

    def put(self, phone: str, labels: Optional[Mapping[str, Optional[str]]] = None) -> str:
        """Creates a contact on no list, or sets labels (None removes one): `created`, `updated` or `unchanged`."""
        return self._do(self._ask.put(phone, labels))

    def get(self, phone: str) -> Optional[Contact]:
        """All that is known of a contact, or None."""
        return self._do(self._ask.get(phone))

    def erase(self, phone: str, *, patience: float = 600.0) -> Optional[Erased]:
        """Removes all that is known of a contact and opts its number out of all lists, which may take up to `patience`
        seconds. None if there is no contact, at the repetition of an attempt whose reply was lost too."""
        return self._do(self._ask.erase(phone), patience=patience)

    def normalize(self, raw: str, region: str = "-") -> str:
        """E.164 of a number as somebody typed it; `region` like `US` is where it is dialled, `-` the daemon's default.
        BadArgument says why it cannot be used."""
        return self._do(Pending(_text_line(_line("NORMALIZE", region), raw), _text))

    def import_row(self, list: str, row: Row) -> Imported:
        """Takes one row of an import, for a list or with ALL for the contact alone; never lifts anything. Use a
        pipeline for many.

        A row that gets an error is not taken at all, its opt-out included: report that with `optout`, which takes every
        number. The command `import` does so.
        """
        return self._do(self._ask.import_row(list, row))

    def list(self, list: str, *, name: Optional[str] = None, paused: Optional[bool] = None) -> str:
        """Creates a sending list or changes it: `created`, `updated` or `unchanged`. What is None stays as it is."""
        line = _line("LIST", list, keys={"name": name, "paused": paused})
        return self._do(Pending(line, _text, repeatable=paused is not False))

    def unlist(self, list: str, *, force: bool = False) -> str:
        """Removes a list; with `force` also while contacts are subscribed. Opt-outs stay. `removed`."""
        words = ("UNLIST", list, "FORCE") if force else ("UNLIST", list)
        return self._do(Pending(_line(*words), _text, repeatable=False))

    def lists(self, *lists: str) -> List[ListInfo]:
        """These sending lists, or all of them in the order of their numbers."""
        return self._do(Pending(_line("LISTS", *lists), _list_infos))

    def lists_page(self, *, limit: int = PAGE_ITEMS, after: Optional[str] = None) -> List[ListInfo]:
        """One page of all lists, behind the number `after`. A page with fewer than `limit` is the last."""
        words = ("LISTS", "LIMIT", str(limit), "AFTER", after) if after else ("LISTS", "LIMIT", str(limit))
        return self._do(Pending(_line(*words), _list_infos))

    def trends(self, list: str = ALL, days: Optional[int] = None) -> List[Trend]:
        """What was sent from a list, or from all, and what came of it: the last `days` days (30), today the last."""
        words = ("TRENDS", list) if days is None else ("TRENDS", list, "DAYS", str(days))
        return self._do(Pending(_line(*words), _trends))

    def claims(self, *, limit: int = PAGE_ITEMS) -> Iterator[UnresolvedClaim]:
        """The claims of 30 days that nobody has confirmed or taken back for five minutes, the newest first."""
        cursor: Optional[str] = ""
        while cursor is not None:
            claims, cursor = self._do(Pending(_page_line("CLAIMS", "", limit, cursor), _claim_page))
            yield from claims

    def inbox(self, *, limit: int = PAGE_ITEMS) -> Iterator[WaitingMessage]:
        """The messages that a person should look at, the newest first: somebody may want out."""
        cursor: Optional[str] = ""
        while cursor is not None:
            messages, cursor = self._do(Pending(_page_line("INBOX", "", limit, cursor), _inbox_page))
            yield from messages

    def inbox_done(self, number: int) -> bool:
        """A person has looked at a message. False if it did not wait any more."""
        return self._do(Pending(_line("INBOX", "DONE", str(number)), _changed))

    # Queries

    def count(self, filter: str = "") -> int:
        """How many contacts match."""
        return self._do(self._ask.count(filter))

    def find(
        self, filter: str = "", *, limit: int = PAGE_ITEMS, after: Optional[str] = None, newest: bool = False
    ) -> Iterator[str]:
        """The numbers that match, in order of creation or the newest first, in pages of `limit`, at most 1,000."""
        cursor: Optional[str] = after or ""
        while cursor is not None:
            phones, cursor = self.find_page(filter, limit=limit, after=cursor, newest=newest)
            yield from phones

    def find_page(
        self, filter: str = "", *, limit: int = PAGE_ITEMS, after: Optional[str] = None, newest: bool = False
    ) -> Tuple[List[str], Optional[str]]:
        """One page of `find`, and the cursor of the next, None when this was the last. A cursor may be kept."""
        if newest:
            filter = f"{filter} NEWEST" if filter else "NEWEST"
        return self._do(Pending(_page_line("FIND", filter, limit, after), _phone_page))

    def export(self, filter: str = "") -> Iterator[Contact]:
        """All that is known of the contacts that match, as a stream over a connection of its own. If that is lost in
        the middle, Unreachable is raised: begin again."""
        line = _text_line("EXPORT", filter)
        with self.clone() as own:
            for item in own._stream(line):
                try:
                    contact = _fill_contact(item)
                except _UNREADABLE as why:
                    raise _strange(item) from why
                yield contact

    def labels(self, key: Optional[str] = None, *, limit: int = PAGE_ITEMS) -> Iterator[LabelCount]:
        """The label keys, or the values of one, in order, with how many contacts have them."""
        cursor: Optional[str] = ""
        while cursor is not None:
            line = _page_line("LABELS", _line(key) if key is not None else "", limit, cursor)
            counts, cursor = self._do(Pending(line, _label_page))
            yield from counts

    def history(
        self, phone: str, kinds: Union[str, Iterable[str]] = (), *, limit: int = PAGE_ITEMS, after: Optional[str] = None
    ) -> Iterator[Event]:
        """What happened to a contact, newest first; `kinds` as in HISTORY, like `optout` and `send`. Nothing for no
        contact."""
        wanted = kinds if isinstance(kinds, str) else ",".join(kinds)
        filter = _line(phone, "KIND", wanted) if wanted else _line(phone)
        cursor: Optional[str] = after or ""
        while cursor is not None:
            events, cursor = self._do(Pending(_page_line("HISTORY", filter, limit, cursor), _event_page))
            yield from events

    def feed(
        self, position: Optional[str] = None, *, follow: bool = True, wait: float = 30.0, limit: int = PAGE_ITEMS
    ) -> Feed:
        """Every change of consent, status, list or scope from `position` on, or from now on. See Feed."""
        return Feed(self, position, follow, wait, limit)

    def feed_page(
        self, position: Optional[str] = None, *, limit: int = PAGE_ITEMS, wait: float = 0.0
    ) -> Tuple[List[Change], str]:
        """Changes from a position on, and the position to go on from; without one, none and the present position. With
        `wait` it comes as soon as there is one, or after so many seconds, at most 60; it holds this client up as long.
        """
        if position is None:
            return self._do(Pending("FEED", _change_page))
        words = ["FEED", position, "LIMIT", str(limit)]
        if wait > 0:
            words += ["WAIT", str(int(wait * 1000))]
        return self._do(Pending(_line(*words), _change_page), patience=wait)

    def feed_last(self, number: int = 20) -> Tuple[List[Change], str]:
        """The newest changes, the newest first, and the position behind them."""
        return self._do(Pending(_line("FEED", "LAST", str(number)), _change_page))

    # Administration

    def stats(self) -> Dict[str, Union[int, bool, str]]:
        """What the daemon counts, by name. More names may come."""
        return self._do(Pending("STATS", _stats))

    def clients(self, *, limit: int = PAGE_ITEMS) -> Iterator[ConnectedClient]:
        """Who is connected, the one that came first before the others."""
        cursor: Optional[str] = ""
        while cursor is not None:
            clients, cursor = self._do(Pending(_page_line("CLIENTS", "", limit, cursor), _client_page))
            yield from clients

    def settings(self) -> Dict[str, str]:
        """What the daemon runs with, by the names of its flags; a setting that is not set is empty."""
        return self._do(Pending("SETTINGS", _settings))

    def verify(self, *, patience: float = 600.0) -> List[str]:
        """Compares every index with the records, which may take up to `patience` seconds: the differences, or an empty
        list."""
        return self._do(Pending("VERIFY", _differences), patience=patience)

    def purge_plan(self, *, patience: float = 600.0) -> Dict[str, Any]:
        """Whom a purge would remove now, by the policy: `plan` is its number. For this and what follows protocol.md
        tells the keys. Changes nothing, and may take up to `patience` seconds."""
        return self._do(Pending("PURGE PLAN", _told), patience=patience)

    def purge_run(self, plan: Union[int, str]) -> str:
        """Begins the purge that a plan describes: `started`. BadArgument says why it cannot."""
        return self._do(Pending(_line("PURGE", "RUN", str(plan)), _text, repeatable=False))

    def purge_status(self) -> Dict[str, Any]:
        """How far a purge is; its `state` is `idle` if there is none."""
        return self._do(Pending("PURGE STATUS", _told))

    def purge_stop(self) -> str:
        """Ends a purge behind its next step: `stopping`, or `idle` if there is none."""
        return self._do(Pending("PURGE STOP", _text))

    def purge_policy(self) -> Dict[str, Any]:
        """Whom a purge removes."""
        return self._do(Pending("PURGE POLICY", _told))

    def purge_reports(self) -> List[Dict[str, Any]]:
        """What purges have removed, the newest first."""
        return self._do(Pending("PURGE REPORTS", _all_told))

    def ping(self) -> str:
        """`PONG`."""
        return self._do(Pending("PING", _text))

    def hello(self) -> Dict[str, Union[int, bool, str]]:
        """Server, version and RESP version."""
        return self._do(Pending("HELLO", _pairs))

    def help(self, verb: Optional[str] = None) -> List[str]:
        """The usage of every command, or of one."""
        return self._do(Pending("HELP" if verb is None else _line("HELP", verb), _texts))

    def call(self, *words: str, keys: Optional[Mapping[str, Any]] = None) -> Any:
        """Any request, word by word, with a JSON object if `keys` are given: a text, a number, None, or a list of
        these."""
        return self._do(Pending(_verb_first(_line(*words, keys=keys)), _any, repeatable=False))

    def line(self, request: str) -> Any:
        """Any request as one line, like the `request` of an error. It says no more than the line."""
        return self._do(Pending(_verb_first(_text_line(request, "")), _any, repeatable=False))

    # How it is sent

    def _do(self, pending: Pending[T], patience: float = 0.0) -> T:
        self._run([pending], patience)
        return pending.get()

    def _run(self, batch: Sequence[Pending[Any]], patience: float = 0.0) -> None:
        """Gives each request its reply or its error. `patience` is how many seconds longer than usual a reply may
        take."""
        if self._pid != os.getpid():
            self._after_fork()
        with self._lock:
            first_attempt_ms = int(time.time() * 1000)
            give_up = time.monotonic() + self.retry
            pause = 0.0
            while True:
                sent = False
                try:
                    connection = self._connected()
                    sent = True
                    connection.exchange(batch, self.timeout + patience)
                    trouble: ContactdError = Draining("the daemon is shutting down")
                    for pending in batch:
                        if pending._reply is not None and pending._reply[:8] == b"-STANDBY":
                            trouble = _error(pending._reply, pending._line)
                except BaseException as why:
                    # A reply that is still on its way must never be taken for that of the next request.
                    self.close()
                    if not isinstance(why, ContactdError):
                        raise
                    trouble = why
                batch = self._left(batch, trouble, sent, first_attempt_ms)
                if not batch:
                    return
                self.close()
                self._places.append(self._places.pop(0))
                if not isinstance(trouble, _PASSING) or time.monotonic() + pause > give_up:
                    for pending in batch:
                        pending._date(first_attempt_ms)
                        pending._lost = _as_of(trouble, pending._line)
                    return
                time.sleep(pause)
                pause = min(max(2 * pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.0)

    def _left(
        self, batch: Sequence[Pending[Any]], trouble: ContactdError, sent: bool, first_attempt_ms: int
    ) -> Sequence[Pending[Any]]:
        """The requests that are to be sent again."""
        left = []
        for pending in batch:
            if isinstance(trouble, ProtocolError):
                # Which of the replies are whose is not known.
                pending._reply = None
            reply = pending._reply
            if reply is None:
                if sent and not pending._repeatable:
                    pending._lost = _as_of(trouble, pending._line)
                    pending._lost.retryable = False
                    continue
                if sent:
                    pending._retried = True
                    pending._date(first_attempt_ms)
                left.append(pending)
            elif reply[:1] == b"-":
                pending._date(first_attempt_ms)
                not_known = reply[:8] == b"-STANDBY" and pending._repeatable
                if reply[:9] == b"-DRAINING" or not_known:
                    pending._retried = pending._retried or not_known
                    pending._reply = None
                    left.append(pending)
        return left

    def _stream(self, line: str) -> Iterator[bytes]:
        """The items of a streamed reply."""
        begun = Pending(line, _stream_begun)
        self._do(begun)
        connection = self._connection
        assert connection is not None
        for item in connection.stream(self.timeout):
            if item[:1] == b"-":
                raise _error(item, line)
            yield item

    def _connected(self) -> _Connection:
        if self._connection is not None and not self._connection.is_quiet():
            self.close()
        if self._connection is None:
            host, port = self._places[0]
            self._connection = _Connection(host, port, self._tls, self._token, self.timeout)
        return self._connection

    def _after_fork(self) -> None:
        """Lets go of the parent's connection, whose replies are not ours, and of a lock that one of its threads may
        hold."""
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self.close()


class Feed(Iterator[Change]):
    """Changes, one after another, without a gap, over a connection of its own.

    `position` is where to go on: keep it once you have dealt with a change, and nothing is missed after a restart.
    With `follow` it waits for more, for ever; else it ends with what there is. Raises OverLimit if the position has
    expired: then begin again with `feed` and `export`.
    """

    position: str

    def __init__(self, client: Client, position: Optional[str], follow: bool, wait: float, limit: int) -> None:
        self._own = client.clone()
        self._follow = follow
        self._wait = wait
        self._limit = limit
        self._page: List[Change] = []
        if position is None:
            position = self._own.feed_page()[1]
        self.position = position
        self._next = position

    def __next__(self) -> Change:
        # Only when the next change is asked for has the one before been dealt with.
        while not self._page:
            page, after = self._own.feed_page(self._next, limit=self._limit, wait=self._wait if self._follow else 0.0)
            self._next = self.position = after
            if page:
                page.reverse()
                self._page = page
            elif not self._follow:
                self._own.close()
                raise StopIteration
        change = self._page.pop()
        self.position = self._page[-1].position if self._page else self._next
        return change

    def close(self) -> None:
        """Ends its connection."""
        self._own.close()

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


# The wire


class _Connection:
    """A socket on which a token was given and the daemon has said that it is ready."""

    def __init__(self, host: str, port: int, tls: Optional[_Tls], token: Optional[str], timeout: float) -> None:
        self._cutter = _Cutter()
        self._events = selectors.EVENT_READ
        try:
            self._socket = _connect(host, port, timeout)
            if tls is not None:
                self._socket = tls.wrap(self._socket, host)
        except OSError as why:
            if isinstance(why, ssl.SSLError) and not isinstance(why, _BROKEN_OFF):
                # A certificate or a version that does not fit: waiting mends neither.
                raise ProtocolError(f"no TLS with {host}:{port}: {why}") from why
            where = host if host.startswith("unix:") else f"{host}:{port}"
            raise Unreachable(f"cannot reach contactd on {where}: {why}") from why
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        try:
            # Unlike AUTH, HELLO takes a token from a daemon that needs none.
            if token is not None and (" " in token or not token.isprintable()):
                raise NoAuth("a token has no blanks or control characters")
            greeting = Pending("HELLO" if token is None else _line("HELLO", "2", "AUTH", "contactd", token), _pairs)
            self.exchange([greeting], timeout)
            greeting.get()
        except ContactdError as why:
            self.close()
            why.request = ""
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._selector.close()
        self._socket.close()

    def is_quiet(self) -> bool:
        """Whether the connection lives and nothing unasked for has come."""
        try:
            self._socket.recv(1)
        except _BLOCKED:
            return self._cutter.is_clean()
        except OSError:
            pass
        return False

    def exchange(self, batch: Sequence[Pending[Any]], patience: float) -> None:
        """Sends the requests and gives each its reply, as replies come. Sends and receives at once: the daemon reads no
        further while its replies are not read."""
        left = memoryview(("\n".join([pending._line for pending in batch]) + "\n").encode("utf-8", "replace"))
        waiting = iter(batch)
        missing = len(batch)
        while missing > 0:
            if left:
                try:
                    left = left[self._socket.send(left) :]
                except _BLOCKED:
                    pass
                except OSError as why:
                    # What was answered before the connection broke still counts.
                    self._receive_rest(waiting, missing)
                    raise Unreachable(f"connection lost: {why}") from why
            replies = self._receive(bool(left), patience)
            if len(replies) > missing:
                raise ProtocolError("more replies than requests")
            missing -= len(replies)
            for reply, pending in zip(replies, waiting):
                pending._reply = reply
        streamed = batch[-1]._reply == b"*?"
        if streamed and batch[-1]._read is not _stream_begun:
            raise ProtocolError("a stream where none was expected: use Client.export")
        if left or not (streamed or self._cutter.is_clean()):
            raise ProtocolError("more replies than requests")

    def stream(self, patience: float) -> Iterator[bytes]:
        """Single lines up to a lone dot."""
        while True:
            for line in self._cutter.lines():
                if line == b".":
                    return
                yield line
            self._fill(False, patience)

    def _receive(self, sending: bool, patience: float) -> Sequence[Reply]:
        replies = self._cutter.replies()
        if not replies:
            self._fill(sending, patience)
            replies = self._cutter.replies()
        return replies

    def _receive_rest(self, waiting: Iterator[Pending[Any]], missing: int) -> None:
        """Takes what has come on a connection that no longer takes requests."""
        with contextlib.suppress(Unreachable):
            while missing > 0:
                for reply, pending in zip(self._receive(False, 0.0), waiting):
                    pending._reply = reply
                    missing -= 1

    def _fill(self, sending: bool, patience: float) -> None:
        """Waits until more has come, or, while `sending`, until more can be sent."""
        try:
            data = self._socket.recv(READ_BYTES)
        except _BLOCKED as why:
            writes = sending or isinstance(why, ssl.SSLWantWriteError)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0)
            if events != self._events:
                self._selector.modify(self._socket, events)
                self._events = events
            if not self._selector.select(patience):
                raise Unreachable(f"no reply for {patience:g} s") from None
            return
        except OSError as why:
            raise Unreachable(f"connection lost: {why}") from why
        if not data:
            raise Unreachable("the daemon closed the connection")
        self._cutter.take(data)


_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""A socket that must wait before it can read or write."""

_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""A connection that was lost, in the words of TLS."""


class _Tls:
    """Whom a client trusts, and what it shows."""

    def __init__(self, ca_file: Optional[str], cert_file: Optional[str], key_file: Optional[str]) -> None:
        ca_file = ca_file or os.environ.get("CONTACTD_CA_FILE") or None
        cert_file = cert_file or os.environ.get("CONTACTD_CERT_FILE") or None
        key_file = key_file or os.environ.get("CONTACTD_KEY_FILE") or None
        self._context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            self._context.load_cert_chain(cert_file, key_file)

    def wrap(self, stream: socket.socket, host: str) -> socket.socket:
        try:
            return self._context.wrap_socket(stream, server_hostname=host)
        except BaseException:
            stream.close()
            raise


def _address(server: str) -> Tuple[str, int, bool, Optional[str]]:
    """Host, port, whether TLS is spoken, and the token of a URL."""
    expected = f"{server!r} is no address: expected host:port, tls:host:port, unix:/path or contactds://host:port"
    if server.startswith("unix:"):
        return server, DEFAULT_PORT, False, None
    scheme, slashes, rest = server.partition("://")
    if slashes:
        url = urlsplit(server)
        if scheme not in _SCHEMES or not url.hostname or url.path.strip("/0") or url.query or url.fragment:
            raise ValueError(expected)
        token = unquote(url.password) if url.password else None
        return url.hostname, url.port or DEFAULT_PORT, _SCHEMES[scheme], token
    tls = server.startswith("tls:")
    host, colon, port = server[len("tls:") if tls else 0 :].rpartition(":")
    if not colon:
        host, port = port, str(DEFAULT_PORT)
    if not host or not port.isdigit():
        raise ValueError(expected)
    return host.strip("[]"), int(port), tls, None


_SCHEMES = {"contactd": False, "contactds": True, "redis": False, "rediss": True}
"""Of URLs, and whether they mean TLS."""

DEFAULT_PORT = 7164
"""Where contactd listens when nothing is said."""


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    if host.startswith("unix:"):
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.settimeout(timeout)
            stream.connect(host[len("unix:") :])
        except OSError:
            stream.close()
            raise
        return stream
    stream = socket.create_connection((host, port), timeout)
    if stream.getsockname() == stream.getpeername():
        # Nobody listens, and the system has connected the socket with itself.
        stream.close()
        raise ConnectionRefusedError("nobody listens there")
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


class _Cutter:
    """Cuts what comes into replies. Only what ends with CRLF is one: a reply that broke off is none."""

    def __init__(self) -> None:
        self._tail = b""
        self._lines: List[bytes] = []
        self._single = True

    def take(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        lines = data.split(b"\r\n")
        self._tail = lines.pop()
        # In the usual case every line is a reply, and none need be looked at.
        single = data[:1] not in (b"*", b"$") and b"\n*" not in data and b"\n$" not in data
        if self._lines:
            self._lines += lines
            self._single = self._single and single
        else:
            self._lines = lines
            self._single = single

    def is_clean(self) -> bool:
        return not self._tail and not self._lines

    def lines(self) -> List[bytes]:
        """All whole lines."""
        lines, self._lines = self._lines, []
        return lines

    def replies(self) -> Sequence[Reply]:
        """All whole replies: single lines and flat arrays. What follows the head of a stream is left to `lines`."""
        if self._single:
            return self.lines()
        lines = self.lines()
        replies: List[Reply] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            mark = line[:1]
            end = at + 1
            if line == b"*?":
                replies.append(line)
                at = end
                break
            if mark == b"*":
                end += _number(line)
            elif mark == b"$" and line != b"$-1":
                end += 1
            if end > len(lines):
                break
            items = lines[at + 1 : end]
            replies.append(items if mark == b"*" else b"+" + items[0] if items else line)
            at = end
        self._lines = lines[at:]
        return replies


def _line(*words: str, keys: Optional[Mapping[str, Any]] = None) -> str:
    """A request of words and, where `keys` has values, of a JSON object. Nothing in a word begins another request."""
    line = " ".join(words)
    if line.count(" ") != len(words) - 1 or "" in words or not line.isprintable():
        wrong = next(word for word in words if not word or " " in word or not word.isprintable())
        raise BadArgument(f"{wrong!r} is no argument: it must not be empty, nor have blanks or control characters")
    if keys:
        given = {key: _jsonable(value) for key, value in keys.items() if value is not None}
        if given:
            line += " " + json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    return line


def _text_line(words: str, rest: str) -> str:
    """A request whose last part is the rest of the line as it is."""
    line = f"{words} {rest}" if rest else words
    if "\n" in line or "\r" in line:
        raise BadArgument(f"{rest!r} has more than one line")
    return line


def _page_line(verb: str, filter: str, limit: int, after: Optional[str]) -> str:
    page = f"LIMIT {limit} AFTER {_line(after)}" if after else f"LIMIT {limit}"
    return _text_line(verb, f"{filter} {page}" if filter else page)


def _verb_first(line: str) -> str:
    """The line, if it gets one reply: a comment or a blank line gets none, and a star begins an array."""
    if not line[:1].isalpha():
        raise BadArgument(f"{line!r} does not begin with a command")
    return line


def _is_word(word: str) -> bool:
    """Whether it can stand in a request as one argument that may be a number."""
    return word.isascii() and word.isprintable() and 0 < len(word) <= 64 and " " not in word and word[0] not in '"[{'


def _no_number(phone: str) -> Verdict:
    error = BadArgument(f"{phone!r} is no E.164 number: + and 7 to 15 digits, like +14155552671")
    return Verdict(False, error.code, error)


def _jsonable(value: Any) -> Any:
    if isinstance(value, date):
        return _format_time(value)
    return format(value, "f") if isinstance(value, Decimal) else value


def _format_time(value: When) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} does not say which time zone it is in: give one, like timezone.utc")
        # A date in whole seconds is written as one: since when something is forbidden, it means the end of its second.
        exactly = "milliseconds" if value.microsecond else "seconds"
        return value.astimezone(timezone.utc).isoformat(timespec=exactly).replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def _new_id() -> str:
    return uuid.uuid4().hex


# Reading replies


def _error(reply: Reply, request: str) -> ContactdError:
    text = b" ".join(reply) if isinstance(reply, list) else reply
    code, _, message = text[1:].decode("utf-8", "replace").partition(" ")
    return _ERRORS.get(code, ContactdError)(message, request, code)


def _as_of(trouble: ContactdError, request: str) -> ContactdError:
    """The same trouble, of this request."""
    return type(trouble)(trouble.message, request, trouble.code)


def _strange(reply: Reply) -> ProtocolError:
    return ProtocolError(f"a reply that this client cannot read: {reply!r:.100}")


def _number(line: bytes) -> int:
    if not line[1:].isdigit():
        raise _strange(line)
    return int(line[1:])


class _Verdicts(Dict[bytes, Verdict]):
    """Verdicts by reply: each kind is made once."""

    def __missing__(self, reply: bytes) -> Verdict:
        if reply.startswith(b"+no ") and len(reply) > 4:
            verdict = Verdict(False, reply[4:].decode("utf-8", "replace"))
            if len(self) < 100:
                self[reply] = verdict
            return verdict
        if reply.startswith(b"-"):
            error = _error(reply, "")
            return Verdict(False, error.code, error)
        raise _strange(reply)


_VERDICTS = _Verdicts({b"+yes": Verdict(True)})


def _verdict(reply: Reply, retried: bool) -> Verdict:
    if isinstance(reply, list):
        raise _strange(reply)
    return _VERDICTS[reply]


def _verdicts(reply: Reply, retried: bool) -> List[Verdict]:
    return [_VERDICTS[line] for line in (reply if isinstance(reply, list) else [reply])]


def _claim(reply: Reply, retried: bool) -> Claim:
    if reply == b"+yes":
        return Claim(True, retried=retried)
    kind, _, word = _text(reply).partition(" ")
    if kind == "no" and word:
        return Claim(False, reason=word, retried=retried)
    if kind == "dup" and word:
        return Claim(False, state=word, retried=retried)
    raise _strange(reply)


def _text(reply: Reply, retried: bool = False) -> str:
    if isinstance(reply, list) or reply[:1] != b"+":
        raise _strange(reply)
    return reply[1:].decode("utf-8")


def _maybe_erased(reply: Reply, retried: bool) -> Optional[Erased]:
    if reply == b"$-1":
        return None
    erased, *pairs = _text(reply).split(" ")
    counts = dict(zip(pairs[::2], pairs[1::2]))
    if erased != "erased":
        raise _strange(reply)
    return Erased(int(counts["events"]), int(counts["feed_entries"]))


def _integer(reply: Reply, retried: bool = False) -> int:
    if isinstance(reply, list) or reply[:1] != b":":
        raise _strange(reply)
    return int(reply[1:])


def _changed(reply: Reply, retried: bool) -> bool:
    return _integer(reply) != 0


def _inbound(reply: Reply, retried: bool) -> Inbound:
    meaning, *more = _text(reply).split(" ")
    undated = more[-1:] == ["undated"]
    return Inbound(meaning, " ".join(more[:-1] if undated else more), retried, undated)


def _imported(reply: Reply, retried: bool) -> Imported:
    outcome, _, rest = _text(reply).partition(" ")
    phone, _, why = rest.partition(" ")
    return Imported(outcome, phone, why)


def _texts(reply: Reply, retried: bool = False) -> List[str]:
    return [_text(item) for item in (reply if isinstance(reply, list) else [reply])]


def _any(reply: Reply, retried: bool = False) -> Any:
    if isinstance(reply, list):
        return [_error(item, "") if item[:1] == b"-" else _any(item) for item in reply]
    if reply[:1] == b"+":
        return _text(reply)
    if reply[:1] == b":":
        return _integer(reply)
    if reply == b"$-1":
        return None
    raise _strange(reply)


def _stream_begun(reply: Reply, retried: bool) -> None:
    if reply != b"*?":
        raise _strange(reply)


def _array(reply: Reply) -> List[bytes]:
    if not isinstance(reply, list):
        raise _strange(reply)
    return reply


def _page(reply: Reply) -> Tuple[List[bytes], Optional[str]]:
    """The items of a page, and the cursor of the next."""
    items = _array(reply)
    if not items:
        raise _strange(reply)
    cursor = _text(items[0])
    return items[1:], None if cursor == "0" else cursor


def _phone_page(reply: Reply, retried: bool) -> Tuple[List[str], Optional[str]]:
    items, cursor = _page(reply)
    return [_text(item) for item in items], cursor


def _label_page(reply: Reply, retried: bool) -> Tuple[List[LabelCount], Optional[str]]:
    items, cursor = _page(reply)
    counts = []
    for item in items:
        told = _json(item)
        counts.append(LabelCount(told["key"] if "key" in told else told["value"], told["contacts"]))
    return counts, cursor


def _event_page(reply: Reply, retried: bool) -> Tuple[List[Event], Optional[str]]:
    if reply == b"$-1":
        return [], None
    items, cursor = _page(reply)
    return [_fill(Event, _json(item)) for item in items], cursor


def _change_page(reply: Reply, retried: bool) -> Tuple[List[Change], str]:
    items = _array(reply)
    if not items:
        raise _strange(reply)
    return [_fill(Change, _json(item)) for item in items[1:]], _text(items[0])


def _client_page(reply: Reply, retried: bool) -> Tuple[List[ConnectedClient], Optional[str]]:
    items, cursor = _page(reply)
    return [_fill(ConnectedClient, _json(item)) for item in items], cursor


def _claim_page(reply: Reply, retried: bool) -> Tuple[List[UnresolvedClaim], Optional[str]]:
    items, cursor = _page(reply)
    return [_fill(UnresolvedClaim, _json(item)) for item in items], cursor


def _inbox_page(reply: Reply, retried: bool) -> Tuple[List[WaitingMessage], Optional[str]]:
    items, cursor = _page(reply)
    return [_fill(WaitingMessage, _json(item)) for item in items], cursor


def _trends(reply: Reply, retried: bool) -> List[Trend]:
    return [_fill(Trend, _json(item)) for item in _array(reply)]


def _why(reply: Reply, retried: bool) -> Why:
    return _fill(Why, _json(reply))


def _list_infos(reply: Reply, retried: bool) -> List[ListInfo]:
    return [_fill(ListInfo, _json(item)) for item in _array(reply)]


def _maybe_contact(reply: Reply, retried: bool) -> Optional[Contact]:
    return None if reply == b"$-1" else _fill_contact(reply)


def _fill_contact(reply: Reply) -> Contact:
    return _fill(Contact, _json(reply))


def _json(reply: Reply) -> Any:
    return json.loads(_text(reply), parse_float=Decimal)


def _told(reply: Reply, retried: bool = False) -> Dict[str, Any]:
    told = _json(reply)
    if not isinstance(told, dict):
        raise _strange(reply)
    return told


def _all_told(reply: Reply, retried: bool) -> List[Dict[str, Any]]:
    if not isinstance(reply, list):
        raise _strange(reply)
    return [_told(item) for item in reply]


def _fill(kind: Type[T], raw: Mapping[str, Any]) -> T:
    """A value of a dataclass from the JSON that has its keys; keys that it does not know stay in `raw`."""
    readers = _READERS[kind]
    values = {key: readers[key](value) for key, value in raw.items() if key in readers and value is not None}
    make: Callable[..., T] = kind
    return make(raw=raw, **values)


class _Readers(Dict[type, Dict[str, Callable[[Any], Any]]]):
    """For each dataclass, how its fields are read from JSON."""

    def __missing__(self, kind: Any) -> Dict[str, Callable[[Any], Any]]:
        names = [field.name for field in dataclasses.fields(kind) if field.name != "raw"]
        readers = self[kind] = {name: self.reader(kind, name) for name in names}
        return readers

    def reader(self, kind: type, name: str) -> Callable[[Any], Any]:
        if name.endswith("_at") or name in ("at", "last_sent", "last_clicked", "last_engaged", "last_inbound"):
            return _parse_time
        if name in ("total_revenue", "amount", "revenue"):
            return Decimal
        if name in ("opt_out_rate", "opt_out_rate_30d"):
            return float
        if name == "code":
            return str
        if name == "day":
            return date.fromisoformat
        if name == "fact":
            return lambda item: _fill(Fact, item)
        if name == "event":
            return lambda item: _fill(Event, item)
        if name == "behind":
            return lambda items: [_fill(Ground, item) for item in items]
        if name == "lists":
            return lambda items: [_fill(ListContact if kind is Contact else StatusChange, item) for item in items]
        return lambda value: value


_READERS = _Readers()


def _scalar(text: str) -> Union[int, bool, str]:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


def _stats(reply: Reply, retried: bool) -> Dict[str, Union[int, bool, str]]:
    pairs = (text.partition(" ") for text in _texts(reply))
    return {name: value if name == "version" else _scalar(value) for name, _, value in pairs}


def _settings(reply: Reply, retried: bool) -> Dict[str, str]:
    return {name: value for name, _, value in (text.partition(" ") for text in _texts(reply))}


def _pairs(reply: Reply, retried: bool) -> Dict[str, Union[int, bool, str]]:
    items = [_any(item) for item in _array(reply)]
    return dict(zip(items[::2], items[1::2]))


def _differences(reply: Reply, retried: bool) -> List[str]:
    return _texts(reply) if isinstance(reply, list) else []


# The command line


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command. 0 is yes or done, 1 is no, nil or rows refused, 2 is an error."""
    args = _parser().parse_args(arguments, argparse.Namespace(**_COMMON))
    server = args.server or os.environ.get("CONTACTD_SERVER") or "127.0.0.1:7164"
    try:
        token = os.environ.get("CONTACTD_TOKEN") or None
        tls = {"ca_file": args.ca_file, "cert_file": args.cert_file, "key_file": args.key_file}
        with Client.at(server, token=token, retry=args.retry, **tls) as client:
            code: int = args.run(client, args, _Printer(args.json))
            sys.stdout.flush()
            return code
    except (ContactdError, ValueError, OSError) as why:
        if isinstance(why, BrokenPipeError):
            # Whoever read our output has enough of it. Of an answer that nobody read, 0 would say yes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0 if args.verb in _LISTINGS else 2
        print(f"contactd.py: {why}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


_COMMON: Dict[str, Any] = {
    "server": None, "json": False, "retry": 10.0, "ca_file": None, "cert_file": None, "key_file": None
}
"""What can stand before the command and after it, and what it is where it stands nowhere."""

_LISTINGS = ("claims", "export", "feed", "find", "history", "inbox", "labels", "lists", "stats", "trends")
"""Whose output is all there is to them, and may be read in part."""


class _Printer:
    """Prints values as lines: for people, or with `--json` one JSON value a line."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def __call__(self, value: Any, text: Optional[str] = None) -> None:
        """The value; `text` is how people read it, if its own text is not."""
        if self.as_json:
            print(json.dumps(_plain(value), ensure_ascii=False, default=_plain))
        else:
            print(str(value) if text is None else text)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        raw = getattr(value, "raw", None)
        return raw if raw is not None else {key: item for key, item in vars(value).items() if key != "error"}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value


def _run_check(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    phones = (line.strip() for line in sys.stdin if line.strip()) if args.phones == ["-"] else args.phones
    alone = args.phones != ["-"] and len(args.phones) == 1
    code = asked = 0
    for asked, (phone, verdict) in enumerate(client.check_many(args.list, phones), 1):
        told = {"phone": phone, "yes": verdict.yes, "reason": verdict.reason}
        show(told, str(verdict) if alone else f"{phone} {verdict}")
        if verdict.error is not None:
            print(f"contactd.py: {verdict.error}", file=sys.stderr)
            code = 2
        elif not verdict:
            code = max(code, 1)
    # Whoever asks by the exit code must not take silence for a yes: the list of phones may be missing.
    return code if asked else 1


def _run_why(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    why = client.why(args.list, args.phone)
    show(why, _safe(why.text))
    return 0 if why else 1


def _run_claim(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    claim = client.claim(args.list, args.phone, args.msg_id)
    show(claim)
    if claim.retried and claim.state == "claimed":
        print("contactd.py: a reply was lost, this may have been granted to this very call", file=sys.stderr)
    return 0 if claim else 1


def _run_changed(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    """Any command whose options are its method's arguments and whose reply is whether something changed."""
    given = {key: value for key, value in vars(args).items() if key in args.takes and value is not None}
    run: Callable[..., bool] = getattr(client, args.verb)
    try:
        changed = run(**given)
    except ContactdError as why:
        if not why.taken:
            raise
        print(f"contactd.py: {why}", file=sys.stderr)
        show({"taken": why.taken}, f"taken {why.taken}")
        return 1
    show({"changed": changed}, "changed" if changed else "no change")
    return 0


def _run_inbound(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    told = client.inbound(args.list, args.phone, args.text, at=args.at, id=args.id)
    if told.undated:
        print(f"contactd.py: taken as of now, since --at {args.at!r} cannot be read", file=sys.stderr)
    show(told)
    return 0


def _run_put(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    labels: Dict[str, Optional[str]] = {}
    for pair in args.labels:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair!r} is no label: expected key=value, or key= to remove it")
        labels[key] = value or None
    outcome = client.put(args.phone, labels or None)
    show({"outcome": outcome}, outcome)
    return 0


def _run_get(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    contact = client.get(args.phone)
    if contact is None:
        return 1
    show(contact, json.dumps(contact.raw, indent=2, ensure_ascii=False, default=_plain))
    return 0


def _run_erase(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    erased = client.erase(args.phone)
    if erased is None:
        return 1
    show(erased)
    return 0


def _run_normalize(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    phone = client.normalize(args.raw, args.region)
    show({"phone": phone}, phone)
    return 0


def _run_list(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    outcome = client.list(args.list, name=args.name, paused=args.paused)
    show({"outcome": outcome}, outcome)
    return 0


def _run_unlist(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    outcome = client.unlist(args.list, force=args.force)
    show({"outcome": outcome}, outcome)
    return 0


def _run_lists(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for info in client.lists(*args.lists):
        paused = ", paused" if info.paused else ""
        out = f"{info.opted_out} opted out ({info.opt_out_rate:.1%})"
        numbers = f"{info.active} active, {out}, {info.suppressed} suppressed{paused}"
        recent = "" if info.opt_out_rate_30d is None else f" ({info.opt_out_rate_30d:.1%})"
        high = ", HIGH" if info.opt_out_rate_high else ""
        month = f"30 days: {info.sends_30d} sends, {info.opt_outs_30d} opt-outs{recent}{high}"
        show(info, f"{info.list:<16} {numbers}; {month}  {info.name or ''}".rstrip())
    return 0


def _run_count(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    number = client.count(" ".join(args.filter))
    show({"count": number}, str(number))
    return 0


def _run_find(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for phone in client.find(" ".join(args.filter), newest=getattr(args, "newest", False)):
        show({"phone": phone}, phone)
    return 0


def _run_export(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for contact in client.export(" ".join(args.filter)):
        show(contact, json.dumps(contact.raw, ensure_ascii=False, default=_plain))
    return 0


def _run_labels(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for label in client.labels(args.key):
        show(label, f"{label.contacts:>9} {label.name}")
    return 0


def _run_history(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    if client.get(args.phone) is None:
        return 1
    events = client.history(args.phone, args.kind or "", limit=min(args.limit or PAGE_ITEMS, PAGE_ITEMS))
    for event in islice(events, args.limit):
        show(event, _detail(event.raw, ("at", "kind", "list", "meaning", "state"), ("seen_at",)))
    return 0


def _run_feed(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    if args.last is not None:
        for change in client.feed_last(args.last)[0]:
            show(change, _detail(change.raw, _CHANGE_FIRST, ()))
        return 0
    if args.position is None and not args.follow:
        position = client.feed_page()[1]
        show({"position": position}, position)
        return 0
    with client.feed(args.position, follow=args.follow) as feed:
        for change in feed:
            show(change, _detail(change.raw, _CHANGE_FIRST, ()))
            sys.stdout.flush()
    return 0


_CHANGE_FIRST = ("position", "at", "kind", "phone", "list", "cause", "status")


def _run_trends(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    if not show.as_json:
        print("day         sends  failed  opt-outs  clicks  by scanners  bought  revenue  replies")
    for trend in client.trends(args.list, args.days):
        show(
            trend,
            f"{trend.day} {trend.sends:>6} {trend.failed:>7} {trend.opt_outs:>9} {trend.clicks:>7} {trend.bot_clicks:>12}"
            f" {trend.conversions:>7} {trend.revenue:>8} {trend.replies:>8}",
        )
    return 0


def _run_claims(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for claim in client.claims():
        show(claim, f"{claim.at:%Y-%m-%dT%H:%M:%SZ} {claim.list} {claim.phone} {_safe(claim.id)}")
    return 0


def _run_inbox(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    if args.done is not None:
        show(client.inbox_done(args.done))
        return 0
    for message in client.inbox():
        at = f"{message.at:%Y-%m-%dT%H:%M:%SZ}"
        show(message, f"{message.number} {at} {message.list} {message.phone} {_safe(message.text)}")
    return 0


def _safe(text: str) -> str:
    """A text that was written by others, as a terminal can show it: what it would obey is a question mark."""
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in text)


def _detail(raw: Mapping[str, Any], first: Sequence[str], hidden: Sequence[str]) -> str:
    """A line for people: the keys that come first without their names, then the others with them."""
    words = [str(raw[key]) for key in first if raw.get(key) is not None]
    for key, value in raw.items():
        if key not in first and key not in hidden and value is not None:
            words.append(f"{key}={json.dumps(value, ensure_ascii=False, default=_plain)}")
    return " ".join(words)


def _run_stats(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    stats = client.stats()
    told = {name: str(value).lower() if isinstance(value, bool) else value for name, value in stats.items()}
    show(stats, "\n".join(f"{name} {value}" for name, value in told.items()))
    return 0


def _run_clients(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    for one in client.clients():
        name = one.name or "-"
        line = f"{one.id} {one.transport} {one.address} {one.level} {name} {one.requests} idle {one.idle_seconds} s"
        show(one, _safe(line))
    return 0


def _run_settings(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    settings = client.settings()
    show(settings, "\n".join(_safe(f"{name} {value}".rstrip()) for name, value in settings.items()))
    return 0


def _run_verify(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    differences = client.verify()
    show({"differences": differences}, "\n".join(differences) or "ok")
    return 1 if differences else 0


def _run_purge(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    if (args.action == "run") != (args.plan is not None):
        raise ValueError("a plan is for `purge run`, which needs one: PURGE PLAN makes it")
    run = getattr(client, f"purge_{args.action}")
    told = run(args.plan) if args.action == "run" else run()
    if isinstance(told, str):
        show({"outcome": told}, told)
    else:
        show(told, json.dumps(told, indent=2, ensure_ascii=False, default=_plain))
    return 0


def _run_call(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    request = " ".join(args.words)
    value = client.line(request)
    if value is None:
        return 1
    items = value if isinstance(value, list) else [value]
    show([str(item) for item in items] if isinstance(value, list) else value, "\n".join(map(str, items)))
    if any(isinstance(item, ContactdError) for item in items):
        return 2
    # Whoever asks by the exit code must not take a no for a yes.
    return int(request.split(" ")[0].upper() in ("CHECK", "CLAIM") and any(item != "yes" for item in items))


class _Refusal:
    """What a row forbids, read without the rest of the row: an opt-out counts, whatever else is wrong with it."""

    def __init__(self, phone: str, region: str, list: str, facts: Mapping[str, str]) -> None:
        self.phone = phone
        self.region = region
        self.list = list
        self.facts = facts
        """For each of `optout`, `suppress` and `invalid` that the row says: its date, as it is written, or nothing."""
        self.source: Optional[str] = None
        self.reason: Optional[str] = None
        self.others: List[str] = []
        """Phones that stand where a date would say that somebody is out: it may be theirs."""
        self.either = False
        """The number has a plus, and its digits are a number inside the region as well: it counts for both."""
        self.countries: List[str] = []
        """Regions of which labels of the row speak, and in which a number without a plus may be dialled as well."""

    def ask(self, batch: Pipeline, fact: str, phone: str, at: Optional[str]) -> Pending[bool]:
        given = {"at": at, "source": self.source, "reason": self.reason}
        if fact == "invalid":
            return batch.invalid(phone, **given)
        if fact == "suppress":
            return batch.suppress(phone, list=None if self.list == ALL else self.list, **given)
        return batch.optout(self.list, phone, how="import", **given)


class _Columns:
    """What the columns of a file are, and what a row says. A heading is a key of IMPORT, `list`, or `label.KEY`; any
    other is refused, for it might be an opt-out under another name."""

    FIELDS = {field.name for field in dataclasses.fields(Row)} - {"labels", "import_id"} | {"list", "verdict"}
    COUNTS = {"total_sends", "total_clicks", "total_bot_clicks", "total_conversions", "sends_since_engaged"}
    FACTS = {"opted_out_at": "optout", "suppressed_at": "suppress", "invalid_at": "invalid"}

    WORDS = {
        **dict.fromkeys(
            "optedout optout unsubscribed unsubscribe unsub stop stopped stopall cancelled canceled revoked optedoutall"
            " donottext donotcontact donotsend donotsendsms donotsms donotmessage nosms notexts nomarketing"
            " smsunsubscribed smsunsubscribe smsoptout smsoptedout smsstop unsubscribedsms unsubscribedfromsms"
            " optedoutofsms dnc dnd abgemeldet widerrufen desabonne desabonnee desinscrit desinscrite desuscrito"
            " dadodebaja dadadebaja".split(),
            "optout",
        ),
        **dict.fromkeys("suppressed suppress blocked blocklisted blacklisted blacklist held".split(), "suppress"),
        **dict.fromkeys(
            "invalid bounced bounce hardbounced undeliverable disconnected unallocated cleaned".split(), "invalid"
        ),
    }
    """What a status forbids, as letters and digits alone: more words than IMPORT takes, so that the row is refused and
    its opt-out is not lost."""

    COMMON = set("unsub stopped cancelled canceled revoked blocked held bounced bounce disconnected cleaned".split())
    """Of these, what means something else in other columns."""

    NO_DATE = set(
        "null n na nan nil none no never false f off 0 unknown undefined notset 00000000 00000000000000".split()
    )
    """What stands under a date where there is none."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = ["phone" if name == "phone_number" else name for name in map(str.strip, names)]
        for name in self.names:
            if name not in self.FIELDS and not name.startswith("label."):
                raise ValueError(
                    f"column {name!r} is not known: expected {', '.join(sorted(self.FIELDS))} or label.KEY;"
                    " `contactd import` reads any spreadsheet"
                )
            if self.names.count(name) > 1:
                raise ValueError(f"there are two columns {name!r}")
        if "phone" not in self.names:
            raise ValueError("there is no column 'phone'")
        self.asking = next((name for name in ("status", "subscribed_at") if name in self.names), None)
        """In which each row says who wants messages, if in any."""
        self._is_below_no_list = False
        """What stood last under `list` is none: it may be the title of the rows below it."""
        self._groups = {at: _Group(name) for at, name in enumerate(self.names) if name.startswith("label.")}

    BLANK = {"", "-", "--", "–", "—", "n/a", "#n/a", "na", "none", "null", "nil", "nan", "undefined", "\\n"}
    FAILED = {"#n/a", "nan", "undefined", "#ref!", "#value!", "#name?"}
    """What a look-up leaves that found nothing: under a date of an opt-out it does not say that there is none."""
    NOS = {"no", "n", "false", "f", "0", "off"}
    YESES = {"yes", "y", "true", "t", "1", "on", "active", "subscribed"}
    CONSENTS = set(
        "status consent optin optedin subscribed issubscribed sms smsok smsconsent smsoptin marketing smsallowed smsenabled"
        " cantext receivessms acceptssms subscriptionstatus".split()
    )
    """Labels that say who wants messages; so do those with one of `WORDS` for a name."""

    def ask(self, told: Mapping[str, str]) -> None:
        """Refuses a row that might be of somebody who wants no messages, and does not say it as IMPORT takes it; and one
        in which a quote swallowed others."""
        if any("\n" in cell and self.has_rows(cell) for cell in told.values()):
            raise BadArgument("rows_in_quotes: a cell has rows in it, with phones: a quote before them is not closed")
        if told.get("phone", "").startswith(("#", "/", "-", ";", "*", "!", "%", "~")):
            raise BadArgument("commented_out: a sign before the number makes a comment of the row: take away sign or row")
        for name in self.FACTS:
            if _is_phone(told.get(name, "")):
                raise BadArgument(f"phone_opted_out: a phone stands under {name!r}: it and that of the row are taken for out")
            if told.get(name, "").lower() in self.FAILED:
                raise BadArgument(f"{told[name]!r} under {name!r} may stand for a date: leave it blank if there is none")
        forbids = any(told.get(name, "").lower() not in self.BLANK for name in self.FACTS)
        said = told.get(self.asking or "", "")
        is_silent = said.lower() in self.BLANK or self.asking == "subscribed_at" and _squeezed(said) in self.NO_DATE
        subscribes = told.get("list", "").strip() != "*"
        if self.asking is not None and not forbids and is_silent and subscribes:
            raise BadArgument(f"consent_blank: nothing stands under {self.asking!r}, which says who wants messages")
        if forbids or told.get("status", "").lower() not in ("", "active", "subscribed"):
            return
        if "status" not in told and told.get("verdict", "").lower().startswith("no"):
            raise BadArgument(f"maybe_optout: 'verdict' is {told['verdict']!r}, and no status says why")
        for name, cell in told.items():
            if name.startswith("label.") and any(part in name.lower() for part in self.CHANNEL_KEYS):
                parts = [_squeezed(part) for part in re.split(r"[,;/&+|]", cell)]
                if _squeezed(cell) in self.CHANNELS or all(part in self.CHANNELS for part in parts):
                    raise BadArgument(f"other_channel: {name!r} is {cell!r}, so that the row says nothing of messages")
            key, answer = _squeezed(name.partition(".")[2]), cell.lower()
            is_refusal = re.sub("(at|on|date|time)$", "", key) in self.WORDS and answer not in self.NOS
            is_no_consent = key in self.CONSENTS and answer not in self.YESES
            if answer not in self.BLANK and (is_refusal or is_no_consent):
                raise BadArgument(f"maybe_optout: {name!r} is {cell!r}, and no status says that the contact is out")

    CHANNEL_KEYS = "channel kanal canal medium type typ preference preferred method チャネル".split()
    """Parts of keys of labels under which a channel stands."""
    CHANNELS = set(
        "email emails mail emailonly emailmarketing marketingemail newsletter voice call calls phonecall phone push webpush"
        " mobilepush apppush inapp whatsapp rcs fax post postal letter brief anruf directmail transactional telegram viber"
        " messenger correo correoelectronico courriel".split()
    )
    """Channels by which no messages go."""

    HEADINGS = set("phone phonenumber phoneno number mobile mobilenumber mobilephone cell cellphone tel telephone telefon".split())
    """What stands above the phones of another table."""

    PHONE = re.compile(r"\+?(?:[\s().-]*\d){7,15}")

    def has_rows(self, cell: str) -> bool:
        """Whether one of the lines of a cell has a phone for one of its own cells."""
        pieces = (piece.strip(" \"'") for line in cell.splitlines() for piece in re.split(r"[,;\t|]", line))
        return any(self.PHONE.fullmatch(piece) for piece in pieces)

    def is_title(self, cells: Sequence[str]) -> bool:
        """Whether a row may be the title of the rows below it: it has no number, and words where the phone is, or in one
        cell alone. One with a known status is a row."""
        at = self.names.index("phone")
        placed = cells[at].strip() if at < len(cells) else ""
        digits = [sum(map(str.isdigit, cell)) for cell in cells]
        if max(digits) < 7 and sum(map(str.isalpha, placed)) > 1:
            # "2 contacts", or the headings of another table: what stands under 'status' is no row's either.
            if any(map(str.isdigit, placed)) or _squeezed(placed) in self.HEADINGS:
                return True
        status = self.names.index("status") if "status" in self.names else len(cells)
        said = _squeezed(cells[status]) if status < len(cells) else ""
        if said in self.WORDS or said in ("active", "subscribed"):
            return False
        others = [cell.strip() for at, cell in enumerate(cells) if at != status and cell.strip()]
        refusing = [cell for cell in others if _squeezed(cell) in self.WORDS or _squeezed(cell).rstrip("s") in self.WORDS]
        says_nothing = self.BLANK | self.NOS | self.YESES
        if refusing and all(
            cell in refusing or cell.lower() in says_nothing or not sum(map(str.isalpha, cell)) > 1 and not self._is_number(cell)
            for cell in others
        ):
            return True
        filled = [cell for cell in cells if any(char.isalpha() for char in cell)]
        in_place = at < len(cells) and cells[at] in filled
        return max(digits) < 7 and (in_place or len(filled) == 1 and sum(map(bool, map(str.strip, cells))) == 1)

    @staticmethod
    def _is_number(cell: str) -> bool:
        """Whether a cell has the digits of a phone, and is no date."""
        digits = [char for char in cell if char.isdigit()]
        return len(digits) >= 7 and set(digits) != {"0"} and not re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*", cell)

    def meant(
        self, cells: Sequence[str], list_: Optional[str], region: Optional[str]
    ) -> Iterator[Tuple[str, str, str]]:
        """The list, the region and each number of a refused row, as far as that can be read."""
        told = {name: _unquoted(cell).strip() for name, cell in zip(self.names, cells)}
        number = _list_number(told["list"]) if told.get("list") else list_
        regions = [told.get("region") or region or "-", *self._other_regions(told, region)]
        for raw in _numbers_in(told.get("phone", "")):
            for written in regions:
                # A list that cannot be read may be any of them.
                yield number or ALL, written, raw

    def row(self, cells: Sequence[str], region: Optional[str], source: Optional[str]) -> Tuple[Optional[str], Row]:
        """The list that a row names, if any, and the row."""
        above = [group.name for at, group in self._groups.items() if group.says(cells[at].strip() if at < len(cells) else "")]
        if above:
            raise BadArgument(f"maybe_optout: what stands above under {above[0]!r} refuses messages, and may be said of this row")
        if len(cells) != len(self.names):
            raise BadArgument(f"{len(cells)} cells under {len(self.names)} headings")
        self.ask({name: _unquoted(cell).strip() for name, cell in zip(self.names, cells)})
        self._ask_country(cells, region)
        self._ask_list(cells)
        fields: Dict[str, Any] = {"region": region, "source": source}
        labels: Dict[str, Optional[str]] = {}
        for name, cell in zip(self.names, cells):
            if not cell.isascii() and _SURROGATES.search(cell):
                raise BadArgument(f"the cell under {name!r} is not UTF-8")
            cell = _unquoted(cell)
            if name == "verdict":
                # What CHECK said when the file was written says nothing of now.
                continue
            if name.startswith("label."):
                if cell:
                    labels[name[len("label.") :]] = cell
            elif cell.strip():
                fields[name] = int(cell) if name in self.COUNTS and _DIGITS.fullmatch(cell) else cell.strip()
        number: Optional[str] = fields.pop("list", None)
        if number is not None:
            number = _list_number(number) or number
        return number, Row(fields.pop("phone", ""), labels=labels or None, **fields)

    COUNTRIES = re.compile("country|nationality|residence|(land|pais|pays|paese|nation|ulke|kraj|orszag|staat|iso|cc|geo|market)$")
    """Keys of labels under which a country stands, as letters alone."""

    def _ask_country(self, cells: Sequence[str], region: Optional[str]) -> None:
        """Refuses a number without a plus beside a country that is not known to be the one in which it is read: it could be
        a stranger's."""
        told = {name: _unquoted(cell).strip() for name, cell in zip(self.names, cells)}
        for name, cell in self._contradicting(told, region):
            where = told.get("region") or region or "no region"
            raise BadArgument(f"country_unclear: {name!r} is {cell!r}, and the number, which has no +, would be of {where}")

    def _contradicting(self, told: Mapping[str, str], region: Optional[str]) -> Iterator[Tuple[str, str]]:
        """Labels of countries that are not known to be the one in which the number of a row is read."""
        if told.get("phone", "").startswith("+"):
            return
        code = _CODE_OF.get(_squeezed(told.get("region") or region or ""))
        for name, cell in told.items():
            if not name.startswith("label.") or not self.COUNTRIES.match(_squeezed(name[len("label.") :])):
                continue
            if cell.lower() not in self.BLANK and (code is None or _CODE_OF.get(_country(cell)) != code):
                yield name, cell

    def _other_regions(self, told: Mapping[str, str], region: Optional[str]) -> List[str]:
        """The regions of these, as far as they can be read."""
        found = (_REGION_OF.get(_country(cell)) for _, cell in self._contradicting(told, region))
        return sorted({region for region in found if region is not None})

    def _ask_list(self, cells: Sequence[str]) -> None:
        """Refuses a row that names no list below something that is none."""
        if "list" not in self.names:
            return
        cell = _unquoted(cells[self.names.index("list")]).strip()
        if cell:
            self._is_below_no_list = _list_number(cell) is None
        elif self._is_below_no_list:
            raise BadArgument("what stands above under 'list' is none, and may be said of this row")

    def refusal(
        self, cells: Sequence[str], list_: Optional[str], region: Optional[str], source: Optional[str]
    ) -> Optional[_Refusal]:
        """What a refused row forbids, as far as that can be read."""
        if len(cells) > len(self.names):
            return self._refusal_anywhere(cells, list_, region)
        # What is missing at the end says nothing.
        told = {name: _unquoted(cell).strip() for name, cell in zip(self.names, cells)}
        facts: Dict[str, str] = {}
        others: List[str] = []
        word = self.WORDS.get(_squeezed(told.get("status", "")))
        if word is not None:
            facts[word] = ""
        for name, fact in self.FACTS.items():
            date = told.get(name, "")
            if _is_phone(date):
                facts[fact] = ""
                others.append(date)
            elif re.search(r"\w", date) and _squeezed(date) not in self.NO_DATE:
                facts[fact] = date
        if word is None and _squeezed(told.get("status", "")) in ("active", "subscribed") and "optout" in facts:
            days = [_DAY.match(told.get(name, "")) for name in ("opted_out_at", "subscribed_at")]
            if days[0] and days[1] and days[0][0] < days[1][0]:
                # It came back since, which is what such a row says.
                del facts["optout"]
        if not facts:
            return None
        written = told.get("region") or region or "-"
        number = _list_number(told["list"]) if told.get("list") else list_
        # A list that cannot be read may be any of them.
        found = _Refusal(told.get("phone", ""), written, number or ALL, facts)
        found.source = told.get("source") or source
        found.reason = told.get("reason") or None
        found.others = others
        found.countries = self._other_regions(told, region)
        return found

    def _refusal_anywhere(
        self, cells: Sequence[str], list_: Optional[str], region: Optional[str]
    ) -> Optional[_Refusal]:
        """Of a row with too many cells, in which nobody knows what stands under which heading: one number, and one cell
        that is an opt-out in a word."""
        if "status" not in self.names:
            return None
        at = self.names.index("phone")
        plain = self.WORDS.keys() - self.COMMON
        words = {self.WORDS[_squeezed(cell)] for cell in cells if _squeezed(cell) in plain}
        phones = {_compact(cell) for cell in cells if _E164.fullmatch(_compact(cell))}
        # Before the comma that is too much, cells stand where they should; so they do behind it, from the end.
        aligned = {cells[at], cells[at - len(self.names)]}
        phones = phones or {cell for cell in aligned if len(re.sub("[^0-9]", "", cell)) >= 5}
        if not words or len(phones) != 1:
            return None
        number = None if "list" in self.names else list_
        return _Refusal(phones.pop().strip(), region or "-", number or ALL, dict.fromkeys(words, ""))


class _Group:
    """A column of labels, read from above: what stands in a merged cell is in the first of its rows alone, and a ditto mark says
    what the cell above it says."""

    PARTS = "group grupp grupo segment audience cohort list tab sheet section categor kategor bucket folder type block class".split()
    """Parts of keys under which several rows have one cell."""
    DITTO = set("do dto id idem same ditto dito ibid asabove seeabove sameasabove".split())
    SIGNS = set("\"'`-.,^|=~<>/\\«»„“”‚‘’′″´〃↓↑⬆⬇ ")

    def __init__(self, name: str) -> None:
        self.name = name
        self._is_merged = any(part in name.lower() for part in self.PARTS)
        """So far: the first row has something there, and no row repeats the one above it."""
        self._rows = 0
        self._last = (-1, "")
        self._refuses = False
        self._is_right_above = False
        """Whether the last thing that stood there refuses messages, and whether that is the row above."""

    def says(self, cell: str) -> bool:
        """Whether a blank or a ditto mark, as a row has it, says that messages are refused."""
        self._rows += 1
        if cell.lower() in _Columns.BLANK - {"-", "--"}:
            self._is_merged &= self._rows > 1
            self._is_right_above = False
            return self._is_merged and self._refuses
        if _squeezed(cell) in self.DITTO or self.SIGNS.issuperset(cell):
            return self._is_right_above
        squeezed = _squeezed(cell)
        # A column of statuses is one, whatever its key.
        self._is_merged |= self._rows == 1 and squeezed in ("active", "subscribed", "optedin")
        self._is_merged &= self._last != (self._rows - 1, cell)
        self._last = (self._rows, cell)
        self._refuses = self._is_right_above = squeezed in _Columns.WORDS or _speaks_of_an_end(cell)
        return False


_SURROGATES = re.compile("[\udc80-\udcff]")
_DIGITS = re.compile("[0-9]{1,18}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _squeezed(text: str) -> str:
    """Letters without accents, and digits, small; nothing of what is longer than any word."""
    if len(text) > 64:
        return ""
    marked = unicodedata.normalize("NFKD", text)
    return re.sub(r"[\W_]", "", "".join(c for c in marked if not unicodedata.combining(c))).lower()


def _compact(text: str) -> str:
    """A number without what people write into it."""
    return re.sub(r"[\s().'-]", "", text) if len(text) <= 64 else ""


def _numbers_in(cell: str) -> List[str]:
    """The numbers in the cell of a phone, without what people write beside them."""
    pieces = ((piece.group().rstrip("().- \xa0"), piece.start()) for piece in _PIECES.finditer(cell[:256]))
    return [
        piece
        for piece, begin in pieces
        if sum(map(str.isdigit, piece)) >= 7 and not _TORN.match(cell, begin + len(piece))
    ]


def _beside_signs(cell: str) -> Optional[str]:
    """The one number of a cell that has signs in it or beside it, or a few letters before it, and nothing else: `9175550123*`,
    `US9175550123`, `$9,175,550,123`, `917_555_0123`. What forbids counts for it where no digit is missing."""
    found = _SIGNS.fullmatch(cell[:64])
    if found is None or found["letters"] and not found["letters"].strip("OoIlQ"):
        return None
    number = re.sub("[,_'’]", "", found["number"])
    return number if number != cell.strip() and sum(map(str.isdigit, number)) >= 7 else None


_SIGNS = re.compile(
    r"[~$!'`\s]*[?*#_]?[~$!'`\s]*(?P<letters>[A-Za-z]{0,3})\s*(?P<number>\+?\(?[0-9][0-9().,_'’ \xa0-]*[0-9])[!†\s]*[?*#_…•]?[!†\s]*"
)
"""Several signs stand for several digits that are missing."""


_PIECES = re.compile(r"\+?\(?[0-9][0-9(). \xa0-]*")
_TORN = re.compile(r"[^\W\d_]{1,2}(?![^\W\d_])|[xX]+(?![^\W_])|[?*#_…•]")
"""What stands behind digits of which the others cannot be read."""


def _is_phone(cell: str) -> bool:
    """Whether a cell that should have a date has a phone: not a date, nor the digits that programs write for one."""
    if not re.fullmatch(r"['+\d\s().-]+", cell) or re.search(r"\b\d{1,4}[-.]\d{1,2}[-.]\d{1,4}\b", cell.replace("+", "")):
        return re.fullmatch(r"(\+?1[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]\d{4}", cell) is not None
    digits = re.sub(r"\D", "", cell)
    if digits != cell:
        return 7 <= len(digits) <= 15
    # Seconds since 1970, milliseconds, and days are no phones.
    is_day = re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])\d*", digits)
    return 9 <= len(digits) <= 13 and not is_day and not (digits.startswith("1") and len(digits) in (10, 13))


def _list_number(cell: str) -> Optional[str]:
    """A list as it stands in a cell: spreadsheets take the plus away, or make a fraction of it."""
    number = re.sub(r"\.0*$", "", cell.strip().lstrip("'"))
    if number == ALL or _E164.fullmatch(number) or re.fullmatch("[1-9][0-9]{2,7}", number):
        return number
    return f"+{number}" if re.fullmatch("[1-9][0-9]{8,14}", number) else None


def _unquoted(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'")[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


_COUNTRIES = """
1 ag atg antiguabarbuda ai aia anguilla as asm americansamoa bb brb barbados bm bmu bermuda bs bhs bahamas ca can
canada dm dma dominica do dom dominicanrepublic gd grd grenada gu gum guam jm jam jamaica kn kna stkittsnevis ky cym
caymanislands lc lca stlucia mp mnp northernmarianaislands ms msr montserrat pr pri puertorico sx sxm sintmaarten tc
tca turkscaicosislands tt tto trinidadtobago us usa unitedstates america vc vct stvincentgrenadines vg vgb
britishvirginislands vi vir usvirginislands; 7 kz kaz kazakhstan ru rus russia; 20 eg egy egypt; 27 za zaf
southafrica; 30 gr grc greece; 31 nl nld netherlands; 32 be bel belgium; 33 fr fra france; 34 es esp spain; 36 hu hun
hungary; 39 it ita italy va vat vaticancity; 40 ro rou romania; 41 ch che switzerland; 43 at aut austria; 44 gb gbr
unitedkingdom uk greatbritain england scotland wales gg ggy guernsey im imn isleofman je jey jersey; 45 dk dnk
denmark; 46 se swe sweden; 47 no nor norway sj sjm svalbardjanmayen; 48 pl pol poland; 49 de deu germany; 51 pe per
peru; 52 mx mex mexico; 53 cu cub cuba; 54 ar arg argentina; 55 br bra brazil; 56 cl chl chile; 57 co col colombia; 58
ve ven venezuela; 60 my mys malaysia; 61 au aus australia cc cck cocoskeelingislands cx cxr christmasisland; 62 id idn
indonesia; 63 ph phl philippines; 64 nz nzl newzealand; 65 sg sgp singapore; 66 th tha thailand; 81 jp jpn japan; 82
kr kor southkorea; 84 vn vnm vietnam; 86 cn chn china; 90 tr tur turkiye; 91 in ind india; 92 pk pak pakistan; 93 af
afg afghanistan; 94 lk lka srilanka; 95 mm mmr myanmarburma; 98 ir irn iran; 211 ss ssd southsudan; 212 eh esh
westernsahara ma mar morocco; 213 dz dza algeria; 216 tn tun tunisia; 218 ly lby libya; 220 gm gmb gambia; 221 sn sen
senegal; 222 mr mrt mauritania; 223 ml mli mali; 224 gn gin guinea; 225 ci civ cotedivoire; 226 bf bfa burkinafaso;
227 ne ner niger; 228 tg tgo togo; 229 bj ben benin; 230 mu mus mauritius; 231 lr lbr liberia; 232 sl sle sierraleone;
233 gh gha ghana; 234 ng nga nigeria; 235 td tcd chad; 236 cf caf centralafricanrepublic; 237 cm cmr cameroon; 238 cv
cpv capeverde; 239 st stp saotomeprincipe; 240 gq gnq equatorialguinea; 241 ga gab gabon; 242 cg cog congobrazzaville;
243 cd cod congokinshasa; 244 ao ago angola; 245 gw gnb guineabissau; 246 io iot britishindianoceanterritory; 247 ac
ascensionisland; 248 sc syc seychelles; 249 sd sdn sudan; 250 rw rwa rwanda; 251 et eth ethiopia; 252 so som somalia;
253 dj dji djibouti; 254 ke ken kenya; 255 tz tza tanzania; 256 ug uga uganda; 257 bi bdi burundi; 258 mz moz
mozambique; 260 zm zmb zambia; 261 mg mdg madagascar; 262 re reu reunion yt myt mayotte; 263 zw zwe zimbabwe; 264 na
nam namibia; 265 mw mwi malawi; 266 ls lso lesotho; 267 bw bwa botswana; 268 sz swz eswatini; 269 km com comoros; 290
sh shn sthelenaascensiontristandacunha ta tristandacunha; 291 er eri eritrea; 297 aw abw aruba; 298 fo fro
faroeislands; 299 gl grl greenland; 350 gi gib gibraltar; 351 pt prt portugal; 352 lu lux luxembourg; 353 ie irl
ireland; 354 is isl iceland; 355 al alb albania; 356 mt mlt malta; 357 cy cyp cyprus; 358 ax ala alandislands fi fin
finland; 359 bg bgr bulgaria; 370 lt ltu lithuania; 371 lv lva latvia; 372 ee est estonia; 373 md mda moldova; 374 am
arm armenia; 375 by blr belarus; 376 ad and andorra; 377 mc mco monaco; 378 sm smr sanmarino; 380 ua ukr ukraine; 381
rs srb serbia; 382 me mne montenegro; 383 xk xkx kosovo; 385 hr hrv croatia; 386 si svn slovenia; 387 ba bih
bosniaherzegovina; 389 mk mkd northmacedonia; 420 cz cze czechia; 421 sk svk slovakia; 423 li lie liechtenstein; 500
fk flk falklandislands; 501 bz blz belize; 502 gt gtm guatemala; 503 sv slv elsalvador; 504 hn hnd honduras; 505 ni
nic nicaragua; 506 cr cri costarica; 507 pa pan panama; 508 pm spm stpierremiquelon; 509 ht hti haiti; 590 bl blm
stbarthelemy gp glp guadeloupe mf maf stmartin; 591 bo bol bolivia; 592 gy guy guyana; 593 ec ecu ecuador; 594 gf guf
frenchguiana; 595 py pry paraguay; 596 mq mtq martinique; 597 sr sur suriname; 598 uy ury uruguay; 599 bq bes
caribbeannetherlands cw cuw curacao; 670 tl tls timorleste; 672 nf nfk norfolkisland; 673 bn brn brunei; 674 nr nru
nauru; 675 pg png papuanewguinea; 676 to ton tonga; 677 sb slb solomonislands; 678 vu vut vanuatu; 679 fj fji fiji;
680 pw plw palau; 681 wf wlf wallisfutuna; 682 ck cok cookislands; 683 nu niu niue; 685 ws wsm samoa; 686 ki kir
kiribati; 687 nc ncl newcaledonia; 688 tv tuv tuvalu; 689 pf pyf frenchpolynesia; 690 tk tkl tokelau; 691 fm fsm
micronesia; 692 mh mhl marshallislands; 850 kp prk northkorea; 852 hk hkg hongkongsarchina; 853 mo mac macaosarchina;
855 kh khm cambodia; 856 la lao laos; 880 bd bgd bangladesh; 886 tw twn taiwan; 960 mv mdv maldives; 961 lb lbn
lebanon; 962 jo jor jordan; 963 sy syr syria; 964 iq irq iraq; 965 kw kwt kuwait; 966 sa sau saudiarabia; 967 ye yem
yemen; 968 om omn oman; 970 ps pse palestinianterritories; 971 ae are unitedarabemirates; 972 il isr israel; 973 bh
bhr bahrain; 974 qa qat qatar; 975 bt btn bhutan; 976 mn mng mongolia; 977 np npl nepal; 992 tj tjk tajikistan; 993 tm
tkm turkmenistan; 994 az aze azerbaijan; 995 ge geo georgia; 996 kg kgz kyrgyzstan; 998 uz uzb uzbekistan
"""
"""Calling codes, each with its countries: two letters, three, and the English name."""


def _codes_of_countries() -> Dict[str, str]:
    """The calling code of each country, by what stands for it in a cell."""
    codes = {}
    for line in _COUNTRIES.split(";"):
        code, *names = line.split()
        codes.update(dict.fromkeys([code, *names], code))
    return codes


def _regions_of_countries() -> Dict[str, str]:
    """The two letters of each country, by what stands for it in a cell; of a calling code, those of one that has it."""
    regions: Dict[str, str] = {}
    for line in _COUNTRIES.split(";"):
        code, *names = line.split()
        letters = regions[code] = {"1": "US", "7": "RU"}.get(code, names[0].upper())
        for name in names:
            # UK stands for GB, and is no region.
            letters = name.upper() if len(name) == 2 and name != "uk" else letters
            regions[name] = letters
    return regions


def _country(cell: str) -> str:
    """A country as a cell has it, its letters, its name or its calling code, as a key of these."""
    return _squeezed(re.sub(r"^(\+|00)|\.0$", "", cell))


_CODE_OF = _codes_of_countries()
_REGION_OF = _regions_of_countries()


_ENDS = """
optout optedout optsout unsub blacklist blocklist blocked denylist stoplist exclusion exclud donotcall
donotcontact donottext donotsms donotsend dontcall dontcontact donttext suppress cleaned bounce invalid
undeliver unreach notreach disconnect deactivat complaint complain objection revoked revocation withdr cancel
remov delet refus wrong leaver departed deceased litigat notok saidno nomktg nomarketing nolonger goneaway
inactiv dormant lapsed churn erasure landline nosms notext abmeld abgemeldet abbestell austrag ausgetrag
widerruf widerspr sperrliste sperrdatei gesperrt geblockt robinson schwarzeliste sperr kundig geloscht loschung
falschenummer ungultig unzustellbar verstorben inaktiv ausgetret austritt ehemalig festnetz sperrvermerk
werbesperre desabonn desinscri listenoire listerouge listedestop rouges bloctel bloque refus oppos resili retir
supprim errone incorrect horsservice inactif decede desabo disiscri listanera revoca cancellat rimoss rifiut
bloccat esclus disdett opposizion errat inattiv decedut uscita listanegra cancelad descadastr bloquead eliminad
removid excluid rechaz desuscri desinscri revoca inativad erroneo errado naoperturbe noperturbar fallecid
falecid inativ uitschrij uitgeschr afmeld afgemeld verwijderd geblokkeerd opgezegd opzegg belmeniet zwartelijst
avregistr avanmal avprenum avslut utmeld avmeld udmeld frameld optut optuit sparr reservert nixlist svartlist
stopplist borttag slettet peruut kielto estolist poistet wypis zablokow usuniet czarnalista rezygnac sprzeciw
odhlas zrusen odjav cernalistina leirat feketelista letilt dezabon listesiyah karaliste engellenen iptaledilen
abonelikten ayrilma отпис черныйсписок чёрныйсписок стоплист отказ удален удалён заблок διαγραφ berhenti lydohuy
退订 退訂 停止 拒否 配信不可 ยกเลิก رفض 黑名单 黑名單 拒收 拒绝 取消 退会 退會 失效 配信停止 配信拒否 解除 수신거부 차단 해지 الغاء إلغاء محظور הסר חסום
"""
"""Parts of names that speak of an end, as `contactd import` knows them."""

_END_WORDS = set(
    "stop stops spam junk quit exit dnc dnd dnt dncl tps bad dead left gone wrong bajas baja iptal ret rezygnacje nix arret"
    " blocked declined denied refused suppressed terminated termination muted hold rtbf zakaz чс".split()
)

_NEUTRAL = """
contact contacts customer customers client clients member members subscriber subscribers subscribed user users
lead leads person people guest guests patient patients student students buyer buyers shopper shoppers donor
donors list lists export exports exported import imports imported data phone phones number numbers mobile
mobiles cell cells sms text texts crm address addresses book books sheet sheets table tables file files test
tests sample samples demo example examples standard input upload download batch part copy new all my our the of
for and from to by in with final latest current active vip optin optins opted opt ins signup signups consented
confirmed newsletter loyalty club team staff campaign mailing hubspot mailchimp klaviyo salesforce shopify brevo
twilio attentive postscript omnisend jan feb mar apr may jun jul aug sep sept oct nov dec january february march
april june july august september october november december spring summer autumn fall winter week month year day
monday tuesday wednesday thursday friday saturday sunday kunde kunden kontakt kontakte mitglied mitglieder
abonnenten teilnehmer liste nummern handynummern adressen contactos contacto clientes cliente suscriptores
miembros lista numeros telefonos abonnes membres telephones clienti contatti iscritti membri numeri contatos
assinantes membros klanten contacten leden lijst nummers kunder kontakter medlemmar medlemmer asiakkaat klienci
kontakty zakaznici musteriler клиенты контакты подписчики список номера клієнти контакти 客户 客戶 联系人 聯絡人 名单 名單 会员
會員 手机 手機 号码 號碼 顧客 連絡先 一覧 リスト 会員 電話 番号 고객 연락처 회원 명단 목록 번호 전화
"""
"""Words of names that say nothing of who wants messages, as `contactd import` knows them."""


def _name_of(path: str) -> str:
    """The name of a file; of standard input, where the system tells it."""
    if path == "-":
        try:
            path = os.readlink("/proc/self/fd/0")
        except OSError:
            return ""
    return os.path.basename(path)


def _words_of(name: str) -> List[str]:
    """The words of the name of a file, however they are joined: `opt_outs`, `OptOuts2024`."""
    stem = name.rpartition(".")[0] or name
    return [_squeezed(word) for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem))]


def _speaks_of_an_end(name: str) -> bool:
    """Whether the name of a file says that its rows want no messages, or that their numbers do not exist."""
    words = _words_of(name)
    if "21610" in re.split(r"\D+", name):  # Twilio's code of who has unsubscribed
        return True
    return any(_squeezed(part) in "".join(words) for part in _ENDS.split()) or bool(_END_WORDS.intersection(words))


def _is_neutral(name: str) -> bool:
    """Whether each word of the name of a file is known to say nothing of those who want no messages. Programs put the id of
    the export behind it, in hexadecimal digits."""
    known = sorted(map(_squeezed, _NEUTRAL.split()), key=len, reverse=True)
    is_of_words = re.compile(f"(?:{'|'.join(map(re.escape, known))})*")
    parts = re.split(r"[\W_]+", name.rpartition(".")[0] or name)
    kept = " ".join(part for part in parts if not re.fullmatch(r"(?=.*\d)[0-9A-Fa-f]{6,}", part))
    return all(is_of_words.fullmatch(word) or re.fullmatch("[a-z]", word) for word in _words_of(kept + "."))


class _Progress:
    """A bar on a terminal; nothing elsewhere."""

    WIDTH = 30

    def __init__(self, bytes_total: int) -> None:
        self._total = bytes_total
        self._shown = sys.stderr.isatty()
        self._started = time.monotonic()

    def show(self, bytes_read: int, rows: int) -> None:
        if not self._shown:
            return
        pace = rows / max(time.monotonic() - self._started, 0.001)
        bar = ""
        if self._total:
            share = min(bytes_read / self._total, 1.0)
            bar = f"[{'#' * int(share * self.WIDTH):<{self.WIDTH}}] {share:4.0%}  "
        print(f"\r{bar}{rows:,} rows  {pace:,.0f}/s ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)


class _Import:
    """An import of a file: what became of how many rows."""

    BATCH = 5000
    CELL_CHARS_MAX = 16 * 1024 * 1024
    """A longer cell is taken for a quote that is not closed."""

    def __init__(self, client: Client, args: argparse.Namespace, rejects: Optional[IO[str]]) -> None:
        self.counts = {outcome: 0 for outcome in ("created", "updated", "unchanged", "kept", "refused")}
        self.taken = 0
        """Refused rows of which all that they forbid was taken."""
        self.lost = 0
        """Refused rows that forbid something which could not be taken."""
        self.taken_back = 0
        """Numbers with a refused row that another row had subscribed: they were opted out."""
        self.id = _format_time(datetime.now(timezone.utc))
        """What HISTORY shows as the id of what the rows said."""
        self._client = client
        self._args = args
        self._rejects = csv.writer(rejects) if rejects is not None else None
        self._read = 0
        self._torn: Optional[ValueError] = None
        self._doubted: Set[Tuple[str, str]] = set()
        """List and number of each refused row, which may forbid: no other row may subscribe them."""

    def run(self, file: IO[bytes], bytes_total: int) -> None:
        progress = _Progress(bytes_total)
        records = self._records(file)
        _, names = next(records, (0, None))
        if names is None:
            raise ValueError("the file is empty")
        columns = _Columns(names)
        self._check_name(columns)
        if self._rejects is not None:
            self._rejects.writerow([*names, "why"])
        try:
            while True:
                batch = [*self._batch(records, columns)]
                if batch:
                    self._send(columns, batch)
                    progress.show(self._read, sum(self.counts.values()))
                if self._torn is not None:
                    raise self._torn
                if not batch:
                    return
        finally:
            progress.end()
            self._take_back()

    def _check_name(self, columns: _Columns) -> None:
        """Refuses a file whose name or source speaks of opt-outs, unless each of its rows has a status; and one whose name may
        say anything, where no column says who wants messages."""
        names = (_name_of(self._args.file), self._args.source or "")
        name = next((name for name in names if _speaks_of_an_end(name)), None)
        if "status" not in columns.names and name is not None:
            raise ValueError(
                f"{name!r} speaks of people who want no messages, and there is no column 'status': use"
                " `contactd import --as optout` (or `--as subscribe`)"
            )
        is_silent = columns.asking is None and not columns.FACTS.keys() & set(columns.names)
        if is_silent and not _is_neutral(names[0]):
            raise ValueError(
                f"no column says who consented, and the name {names[0]!r} does not either: add a column 'status', or use"
                " `contactd import --as subscribe` (or `--as optout`)"
            )

    def _batch(
        self, records: Iterator[Tuple[int, List[str]]], columns: _Columns
    ) -> Iterator[Tuple[int, List[str]]]:
        """The next rows. What stands before the one that cannot be read is whole, and taken; so is what stands before a
        title, for it may say of the rows below it that they want no messages."""
        try:
            for number, cells in islice(records, self.BATCH):
                if columns.is_title(cells):
                    title = next(cell.strip() for cell in cells if cell.strip())
                    raise ValueError(
                        f"line {number}: {title!r} may be the title of the rows below it: from there on nothing is taken,"
                        " opt-outs included"
                    )
                yield number, cells
        except ValueError as why:
            self._torn = why

    def _records(self, file: IO[bytes]) -> Iterator[Tuple[int, List[str]]]:
        """Records with the number of their last line. A quote that is not closed would swallow the rows behind it, and
        their opt-outs."""
        csv.field_size_limit(self.CELL_CHARS_MAX)
        reader = csv.reader(self._decoded(file), delimiter=self._args.delimiter, strict=True)
        begun = 1
        try:
            for cells in reader:
                begun = reader.line_num + 1
                if cells:
                    yield reader.line_num, cells
        except csv.Error as why:
            raise ValueError(f"line {begun}: {why}: from there on nothing is taken, opt-outs included") from why

    def _decoded(self, file: IO[bytes]) -> Iterator[str]:
        """Lines. What is not UTF-8 spoils its own row alone; old csv modules end at a NUL."""
        for line in file:
            self._read += len(line)
            encoding = "utf-8-sig" if self._read == len(line) else "utf-8"
            yield line.replace(b"\0", b"").decode(encoding, "surrogateescape")

    def _send(self, columns: _Columns, rows: List[Tuple[int, List[str]]]) -> None:
        waiting: List[Tuple[int, List[str], Union[Pending[Imported], ContactdError]]] = []
        with self._client.pipeline(raise_errors=False) as batch:
            for number, cells in rows:
                try:
                    own, row = columns.row(cells, self._args.region, self._args.source)
                    row.import_id = self.id
                    list_ = own or self._args.list
                    if list_ is None:
                        raise BadArgument("names no list, and --list is not given")
                    waiting.append((number, cells, batch.import_row(list_, row)))
                except BadArgument as why:
                    waiting.append((number, cells, why))
        refused: List[Tuple[int, List[str], str]] = []
        refusals: Dict[int, _Refusal] = {}
        for number, cells, told in waiting:
            error = told if isinstance(told, ContactdError) else told.error
            if error is not None:
                found = columns.refusal(cells, self._args.list, self._args.region, self._args.source)
                text = str(error)
                taken, _, rest = error.message.partition("; ") if error.taken else ("", "", "")
                is_either = "country_unclear" in error.message
                if found is not None and (is_either or not all(_TAKEN_NAMES[fact] in taken for fact in found.facts)):
                    found.either = is_either
                    refusals[len(refused)] = found
                elif taken:
                    self.taken += 1
                    what = " and ".join(_FACT_NAMES[fact] for fact, word in _TAKEN_NAMES.items() if word in taken)
                    where = " of all lists" if " of all lists" in taken else ""
                    when = ", as of now" if " as of now" in taken else ""
                    text = f"{error.code} {rest}; its {what}{where} was taken{when}"
                refused.append((number, cells + [""] * (len(columns.names) - len(cells)), text))
            elif isinstance(told, Pending):
                self.counts[told.get().outcome] += 1
        became = self._hand_over(refusals)
        # What is about another channel says nothing of messages.
        self._doubt(columns, [cells for _, cells, text in refused if "other_channel: " not in text])
        for at, (number, cells, error_text) in enumerate(refused):
            self._refuse(number, cells, error_text + became.get(at, ""))

    def _doubt(self, columns: _Columns, refused: Sequence[Sequence[str]]) -> None:
        """Remembers the numbers of refused rows."""
        meant = [told for cells in refused for told in columns.meant(cells, self._args.list, self._args.region)]
        asked: List[Tuple[str, Pending[str]]] = []
        with self._client.pipeline(raise_errors=False) as batch:
            for list_, region, raw in meant:
                region = region if re.fullmatch("[A-Za-z]{2}|-", region) else "-"
                asked.append((list_, batch._add(Pending(_text_line(_line("NORMALIZE", region), raw), _text))))
        self._doubted.update((list_, told.get()) for list_, told in asked if told.error is None)

    def _take_back(self) -> None:
        """Opts out the numbers of refused rows that another row of the file has subscribed: nobody knows whether the
        refused one forbids."""
        doubted = [*self._doubted]
        for begin in range(0, len(doubted), self.BATCH):
            some = doubted[begin : begin + self.BATCH]
            with self._client.pipeline(raise_errors=False) as batch:
                lines = [_page_line("HISTORY", _line(phone, "KIND", "subscribe"), PAGE_ITEMS, "") for _, phone in some]
                asked = [batch._add(Pending(line, _event_page)) for line in lines]
            found = {
                (event.list, phone)
                for (list_, phone), told in zip(some, asked)
                for event in told.get()[0]
                if event.id == self.id and event.list is not None and list_ in (ALL, event.list)
            }
            with self._client.pipeline() as batch:
                for number, phone in found:
                    batch.optout(number, phone, how="import", reason="another row was refused, and may say no")
            for number, phone in sorted(found):
                self.taken_back += 1
                print(f"{phone}: a row subscribed it and another one was refused: opted out of {number}", file=sys.stderr)

    def _hand_over(self, refusals: Mapping[int, _Refusal]) -> Dict[int, str]:
        """Takes what refused rows forbid, and says what became of it. An unreadable date counts as now."""
        if not refusals:
            return {}
        phones = self._normalized(refusals)
        facts = [
            (at, fact, date, phone)
            for at in phones
            for fact, date in refusals[at].facts.items()
            for phone in phones[at]
        ]
        errors: Dict[int, ContactdError] = {}
        undated: Set[int] = {at for at, _, date, _ in facts if not date}
        # First with the dates; then, where those are not taken, without.
        for dated in (True, False):
            with self._client.pipeline(raise_errors=False) as batch:
                asked = [
                    (at, fact, date, phone, refusals[at].ask(batch, fact, phone, (date or None) if dated else None))
                    for at, fact, date, phone in facts
                ]
            facts = []
            for at, fact, date, phone, told in asked:
                if isinstance(told.error, BadArgument) and dated and date:
                    facts.append((at, fact, date, phone))
                    undated.add(at)
                elif told.error is not None:
                    errors[at] = told.error
        became = {}
        for at, refusal in refusals.items():
            what = " and ".join(_FACT_NAMES[fact] for fact in refusal.facts)
            where = " of all lists" if "optout" in refusal.facts and refusal.list == ALL else ""
            if at not in phones:
                became[at] = f"; IT SAYS {what.upper()}, BUT ITS NUMBER CANNOT BE READ: see to it"
            elif at in errors:
                became[at] = f"; IT SAYS {what.upper()}, WHICH WAS NOT TAKEN: {errors[at]}"
            else:
                both = f" for {' and '.join(phones[at])}, which it can be" if refusal.countries and len(phones[at]) > 1 else ""
                became[at] = f"; its {what}{where} was taken{both}" + (", as of now" if at in undated else "")
            self.taken += at in phones and at not in errors
            self.lost += at not in phones or at in errors
        return became

    def _normalized(self, refusals: Mapping[int, _Refusal]) -> Dict[int, List[str]]:
        """The numbers that can be read, all of each refused row. What forbids takes every E.164, in a numbering plan or not;
        where a plus may stand before a number as it is dialled inside the region, that one as well; and where a label says
        another country, the one that is dialled there."""
        asked: List[Tuple[int, str, Pending[str], Optional[Pending[str]]]] = []
        phones: Dict[int, List[str]] = {}
        with self._client.pipeline(raise_errors=False) as batch:
            for at, refusal in refusals.items():
                region = refusal.region if re.fullmatch("[A-Za-z]{2}|-", refusal.region) else ""
                for raw in [refusal.phone, *refusal.others]:
                    compact = _compact(raw)
                    if not raw or not (region or compact.startswith("+")) or not raw.isprintable():
                        continue
                    words = _line("NORMALIZE", region or "-")
                    read = batch._add(Pending(_text_line(words, raw), _text))
                    inside = batch._add(Pending(_text_line(words, compact[1:]), _text)) if compact[:1] == "+" else None
                    asked.append((at, compact, read, inside))
                    clear = _beside_signs(raw)
                    if clear is not None:
                        # Of what nobody has a plan for, a digit may be missing.
                        asked.append((at, "", batch._add(Pending(_text_line(words, clear), _text)), None))
                    if compact[:1] != "+":
                        for country in refusal.countries:
                            there = batch._add(Pending(_text_line(_line("NORMALIZE", country), raw), _text))
                            asked.append((at, compact, there, None))
        for at, compact, told, inside in asked:
            found = phones.setdefault(at, [])
            if told.error is None:
                found.append(told.get())
            elif _E164.fullmatch(compact):
                found.append(compact)
            if inside is not None and inside.error is None and (refusals[at].either or told.error is not None):
                found.append(inside.get())
        return {at: sorted(set(found)) for at, found in phones.items() if found}

    def _refuse(self, number: int, cells: List[str], why: str) -> None:
        self.counts["refused"] += 1
        if self._rejects is not None:
            self._rejects.writerow([*cells, why])
        elif self.counts["refused"] <= 20 or "; IT SAYS" in why:
            print(f"line {number}: {why}", file=sys.stderr)


_FACT_NAMES = {"optout": "opt-out", "suppress": "suppression", "invalid": "invalid number"}
_TAKEN_NAMES = {"optout": " opted out of ", "suppress": " suppressed ", "invalid": " invalid"}
"""What contactd says that it took of a refused row."""


def _run_import(client: Client, args: argparse.Namespace, show: _Printer) -> int:
    with contextlib.ExitStack() as files:
        file: IO[bytes] = sys.stdin.buffer if args.file == "-" else files.enter_context(open(args.file, "rb"))
        size = 0 if args.file == "-" else os.stat(args.file).st_size
        rejects = None
        if args.rejects is not None:
            # What was not UTF-8 goes back as it came.
            rejects = open(args.rejects, "w", encoding="utf-8", errors="surrogateescape", newline="")
            files.enter_context(rejects)
        importing = _Import(client, args, rejects)
        try:
            importing.run(file, size)
        finally:
            counts = importing.counts
            text = "  ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
            if importing.taken:
                text += f", of which {importing.taken:,} forbid: that was taken"
            told = {
                "refusals_taken": importing.taken,
                "refusals_lost": importing.lost,
                "taken_back": importing.taken_back,
                "import_id": importing.id,
            }
            show({**counts, **told}, text)
    if importing.lost:
        print(
            f"{importing.lost:,} refused rows say that somebody may not be sent to, and that was NOT taken: see to"
            " them.",
            file=sys.stderr,
        )
    if counts["refused"]:
        print(
            "Of a refused row only what it forbids is taken, where number and refusal can be read, as of now where its"
            " date cannot: mend the rows and import them.",
            file=sys.stderr,
        )
    return 1 if counts["refused"] else 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument(
        "--server",
        metavar="ADDRESS",
        help="host:port, tls:host:port or unix:/path; of daemons that share a store all, with commas [CONTACTD_SERVER, 127.0.0.1:7164]",
    )
    common.add_argument("--ca-file", metavar="FILE", help="for tls: the authorities to trust [CONTACTD_CA_FILE]")
    common.add_argument(
        "--cert-file", metavar="FILE", help="for tls: the certificate to show, if one is wanted [CONTACTD_CERT_FILE]"
    )
    common.add_argument("--key-file", metavar="FILE", help="its key [CONTACTD_KEY_FILE; in the same file]")
    common.add_argument("--json", action="store_true", help="print JSON, one value a line")
    common.add_argument(
        "--retry", type=float, metavar="SECONDS", help="how long to wait for a daemon that is away [10]"
    )
    parser = argparse.ArgumentParser(
        parents=[common],
        description="May I send to this contact from this list, now? Asks contactd, and tells it what happened.",
        epilog="A token is taken from CONTACTD_TOKEN. The exit code is 0 for yes or done, 1 for no, nil or refused"
        " rows, 2 for an error.",
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True, dest="verb")

    def verb(name: str, help: str, run: Callable[[Client, argparse.Namespace, _Printer], int], *names: str) -> Any:
        command = verbs.add_parser(name, help=help, description=help, parents=[common])
        command.set_defaults(run=run)
        for positional in names:
            command.add_argument(positional, metavar=positional.upper().replace("_", "-"))
        return command

    def fact(name: str, help: str, names: Sequence[str], options: Sequence[str]) -> Any:
        command = verb(name, help, _run_changed, *names)
        command.set_defaults(takes={*names, *options})
        for option in options:
            command.add_argument(f"--{option}", metavar=option.upper(), help=_OPTIONS[option])
        return command

    command = verb("check", "may I send, now? exit code 0 only if every answer is yes", _run_check, "list")
    command.add_argument("phones", metavar="PHONE", nargs="+", help="or - to read them from standard input")
    verb("why", "the verdict in words: why, and what ends it", _run_why, "list", "phone")
    verb("claim", "the check at the last moment, which records the send", _run_claim, "list", "phone", "msg_id")
    fact("sent", "the message was sent", ("list", "phone", "msg_id"), ("at",))
    command = fact(
        "failed", "the message did not arrive", ("list", "phone", "msg_id"),
        ("provider", "code", "at", "reason", "source"),
    )
    command.add_argument("--permanent", action="store_true", default=None, help="the number does not exist")
    command.set_defaults(takes={*command.get_default("takes"), "permanent"})
    command = fact("click", "somebody followed a link", ("list", "phone"), ("id", "message", "url", "at"))
    command.add_argument("--bot", action="store_true", default=None, help="a link scanner did it")
    command.set_defaults(takes={*command.get_default("takes"), "bot"})
    fact("convert", "somebody bought", ("list", "phone", "amount"), ("id", "message", "at"))
    fact("optin", "an explicit opt-in", ("list", "phone"), ("at", "how", "id", "source", "evidence"))
    fact("optout", "an opt-out of a list, or of all with '*'", ("list", "phone"), ("at", "how", "source", "reason"))
    command = verb("inbound", "a message from a phone", _run_inbound, "list", "phone", "text")
    command.add_argument("--at", metavar="AT", help=_OPTIONS["at"])
    command.add_argument("--id", metavar="ID", help=_OPTIONS["id"])
    fact("suppress", "hold a contact back", ("phone",), ("list", "at", "source", "reason"))
    fact("release", "end a suppression", ("phone",), ("list", "at", "source", "reason"))
    fact("invalid", "the number does not exist", ("phone",), ("at", "source", "reason"))
    fact("valid", "the number exists after all", ("phone",), ("at", "source", "reason"))
    command = verb("put", "create a contact, set and remove labels", _run_put, "phone")
    command.add_argument("labels", metavar="KEY=VALUE", nargs="*", help="KEY= removes the label")
    verb("get", "all that is known of a contact", _run_get, "phone")
    verb("erase", "remove all that is known of a contact, and opt it out of all lists", _run_erase, "phone")
    command = verb("normalize", "a number as somebody typed it, in E.164", _run_normalize, "raw")
    command.add_argument("--region", default="-", metavar="US", help="where it is dialled [the daemon's default]")
    command = verb(
        "import",
        "put the rows of a CSV file with clean headings onto a list; of a row that is refused, what it forbids is taken"
        " where its number can be read. For any other spreadsheet use `contactd import`, which knows dialects,"
        " encodings and other names",
        _run_import,
        "file",
    )
    command.add_argument("--list", metavar="LIST", help="for rows that name none; * for contacts alone")
    command.add_argument("--region", metavar="US", help="where numbers without country code are from")
    command.add_argument("--source", metavar="TEXT", help="where the rows come from, where they do not say")
    command.add_argument("--delimiter", default=",", metavar="CHAR", help="what parts the cells [,]")
    command.add_argument("--rejects", metavar="FILE", help="write refused rows here, with why")
    command = verb("list", "create or change a sending list", _run_list, "list")
    command.add_argument("--name", help="what people call it")
    state = command.add_mutually_exclusive_group()
    state.add_argument("--pause", dest="paused", action="store_true", default=None, help="every check is no")
    state.add_argument("--resume", dest="paused", action="store_false", default=None, help="end a pause")
    command = verb("unlist", "remove a sending list; opt-outs stay", _run_unlist, "list")
    command.add_argument("--force", action="store_true", help="also while contacts are subscribed")
    command = verb("lists", "the sending lists", _run_lists)
    command.add_argument("lists", metavar="LIST", nargs="*", help="only these")
    for name, help, run in (
        ("count", "how many contacts match", _run_count),
        ("find", "the numbers that match, in order of creation", _run_find),
        ("export", "all that is known of the contacts that match, as JSON lines", _run_export),
    ):
        command = verb(name, help, run)
        command.add_argument("filter", metavar="FILTER", nargs="*", help="like: label.state=CA eligible=+14155550100")
        if name == "find":
            command.add_argument("--newest", action="store_true", help="the newest first")
    command = verb("labels", "the label keys, or the values of one", _run_labels)
    command.add_argument("key", metavar="KEY", nargs="?")
    command = verb("history", "what happened to a contact, newest first", _run_history, "phone")
    command.add_argument("--kind", metavar="K,…", help="only these, like optout,send")
    command.add_argument("--limit", type=int, metavar="N", help="only the newest")
    command = verb("feed", "changes from a position on; without one, the present position", _run_feed)
    command.add_argument("position", metavar="POSITION", nargs="?")
    command.add_argument("--follow", action="store_true", help="wait for more, for ever")
    command.add_argument("--last", type=int, metavar="N", help="the newest changes, the newest first")
    command = verb("trends", "what was sent from a list and what came of it, day by day", _run_trends)
    command.add_argument("list", metavar="LIST", nargs="?", default=ALL, help="or '*' for all together [*]")
    command.add_argument("--days", type=int, metavar="N", help="how many days [30]")
    verb("claims", "messages that were claimed, and nobody has said what became of them", _run_claims)
    inbox = verb("inbox", "messages that a person should look at, for somebody may want out", _run_inbox)
    inbox.add_argument("--done", type=int, metavar="NUMBER", help="settle this one: the contact wants to stay")
    verb("stats", "what the daemon counts", _run_stats)
    verb("clients", "who is connected", _run_clients)
    verb("settings", "what the daemon runs with", _run_settings)
    verb("verify", "compare every index with the records", _run_verify)
    command = verb("purge", "plan, run and watch a purge", _run_purge)
    command.add_argument("action", choices=("plan", "run", "status", "stop", "policy", "reports"))
    command.add_argument("plan", metavar="PLAN", nargs="?", help="for run: the plan")
    command = verb("call", "any request, word by word; JSON comes last, as one argument", _run_call)
    command.add_argument("words", metavar="WORD", nargs="+")
    return parser


_OPTIONS = {
    "at": "when, like 2026-05-01T12:00:00Z",
    "how": "api, import, journey or keyword",
    "id": "your id for it: a repeated one changes nothing",
    "source": "who says so, or where",
    "reason": "why",
    "evidence": "what proves it",
    "message": "the msg-id that it came from",
    "url": "the link",
    "provider": "whose code it is, like twilio or vonage: the same number means another thing elsewhere",
    "code": "the provider's code",
    "list": "on this list alone",
}


if __name__ == "__main__":
    sys.exit(main())
