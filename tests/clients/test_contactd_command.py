"""contactd.py as a command: every command, its output for people and as JSON, and its exit codes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timezone
from typing import IO, Any, Iterator, List, Tuple

# First, for it says where the clients are.
from support import (
    CLIENTS,
    DOUBTS,
    LIST,
    Daemon,
    DaemonTest,
    Scripted,
    eventually,
    free_port,
    phone,
    written_twice,
)

import contactd

COMMAND = os.path.join(CLIENTS, "contactd.py")


def run(daemon: Any, *words: str, input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = daemon.environment(**environment) if isinstance(daemon, Daemon) else {**os.environ, "CONTACTD_SERVER": daemon}
    return subprocess.run([sys.executable, COMMAND, *words], input=input, env=env, capture_output=True, text=True)


class Command(DaemonTest):
    def says(self, *words: str, code: int = 0, input: str = "") -> str:
        told = run(self.daemon, *words, input=input)
        self.assertEqual(told.returncode, code, told.stdout + told.stderr)
        return told.stdout

    def json(self, *words: str, code: int = 0) -> List[Any]:
        return [json.loads(line) for line in self.says("--json", *words, code=code).splitlines()]

    def test_check(self) -> None:
        self.client.optin(LIST, phone(1))
        self.assertEqual(self.says("check", LIST, phone(1)), "yes\n")
        self.assertEqual(self.says("check", LIST, phone(2), code=1), "no not_subscribed\n")
        both = self.says("check", LIST, phone(1), phone(2), code=1)
        self.assertEqual(both, f"{phone(1)} yes\n{phone(2)} no not_subscribed\n")
        self.assertEqual(self.says("check", LIST, "-", input=f"{phone(1)}\n\n{phone(1)}\n"), f"{phone(1)} yes\n" * 2)
        self.assertEqual(self.says("check", LIST, "-", code=1, input="\n"), "")
        self.assertEqual(self.says("check", LIST, "nonsense", code=2), "no BADARG\n")
        self.assertEqual(self.says("check", "spring", phone(1), code=2), "")
        told = self.json("check", LIST, phone(1), phone(2), code=1)
        self.assertEqual(told[0], {"phone": phone(1), "yes": True, "reason": ""})
        self.assertEqual(told[1]["reason"], "not_subscribed")
        self.assertEqual(run(self.daemon, "check", LIST, phone(1), "--json").stdout, json.dumps(told[0]) + "\n")

    def test_sending(self) -> None:
        somebody = phone(3)
        self.assertEqual(self.says("claim", LIST, somebody, "m-1", code=1), "no not_subscribed\n")
        self.assertEqual(self.says("optin", LIST, somebody, "--source", "web form", "--at", "2026-04-01"), "changed\n")
        self.assertEqual(self.says("claim", LIST, somebody, "m-1"), "yes\n")
        self.assertEqual(self.json("claim", LIST, somebody, "m-1", code=1)[0]["state"], "claimed")
        self.assertEqual(self.says("sent", LIST, somebody, "m-1"), "changed\n")
        self.assertEqual(self.json("sent", LIST, somebody, "m-1"), [{"changed": False}])
        self.assertEqual(self.says("click", LIST, somebody, "--id", "c", "--message", "m-1", "--bot"), "changed\n")
        self.assertEqual(self.says("convert", LIST, somebody, "-9.9", "--id", "o"), "changed\n")
        self.assertEqual(self.says("failed", LIST, somebody, "m-2", "--code", "1", "--permanent"), "changed\n")
        self.assertEqual(self.says("check", LIST, somebody, code=1), "no invalid\n")
        self.assertEqual(self.says("valid", somebody), "changed\n")
        self.assertEqual(self.says("inbound", LIST, somebody, "Stop!", "--id", "SM1"), "optout\n")
        self.assertEqual(self.json("inbound", LIST, somebody, "Stop!", "--id", "SM1")[0]["turn"], "again")
        kinds = [event["kind"] for event in self.json("history", somebody, "--limit", "3")]
        self.assertEqual(kinds, ["inbound", "valid", "invalid"])
        self.assertEqual(len(self.json("history", somebody, "--kind", "optout,click")), 2)
        self.assertIn(" inbound ", self.says("history", somebody))
        self.assertEqual(self.says("history", phone(4), code=1), "")

    def test_codes_have_a_provider(self) -> None:
        for number, (options, yes) in enumerate(
            (
                (("--code", "9"), True),
                (("--code", "9", "--provider", "vonage"), False),
                (("--code", "200", "--provider", "plivo"), False),
                (("--code", "21610.0"), False),
                (("--code", "21610", "--provider", "no-such-one"), False),
            )
        ):
            somebody = phone(40 + number)
            self.client.optin(LIST, somebody, at="2023-06-01")
            self.says("failed", LIST, somebody, "m", *options)
            self.assertEqual(bool(self.client.check(LIST, somebody)), yes, options)

    def test_a_date_that_cannot_be_read(self) -> None:
        """A STOP counts for more than its date; the message says that it was taken as of now."""
        for number, (words, at) in enumerate(
            (
                (("inbound", LIST, "{}", "STOP"), "2024-01-02T99"),
                (("inbound", LIST, "{}", "STOP"), "1704207840"),
                (("optout", LIST, "{}"), "1/2/2024"),
                (("optout", "*", "{}"), "0000-00-00 25:00:00"),
                (("suppress", "{}"), "soon"),
                (("invalid", "{}"), "1989-01-01"),
                (("failed", LIST, "{}", "m", "--code", "21610"), "1/2/2024"),
            )
        ):
            somebody = phone(50 + number)
            self.client.optin(LIST, somebody, at="2023-06-01")
            told = run(self.daemon, *[word.format(somebody) for word in words], "--at", at)
            with self.subTest(words=words):
                is_message = words[0] == "inbound"
                self.assertEqual(told.returncode, 0 if is_message else 1, told.stderr)
                self.assertEqual(told.stdout, "optout undated\n" if is_message else f"taken {somebody}\n")
                self.assertIn("as of now", told.stderr)
                self.assertFalse(self.client.check(LIST, somebody))
        # What permits is not taken so.
        self.says("optin", LIST, phone(59), "--at", "1/2/2024", code=2)
        self.says("valid", phone(55), "--at", "1/2/2024", code=2)
        self.says("inbound", LIST, phone(50), "START", "--at", "1/2/2024", code=2)
        self.assertFalse(self.client.check(LIST, phone(50)))

    def test_rates(self) -> None:
        with self.client.pipeline() as batch:
            for number in range(10):
                batch.optin(LIST, phone(60 + number), at="2026-01-01")
                for message in range(10):
                    batch.sent(LIST, phone(60 + number), f"m-{message}")
            batch.optout(LIST, phone(60))
        info = next(info for info in self.client.lists() if info.list == LIST)
        line = next(line for line in self.says("lists").splitlines() if line.startswith(LIST))
        self.assertIn(f"opted out ({info.opt_out_rate:.1%})", line)
        self.assertRegex(line, r"\d+ sends, \d+ opt-outs \(\d+\.\d%\), HIGH$")

    def test_status(self) -> None:
        somebody = phone(5)
        self.assertEqual(self.says("suppress", somebody, "--list", LIST, "--reason", "told us"), "changed\n")
        self.assertEqual(self.says("suppress", somebody), "changed\n")
        self.assertEqual(self.says("release", somebody), "changed\n")
        self.assertEqual(self.says("invalid", somebody), "changed\n")
        self.assertEqual(self.says("optout", "*", somebody, "--at", "2026-04-01"), "changed\n")
        self.assertEqual(self.says("optin", LIST, somebody, code=2), "")
        self.assertEqual(json.loads(self.says("get", somebody))["status"], "invalid")
        self.assertEqual(self.json("get", somebody)[0]["phone_number"], somebody)
        self.assertEqual(self.says("get", phone(6), code=1), "")

    def test_contacts_and_lists(self) -> None:
        somebody = phone(7)
        self.assertEqual(self.says("put", somebody, "city=New York", "tier=gold"), "created\n")
        self.assertEqual(self.says("put", somebody, "tier="), "updated\n")
        self.assertEqual(self.says("put", somebody, "tier", code=2), "")
        self.assertEqual(self.says("count", 'label.city="New York"'), "1\n")
        self.assertEqual(self.says("find", "label.city"), f"{somebody}\n")
        self.assertEqual(self.json("find", "label.city"), [{"phone": somebody}])
        self.assertEqual(json.loads(self.says("export", "label.city"))["labels"], {"city": "New York"})
        self.assertIn("city", self.says("labels"))
        self.assertEqual(self.json("labels", "city"), [{"name": "New York", "contacts": 1}])
        self.assertEqual(self.says("normalize", "(415) 555-0123", "--region", "US"), "+14155550123\n")
        self.assertEqual(self.says("normalize", "nonsense", code=2), "")
        self.assertEqual(self.says("list", "24365", "--name", "Spring"), "created\n")
        self.assertEqual(self.says("list", "24365", "--pause"), "updated\n")
        line = "24365            0 active, 0 opted out (0.0%), 0 suppressed, paused; 30 days: 0 sends, 0 opt-outs (0.0%)"
        self.assertIn(f"{line}  Spring\n", self.says("lists"))
        self.assertEqual(self.says("list", "24365", "--resume"), "updated\n")
        self.assertEqual(self.says("unlist", "24365", "--force"), "removed\n")

    def test_administration(self) -> None:
        self.assertIn("stop_scope list\n", self.says("stats"))
        self.assertIn("read_only false\n", self.says("stats"))
        self.assertRegex(self.says("stats"), r"(?m)^now 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$")
        self.assertEqual(self.json("stats")[0]["read_only"], False)
        self.assertEqual(self.says("verify"), "ok\n")
        self.assertEqual(self.says("call", "CHECK", "24399", phone(8), code=1), "no unknown_list\n")
        # In one word, too, a no is no yes.
        self.assertEqual(self.says("call", f"check 24399 {phone(8)}", code=1), "no unknown_list\n")
        self.assertEqual(self.says("call", "PUT", phone(8), '{"labels": {"a": "b c"}}'), "created\n")
        self.assertEqual(self.says("call", "GET", phone(9), code=1), "")
        self.assertEqual(self.says("call", "NOSUCH", code=2), "")
        self.assertEqual(self.says("call", "CHECK", "24399", phone(8), "x", code=2).splitlines()[0], "no unknown_list")

    def test_lookups(self) -> None:
        somebody = phone(90)
        self.client.optin(LIST, somebody, at="2026-01-01", source="form\x1b[2J")
        self.assertIn("source 'form?[2J'", self.says("why", LIST, somebody))
        self.client.optout(LIST, somebody)
        self.assertRegex(self.says("why", LIST, somebody, code=1), r"^No\. .* Only a newer opt-in from the person ends it")
        self.assertEqual(self.json("why", LIST, somebody, code=1)[0]["verdict"], "no list_opted_out")
        self.assertEqual(len(self.says("trends", LIST, "--days", "3").splitlines()), 4)
        self.assertEqual(len(self.json("trends")), 30)
        self.assertEqual(self.says("claims"), "")
        self.assertEqual(self.says("find", "--newest").splitlines()[0], somebody)
        newest = self.json("feed", "--last", "1")
        self.assertEqual([(change["phone"], change["cause"]) for change in newest], [(somebody, "optout")])
        self.assertEqual([line.split()[0] for line in self.says("lists", LIST).splitlines()], [LIST])

    def test_feed(self) -> None:
        position = self.says("feed").strip()
        self.assertEqual(self.json("feed")[0]["position"], position)
        self.client.optout(LIST, phone(10))
        self.assertEqual(self.json("feed", position)[0]["cause"], "optout")
        self.assertIn(phone(10), self.says("feed", position))
        self.says("feed", "no-position", code=2)
        env = self.daemon.environment()
        following = [sys.executable, COMMAND, "feed", "--follow", "--json"]
        with subprocess.Popen(following, env=env, stdout=subprocess.PIPE, text=True) as follower:
            try:
                assert follower.stdout is not None
                stop = threading.Event()

                def write() -> None:
                    number = 0
                    while not stop.wait(0.05):
                        number += 1
                        self.client.optout(LIST, phone(100 + number))

                writer = threading.Thread(target=write)
                writer.start()
                self.assertEqual(json.loads(follower.stdout.readline())["kind"], "contact")
                stop.set()
                writer.join()
            finally:
                follower.kill()

    def test_what_is_not_there(self) -> None:
        told = run(f"127.0.0.1:{free_port()}", "--retry", "0", "check", LIST, phone(1))
        self.assertEqual((told.returncode, told.stdout), (2, ""))
        self.assertIn("cannot reach contactd", told.stderr)
        self.assertEqual(run(self.daemon, "--server", "host:port", "stats").returncode, 2)
        self.assertEqual(run(self.daemon, "nosuch").returncode, 2)
        self.assertEqual(run(self.daemon).returncode, 2)
        self.assertIn("contactd import", run(self.daemon, "import", "--help").stdout.replace("\n", " "))

    def test_output_that_nobody_reads(self) -> None:
        with self.client.pipeline() as batch:
            for number in range(20_000):
                batch.put(phone(20_000 + number), {"pipe": "x"})
        script = f"{sys.executable} {COMMAND} find label.pipe | head -1; echo ${{PIPESTATUS[0]}}"
        told = subprocess.run(["bash", "-c", script], env=self.daemon.environment(), capture_output=True, text=True)
        self.assertEqual((told.stdout, told.stderr), (f"{phone(20_000)}\n0\n", ""))
        # A no that nobody read is not a yes, nor is a row that was refused done.
        for words in (f"check {LIST} {phone(19_999)}", f"import - --list {LIST}"):
            script = f"printf 'phone\\nx\\n' | {sys.executable} {COMMAND} {words} | :; echo ${{PIPESTATUS[1]}}"
            told = subprocess.run(["bash", "-c", script], env=self.daemon.environment(), capture_output=True, text=True)
            self.assertIn(told.stdout, ("1\n", "2\n"))

    def test_a_token(self) -> None:
        with tempfile.NamedTemporaryFile("w") as tokens:
            tokens.write("write write-0123456789abcdef\n")
            tokens.flush()
            daemon = Daemon("--tokens", tokens.name)
            self.addCleanup(daemon.end)
            self.assertEqual(run(daemon, "optout", "*", phone(1)).returncode, 2)
            told = run(daemon, "optout", "*", phone(1), CONTACTD_TOKEN="write-0123456789abcdef")
            self.assertEqual(told.stdout, "changed\n")

    def test_erase_and_purge(self) -> None:
        self.client.put(phone(31)), self.client.invalid(phone(32), at="2020-01-01")
        self.assertRegex(self.says("erase", phone(31)), r"^erased events \d+ feed_entries \d+\n$")
        self.says("erase", phone(31), code=1)
        self.assertEqual(json.loads(self.says("purge", "policy"))["keep_label"], "keep")
        plan = json.loads(self.says("--json", "purge", "plan"))
        self.assertEqual(plan["contacts"], 1)
        self.assertEqual(self.says("purge", "run", str(plan["plan"])), "started\n")
        eventually(lambda: "idle" in self.says("purge", "status"), "the end of the purge")
        self.assertEqual(json.loads(self.says("purge", "reports"))[0]["purged"], 1)
        self.assertEqual(self.says("--json", "purge", "stop"), '{"outcome": "idle"}\n')
        self.says("purge", "run", code=2)

    def test_a_claim_whose_reply_was_lost(self) -> None:
        told = iter([None, b"+dup claimed\r\n"])
        with Scripted(lambda _: next(told)) as server:
            told_to_people = run(server.server, "claim", LIST, phone(1), "m")
        self.assertEqual((told_to_people.returncode, told_to_people.stdout), (1, "dup claimed\n"))
        self.assertIn("may have been granted", told_to_people.stderr)


class Import(DaemonTest):
    def written(self, folder: str, text: str, name: str = "contacts.csv") -> str:
        """Writes a file, and gives its path."""
        path = os.path.join(folder, name)
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.write(text)
        return path

    def importing(self, text: str, *options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            told = run(self.daemon, "import", self.written(folder, text), *options)
        self.assertEqual(told.returncode, code, told.stdout + told.stderr)
        return told

    def test_rows(self) -> None:
        text = (
            "\ufeffphone,label.city,subscribed_at,status,opted_out_at,total_sends,total_revenue\r\n"
            '(415) 500-0001,"New ""York"",\r\nNY",2026-01-02,active,,3,1.5\r\n'
            "'+14155000002,'=1+1,,opted_out,2026-02-03,,\r\n"
            "\r\n"
            f"{phone(3)},x,,active,,,\r\n"
        )
        told = self.importing(text, "--list", LIST, "--region", "US", "--source", "crm")
        self.assertEqual(told.stdout, "3 created  0 updated  0 unchanged  0 kept  0 refused\n")
        self.assertEqual(told.stderr, "")
        first, second = self.client.get(phone(1)), self.client.get(phone(2))
        assert first is not None and second is not None
        self.assertEqual((first.labels, first.total_sends), ({"city": 'New "York",\r\nNY'}, 3))
        self.assertEqual((first.lists[0].source, second.labels), ("crm", {"city": "=1+1"}))
        self.assertEqual([bool(v) for _, v in self.client.check_many(LIST, map(phone, (1, 2, 3)))], [True, False, True])
        told = self.importing(text, "--list", LIST, "--region", "US", "--source", "crm", "--json")
        self.assertEqual(json.loads(told.stdout)["unchanged"], 3)

    def test_rows_that_are_refused(self) -> None:
        text = f"phone,list\n{phone(11)},{LIST}\nnonsense,{LIST}\n{phone(12)},24399\n"
        text += f"{phone(13)}\n{phone(14)},\n{phone(15)},a b\n"
        told = self.importing(text, code=1)
        self.assertIn("1 created  0 updated  0 unchanged  0 kept  5 refused", told.stdout)
        for line, why in ((3, "letters"), (4, "24399"), (5, "1 cells under 2"), (6, "names no list"), (7, "a b")):
            self.assertIn(why, next(row for row in told.stderr.splitlines() if row.startswith(f"line {line}:")))
        with tempfile.TemporaryDirectory() as folder:
            rejects = os.path.join(folder, "rejects.csv")
            self.importing(text, "--rejects", rejects, code=1)
            with open(rejects, encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
        self.assertEqual((rows[0], rows[1][:2], len(rows)), (["phone", "list", "why"], ["nonsense", LIST], 6))
        self.assertEqual(rows[3], [phone(13), "", "BADARG 1 cells under 2 headings"])

    def refusing(self, heading: str, row: str, *options: str, lost: bool = False) -> str:
        """Imports one row that is refused, and whose opt-out is taken (or `lost`), and gives what is said of it."""
        stdout, stderr = self.taking(f"{heading}\n{row}\n", *options)
        self.assertIn("1 refused", stdout)
        self.assertEqual("1 forbid: that was taken" in stdout, not lost, stdout + stderr)
        self.assertIn("mend the rows and import them", stderr)
        self.assertEqual("NOT taken" in stderr, lost)
        return next(line for line in stderr.splitlines() if line.startswith("line "))

    def taking(self, text: str, *options: str) -> Tuple[str, str]:
        """An import of which something is refused, in this process: what it prints."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            file = self.written(folder, text)
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                code = contactd.main(["--server", self.daemon.server, "import", file, *options])
        self.assertEqual(code, 1, stdout.getvalue() + stderr.getvalue())
        return stdout.getvalue(), stderr.getvalue()

    def test_no_opt_out_is_lost_with_its_row(self) -> None:
        """Where number and refusal can be read, the refusal counts, as of now where its date cannot; the rest of the
        row does not."""
        out = "list_opted_out"
        somebody = phone(1000)
        national = f"(415) {somebody[5:8]}-{somebody[8:]}"
        now = "was taken"
        self.client.list("24365")
        for heading, row, said, reason in (
            # A bad number, date or word in another column.
            ("phone,status,total_revenue", '{},opted_out,"$1,234.50"', now, out),
            ("phone,status,total_sends", "{},opted_out,12.5", now, out),
            ("phone,status,last_sent", "{},opted_out,01/02/2024", now, out),
            ("phone,status,created_at", "{},opted_out,soon", now, out),
            ("phone,status,subscribed_at", "{},opted_out,1/2/2024", now, out),
            ("phone,status,how", "{},opted_out,web form", now, out),
            ("phone,status,region", "{},opted_out,USA", now, out),
            ("phone,status,list", "{},opted_out,Spring News", "its opt-out of all lists was taken", "opted_out"),
            # Its own date.
            ("phone,opted_out_at", "{},1/2/2024", now, out),
            ("phone,opted_out_at", "{},yesterday", now, out),
            ("phone,opted_out_at", "{},1704207840", now, out),
            ("phone,status,opted_out_at", "{},active,1/2/2024", now, out),
            ("phone,suppressed_at", "{},soon", "its suppression was taken, as of now", "list_suppressed"),
            ("phone,invalid_at", "{},soon", "its invalid number was taken, as of now", "invalid"),
            ("phone,status,opted_out_at", "{},invalid,1/2/2024", now, "invalid"),
            # A word that IMPORT does not know.
            ("phone,status", "{},unsubscribed", now, out),
            ("phone,status", "{},STOP", now, out),
            ("phone,status", "{},Do not contact", now, out),
            ("phone,status", "{},Désinscrit", now, out),
            ("phone,status", "{},Opted Out", now, out),
            ("phone,status", "{},Blocked", "its suppression", "list_suppressed"),
            ("phone,status", "{},bounced", "its invalid number", "invalid"),
            # A cell that is too long.
            ("phone,status,reason", "{},opted_out," + "x" * 4_000, now, out),
            ("phone,status,source", "{},opted_out," + "x" * 200, now, out),
            ("phone,status,label.note", "{},opted_out," + "x" * 4_000, now, out),
            ("phone,status,label.note", "{},opted_out," + "x" * 70_000, now, out),
            ("phone,status,label.note", "{},opted_out," + "x" * 200_000, now, out),
            ("phone,status,label." + "k" * 70, "{},opted_out,x", now, out),
            # Cells that are not there, or too many.
            ("phone,status,label.name", "{},opted_out", now, out),
            ("phone,status,label.name", "{},opted_out,Smith, John", now, out),
            ("label.name,phone,status", "Smith, John,{},opted_out", now, out),
            ("label.name,status,phone", "Smith, John,unsubscribed,{}", now, out),
        ):
            for number, written in enumerate((somebody, national)):
                self.client.valid(somebody), self.client.release(somebody, list=LIST)
                for list_ in (LIST, "24365"):
                    self.client.optin(list_, somebody, at=datetime.now(timezone.utc))
                options = ("--list", LIST, "--region", "US")
                with self.subTest(heading=heading[:40], row=row[:40], written=written):
                    self.assertTrue(self.client.check(LIST, somebody))
                    if "region" in heading and number:
                        # Which country is meant is not guessed.
                        line = self.refusing(heading, row.format(written), *options, lost=True)
                        self.assertIn("CANNOT BE READ", line)
                        continue
                    self.assertIn(said, self.refusing(heading, row.format(written), *options))
                    self.assertEqual(self.client.check(LIST, somebody).reason, reason)
                    self.assertEqual(bool(self.client.check("24365", somebody)), reason not in ("opted_out", "invalid"))
                    contact = self.client.get(somebody)
                    assert contact is not None
                    self.assertEqual(contact.labels, {})

    def test_an_opt_out_for_which_the_row_has_no_place(self) -> None:
        """A list that does not exist yet, a number of no numbering plan, no list at all."""
        row = f"phone,status\n{phone(1001)},opted_out\n+99955501234567,opted_out\n"
        self.assertIn("2 refused, of which 2 forbid", self.taking(row, "--list", "24398")[0])
        self.client.list("24398")
        self.assertEqual(self.client.check("24398", phone(1001)).reason, "list_opted_out")
        self.assertEqual(self.client.check("24398", "+99955501234567").reason, "list_opted_out")
        # Its own date and words are kept, where they can be read: a newer opt-in stands.
        self.client.optin(LIST, phone(1004), at="2026-03-05")
        for row, reason in (("2026-03-03,-", ""), ("2026-03-06,-", "list_opted_out")):
            heading = "phone,reason,opted_out_at,total_sends"
            line = self.refusing(heading, f"{phone(1004)},told us,{row}", "--list", LIST)
            self.assertTrue(line.endswith("its opt-out was taken"), line)
            self.assertEqual(self.client.check(LIST, phone(1004)).reason, reason)
        contact = self.client.get(phone(1004))
        assert contact is not None
        on = contact.lists[0]
        self.assertEqual(str(on.opted_out_at), "2026-03-07 11:59:59.999000+00:00")
        self.assertEqual((on.opted_out_how, on.opted_out_reason), ("import", "told us"))
        self.client.optin(LIST, phone(1002))
        self.assertIn("of all lists", self.refusing("phone,status", f"{phone(1002)},opted_out"))
        self.assertEqual(self.client.check(LIST, phone(1002)).reason, "opted_out")
        self.refusing("phone,status", f"{phone(1003)},suppressed")
        self.assertEqual(self.client.check(LIST, phone(1003)).reason, "suppressed")

    def test_what_is_no_refusal_or_nobodys(self) -> None:
        """Nobody is opted out by a row that does not say so, and nobody's number is guessed."""
        for number, (heading, row) in enumerate(
            (
                ("phone,status,total_sends", "{},active,x"),
                ("phone,opted_out_at,total_sends", "{},N/A,x"),
                ("phone,opted_out_at,total_sends", "{},-,x"),
                ("phone,opted_out_at,total_sends", "{},0000-00-00 00:00:00,x"),
                ("phone,opted_out_at,total_sends", "{},no,x"),
                ("phone,label.status,total_sends", "{},unsubscribed,x"),
                ("phone,status", "{},perhaps"),
                ("phone,status,label.order", "{},active,cancelled, twice"),
                ("phone,label.note,status", "{},unsubscribed,{},opted_out"),
                # It came back since.
                ("phone,status,opted_out_at,subscribed_at,total_sends", "{},active,2024-01-02,2024-05-06,x"),
            )
        ):
            somebody = phone(1100 + number)
            self.client.optin(LIST, somebody, at="2023-06-01")
            other = phone(1200 + number)
            self.client.optin(LIST, other, at="2023-06-01")
            with self.subTest(heading=heading, row=row):
                stdout, _ = self.taking(f"{heading}\n{row.format(somebody, other)}\n", "--list", LIST)
                self.assertNotIn("forbid", stdout)
                verdicts = self.client.check_many(LIST, (somebody, other))
                self.assertEqual([str(verdict) for _, verdict in verdicts], ["yes"] * 2)
        for heading, row in (
            ("phone,status,total_sends", "nonsense,opted_out,x"),
            ("phone,status", ",opted_out"),
            ("phone,status", "5550123,unsubscribed"),
            ("phone,status,region", "4155550123,opted_out,USA"),
        ):
            with self.subTest(row=row):
                line = self.refusing(heading, row, "--list", LIST, lost=True)
                self.assertIn("IT SAYS OPT-OUT, BUT ITS NUMBER CANNOT BE READ", line)

    def test_refusals_beside_good_rows(self) -> None:
        """In their thousands, with the rejects file and the counts as JSON."""
        rows = [
            f"{phone(2000 + number)},{'unsubscribed' if number % 2 else 'active'},{'x' if number % 3 else ''}"
            for number in range(6_000)
        ]
        with self.client.pipeline() as batch:
            for number in range(6_000):
                batch.optin(LIST, phone(2000 + number), at="2023-06-01")
        with tempfile.TemporaryDirectory() as folder:
            rejects = os.path.join(folder, "rejects.csv")
            text = "phone,status,total_sends\n" + "\n".join(rows) + "\nnonsense,opted_out,\n"
            told = self.importing(text, "--list", LIST, "--rejects", rejects, "--json", code=1)
            with open(rejects, encoding="utf-8", newline="") as file:
                whys = [row[-1] for row in csv.reader(file)][1:]
        counts = json.loads(told.stdout)
        self.assertEqual((counts["refusals_taken"], counts["refusals_lost"]), (3_000, 1))
        self.assertEqual(counts["refused"], len(whys))
        self.assertEqual(sum("its opt-out was taken" in why for why in whys), 3_000)
        self.assertIn("CANNOT BE READ", whys[-1])
        self.assertEqual(self.client.count(f"list={LIST}/opted_out") >= 3_000, True)
        for number in range(0, 6_000, 501):
            self.assertEqual(bool(self.client.check(LIST, phone(2000 + number))), number % 2 == 0)

    def test_a_refused_row_keeps_the_others_of_its_number_from_subscribing_it(self) -> None:
        for at, (heading, yes, refused) in enumerate(DOUBTS):
            for order in (0, 1):
                number = 1500 + 2 * at + order
                rows = [row.format(*written_twice(number)) for row in ((yes, refused), (refused, yes))[order]]
                with self.subTest(rows=rows):
                    told = self.importing("\n".join([heading, *rows, ""]), "--list", LIST, "--region", "US", code=1)
                    self.assertIn("opted out of", told.stderr)
                    self.assertEqual(self.client.check(LIST, phone(number)).reason, "list_opted_out")
        # Whoever was on the list before stays as the import found it.
        self.client.optin(LIST, phone(1550))
        self.importing(f"phone,status\n{phone(1550)},active\n{phone(1550)},\n", "--list", LIST, code=1)
        self.assertTrue(self.client.check(LIST, phone(1550)))

    def test_nothing_is_taken_below_a_title(self) -> None:
        for at, (heading, title, row) in enumerate(
            (
                ("phone,status,label.name", "Unsubscribed,,", "{},active,b"),
                ("phone,status", "Do not text,x", "{},active"),
                ("phone,subscribed_at", "Opted out,", "{},2024-01-01"),
                ("phone,subscribed_at", ",Abgemeldet", "{},2024-01-01"),
                ("phone", "退订", "{}"),
                ("phone,status,label.name", "2 contacts,,Unsubscribed", "{},active,b"),
                ("phone,status,label.name", "Phone 2,Unsubscribed,Name", "{},active,b"),
                ("phone,status,label.name", "Phone,Unsubscribed,Name", "{},active,b"),
            )
        ):
            above, below = phone(1560 + 2 * at), phone(1561 + 2 * at)
            text = f"{heading}\n{row.format(above)}\n{title}\n{row.format(below)}\n"
            with self.subTest(title=title):
                told = self.importing(text, "--list", LIST, code=2)
                self.assertIn("line 3: ", told.stderr)
                self.assertTrue(self.client.check(LIST, above))
                self.assertIsNone(self.client.get(below))

    def test_what_stands_above_is_said_of_the_rows_below(self) -> None:
        """A merged cell stands in the first of its rows alone, and a ditto mark says what stands above it."""
        for at, (heading, cells, refused) in enumerate(
            (
                ("label.g", ["Subscribed", "", "Do not text", ""], [2, 3]),
                ("label.group", ["VIP", "", "Do not text", "", "VIP", ""], [2, 3]),
                ("label.notes", ["vip", "do not text", "-''-", "", "gold"], [1, 2]),
                ("label.notes", ["vip", "", "do not text", ""], [2]),
                ("label.group", ["VIP", "VIP", "Do not text", ""], [2]),
            )
        ):
            phones = [phone(1600 + 10 * at + row) for row in range(len(cells))]
            rows = [f"{cell},{number},active" for cell, number in zip(cells, phones)]
            with self.subTest(heading=heading, cells=cells):
                self.importing("\n".join([f"{heading},phone,status", *rows, ""]), "--list", LIST, code=1)
                wrong = [row for row, number in enumerate(phones) if bool(self.client.check(LIST, number)) == (row in refused)]
                self.assertEqual(wrong, [])

    def test_a_sign_beside_a_number_hides_no_opt_out(self) -> None:
        signed = ("{}*", "{} ?", "{}!", "US{}", "USA {}", "x{}", "{1}{2}{3}_{4}{5}{6}_{7}{8}{9}{10}", '"${1},{2}{3}{4},{5}{6}{7},{8}{9}{10}"')
        for at, written in enumerate(signed):
            number = f"41550031{10 + at}"
            with self.subTest(written=written):
                self.client.optin(LIST, f"+1{number}", at=datetime(2020, 1, 1, tzinfo=timezone.utc))
                text = f"phone,status\n{written.format(number, *number)},opted_out\n"
                told = self.importing(text, "--list", LIST, "--region", "US", code=1)
                self.assertIn("its opt-out was taken", told.stderr)
                self.assertEqual(self.client.check(LIST, f"+1{number}").reason, "list_opted_out")

    def test_a_country_that_contradicts_the_region_refuses_its_row(self) -> None:
        """A number without a plus could be a stranger's."""
        for at, (heading, row, is_taken) in enumerate(
            (
                ("label.country,phone,status", "India,{},active", False),
                ("label.country,phone,status", "IN,{},active", False),
                ("label.Country/Region,phone,status", "MX,{},active", False),
                ("label.land,phone,status", "Indien,{},active", False),
                ("label.country_code,phone,status", "+91,{},active", False),
                ("label.country,phone,status,region", "US,{},active,IN", False),
                ("label.country,phone,status", "US,{},active", True),
                ("label.country,phone,status", "United States,{},active", True),
                ("label.country,phone,status", "Canada,{},active", True),
                ("label.country_code,phone,status", "1,{},active", True),
                ("label.country,phone,status", ",{},active", True),
                ("label.island,phone,status", "India,{},active", True),
                ("label.country,phone,status", "India,+1{},active", True),
            )
        ):
            number = f"415500{1900 + at}"
            with self.subTest(heading=heading, row=row):
                text = f"{heading}\n{row.format(number)}\n"
                self.importing(text, "--list", LIST, "--region", "US", code=0 if is_taken else 1)
                self.assertEqual(bool(self.client.check(LIST, f"+1{number}")), is_taken)

    def test_an_opt_out_beside_another_country_counts_in_both(self) -> None:
        """A stranger loses a subscription sooner than somebody who refused gets a message."""
        for at, (country, code) in enumerate((("India", "91"), ("IN", "91"), ("+91", "91"), ("IND", "91"))):
            number = f"718555{1980 + at}"
            with self.subTest(country=country):
                self.client.optin(LIST, f"+{code}{number}", at=datetime(2020, 1, 1, tzinfo=timezone.utc))
                text = f"label.country,phone,status\n{country},{number},opted_out\n"
                told = self.importing(text, "--list", LIST, "--region", "US", code=1)
                self.assertIn(f"its opt-out was taken for +1{number} and +{code}{number}, which it can be", told.stderr)
                reasons = [self.client.check(LIST, f"+{of}{number}").reason for of in ("1", code)]
                self.assertEqual(reasons, ["list_opted_out"] * 2)
        number = "7185551989"
        text = f"label.country,phone,status\nIndia,{number},active\nUS,{number},active\n"
        self.importing(text, "--list", LIST, "--region", "US", code=1)
        self.assertFalse(self.client.check(LIST, f"+1{number}"), "another row is refused")
        self.importing(f"label.country,phone,status\nAtlantis,{number[:-1]}8,opted_out\n", "--list", LIST, "--region", "US", code=1)
        self.assertEqual(self.client.check(LIST, "+17185551988").reason, "list_opted_out")

    def test_a_channel_that_is_another_refuses_its_row(self) -> None:
        for at, (channel, is_taken) in enumerate((("EMAIL", False), ("voice", False), ("e-mail, push", False), ("sms, email", True))):
            number = phone(1950 + at)
            with self.subTest(channel=channel):
                text = f'label.channel,phone,status\n"{channel}",{number},active\n'
                self.importing(text, "--list", LIST, code=0 if is_taken else 1)
                self.assertEqual(bool(self.client.check(LIST, number)), is_taken)
        number = phone(1960)
        self.importing(f"label.channel,phone,status\nemail,{number},active\nsms,{number},active\n", "--list", LIST, code=1)
        self.assertTrue(self.client.check(LIST, number))

    def test_a_blank_below_what_is_no_list_is_refused(self) -> None:
        rows = [(LIST, True), ("", True), ("Do not text", False), ("", False), (LIST, True), ("", True)]
        phones = [phone(1970 + at) for at in range(len(rows))]
        text = "".join(f"{cell},{number},active\n" for (cell, _), number in zip(rows, phones))
        self.importing(f"list,phone,status\n{text}", "--list", LIST, code=1)
        self.assertEqual([bool(self.client.check(LIST, number)) for number in phones], [is_taken for _, is_taken in rows])

    def test_a_list_without_its_plus(self) -> None:
        """As spreadsheets leave it."""
        text = f"phone,list,status\n{phone(1300)},{LIST[1:]},opted_out\n{phone(1301)},{LIST[1:]}.0,active\n"
        self.assertIn("2 created", self.importing(text).stdout)
        self.assertEqual([self.client.check(LIST, phone(1300 + n)).reason for n in (0, 1)], ["list_opted_out", ""])

    def test_a_row_that_may_be_of_somebody_who_wants_none(self) -> None:
        """What `contactd import` refuses, this refuses as well."""
        for heading, row, why in (
            ("phone,status", "{},", "consent_blank"),
            ("phone,status", "{},N/A", "consent_blank"),
            ("phone,subscribed_at", "{},", "consent_blank"),
            ("phone,opted_out_at", "{},#N/A", "may stand for a date"),
            ("phone,label.opted_out", "{},yes", "maybe_optout"),
            ("phone,label.sms_ok", "{},false", "maybe_optout"),
            ("phone,label.unsubscribed_at", "{},2024-01-01", "maybe_optout"),
            ("phone,label.notes", "{},opted out 3/4", "maybe_optout"),
            ("phone,label.accepts_sms", "{},false", "maybe_optout"),
            ("phone,label.allow_sms", "{},no", "maybe_optout"),
            ("phone,label.express_consent", "{},no", "maybe_optout"),
            ("phone,label.notes", "{},svarede stop", "maybe_optout"),
            ("phone,verdict", "{},no list_opted_out", "maybe_optout"),
            ("phone,label.n,opted_out_at", f'{{}},"Bob,2024-01-01\n{phone(1402)},Al",', "rows_in_quotes"),
        ):
            with self.subTest(heading=heading, row=row):
                stdout, stderr = self.taking(f"{heading}\n{row.format(phone(1400))}\n", "--list", LIST)
                self.assertIn(why, stderr)
                self.assertEqual(self.client.check(LIST, phone(1400)).reason, "not_subscribed")
        self.importing(f"phone,label.opted_out,label.sms_ok\n{phone(1401)},no,yes\n", "--list", LIST)
        self.importing(f'phone,label.n\n{phone(1403)},"two\nlines"\n', "--list", LIST)
        told = self.importing(f"phone\n{phone(1400)}\n", "--list", LIST, "--source", "SMS Unsubscribers", code=2)
        self.assertIn("contactd import --as", told.stderr)
        for name in ("opt_outs.csv", "Unsubscribed 2024.csv", "STOP.csv"):
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                file = self.written(folder, f"phone\n{phone(1400)}\n", name)
                told = run(self.daemon, "import", file, "--list", LIST)
                self.assertIn("contactd import --as", told.stderr)
                self.assertNotEqual(told.returncode, 0)
                self.assertEqual(self.client.check(LIST, phone(1400)).reason, "not_subscribed")

    def test_headings_that_are_not_clean(self) -> None:
        for text, why in (
            ("phone,Unsubscribed At\n", "Unsubscribed At"),
            ("label.x\n", "no column 'phone'"),
            ("", "empty"),
            ("phone,phone\n", "two columns"),
            ("phone,phone_number\n", "two columns"),
        ):
            told = self.importing(text, "--list", LIST, code=2)
            self.assertIn(why, told.stderr)

    def test_a_quote_that_is_not_closed(self) -> None:
        """It hides what the lines behind it are, opt-outs among them: they are not taken, and that is no success."""
        text = f'phone,status,label.name\n{phone(16)},opted_out,"two\nlines"\n'
        for behind in (
            f'{phone(17)},opted_out,"B\n{phone(18)},opted_out,C\n',
            f'{phone(17)},opted_out,"B\n{phone(18)},opted_out,"C"\n',
        ):
            told = self.importing(text + behind, "--list", LIST, code=2)
            with self.subTest(behind=behind[:40]):
                self.assertRegex(told.stdout, "^1 created|1 unchanged")
                self.assertIn("line 4: ", told.stderr)
                self.assertIn("from there on nothing is taken, opt-outs included", told.stderr)
                self.assertIsNotNone(self.client.get(phone(16)))
                self.assertEqual([self.client.get(phone(17)), self.client.get(phone(18))], [None, None])
        told = run(self.daemon, "import", "-", "--list", LIST, input='phone,"label.name\n')
        self.assertEqual(told.returncode, 2)
        self.assertIn("line 1: ", told.stderr)
        latin = [sys.executable, COMMAND, "import", "-", "--list", LIST]
        # Letters of another encoding spoil their own row, and its opt-out is taken.
        file = f"phone,status,label.name\n{phone(19)},active,x\n{phone(17)},opted_out,é\n{phone(18)},active,y\n".encode("latin-1")
        refused = subprocess.run(latin, env=self.daemon.environment(), input=file, capture_output=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"line 3: BADARG the cell under 'label.name' is not UTF-8; its opt-out was taken", refused.stderr)
        self.assertEqual([self.client.check(LIST, phone(n)).reason for n in (17, 18, 19)], ["list_opted_out", "", ""])
        with tempfile.NamedTemporaryFile() as rejects:
            words = [*latin, "--rejects", rejects.name]
            subprocess.run(words, env=self.daemon.environment(), input=file, capture_output=True)
            with open(rejects.name, "rb") as back:
                self.assertIn(f"{phone(17)},opted_out,é,".encode("latin-1"), back.read())

    def test_a_phone_in_the_place_of_a_date_is_opted_out(self) -> None:
        for number in (1451, 1452):
            self.client.optin(LIST, phone(number))
        text = f"phone,opted_out_at\n{phone(1451)},{phone(1452)}\n{phone(1452)},\n{phone(1453)},\n"
        told = self.importing(text, "--list", LIST, code=1)
        self.assertIn("phone_opted_out", told.stderr)
        self.assertIn("its opt-out was taken", told.stderr)
        reasons = [self.client.check(LIST, phone(number)).reason for number in (1451, 1452, 1453)]
        self.assertEqual(reasons, ["list_opted_out", "list_opted_out", ""])

    def test_a_plus_before_a_number_inside_the_region_is_of_both(self) -> None:
        for written, inside in (("+9172340001", "+19172340001"), ("+6462340001", "+16462340001")):
            with self.subTest(written=written):
                told = self.importing(f"phone,status\n{written},active\n", "--list", LIST, "--region", "US", code=1)
                self.assertIsNone(self.client.get(written), told.stderr)
                self.client.optin(LIST, inside)
                text = f"phone,status\n{written},unsubscribed\n{inside},active\n"
                told = self.importing(text, "--list", LIST, "--region", "US", code=1)
                self.assertIn("opt-out was taken", told.stderr)
                self.assertEqual(self.client.check(LIST, inside).reason, "list_opted_out")
        self.assertEqual(self.client.check(LIST, "+6462340001").reason, "list_opted_out")

    def test_an_import_never_lifts(self) -> None:
        self.client.optout(LIST, phone(21))
        told = self.importing(f"phone,status\n{phone(21)},active\n", "--list", LIST)
        self.assertIn("1 kept", told.stdout)
        self.assertFalse(self.client.check(LIST, phone(21)))

    def test_the_daemons_own_export_comes_back(self) -> None:
        with self.client.pipeline() as batch:
            for number in range(30, 40):
                batch.put(phone(number), {"own": 'a, "b"'})
                batch.optin(LIST, phone(number))
                if number % 2:
                    batch.optout(LIST, phone(number))
        export = [os.environ["CONTACTD_BIN"], "export", "label.own"]
        csv_text = subprocess.run(
            export, env=self.daemon.environment(), capture_output=True, text=True, check=True
        ).stdout
        other = Daemon()
        self.addCleanup(other.end)
        with other.client() as client:
            client.list(LIST)
            told = run(other, "import", "-", input=csv_text)
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertEqual(client.count(f"eligible={LIST}"), 5)
            self.assertEqual(client.count(f"list={LIST}/opted_out"), 5)
            self.assertEqual(client.count('label.own="a, \\"b\\""'), 10)

    @contextlib.contextmanager
    def contacts(self) -> Iterator[IO[str]]:
        """A file whose name says nothing."""
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "contacts.csv"), "w") as file:
            yield file

    def test_a_daemon_that_dies_in_the_middle(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client() as client:
            client.list(LIST)
        text = "phone\n" + "".join(f"{phone(number)}\n" for number in range(30_000))
        with self.contacts() as file:
            file.write(text)
            file.flush()
            words = [sys.executable, COMMAND, "import", file.name, "--list", LIST, "--retry", "30"]
            with subprocess.Popen(words, env=daemon.environment(), stdout=subprocess.PIPE, text=True) as importing:
                with daemon.client() as client:
                    eventually(client.count, "the first row")
                daemon.restart()
                told, _ = importing.communicate(timeout=60)
        self.assertEqual(importing.returncode, 0, told)
        with daemon.client() as client:
            self.assertEqual(client.count(f"eligible={LIST}"), 30_000)

    def test_a_bar_on_a_terminal(self) -> None:
        with self.contacts() as file:
            file.write("phone\n" + "".join(f"{phone(number)}\n" for number in range(50_000, 61_000)))
            file.flush()
            screen, terminal = pty.openpty()
            words = [sys.executable, COMMAND, "import", file.name, "--list", LIST]
            with subprocess.Popen(
                words, env=self.daemon.environment(), stdout=subprocess.PIPE, stderr=terminal
            ) as importing:
                os.close(terminal)
                shown = read_all(screen)
                importing.wait()
        self.assertIn("100%", shown)
        self.assertIn("11,000 rows", shown)
        self.assertIn("[##############################]", shown)


def read_all(screen: int) -> str:
    shown = b""
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:
            piece = b""
        if not piece:
            os.close(screen)
            return shown.decode()
        shown += piece


if __name__ == "__main__":
    unittest.main()
