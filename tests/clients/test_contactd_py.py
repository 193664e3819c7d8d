"""contactd.py as a module: every command, batches, arguments of any kind, and its source."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, List, Set

# First, for it says where the clients are.
from support import CLIENTS, LIST, PATIENCE_SECONDS, Daemon, DaemonTest, Scripted, eventually, missing, phone

import contactd
from contactd import ALL, BadArgument, Claim, Client, Erased, Inbound, Row, Unreachable, Verdict

UTC = timezone.utc
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Commands(DaemonTest):
    """Each command through its method, with the values it returns."""

    def test_the_story(self) -> None:
        client, somebody = self.client, phone(1)
        self.assertEqual(client.list(LIST, name="Spring sale"), "updated")
        self.assertTrue(client.optin(LIST, somebody, source="web form 7", evidence="box ticked", id="f1"))
        self.assertFalse(client.optin(LIST, somebody, id="f1"))
        verdict = client.check(LIST, somebody)
        self.assertTrue(verdict)
        self.assertEqual((verdict.reason, str(verdict)), ("", "yes"))
        told = client.inbound(LIST, somebody, "Sotp?\r\n — ‘now’", id="SM0")
        self.assertEqual(told, Inbound("message", "maybe_optout"))
        told = client.inbound(LIST, somebody, "Stop!", id="SM1")
        self.assertEqual(told, Inbound("optout"))
        self.assertTrue(told.confirm)
        again = client.inbound(LIST, somebody, "Stop!", id="SM1")
        self.assertEqual(again, Inbound("optout", "again"))
        self.assertFalse(again.confirm)
        self.assertEqual(client.check(LIST, somebody), Verdict(False, "list_opted_out"))

    def test_consent(self) -> None:
        client, somebody = self.client, phone(2)
        self.assertTrue(client.optout(ALL, somebody, at=MAY, how="journey", source="desk", reason="asked"))
        self.assertFalse(client.optout(LIST, somebody, at="2026-04-01"))
        with self.assertRaises(BadArgument) as refused:
            client.optin(LIST, somebody)
        self.assertIn("opted out on 2026-05-01", refused.exception.message)
        self.assertTrue(client.optin(LIST, somebody, at=MAY + timedelta(seconds=1)))
        contact = client.get(somebody)
        assert contact is not None
        self.assertEqual(
            (contact.status, contact.opted_out_all_at, contact.opted_out_all_reason), ("active", MAY + timedelta(milliseconds=999), "asked")
        )
        on = contact.on(LIST)
        assert on is not None
        self.assertEqual((on.status, on.subscribed_at, on.how), ("active", MAY + timedelta(seconds=1), "api"))
        self.assertIsNone(contact.on("24365"))
        self.assertEqual(contact.raw["phone_number"], somebody)

    def test_status(self) -> None:
        client, somebody = self.client, phone(3)
        client.optin(LIST, somebody)
        self.assertTrue(client.suppress(somebody, source="carrier", reason="complaint"))
        self.assertFalse(client.suppress(somebody, at=MAY))
        self.assertTrue(client.suppress(somebody, list=LIST))
        self.assertEqual(client.check(LIST, somebody).reason, "suppressed")
        self.assertTrue(client.release(somebody, reason="sorted out"))
        self.assertEqual(client.check(LIST, somebody).reason, "list_suppressed")
        self.assertTrue(client.release(somebody, list=LIST))
        self.assertFalse(client.release(somebody, list=LIST))
        self.assertTrue(client.invalid(somebody, reason="30005"))
        self.assertEqual(client.check(LIST, somebody).reason, "invalid")
        self.assertTrue(client.valid(somebody, source="carrier"))
        self.assertTrue(client.check(LIST, somebody))

    def test_contacts(self) -> None:
        client, somebody = self.client, phone(4)
        self.assertIsNone(client.get(somebody))
        self.assertEqual(client.put(somebody, {"city": 'New "York"', "created_at": "2020"}), "created")
        self.assertEqual(client.put(somebody, {"city": None, "tier": "gold"}), "updated")
        self.assertEqual(client.put(somebody), "unchanged")
        contact = client.get(somebody)
        assert contact is not None and contact.created_at is not None
        self.assertEqual(contact.labels, {"tier": "gold", "created_at": "2020"})
        self.assertEqual(contact.created_at.tzinfo, UTC)
        self.assertLess(abs(datetime.now(UTC) - contact.created_at), timedelta(minutes=1))
        self.assertEqual(client.normalize("(415) 555-0123", "US"), "+14155550123")
        with self.assertRaises(BadArgument):
            client.normalize("415 555 0123")

    def test_names_of_files_are_those_of_the_importer(self) -> None:
        source = Path(__file__).parents[2] / "src"
        for path, embedded in (("model/plain_refusal/title.txt", contactd._ENDS), ("import/neutral.txt", contactd._NEUTRAL)):
            lines = (source / path).read_text(encoding="utf-8").splitlines()
            words = {word for line in lines if not line.startswith("#") for word in line.split()}
            self.assertEqual(words, set(embedded.split()), path)
        for name in ("nonsubscribed_segment_export", "twilio_21610", "kündigungen", "customers exclude", "said no", "dncr"):
            self.assertTrue(contactd._speaks_of_an_end(name) or not contactd._is_neutral(f"{name}.csv"), name)
        for name in ("contacts", "KundenListe", "customers March 2024", "客户名单", "members_export_abc123", "고객 명단"):
            self.assertTrue(contactd._is_neutral(f"{name}.csv") and not contactd._speaks_of_an_end(name), name)

    def test_import(self) -> None:
        row = Row("(415) 500-0005", region="US", labels={"city": "Oakland"}, subscribed_at=date(2026, 4, 1))
        row.total_sends, row.total_revenue, row.last_sent = 3, Decimal("12.345678"), MAY
        told = self.client.import_row(LIST, row)
        self.assertEqual((told.outcome, told.phone, told.why), ("created", phone(5), ""))
        contact = self.client.get(phone(5))
        assert contact is not None
        self.assertEqual(
            (contact.total_sends, contact.total_revenue, contact.last_sent), (3, Decimal("12.345678"), MAY)
        )
        self.client.optout(LIST, phone(5))
        told = self.client.import_row(LIST, Row(phone(5)))
        self.assertEqual((told.outcome, told.why), ("kept", "list_opted_out"))
        self.assertEqual(self.client.import_row(ALL, Row(phone(5), invalid_at=MAY)).outcome, "updated")

    def test_sending(self) -> None:
        client, somebody = self.client, phone(6)
        client.optin(LIST, somebody, at=MAY)
        claim = client.claim(LIST, somebody, "spring:6")
        self.assertTrue(claim)
        self.assertEqual(claim, Claim(True))
        again = client.claim(LIST, somebody, "spring:6")
        self.assertFalse(again)
        self.assertEqual((again.duplicate, again.state, again.retried), (True, "claimed", False))
        self.assertTrue(client.sent(LIST, somebody, "spring:6", at=MAY))
        self.assertEqual(str(client.claim(LIST, somebody, "spring:6")), "dup sent")
        self.assertTrue(client.failed(LIST, somebody, "summer:6", code=30003, reason="off"))
        self.assertFalse(client.failed(LIST, somebody, "summer:6", code="30003"))
        self.assertTrue(client.click(LIST, somebody, message="spring:6", url="https://example.com/"))
        self.assertTrue(client.click(LIST, somebody, id="c1", bot=True, at=MAY))
        self.assertFalse(client.click(LIST, somebody, id="c1", bot=True, at=MAY))
        self.assertTrue(client.convert(LIST, somebody, Decimal("49.90"), message="spring:6"))
        self.assertTrue(client.convert(LIST, somebody, "-9.9"))
        contact = client.get(somebody)
        assert contact is not None
        totals = (contact.total_sends, contact.total_clicks, contact.total_bot_clicks, contact.total_conversions)
        self.assertEqual((totals, contact.total_revenue), ((1, 1, 1, 1), Decimal(40)))
        self.assertTrue(client.failed(LIST, somebody, "autumn:6", permanent=True, at=MAY))
        refused = client.claim(LIST, somebody, "winter:6")
        self.assertEqual((bool(refused), refused.duplicate, str(refused)), (False, False, "no invalid"))

    def test_check_many(self) -> None:
        phones = [phone(number) for number in range(1000, 3500)]
        with self.client.pipeline() as batch:
            for somebody in phones[::2]:
                batch.optin(LIST, somebody)
        phones[3:3] = ["nonsense", "two words", "", "{x", "a\nb", "x" * 70_000, "é"]
        told = dict(self.client.check_many(LIST, iter(phones)))
        self.assertEqual(list(told), phones)
        self.assertEqual(sum(map(bool, told.values())), 1250)
        self.assertEqual(told[phones[0]], Verdict(True))
        self.assertEqual(told[phones[1]].reason, "not_subscribed")
        for wrong in phones[3:10]:
            self.assertFalse(told[wrong])
            self.assertEqual(told[wrong].reason, "BADARG")
            self.assertIsInstance(told[wrong].error, BadArgument)
        self.assertEqual([bool(verdict) for _, verdict in self.client.check_many(LIST, phones[:1])], [True])
        self.assertEqual(list(self.client.check_many(LIST, [])), [])
        with self.assertRaises(BadArgument):
            list(self.client.check_many("spring", phones[:1]))

    def test_lists(self) -> None:
        client = self.client
        self.assertEqual(client.list("24366"), "created")
        self.assertEqual(client.list("24366", paused=True), "updated")
        info = next(info for info in client.lists() if info.list == "24366")
        self.assertTrue(info.paused)
        self.assertIsNotNone(info.created_at)
        self.assertEqual(client.list("24366", paused=False), "updated")
        client.optin("24366", phone(7))
        with self.assertRaises(BadArgument):
            client.unlist("24366")
        self.assertEqual(client.unlist("24366", force=True), "removed")
        with self.assertRaises(contactd.NoList):
            client.unlist("24366")

    def test_lists_by_number_and_in_pages(self) -> None:
        client = self.client
        for number in ("24371", "24370"):
            client.list(number)
        self.assertEqual([info.list for info in client.lists("24371", LIST)], ["24371", LIST])
        numbers = [info.list for info in client.lists()]
        pages = [client.lists_page(limit=1)[0].list]
        while page := client.lists_page(limit=1, after=pages[-1]):
            pages += [info.list for info in page]
        self.assertEqual(pages, numbers)
        with self.assertRaises(contactd.NoList):
            client.lists("24399")

    def test_why(self) -> None:
        client, somebody = self.client, phone(12)
        client.optin(LIST, somebody, at=MAY, source="web")
        yes = client.why(LIST, somebody)
        self.assertTrue(yes)
        assert yes.fact is not None and yes.event is not None
        self.assertEqual((yes.fact.kind, yes.fact.at, yes.fact.source, yes.event.kind), ("optin", MAY, "web", "optin"))
        client.inbound(LIST, somebody, "Stop", id="w1")
        client.suppress(somebody, reason="a complaint")
        no = client.why(LIST, somebody)
        self.assertFalse(no)
        assert no.fact is not None
        self.assertEqual((no.verdict, no.reason, no.fact.reason), ("no suppressed", "suppressed", "a complaint"))
        self.assertEqual([ground.reason for ground in no.behind], ["list_opted_out"])
        assert no.behind[0].fact is not None
        self.assertEqual(no.behind[0].fact.how, "keyword")
        self.assertIn("Only a newer RELEASE", no.text)
        with self.assertRaises(BadArgument):
            client.why("spring", somebody)

    def test_the_inbox(self) -> None:
        client, somebody = self.client, phone(31)
        client.list(LIST)
        client.optin(LIST, somebody, at="2026-01-01")
        client.inbound(LIST, somebody, "wrong number", id="SM1")
        client.inbound(LIST, somebody, "sotp", id="SM2")
        messages = [message for message in client.inbox(limit=1) if message.phone == somebody]
        self.assertEqual([(message.text, message.id) for message in messages], [("sotp", "SM2"), ("wrong number", "SM1")])
        self.assertTrue(client.inbox_done(messages[0].number))
        self.assertFalse(client.inbox_done(messages[0].number))
        client.optout(LIST, somebody)
        self.assertEqual([message for message in client.inbox() if message.phone == somebody], [])

    def test_who_is_connected_and_with_what_settings(self) -> None:
        clients = list(self.client.clients(limit=1))
        self.assertTrue(all(one.transport == "tcp" and one.level == "admin" for one in clients), clients)
        settings = self.client.settings()
        self.assertEqual((settings["fsync"], settings["tokens"]), ("always", ""))

    def test_trends_and_claims(self) -> None:
        client, somebody = self.client, phone(13)
        client.list("24372")
        client.optin("24372", somebody, at=MAY)
        self.assertTrue(client.claim("24372", somebody, "t-1"))
        client.click("24372", somebody, id="t-c")
        client.convert("24372", somebody, "1.5", id="t-o")
        days = client.trends("24372", days=2)
        self.assertEqual((days[1].day - days[0].day).days, 1)
        # At midnight they are of two days.
        sums = [(day.sends, day.clicks, day.conversions, day.revenue) for day in days]
        self.assertEqual([sum(parts) for parts in zip(*sums)], [1, 1, 1, Decimal("1.5")])
        self.assertGreaterEqual(sum(day.sends for day in client.trends()), 1)
        self.assertEqual(len(client.trends()), 30)
        # It is too young to be missed.
        self.assertEqual(list(client.claims(limit=1)), [])

    def test_queries(self) -> None:
        client = self.client
        phones = [phone(number) for number in range(10_000, 10_250)]
        with client.pipeline() as batch:
            for number, somebody in enumerate(phones):
                batch.put(somebody, {"query": f"value {number % 3}", f"key{number % 7}": "x"})
            counted = batch.count('label.query="value 1"')
        self.assertEqual(counted.get(), 83)
        self.assertEqual(client.count("label.query"), 250)
        self.assertEqual(list(client.find("label.query", limit=100)), phones)
        self.assertEqual(list(client.find("label.query", limit=100, newest=True)), phones[::-1])
        page, cursor = client.find_page("label.query", limit=249)
        self.assertEqual(len(page), 249)
        self.assertEqual(list(client.find("label.query", after=cursor)), phones[-1:])
        self.assertEqual(client.find_page("label.query", after=cursor), (phones[-1:], None))
        self.assertEqual([contact.phone_number for contact in client.export("label.query")], phones)
        self.assertEqual(list(client.export("label.none")), [])
        values = [(value.name, value.contacts) for value in client.labels("query", limit=2)]
        self.assertEqual(values, [("value 0", 84), ("value 1", 83), ("value 2", 83)])
        self.assertIn("key3", [key.name for key in client.labels(limit=2)])
        with self.assertRaises(BadArgument):
            client.count("colour=red")
        with self.assertRaises(BadArgument):
            list(client.export("colour=red"))

    def test_history(self) -> None:
        client, somebody = self.client, phone(8)
        self.assertEqual(list(client.history(somebody)), [])
        client.inbound(LIST, somebody, "Start", id="h1", at=MAY)
        client.claim(LIST, somebody, "may-1")
        client.convert(LIST, somebody, "1.5", id="h2")
        client.inbound(LIST, somebody, "Stop", id="h3")
        events = list(client.history(somebody, limit=2))
        self.assertEqual([event.kind for event in events], ["inbound", "conversion", "send", "inbound"])
        stop, conversion, send, start = events
        self.assertEqual((stop.meaning, stop.text, stop.id), ("optout", "Stop", "h3"))
        self.assertEqual((conversion.amount, send.state, send.list, start.at), (Decimal("1.5"), "claimed", LIST, MAY))
        assert start.seen_at is not None
        self.assertGreater(start.seen_at, MAY)
        self.assertEqual([event.id for event in client.history(somebody, ["optout", "send"])], ["h3", "may-1"])
        with self.assertRaises(BadArgument):
            list(client.history(somebody, "stop"))

    def test_feed(self) -> None:
        client, somebody = self.client, phone(9)
        none, position = client.feed_page()
        self.assertEqual(none, [])
        client.optin(LIST, somebody)
        client.optout(LIST, somebody)
        client.list("24367", paused=True)
        changes, after = client.feed_page(position)
        self.assertEqual(
            [(change.kind, change.cause) for change in changes[:2]], [("contact", "optin"), ("contact", "optout")]
        )
        self.assertEqual([(on.list, on.status) for on in changes[1].lists], [(LIST, "opted_out")])
        self.assertEqual((changes[-1].list, changes[-1].paused, changes[-1].known), ("24367", True, True))
        self.assertEqual(client.feed_page(after)[0], [])
        newest, behind = client.feed_last(2)
        self.assertEqual(([c.position for c in newest], behind), ([c.position for c in changes[:-3:-1]], after))
        self.assertEqual([c.kind for c in client.feed(position, follow=False, limit=1)], [c.kind for c in changes])
        # What has been dealt with does not come again, and nothing else is left out.
        for dealt_with in range(len(changes) + 1):
            with client.feed(position, follow=False, limit=2) as feed:
                for _ in range(dealt_with):
                    next(feed)
                kept = feed.position
            rest = list(client.feed(kept, follow=False))
            self.assertEqual([c.position for c in rest], [c.position for c in changes[dealt_with:]])
        with self.assertRaises(contactd.OverLimit):
            client.feed_page("never-was-one")

    def test_feed_waits(self) -> None:
        seen: List[str] = []
        feed = self.client.feed(wait=5)
        follower = threading.Thread(target=lambda: seen.append(str(next(feed).phone)))
        follower.start()
        self.client.optout(LIST, phone(10))
        follower.join(PATIENCE_SECONDS)
        self.assertEqual(seen, [phone(10)])
        started = time.monotonic()
        self.assertEqual(self.client.feed_page(feed.position, wait=0.2)[0], [])
        self.assertGreater(time.monotonic() - started, 0.15)
        feed.close()

    def test_administration(self) -> None:
        client = self.client
        self.assertEqual(client.ping(), "PONG")
        self.assertEqual((client.hello()["server"], client.hello()["proto"]), ("contactd", 2))
        self.assertIn("[read]", client.help("CHECK")[0])
        self.assertGreater(len(client.help()), 30)
        stats = client.stats()
        self.assertIs(stats["read_only"], False)
        self.assertIsInstance(stats["contacts"], int)
        self.assertIsInstance(stats["version"], str)
        self.assertEqual(client.verify(), [])

    def test_any_request(self) -> None:
        client = self.client
        self.assertEqual(client.call("PUT", phone(11), keys={"labels": {"a": "b"}}), "created")
        self.assertEqual(client.call("OPTOUT", LIST, phone(11)), 1)
        self.assertIsNone(client.call("GET", phone(12)))
        self.assertEqual(client.call("ECHO", "hello"), "hello")
        self.assertEqual(client.line("CHECK 24399 +14155550123"), "no unknown_list")
        verdict, error = client.call("CHECK", "24399", phone(11), "x")
        self.assertEqual((verdict, type(error)), ("no unknown_list", BadArgument))
        for wrong in ("PING\nPING", "", "# nothing", "*1", " PING"):
            with self.assertRaises(BadArgument):
                client.line(wrong)
        with self.assertRaises(contactd.ProtocolError):
            client.line("EXPORT")
        self.assertEqual(client.ping(), "PONG")

    def test_a_thing_has_a_short_name(self) -> None:
        self.client.optin(LIST, phone(13), at=MAY)
        shown = repr(self.client.get(phone(13)))
        self.assertIn("status='active'", shown)
        self.assertNotIn("None", shown)


class EveryCommand(DaemonTest):
    def test_every_command_of_the_daemon_can_be_sent(self) -> None:
        """After this every command of HELP was asked for at least once; what is new there is missing here."""
        client, somebody = self.client, phone(1)
        client.ping(), client.hello(), client.help(), client.stats(), client.verify(), client.lists()
        client.list("24365"), client.put(somebody), client.get(somebody), client.normalize("+14155550123")
        client.optin(LIST, somebody), client.check(LIST, somebody), client.claim(LIST, somebody, "m")
        client.sent(LIST, somebody, "m"), client.failed(LIST, somebody, "n"), client.click(LIST, somebody)
        client.convert(LIST, somebody, 1), client.optout(LIST, somebody), client.inbound(LIST, somebody, "hi")
        client.suppress(somebody), client.release(somebody), client.invalid(somebody), client.valid(somebody)
        client.import_row(LIST, Row(somebody)), client.count(), list(client.find()), list(client.export())
        client.why(LIST, somebody), client.trends(), list(client.claims()), list(client.inbox())
        list(client.clients()), client.settings()
        client.feed_last()
        list(client.labels()), list(client.history(somebody)), client.feed_page(), client.unlist("24365")
        for words in ("ECHO a", "SELECT 0", "PARTITION 0 2", "CLIENT SETINFO LIB-NAME x", "COMMAND COUNT", "CONFIG GET save", "AUTH x"):
            # The daemon has no tokens and no partitions, which is how it answers AUTH and PARTITION.
            with contextlib.suppress(contactd.NoAuth, contactd.CommandError):
                client.line(words)
        client.erase(somebody), client.purge_status(), client.call("BACKUP", "LIST")
        client.call("FENCE"), client.call("UNFENCE")
        verbs = {usage.split()[0] for usage in client.help()} - {"QUIT"}
        sent = {name.partition("_")[2].upper() for name in client.stats() if name.startswith("requests_")}
        self.assertEqual(verbs - sent, set())


class Removal(DaemonTest):
    def test_erase(self) -> None:
        self.client.optin(LIST, phone(1), at=MAY)
        erased = self.client.erase(phone(1))
        self.assertEqual(erased, Erased(events=1, feed_entries=1))
        self.assertEqual(str(erased), "erased events 1 feed_entries 1")
        self.assertIsNone(self.client.erase(phone(1)))
        gone = self.client.get(phone(1))
        self.assertTrue(gone and gone.erased_at and gone.opted_out_all_at and gone.created_at is None)
        self.assertEqual(self.client.import_row(LIST, Row(phone(1))).why, "erased")

    def test_what_is_erased_in_a_batch(self) -> None:
        with self.client.pipeline() as batch:
            created, erased, gone = batch.put(phone(2)), batch.erase(phone(2)), batch.check(LIST, phone(2))
        self.assertEqual((created.get(), bool(erased.get()), str(gone.get())), ("created", True, "no not_subscribed"))

    def test_purge(self) -> None:
        self.client.invalid(phone(3), at=date(2020, 1, 1))
        self.assertEqual(self.client.purge_policy()["invalid_after_days"], 30)
        plan = self.client.purge_plan()
        self.assertEqual((plan["contacts"], plan["reasons"]["invalid"], plan["sample"][0]["phone"]), (1, 1, phone(3)))
        self.assertEqual(self.client.purge_run(plan["plan"]), "started")
        eventually(lambda: self.client.purge_status()["state"] == "idle", "the end of the purge")
        self.assertEqual(self.client.purge_stop(), "idle")
        self.assertEqual([(run["plan"], run["purged"]) for run in self.client.purge_reports()], [(plan["plan"], 1)])
        with self.assertRaises(contactd.BadArgument):
            self.client.purge_run(plan["plan"])
        gone = self.client.get(phone(3))
        self.assertEqual(gone and (gone.status, gone.purged_reason), ("invalid", "invalid"))


class Batches(DaemonTest):
    def test_replies_come_in_order(self) -> None:
        with self.client.pipeline() as batch:
            created = batch.put(phone(1))
            before = batch.check(LIST, phone(1))
            opted_in = batch.optin(LIST, phone(1))
            after = batch.check(LIST, phone(1))
            nobody = batch.get(phone(2))
            stop = batch.inbound(LIST, phone(1), "stop")
            claim = batch.claim(LIST, phone(1), "m")
        self.assertEqual((created.get(), opted_in.get(), nobody.get()), ("created", True, None))
        self.assertEqual([bool(before.get()), bool(after.get()), bool(claim.get())], [False, True, False])
        self.assertEqual(str(stop.get()), "optout")

    def test_every_method(self) -> None:
        with self.client.pipeline() as batch:
            pending: List[Any] = [
                batch.put(phone(3), {"a": "b"}),
                batch.get(phone(3)),
                batch.optin(LIST, phone(3)),
                batch.check(LIST, phone(3)),
                batch.claim(LIST, phone(3), "m"),
                batch.sent(LIST, phone(3), "m"),
                batch.failed(LIST, phone(3), "m"),
                batch.click(LIST, phone(3)),
                batch.convert(LIST, phone(3), 2),
                batch.inbound(LIST, phone(3), "x"),
                batch.suppress(phone(3)),
                batch.release(phone(3)),
                batch.invalid(phone(3)),
                batch.valid(phone(3)),
                batch.optout(LIST, phone(3)),
                batch.import_row(LIST, Row(phone(3))),
                batch.count(),
            ]
        self.assertEqual(len([reply.get() for reply in pending]), 17)

    def test_a_pending_reply_is_neither_true_nor_false(self) -> None:
        with self.client.pipeline() as batch:
            verdict = batch.check(LIST, phone(4))
            with self.assertRaises(TypeError):
                bool(verdict)
            with self.assertRaises(RuntimeError):
                verdict.get()
            batch.flush()
            self.assertFalse(verdict.get())
            with self.assertRaises(TypeError):
                bool(verdict)

    def test_an_error_is_raised_and_the_rest_is_done(self) -> None:
        with self.assertRaises(BadArgument) as raised:
            with self.client.pipeline() as batch:
                wrong = batch.check(LIST, "nonsense")
                right = batch.optout(LIST, phone(5))
        self.assertEqual(raised.exception.request, f"CHECK {LIST} nonsense")
        self.assertTrue(right.get())
        self.assertIsInstance(wrong.error, BadArgument)
        with self.client.pipeline(raise_errors=False) as batch:
            wrong = batch.check(LIST, "nonsense")
        with self.assertRaises(BadArgument):
            wrong.get()

    def test_an_exception_inside_sends_nothing_more(self) -> None:
        with self.assertRaises(KeyError):
            with self.client.pipeline() as batch:
                batch.optin(LIST, phone(6))
                raise KeyError
        self.assertFalse(self.client.check(LIST, phone(6)))

    def test_a_long_batch_with_long_replies(self) -> None:
        """More in both directions than any buffer between takes: whoever only sends would wait for ever."""
        labels = {f"label{number}": "x" * 40 for number in range(50)}
        self.client.put(phone(7), {**labels})
        with self.client.pipeline() as batch:
            contacts = [batch.get(phone(7)) for _ in range(25_000)]
        self.assertEqual({len(contact.get().labels) for contact in contacts if contact.get()}, {50})  # type: ignore[union-attr]


class Words(DaemonTest):
    """Nothing in an argument can end a request or begin another."""

    def test_arguments_that_are_none(self) -> None:
        self.client.optin(LIST, phone(1))
        before = self.client.stats().get("requests_check", 0)
        for wrong in (
            f"{phone(2)} {phone(1)}",
            f"{phone(2)}\n",
            f"{phone(2)}\r\nCHECK {LIST} {phone(1)}",
            "",
            " ",
            "\t",
            "\x00",
        ):
            with self.subTest(wrong=wrong), self.assertRaises(BadArgument):
                self.client.check(LIST, wrong)
            with self.assertRaises(BadArgument):
                self.client.claim(LIST, phone(1), wrong)
            with self.assertRaises(BadArgument):
                self.client.optout(wrong, phone(1))
        with self.assertRaises(BadArgument):
            self.client.count(f"status=active\nOPTOUT {LIST} {phone(1)}")
        self.assertTrue(self.client.check(LIST, phone(1)))
        after = self.client.stats()["requests_check"]
        assert isinstance(before, int) and isinstance(after, int)
        self.assertEqual(after, before + 1)

    def test_texts_of_any_kind(self) -> None:
        for number, text in enumerate(("a\nb\r\n", '"}', "\\", "\u2028\x85", "😀" * 800, "\ud83d", "x" * 5000)):
            with self.subTest(text=text[:10]):
                self.assertEqual(self.client.inbound(LIST, phone(10 + number), text).meaning, "message")
        self.assertEqual(next(self.client.history(phone(10), "inbound")).text, "a\nb\r\n")

    def test_a_date_says_its_time_zone(self) -> None:
        with self.assertRaises(ValueError):
            self.client.optout(LIST, phone(20), at=datetime(2026, 5, 1))
        east = timezone(timedelta(hours=2))
        self.client.optout(LIST, phone(20), at=datetime(2026, 5, 1, 14, 0, 0, 1999, tzinfo=east))
        contact = self.client.get(phone(20))
        assert contact is not None
        self.assertEqual(contact.lists[0].opted_out_at, datetime(2026, 5, 1, 12, 0, 0, 1000, tzinfo=UTC))


class UnixSocket(unittest.TestCase):
    def test_a_unix_socket(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "contactd.sock")
            daemon = Daemon("--listen", f"unix:{path}")
            self.addCleanup(daemon.end)
            with Client.at(f"unix:{path}") as client:
                self.assertEqual(client.ping(), "PONG")
                with client.clone() as clone:
                    self.assertEqual(clone.ping(), "PONG")
            with Client(f"unix:{path}x", retry=0) as client, self.assertRaises(Unreachable):
                client.ping()

    def test_addresses(self) -> None:
        self.assertEqual((Client.at("[::1]:99").host, Client.at("[::1]:99").port), ("::1", 99))
        self.assertEqual((Client.at("example.com").host, Client.at("example.com").port), ("example.com", 7164))
        with self.assertRaises(ValueError):
            Client.at("example.com:port")


class TheSource(unittest.TestCase):
    def test_types(self) -> None:
        """The clients, and a program that uses one, pass mypy --strict."""
        try:
            import mypy  # noqa: F401
        except ImportError:
            missing("mypy")
        with tempfile.TemporaryDirectory() as folder:
            user = os.path.join(folder, "user.py")
            with open(user, "w", encoding="utf-8") as file:
                file.write(USER)
            sources = [os.path.join(CLIENTS, name) for name in ("contactd.py", "worker.py", "webhook.py")]
            for checked in ([user], sources):
                run = subprocess.run(
                    [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder, *checked],
                    env={**os.environ, "MYPYPATH": CLIENTS},
                    capture_output=True,
                    text=True,
                    cwd=folder,
                )
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_python_3_8_reads_it(self) -> None:
        for name in ("contactd.py", "worker.py", "webhook.py"):
            with open(os.path.join(CLIENTS, name), encoding="utf-8") as file:
                ast.parse(file.read(), feature_version=(3, 8))

    def test_only_the_standard_library(self) -> None:
        if not hasattr(sys, "stdlib_module_names"):
            self.skipTest("this Python does not list its library")
        with open(os.path.join(CLIENTS, "contactd.py"), encoding="utf-8") as file:
            tree = ast.parse(file.read())
        names: Set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
        self.assertEqual(names - sys.stdlib_module_names, set())

    def test_every_key_of_the_protocol_has_a_field(self) -> None:
        with open(os.path.join(CLIENTS, "..", "protocol.md"), encoding="utf-8") as file:
            protocol = file.read()
        for table, kind in (
            ("key of a reply to GET", contactd.Contact),
            ("key of a list in a reply to GET", contactd.ListContact),
            ("key of a reply to LISTS", contactd.ListInfo),
            ("key of a reply to HISTORY", contactd.Event),
            ("key of a reply to FEED", contactd.Change),
            ("key of a reply to WHY", contactd.Why),
            ("key of a fact in a reply to WHY", contactd.Fact),
            ("key of a reply to TRENDS", contactd.Trend),
            ("key of a reply to INBOX", contactd.WaitingMessage),
            ("JSON key of IMPORT", contactd.Row),
        ):
            rows = protocol.partition(f"\n| {table} |")[2].partition("\n\n")[0].splitlines()[2:]
            keys = {key for row in rows for key in row.split("|")[1].replace("`", "").split()}
            self.assertGreater(len(keys), 5, table)
            self.assertEqual(keys - {field.name for field in dataclasses.fields(kind)}, set(), table)

    def test_everything_public_is_documented(self) -> None:
        for name in contactd.__all__:
            thing = getattr(contactd, name)
            if isinstance(thing, type):
                self.assertTrue(thing.__doc__, name)
                for key, value in vars(thing).items():
                    if not key.startswith("_") and callable(value):
                        self.assertTrue(value.__doc__, f"{name}.{key}")


USER = """
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Optional
from contactd import Client, Verdict

