"""contactd.py when replies are lost and the daemon dies: what a repetition does, and what it does not."""

from __future__ import annotations

import socket
import threading
import time
import unittest
from decimal import Decimal
from typing import Any, Callable, List, Tuple

# First, for it says where the clients are.
from support import LIST, PATIENCE_SECONDS, Daemon, DaemonTest, Lossy, Scripted, phone

from contactd import BadArgument, Client, ContactdError, Row, Unreachable


class LostReplies(DaemonTest):
    """The request arrives and its reply does not: what the repetition does, and what it does not."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = Lossy(self.daemon.port)
        self.addCleanup(self.wire.end)
        self.far = Client("127.0.0.1", self.wire.port)
        self.addCleanup(self.far.close)

    def test_a_repetition_changes_nothing(self) -> None:
        somebody = phone(1)
        self.client.optin(LIST, somebody)
        for ask in (
            lambda: self.far.click(LIST, somebody),
            lambda: self.far.convert(LIST, somebody, Decimal("1.25")),
            lambda: self.far.inbound(LIST, somebody, "hello"),
            lambda: self.far.sent(LIST, somebody, "m"),
            lambda: self.far.failed(LIST, somebody, "n"),
        ):
            self.wire.lose_next()
            ask()
            self.assertTrue(self.wire.lost.is_set())
        contact = self.client.get(somebody)
        assert contact is not None
        self.assertEqual((contact.total_clicks, contact.total_conversions, contact.total_sends), (1, 1, 1))
        self.assertEqual(contact.total_revenue, Decimal("1.25"))
        kinds = [event.kind for event in self.client.history(somebody)]
        self.assertEqual(sorted(kinds), ["click", "conversion", "inbound", "optin", "send", "send"])

    def test_a_claim_is_told_honestly(self) -> None:
        self.client.optin(LIST, phone(2))
        self.wire.lose_next()
        claim = self.far.claim(LIST, phone(2), "m")
        self.assertFalse(claim)
        self.assertEqual((claim.duplicate, claim.state, claim.retried), (True, "claimed", True))
        self.assertEqual(self.far.claim(LIST, phone(2), "m").retried, False)
        self.wire.lose_next()
        refused = self.far.claim(LIST, phone(3), "m")
        self.assertEqual((bool(refused), refused.reason, refused.duplicate), (False, "not_subscribed", False))

    def test_a_confirmation_is_not_given_twice(self) -> None:
        self.client.optin(LIST, phone(4))
        self.wire.lose_next()
        told = self.far.inbound(LIST, phone(4), "stop")
        self.assertEqual((told.meaning, told.turn, told.retried, told.confirm), ("optout", "again", True, False))

    def between(self, ask: Callable[[], Any], meanwhile: Callable[[], Any]) -> None:
        """A reply is lost; before its repetition arrives, something else happens."""
        self.wire.lose_next(hold=True)
        asking = threading.Thread(target=ask)
        asking.start()
        self.assertTrue(self.wire.lost.wait(PATIENCE_SECONDS))
        # Facts are dated to the millisecond, and what comes later is to be later.
        time.sleep(0.005)
        meanwhile()
        self.wire.let_go()
        asking.join(PATIENCE_SECONDS)
        self.assertFalse(asking.is_alive())

    def test_a_late_release_does_not_lift_a_newer_suppression(self) -> None:
        self.client.optin(LIST, phone(5))
        self.client.suppress(phone(5))
        self.between(lambda: self.far.release(phone(5)), lambda: self.client.suppress(phone(5)))
        self.assertEqual(self.client.check(LIST, phone(5)).reason, "suppressed")

    def test_a_late_valid_does_not_lift_a_newer_invalid(self) -> None:
        self.client.optin(LIST, phone(6))
        self.client.invalid(phone(6))
        self.between(lambda: self.far.valid(phone(6)), lambda: self.client.invalid(phone(6)))
        self.assertEqual(self.client.check(LIST, phone(6)).reason, "invalid")

    def test_a_late_start_does_not_lift_a_newer_stop(self) -> None:
        self.between(
            lambda: self.far.inbound(LIST, phone(7), "start"), lambda: self.client.inbound(LIST, phone(7), "stop")
        )
        self.assertEqual(self.client.check(LIST, phone(7)).reason, "list_opted_out")

    def test_a_late_opt_in_does_not_lift_a_newer_opt_out(self) -> None:
        errors: List[ContactdError] = []

        def ask() -> None:
            try:
                self.far.optin(LIST, phone(8))
            except ContactdError as why:
                errors.append(why)

        self.between(ask, lambda: self.client.optout(LIST, phone(8)))
        self.assertEqual(self.client.check(LIST, phone(8)).reason, "list_opted_out")
        self.assertIsInstance(errors[0], BadArgument)

    def test_a_late_import_does_not_lift_an_opt_out(self) -> None:
        self.between(lambda: self.far.import_row(LIST, Row(phone(9))), lambda: self.client.optout(LIST, phone(9)))
        self.assertFalse(self.client.check(LIST, phone(9)))

    def test_an_opt_out_is_repeated_by_the_daemons_clock(self) -> None:
        """A client whose clock is behind must not lose it: no date of the client's stands in the request."""
        self.client.optin(LIST, phone(10))
        self.wire.lose_next()
        self.far.optout(LIST, phone(10))
        self.assertEqual(self.client.check(LIST, phone(10)).reason, "list_opted_out")
        with Scripted(lambda _: None) as server, Client("127.0.0.1", server.port, retry=0.2) as client:
            with self.assertRaises(Unreachable) as raised:
                client.optout(LIST, phone(10))
            self.assertEqual(set(server.requests), {f"OPTOUT {LIST} {phone(10)}"})
            self.assertTrue(raised.exception.retryable)

    def test_what_is_not_repeated(self) -> None:
        asks: Tuple[Callable[[Client], Any], ...] = (
            lambda client: client.list(LIST, paused=False),
            lambda client: client.unlist(LIST),
            lambda client: client.call("PING"),
            lambda client: client.purge_run("p"),
        )
        for ask in asks:
            with Scripted(lambda _: None) as server, Client("127.0.0.1", server.port, retry=1) as client:
                with self.assertRaises(Unreachable) as raised:
                    ask(client)
                self.assertEqual(len(server.requests), 1)
                self.assertFalse(raised.exception.retryable)

    def test_a_kept_request_can_be_sent_later(self) -> None:
        """What an error keeps has its id and date: however often it is sent, it counts once."""
        with Scripted(lambda _: None) as server, Client("127.0.0.1", server.port, retry=0) as client:
            with self.assertRaises(Unreachable) as raised:
                client.click(LIST, phone(11))
        kept = raised.exception.request
        self.assertIn('"at":', kept)
        self.assertEqual((self.client.line(kept), self.client.line(kept)), (1, 0))

    def test_in_a_batch_nothing_is_done_twice(self) -> None:
        self.client.optin(LIST, phone(12))
        self.wire.lose_next()
        with self.far.pipeline() as batch:
            clicks = [batch.click(LIST, phone(12)) for _ in range(20)]
            claim = batch.claim(LIST, phone(12), "m")
        self.assertEqual([click.get() for click in clicks], [False] * 20)
        self.assertEqual((claim.get().state, claim.get().retried), ("claimed", True))
        contact = self.client.get(phone(12))
        assert contact is not None
        self.assertEqual((contact.total_clicks, contact.total_sends), (20, 1))


