"""contactd.py as a command: every command, its output for people and as JSON, and its exit codes."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Any, List

from support import CLIENTS, LIST, Daemon, DaemonTest, Scripted, eventually, free_port, phone

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
        self.assertIn("24365            0 active, 0 opted out, 0 suppressed, paused  Spring", self.says("lists"))
        self.assertEqual(self.says("list", "24365", "--resume"), "updated\n")
        self.assertEqual(self.says("unlist", "24365", "--force"), "removed\n")

    def test_administration(self) -> None:
        self.assertIn("stop_scope list\n", self.says("stats"))
        self.assertEqual(self.json("stats")[0]["read_only"], False)
        self.assertEqual(self.says("verify"), "ok\n")
        self.assertEqual(self.says("call", "CHECK", "24399", phone(8), code=1), "no unknown_list\n")
        # In one word, too, a no is no yes.
        self.assertEqual(self.says("call", f"check 24399 {phone(8)}", code=1), "no unknown_list\n")
        self.assertEqual(self.says("call", "PUT", phone(8), '{"labels": {"a": "b c"}}'), "created\n")
        self.assertEqual(self.says("call", "GET", phone(9), code=1), "")
        self.assertEqual(self.says("call", "NOSUCH", code=2), "")
        self.assertEqual(self.says("call", "CHECK", "24399", phone(8), "x", code=2).splitlines()[0], "no unknown_list")

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
    def importing(self, text: str, *options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            told = run(self.daemon, "import", file.name, *options)
        self.assertEqual(told.returncode, code, told.stdout + told.stderr)
        return told

    def test_rows(self) -> None:
        text = (
            "\ufeffphone,label.city,subscribed_at,status,opted_out_at,total_sends,total_revenue\r\n"
            '(415) 500-0001,"New ""York"",\r\nNY",2026-01-02,,,3,1.5\r\n'
            "'+14155000002,'=1+1,,opted_out,2026-02-03,,\r\n"
            "\r\n"
            f"{phone(3)},x,,,,,\r\n"
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
            f'{phone(17)},opted_out,{"B" * 200_000}\n',
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
        file = f"phone,label.name\n{phone(19)},x\n{phone(17)},é\n".encode("latin-1")
        refused = subprocess.run(latin, env=self.daemon.environment(), input=file, capture_output=True)
        self.assertEqual(refused.returncode, 2)
        self.assertIn(b"line 3: ", refused.stderr)
        self.assertIsNotNone(self.client.get(phone(19)))

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

    def test_a_daemon_that_dies_in_the_middle(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client() as client:
            client.list(LIST)
        text = "phone\n" + "".join(f"{phone(number)}\n" for number in range(30_000))
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write(text)
            file.flush()
            words = [sys.executable, COMMAND, "import", file.name, "--list", LIST, "--retry", "30"]
            with subprocess.Popen(words, env=daemon.environment(), stdout=subprocess.PIPE, text=True) as importing:
                time.sleep(0.3)
                daemon.restart()
                told, _ = importing.communicate(timeout=60)
        self.assertEqual(importing.returncode, 0, told)
        with daemon.client() as client:
            self.assertEqual(client.count(f"eligible={LIST}"), 30_000)

    def test_a_bar_on_a_terminal(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
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