with Client() as client:
    verdict: Verdict = client.check("24365", "+14155550123")
    contact = client.get("+14155550123")
    if contact is not None:
        revenue: Decimal = contact.total_revenue
        when: Optional[datetime] = contact.last_sent
    with client.pipeline() as batch:
        pending = batch.check("24365", "+14155550123")
        granted = batch.claim("24365", "+14155550123", "m-1")
    answer: bool = bool(pending.get()) and granted.get().granted
    for phone, told in client.check_many("24365", ["+14155550123"]):
        reason: str = phone + told.reason
"""


@unittest.skipUnless(os.environ.get("CONTACTD_TEST_SPEED"), "CONTACTD_TEST_SPEED is not set")
class Speed(DaemonTest):
    def test_checks_a_second(self) -> None:
        phones = [phone(n) for n in range(200_000)]
        with self.client.pipeline() as batch:
            for somebody in phones[::20]:
                batch.optin(LIST, somebody)
        piped, many = [], []
        for _ in range(5):
            started = time.perf_counter()
            with self.client.pipeline() as batch:
                verdicts = [batch.check(LIST, somebody) for somebody in phones]
            yes = sum(1 for verdict in verdicts if verdict.get())
            piped.append(len(phones) / (time.perf_counter() - started))
            started = time.perf_counter()
            yes_too = sum(1 for _, verdict in self.client.check_many(LIST, phones) if verdict)
            many.append(len(phones) / (time.perf_counter() - started))
            self.assertEqual((yes, yes_too), (10_000, 10_000))
        print(f"\npipeline {sorted(piped)[2]:,.0f} CHECKs a second, check_many {sorted(many)[2]:,.0f} (medians of 5)")
        self.assertGreater(sorted(piped)[2], 150_000)


if __name__ == "__main__":
    unittest.main()