class TheDaemonDies(unittest.TestCase):
    """kill -9, a drain, and kill -9 again in the middle of a stream, of each kind."""

    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)
        self.client = self.daemon.client(retry=30)
        self.addCleanup(self.client.close)
        self.client.list(LIST)

    def dying(self) -> threading.Thread:
        def kill() -> None:
            for end in (self.daemon.kill, self.daemon.terminate, self.daemon.kill):
                time.sleep(0.15)
                end()
                self.daemon.start()

        thread = threading.Thread(target=kill)
        thread.start()
        return thread

    def test_while_it_is_asked(self) -> None:
        self.client.optin(LIST, phone(0))
        killer = self.dying()
        asked = 0
        while killer.is_alive() or asked < 10:
            self.assertEqual(bool(self.client.check(LIST, phone(asked % 2))), asked % 2 == 0)
            asked += 1

    def test_while_a_batch_is_sent(self) -> None:
        killer = self.dying()
        number = 0
        while killer.is_alive():
            with self.client.pipeline() as batch:
                replies = [batch.click(LIST, phone(number + n), message="m") for n in range(2000)]
                verdicts = [batch.check(LIST, phone(number + n)) for n in range(2000)]
            self.assertEqual(len([reply.get() for reply in replies]), 2000)
            self.assertEqual({verdict.get().reason for verdict in verdicts}, {"not_subscribed"})
            number += 2000
        clicks = [contact.total_clicks for contact in self.client.export()]
        self.assertEqual((len(clicks), set(clicks)), (number, {1}))

    def test_while_many_are_checked(self) -> None:
        with self.client.pipeline() as batch:
            for n in range(0, 5000, 2):
                batch.optin(LIST, phone(n))
        killer = self.dying()
        while killer.is_alive():
            told = self.client.check_many(LIST, (phone(n) for n in range(5000)))
            self.assertTrue(all(bool(verdict) == (n % 2 == 0) for n, (_, verdict) in enumerate(told)))

    def test_while_the_feed_is_followed(self) -> None:
        seen: List[str] = []
        feed = self.client.feed(wait=0.2)

        def follow() -> None:
            while len(set(seen)) < 300:
                change = next(feed)
                if change.phone is not None:
                    seen.append(change.phone)

        follower = threading.Thread(target=follow)
        follower.start()
        killer = self.dying()
        for n in range(300):
            # A repetition after a lost reply forbids once more, from then on, and is told, too.
            self.client.optout(LIST, phone(n))
            time.sleep(0.002)
        killer.join()
        follower.join(PATIENCE_SECONDS)
        feed.close()
        self.assertEqual(list(dict.fromkeys(seen)), [phone(n) for n in range(300)])

    def test_while_pages_are_found(self) -> None:
        with self.client.pipeline() as batch:
            for n in range(3000):
                batch.put(phone(n))
        killer = self.dying()
        while killer.is_alive():
            self.assertEqual(list(self.client.find(limit=100)), [phone(n) for n in range(3000)])

    def test_an_export_that_breaks_off_is_an_error(self) -> None:
        with self.client.pipeline() as batch:
            for n in range(20_000):
                batch.put(phone(n), {"label": "x" * 200})
        export = self.client.export()
        next(export)
        self.daemon.kill()
        with self.assertRaises(Unreachable):
            list(export)
        self.daemon.start()
        self.assertEqual(len(list(self.client.export())), 20_000)


class SeveralAddresses(unittest.TestCase):
    """Daemons that share a store: whichever fails, the next one is asked."""

    STANDBY = b"-STANDBY nobody is the owner\r\n"

    def test_the_next_one_is_asked_when_one_is_gone_or_stands_by(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = f"127.0.0.1:{gone.getsockname()[1]}"
        with Scripted(lambda _: b"+yes\r\n") as owner, Scripted(lambda _: self.STANDBY) as other:
            with Client.at(f"{nobody},{other.server},{owner.server}", retry=PATIENCE_SECONDS) as client:
                self.assertTrue(client.check(LIST, phone(1)))
                # The one that answered is asked from then on.
                self.assertTrue(client.check(LIST, phone(2)))
                with client.clone() as same:
                    self.assertTrue(same.check(LIST, phone(3)))
            self.assertEqual((len(other.requests), len(owner.requests)), (1, 3))

    def test_a_write_that_was_refused_by_one_that_stands_by_is_dated_and_repeated(self) -> None:
        with Scripted(lambda _: self.STANDBY) as first, Scripted(lambda _: b":1\r\n") as second:
            with Client.at(f"{first.server},{second.server}", retry=PATIENCE_SECONDS) as client:
                self.assertTrue(client.release(phone(4)))
            self.assertIn('"at":', second.requests[-1].replace(" ", ""))

    def test_that_nobody_answers_is_told(self) -> None:
        with Scripted(lambda _: self.STANDBY) as only:
            with Client.at(only.server, retry=0) as client, self.assertRaises(ContactdError) as told:
                client.check(LIST, phone(5))
        self.assertEqual((told.exception.code, told.exception.retryable), ("STANDBY", True))

    def test_all_of_them_speak_tls_or_none(self) -> None:
        with self.assertRaises(ValueError):
            Client.at("tls:a:1,b:2")


if __name__ == "__main__":
    unittest.main()
