"""contactd.sh: as a program, sourced, with many requests, with CSV, and when the connection breaks."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import unittest
from typing import Any, Callable

from support import (
    CLIENTS,
    DOUBTS,
    LIST,
    PATIENCE_SECONDS,
    Daemon,
    DaemonTest,
    Scripted,
    eventually,
    free_port,
    needs,
    phone,
    written_twice,
)

SCRIPT = os.path.join(CLIENTS, "contactd.sh")


def run(server: str, *words: str, input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CONTACTD_SERVER": server, **environment}
    return subprocess.run([SCRIPT, *words], input=input, env=env, capture_output=True, text=True, timeout=60)


def sourced(server: str, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script that sources it, as strict as bash can be."""
    env = {**os.environ, "CONTACTD_SERVER": server, **environment}
    text = f"set -euo pipefail\nsource {SCRIPT}\n{text}"
    return subprocess.run(["bash", "-c", text], env=env, capture_output=True, text=True, timeout=60)


EVERY_COMMAND = """
0 PING
0 HELLO 2
2 AUTH x
2 PARTITION 0 2
0 HELP CHECK
0 LIST 24365
0 LISTS
0 PUT +14155000030
0 GET +14155000030
0 NORMALIZE US (415)555-0123
0 SUPPRESS +14155000030
0 RELEASE +14155000030
0 INVALID +14155000030
0 VALID +14155000030
0 OPTIN 24365 +14155000030
0 OPTOUT * +14155000030
0 INBOUND 24365 +14155000030 {"text":"hi"}
0 IMPORT * {"phone":"+14155000030"}
1 CHECK 24365 +14155000030
0 WHY 24365 +14155000030
1 CLAIM 24365 +14155000030 m
0 SENT 24365 +14155000030 m
0 FAILED 24365 +14155000030 n
0 CLICK 24365 +14155000030
0 CONVERT 24365 +14155000030 -1.5
0 COUNT
0 FIND
0 EXPORT
0 LABELS
0 HISTORY +14155000030
0 FEED
0 TRENDS * DAYS 2
0 CLAIMS
0 INBOX
0 STATS
0 CLIENTS
0 SETTINGS
0 VERIFY
0 BACKUP LIST
0 FENCE
0 UNFENCE
2 UNFENCE
0 ECHO a
0 SELECT 0
0 CLIENT SETINFO LIB-NAME x
0 COMMAND
0 CONFIG GET save
1 ERASE +14155559999
0 PURGE PLAN
0 PURGE STATUS
0 UNLIST 24365 FORCE
0 QUIT
"""


class Program(DaemonTest):
    def says(self, *words: str, code: int = 0, input: str = "") -> str:
        told = run(self.daemon.server, *words, input=input)
        self.assertEqual(told.returncode, code, told.stdout + told.stderr)
        return told.stdout

    def test_one_request(self) -> None:
        self.assertEqual(self.says("LIST", LIST, '{"name": "Spring sale"}'), "updated\n")
        self.assertEqual(self.says("OPTIN", LIST, phone(1)), "1\n")
        self.assertEqual(self.says("CHECK", LIST, phone(1)), "yes\n")
        self.assertEqual(self.says("CHECK", LIST, phone(2), code=1), "no not_subscribed\n")
        self.assertEqual(self.says("check", LIST, phone(1), phone(2), code=1), "yes\nno not_subscribed\n")
        self.assertEqual(self.says("CLAIM", LIST, phone(1), "m 1"), "yes\n")
        self.assertEqual(self.says("CLAIM", LIST, phone(1), "m 1", code=1), "dup claimed\n")
        self.assertEqual(self.says("GET", phone(3), code=1), "")
        self.assertEqual(self.says("PUT", phone(3), '{"labels": {"city": "New York é"}}'), "created\n")
        self.assertIn('"city":"New York é"', self.says("GET", phone(3)))
        self.assertEqual(self.says("COUNT", "label.city=New York é"), "1\n")
        self.assertEqual(self.says("FIND", "label.city"), f"0\n{phone(3)}\n")
        self.assertIn(phone(3), self.says("EXPORT", 'label.city="New York é"'))
        self.assertEqual(self.says("ECHO", "a  b"), "a  b\n")
        self.assertEqual(self.says("INBOUND", LIST, phone(1), '{"text":"Stop!","id":"SM1"}'), "optout\n")

    def test_every_command(self) -> None:
        """Each of HELP's commands goes through, with its exit code."""
        for line in EVERY_COMMAND.strip().splitlines():
            with self.subTest(line=line):
                code, *words = line.split()
                self.says(*words, code=int(code))
        verbs = {usage.split()[0] for usage in self.client.help()}
        self.assertEqual(verbs - {line.split()[1] for line in EVERY_COMMAND.strip().splitlines()}, set())

    def test_errors(self) -> None:
        for words, why in (
            (("NOSUCH",), "ERR"),
            (("CHECK", LIST, "x"), "BADARG"),
            (("OPTIN", "24399", phone(1)), "NOLIST"),
            (("FIND", "LIMIT", "1001"), "LIMIT"),
            (("CHECK", LIST, f"{phone(1)}\nCHECK {LIST} {phone(1)}"), "BADARG"),
            (("EXPORT", "a\nb"), "one line"),
            (("EXPORT", "colour=red"), "BADARG"),
        ):
            told = run(self.daemon.server, *words)
            self.assertEqual((told.returncode, told.stdout), (2, ""), words)
            self.assertIn(why, told.stderr)
        for server in (f"127.0.0.1:{free_port()}", "unix:/nowhere", "host", "[::1]:x"):
            told = run(server, "PING")
            self.assertEqual((told.returncode, told.stdout), (2, ""))
            self.assertIn("contactd.sh: ", told.stderr)

    def test_help(self) -> None:
        self.assertIn("contactd_check LIST PHONE", self.says("--help"))

    def test_requests_from_standard_input(self) -> None:
        requests = f"OPTIN {LIST} {phone(11)}\n\n# nothing\nCHECK {LIST} {phone(11)}\nFIND LIMIT 1\n"
        told = run(self.daemon.server, input=requests)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(told.stdout.splitlines()[:3], [":1", "+yes", "*2"])
        self.assertEqual(run(self.daemon.server, input="PING\nGET +14155550999\n").returncode, 1)
        self.assertEqual(run(self.daemon.server, input=f"CHECK {LIST} {phone(12)}\n").returncode, 1)
        self.assertEqual(run(self.daemon.server, input="NOSUCH\nGET +14155550999\n").returncode, 2)
        self.assertEqual(run(self.daemon.server, input="").returncode, 0)
        for quit in ("QUIT\n", " quit \r\n"):
            told = run(self.daemon.server, input=f"PING\n{quit}")
            self.assertEqual((told.returncode, told.stdout), (0, "+PONG\n+OK\n"))

    def test_a_request_that_breaks_off(self) -> None:
        """It is not executed, so its exit code is neither a yes nor done."""
        told = run(self.daemon.server, input=f"PING\nOPTOUT {LIST} {phone(14)}")
        self.assertEqual((told.returncode, told.stdout), (2, "+PONG\n"))
        self.assertIn("breaks off", told.stderr)
        self.assertIsNone(self.client.get(phone(14)))

    def test_a_connection_that_ends_behind_an_ok(self) -> None:
        """An OK that is not QUIT's is not the end."""
        with Scripted(lambda request: b"+OK\r\n" if request == "SELECT 0" else None) as server:
            told = run(server.server, input=f"SELECT 0\nOPTOUT {LIST} {phone(15)}\n")
        self.assertEqual((told.returncode, told.stdout), (2, "+OK\n"))
        self.assertIn("connection lost", told.stderr)

    def test_many_requests(self) -> None:
        """More replies than any buffer takes are read while requests are still sent."""
        self.client.put(phone(13), {f"label{number}": "x" * 40 for number in range(50)})
        told = run(self.daemon.server, input=f"GET {phone(13)}\n" * 1500)
        self.assertEqual((told.returncode, len(told.stdout.splitlines())), (0, 1500))

    def test_a_conversation(self) -> None:
        """Each reply comes when its request was made, not at the end."""
        env = {**os.environ, "CONTACTD_SERVER": self.daemon.server}
        with subprocess.Popen([SCRIPT], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as talk:
            assert talk.stdin is not None and talk.stdout is not None
            for word in ("one", "two"):
                talk.stdin.write(f"PING {word}\n")
                talk.stdin.flush()
                self.assertEqual(talk.stdout.readline(), f"+{word}\n")
            talk.stdin.close()
            self.assertEqual(talk.wait(PATIENCE_SECONDS), 0)


class Sourced(DaemonTest):
    def test_check_and_claim(self) -> None:
        self.client.optin(LIST, phone(1))
        told = sourced(
            self.daemon.server,
            f"""
            contactd_check {LIST} {phone(1)} && echo send
            contactd_check {LIST} {phone(2)} || echo "$? $CONTACTD_REASON"
            contactd_check {LIST} nonsense || echo "$? ${{CONTACTD_REASON%% *}}"
            contactd_check {LIST} || echo $?
            contactd_claim {LIST} {phone(1)} m && echo send
            contactd_claim {LIST} {phone(1)} m || echo "$? $CONTACTD_REASON"
            contactd_claim {LIST} {phone(1)} || echo $?
            contactd GET {phone(3)} || echo "$?"
            count=$(contactd COUNT label.nobody)
            [[ $count == 0 ]] && echo none
            """,
        )
        self.assertEqual(told.returncode, 0, told.stderr)
        expected = ["send", "1 no not_subscribed", "2 BADARG", "2", "send", "1 dup claimed", "2", "1", "none"]
        self.assertEqual(told.stdout.splitlines(), expected)

    def test_one_connection_serves_many_questions(self) -> None:
        before = self.client.stats()["clients_total"]
        told = sourced(self.daemon.server, f"for _ in {{1..200}}; do contactd_check {LIST} {phone(2)} || :; done")
        after = self.client.stats()["clients_total"]
        assert isinstance(before, int) and isinstance(after, int)
        self.assertEqual((told.returncode, after - before), (0, 1))

    def test_jobs_do_not_read_each_others_replies(self) -> None:
        self.client.optin(LIST, phone(4))
        told = sourced(
            self.daemon.server,
            f"""
            ask() {{
                for _ in {{1..200}}; do
                    contactd_check {LIST} {phone(4)} || echo wrong no
                    ! contactd_check {LIST} {phone(5)} || echo wrong yes
                done
            }}
            contactd_check {LIST} {phone(4)}
            ask & ask & ask & ask
            wait
            """,
        )
        self.assertEqual((told.returncode, told.stdout, told.stderr), (0, "", ""))

    def test_a_shell_of_any_temper(self) -> None:
        """Other separators, no globbing, another locale: the requests are the same."""
        self.client.put(phone(6), {"city": "Zürich"})
        told = sourced(
            self.daemon.server,
            """IFS=,; set -f; export LC_ALL=C.UTF-8
            contactd COUNT label.city=Zürich
            contactd EXPORT label.city=Zürich status=active""",
        )
        self.assertEqual(told.stdout.splitlines()[0], "1", told.stderr)
        self.assertIn(phone(6), told.stdout)

    def test_a_restart_in_the_middle(self) -> None:
        self.client.optin(LIST, phone(7))
        with tempfile.TemporaryDirectory() as folder:
            gone, back = os.path.join(folder, "gone"), os.path.join(folder, "back")
            os.mkfifo(gone)
            os.mkfifo(back)
            results = []
            thread = threading.Thread(
                target=lambda: results.append(
                    sourced(
                        self.daemon.server,
                        f"""
                        contactd_check {LIST} {phone(7)} && echo send
                        echo now >{gone}; read -r _ <{back}
                        contactd_check {LIST} {phone(7)} && echo send
                        echo now >{gone}; read -r _ <{back}
                        contactd_check {LIST} {phone(7)} || echo "$? $CONTACTD_REASON"
                        contactd OPTOUT {LIST} {phone(7)} || echo "$?"
                        echo now >{gone}; read -r _ <{back}
                        contactd OPTOUT {LIST} {phone(7)}
                        contactd_check {LIST} {phone(7)} || echo "$? $CONTACTD_REASON"
                        """,
                    )
                )
            )
            thread.start()
            for step in (self.daemon.restart, self.daemon.kill, self.daemon.start):
                with open(gone, encoding="utf-8") as file:
                    file.read()
                step()
                with open(back, "w", encoding="utf-8") as file:
                    file.write("\n")
            thread.join(60)
        self.assertEqual(results[0].returncode, 0, results[0].stderr)
        expected = ["send", "send", "2 no reply", "2", "1", "1 no list_opted_out"]
        self.assertEqual(results[0].stdout.splitlines(), expected)

    def test_tokens(self) -> None:
        with tempfile.NamedTemporaryFile("w") as tokens:
            tokens.write("read read-0123456789abcdef\n")
            tokens.flush()
            daemon = Daemon("--tokens", tokens.name)
            self.addCleanup(daemon.end)
            text = f'contactd_check {LIST} {phone(1)} || echo "$? $CONTACTD_REASON"\n'
            text += f"contactd OPTOUT '*' {phone(1)} || echo $?"
            told = sourced(daemon.server, text, CONTACTD_TOKEN="read-0123456789abcdef")
            self.assertEqual(told.stdout.splitlines(), ["1 no unknown_list", "2"])
            self.assertIn("NOPERM", told.stderr)
            told = sourced(daemon.server, text, CONTACTD_TOKEN="not-a-token-of-ours")
            self.assertEqual(told.stdout.splitlines(), ["2 no reply", "2"])
            self.assertIn("NOAUTH", told.stderr)
            told = sourced(daemon.server, text)
            self.assertEqual(told.stdout.splitlines()[0].split(" ", 2)[:2], ["2", "NOAUTH"])
        told = sourced(self.daemon.server, text, CONTACTD_TOKEN="any-0123456789abcdef")
        self.assertEqual(told.returncode, 0, told.stderr)


class NeverAWrongYes(unittest.TestCase):
    def test_replies_that_are_none(self) -> None:
        for reply in (
            b"+yes",
            b"+YES\r\n",
            b"+yes \r\n",
            b"+yes\n",
            b":1\r\n",
            b"+no\r\n",
            b"*1\r\n+yes\r\n",
            b"\r\n",
            b"$3\r\nyes\r\n",
            None,
        ):
            for function in (f"contactd_check {LIST} {phone(1)}", f"contactd_claim {LIST} {phone(1)} m"):
                with self.subTest(reply=reply, function=function), Arrays(reply) as server:
                    told = sourced(server.server, f"{function} && echo send || :", CONTACTD_TIMEOUT="0.2")
                    self.assertEqual(told.stdout, "")

    def test_a_late_reply_is_not_that_of_the_next_request(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Arrays(b"+yes\r\n") as server:
            given_up, over = os.path.join(folder, "given-up"), threading.Event()
            # Only when nobody waits for it any more; the second one never comes.
            replies = iter([lambda: os.path.exists(given_up), over.is_set])
            server.holds = lambda: eventually(next(replies), "the end of the wait")
            told = sourced(
                server.server,
                f"""
                contactd_check {LIST} {phone(1)} && echo send
                touch {given_up}
                sleep 0.5
                contactd_check {LIST} {phone(2)} && echo send
                : """,
                CONTACTD_TIMEOUT="0.1",
            )
            over.set()
        self.assertEqual(told.stdout, "")


class Arrays(Scripted):
    """Answers each request that comes as an array of words. Each reply waits for `holds`."""

    holds: Callable[[], Any]

    def __init__(self, reply: Any) -> None:
        self.holds = lambda: None
        super().__init__(lambda _: reply)

    def _serve(self, wire: Any) -> None:
        with wire, wire.makefile("rb") as lines:
            for line in lines:
                for _ in range(2 * int(line[1:])):
                    lines.readline()
                reply = self._answer("")
                if reply is None:
                    return
                self.holds()
                wire.sendall(reply)
                if not reply.endswith(b"\r\n"):
                    return


SIGNED = ("{}*", "{} ?", "{}!", "US{}", "USA {}", "x{}", "{1}{2}{3}_{4}{5}{6}_{7}{8}{9}{10}", '"${1},{2}{3}{4},{5}{6}{7},{8}{9}{10}"')
"""Ways to write a number that leave no doubt whose it is."""


class Csv(DaemonTest):
    TEXT = (
        "\ufeffphone_number,label.city,label.note,subscribed_at,total_sends,status\r\n"
        '(415) 500-0001,"New ""York"", NY",a\\b,2026-01-02,3,active\r\n'
        f'{phone(2)},,"two\nlines\tand, a comma",,,opted_out\r\n'
        "\r\n"
        f"{phone(3)},'=1+1,é,,,active"
    )

    def test_import(self) -> None:
        told = run(self.daemon.server, "import", LIST, "US", input=self.TEXT)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(told.stdout, "3 created  0 updated  0 unchanged  0 kept  0 refused\n")
        labels = {contact.phone_number: contact.labels for contact in self.client.export("created>=2026-01-01")}
        self.assertEqual(labels[phone(1)], {"city": 'New "York", NY', "note": "a\\b"})
        self.assertEqual(labels[phone(2)], {"note": "two\nlines\tand, a comma"})
        self.assertEqual(labels[phone(3)], {"city": "=1+1", "note": "é"})
        self.assertEqual([bool(v) for _, v in self.client.check_many(LIST, map(phone, (1, 2, 3)))], [True, False, True])
        told = run(self.daemon.server, "import", LIST, "US", input=self.TEXT)
        self.assertIn("0 created  0 updated  3 unchanged", told.stdout)

    def test_rows_that_are_refused(self) -> None:
        text = f"phone,total_sends\n{phone(11)},\n1415555nonsense,\n{phone(12)},x\n{phone(13)}\n{phone(14)},1.5\n"
        told = run(self.daemon.server, "import", LIST, input=text)
        self.assertEqual((told.returncode, told.stdout), (1, "1 created  0 updated  0 unchanged  0 kept  4 refused\n"))
        for row, why in ((2, "BADARG letters"), (3, "BADARG"), (4, "1 cells under 2 headings"), (5, "BADARG")):
            self.assertIn(why, next(line for line in told.stderr.splitlines() if f"row {row}:" in line))

    def test_no_opt_out_is_lost_with_its_row(self) -> None:
        """Where number and refusal can be read, the refusal counts, as of now where its date cannot; the rest of the
        row does not."""
        out, now, dated = "list_opted_out", "its opt-out was taken, as of now", "its opt-out was taken"
        national = "(415) 500-{}"
        for first, heading, rows in (
            (
                1_000,
                "phone,status,opted_out_at,total_revenue,how,reason,region",
                (
                    # A bad number, date or word in another column; too long, or not where it should be.
                    ("{},opted_out,,\"$1,234.50\",,,", dated, out),
                    (f"{national},opted_out,,x,,,", dated, out),
                    ("{},opted_out,,,web form,,", dated, out),
                    ("{},opted_out,,,,,USA", dated, out),
                    ("{},opted_out,,,," + "x" * 4_000 + ",", dated, out),
                    ("{},opted_out,,,," + "x" * 70_000 + ",", now, out),
                    ("{},,1/2/2024,,,,", now, out),
                    ("{},active,yesterday,,,told us | twice; \"\"really\"\",", now, out),
                    ("{},,1704207840,,,é,", now, out),
                    ("{},unsubscribed,,,,,", dated, out),
                    (f"{national},Do not text,,,,,", dated, out),
                    ("{},Désinscrit,,,,,", dated, out),
                    ("{},suppressed,,x,,,", "its suppression was taken", "list_suppressed"),
                    ("{},bounced,,x,,,", "its invalid number was taken, as of now", "invalid"),
                    ("{},invalid,1/2/2024,,,,", "its opt-out and invalid number was taken, as of now", "invalid"),
                    ("{},opted_out", now, out),
                    ("{},opted_out,,,,,,,", now, out),
                    (f"{national},opted_out,,,,,,,", now, out),
                    # Nobody is opted out who does not say so.
                    ("{},active,,x,,,", "BADARG", ""),
                    ("{},,N/A,x,,,", "consent_blank", ""),
                    ("{},,0000-00-00 00:00:00,x,,,", "consent_blank", ""),
                    ("{},active,no,x,,,", "BADARG", ""),
                    ("{},perhaps,,,,,", "BADARG", ""),
                    # Nobody's number is guessed.
                    (f"{national},opted_out,,,,,USA", "OPT-OUT, BUT ITS NUMBER CANNOT BE READ", ""),
                ),
            ),
            (
                1_100,
                "label.name,phone,status",
                (("Smith, John,{},opted_out", now, out), (f"Smith, John,{national},stop", now, out)),
            ),
            (
                1_200,
                "phone,status,opted_out_at,subscribed_at,total_sends",
                (
                    ("{},active,2024-01-02,2024-05-06,x", "BADARG", ""),
                    ("{},active,2024-01-02,2023-05-06,x", "its opt-out was taken", out),
                    ("{},,2024-01-02,,x", "its opt-out was taken", out),
                ),
            ),
        ):
            text, expected = heading + "\n", []
            for number, (row, said, reason) in enumerate(rows):
                somebody = phone(first + number)
                self.client.optin(LIST, somebody, at="2023-06-01")
                text += row.format(somebody if "(415)" not in row else somebody[-4:]) + "\n"
                expected.append((somebody, said, reason))
            told = run(self.daemon.server, "import", LIST, "US", input=text)
            taken = sum("taken" in said for _, said, _ in expected)
            self.assertEqual(told.returncode, 1)
            self.assertIn(f"{len(rows)} refused, of which {taken} forbid: that was taken\n", told.stdout)
            self.assertIn("mend the rows and import them", told.stderr)
            for number, (somebody, said, reason) in enumerate(expected, 1):
                with self.subTest(row=rows[number - 1][0][:60]):
                    lines = [line for line in told.stderr.splitlines() if f"row {number}: " in line]
                    self.assertIn(said, lines[-1])
                    self.assertEqual(self.client.check(LIST, somebody).reason, reason)
        # Its date and its words are kept, where they can be read.
        contact = self.client.get(phone(1_202))
        assert contact is not None
        self.assertEqual(str(contact.lists[0].opted_out_at), "2024-01-03 11:59:59.999000+00:00")
        self.assertEqual(contact.lists[0].opted_out_how, "import")
        # A list that does not exist yet, no list, a number of no numbering plan.
        text = f"phone,status\n{phone(1_300)},opted_out\n+99955501234567,opted_out\n{phone(1_301)},suppressed\n"
        self.assertIn("of which 3 forbid", run(self.daemon.server, "import", "24398", input=text).stdout)
        self.client.list("24398")
        self.assertEqual(self.client.check("24398", phone(1_300)).reason, "list_opted_out")
        self.assertEqual(self.client.check("24398", "+99955501234567").reason, "list_opted_out")
        text = f"phone,status,total_sends\n{phone(1_302)},opted_out,x\n{phone(1_303)},suppressed,x\n"
        self.assertIn("of which 2 forbid", run(self.daemon.server, "import", "*", input=text).stdout)
        reasons = [self.client.check(LIST, phone(number)).reason for number in (1_302, 1_303)]
        self.assertEqual(reasons, ["opted_out", "suppressed"])
        # Letters of another encoding spoil their own row.
        text = f"phone,status,label.name,reason\n{phone(1_304)},opted_out,\xe9,\xe9\n{phone(1_305)},active,x,\n"
        told = subprocess.run(
            ["bash", SCRIPT, "import", LIST], input=text.encode("latin-1"), capture_output=True,
            env={**os.environ, "CONTACTD_SERVER": self.daemon.server},
        )  # fmt: skip
        self.assertIn(b"1 created  0 updated  0 unchanged  0 kept  1 refused, of which 1 forbid", told.stdout)
        self.assertEqual(self.client.check(LIST, phone(1_304)).reason, "list_opted_out")

    def test_refusals_beside_good_rows(self) -> None:
        text = "phone,status,total_sends\n" + "".join(
            f"{phone(2_000 + number)},{'unsubscribed' if number % 2 else 'active'},\n" for number in range(600)
        )
        told = run(self.daemon.server, "import", LIST, input=text)
        counts = "300 created  0 updated  0 unchanged  0 kept  300 refused"
        self.assertEqual(told.stdout, f"{counts}, of which 300 forbid: that was taken\n")
        reasons = [self.client.check(LIST, phone(2_000 + number)).reason for number in range(600)]
        self.assertEqual(reasons, ["", "list_opted_out"] * 300)

    def test_a_quote_that_is_not_closed(self) -> None:
        """It hides what the lines behind it are, opt-outs among them: they are not taken, and that is no success."""
        for name, broken in (
            ("no end", f'"two\nlines"\n{phone(62)},opted_out,"B\n{phone(63)},opted_out,C\n'),
            ("neither a comma", f'"two\nlines"\n{phone(62)},opted_out,"B\n{phone(63)},opted_out,"C"\n'),
        ):
            for end in ("\n", "\r\n"):
                text = f"phone,status,label.name\n\n{phone(61)},opted_out,{broken}".replace("\n", end)
                told = run(self.daemon.server, "import", LIST, input=text)
                with self.subTest(name=name, end=end):
                    self.assertEqual(told.returncode, 2)
                    self.assertRegex(told.stdout, r"^[^\n]* 0 refused  nothing from line 5 on\n$")
                    self.assertIn(f"line 5: {'a quote has no end' if name == 'no end' else 'behind'}", told.stderr)
                    self.assertIn("from line 5 on nothing is taken, opt-outs included", told.stderr)
                    self.assertFalse(self.client.check(LIST, phone(61)))
                    self.assertIsNotNone(self.client.get(phone(61)))
                    self.assertEqual([self.client.get(phone(62)), self.client.get(phone(63))], [None, None])
        told = run(self.daemon.server, "import", LIST, input='phone,"label.name\n')
        self.assertEqual((told.returncode, told.stdout), (2, ""))
        self.assertIn("line 1: a quote has no end", told.stderr)

    def test_a_row_that_may_be_of_somebody_who_wants_none(self) -> None:
        for heading, row, why in (
            ("phone,status", "{},", "consent_blank"),
            ("phone,status", "{},N/A", "consent_blank"),
            ("phone,subscribed_at", "{},", "consent_blank"),
            ("phone,opted_out_at", "{},#N/A", "may stand for a date"),
            ("phone,label.opted_out", "{},yes", "maybe_optout"),
            ("phone,label.sms_ok", "{},false", "maybe_optout"),
        ):
            told = run(self.daemon.server, "import", LIST, input=f"{heading}\n{row.format(phone(400))}\n")
            self.assertEqual(told.returncode, 1, heading)
            self.assertIn(why, told.stderr)
            self.assertEqual(self.client.check(LIST, phone(400)).reason, "not_subscribed")

    def test_a_sign_beside_a_number_hides_no_opt_out(self) -> None:
        for at, written in enumerate(SIGNED):
            number = f"41550030{10 + at}"
            with self.subTest(written=written):
                self.client.optin(LIST, f"+1{number}", at="2023-06-01")
                text = f"phone,status\n{written.format(number, *number)},opted_out\n"
                told = run(self.daemon.server, "import", LIST, "US", input=text)
                self.assertIn("its opt-out was taken", told.stderr)
                self.assertEqual(self.client.check(LIST, f"+1{number}").reason, "list_opted_out")
        for written in ("O{}", "{}x1x", "41550O3{}"):
            told = run(self.daemon.server, "import", LIST, "US", input=f"phone,status\n{written.format(4155003050)},opted_out\n")
            self.assertIn("CANNOT BE READ", told.stderr, written)

    def test_a_country_that_contradicts_the_region_refuses_its_row(self) -> None:
        """A number without a plus could be a stranger's."""
        for at, (heading, row, is_taken) in enumerate(
            (
                ("label.country,phone,status", "India,{},active", False),
                ("label.Country/Region,phone,status", "MX,{},active", False),
                ("label.land,phone,status", "Indien,{},active", False),
                ("label.country_code,phone,status", "+91,{},active", False),
                ("label.country,phone,status", "中国,{},active", False),
                ("label.country,phone,status,region", "US,{},active,IN", False),
                ("label.country,phone,status", "United States,{},active", True),
                ("label.country,phone,status", "Canada,{},active", True),
                ("label.country,phone,status", ",{},active", True),
                ("label.island,phone,status", "India,{},active", True),
                ("label.country,phone,status", "India,+1{},active", True),
            )
        ):
            number = f"415500{2900 + at}"
            with self.subTest(heading=heading, row=row):
                text = f"{heading}\n{row.format(number)}\n"
                told = run(self.daemon.server, "import", LIST, "US", input=text)
                self.assertEqual(told.returncode, 0 if is_taken else 1, told.stderr)
                self.assertEqual("country_unclear" in told.stderr, not is_taken)
                self.assertEqual(bool(self.client.check(LIST, f"+1{number}")), is_taken)

    def test_a_refused_row_keeps_the_others_of_its_number_from_subscribing_it(self) -> None:
        for at, (heading, yes, refused) in enumerate(DOUBTS):
            for order in (0, 1):
                number = 420 + 2 * at + order
                rows = [row.format(*written_twice(number)) for row in ((yes, refused), (refused, yes))[order]]
                with self.subTest(rows=rows):
                    told = run(self.daemon.server, "import", LIST, "US", input="\n".join([heading, *rows, ""]))
                    self.assertEqual(told.returncode, 1, told.stderr)
                    self.assertIn("opted out of", told.stderr)
                    self.assertEqual(self.client.check(LIST, phone(number)).reason, "list_opted_out")
        self.client.optin(LIST, phone(450))
        run(self.daemon.server, "import", LIST, input=f"phone,status\n{phone(450)},active\n{phone(450)},\n")
        self.assertTrue(self.client.check(LIST, phone(450)))

    def test_nothing_is_taken_below_a_title(self) -> None:
        for at, (heading, title, row) in enumerate(
            (
                ("phone,status,label.name", "Unsubscribed,,", "{},active,b"),
                ("phone,status", "Do not text,x", "{},active"),
                ("phone,subscribed_at", ",Abgemeldet", "{},2024-01-01"),
                ("phone", "退订", "{}"),
                ("phone,status", "Opted out,", "{},active"),
            )
        ):
            above, below = phone(460 + 2 * at), phone(461 + 2 * at)
            text = f"{heading}\n{row.format(above)}\n{title}\n{row.format(below)}\n"
            told = run(self.daemon.server, "import", LIST, input=text)
            with self.subTest(title=title):
                self.assertEqual(told.returncode, 2, told.stderr)
                self.assertIn("line 3: ", told.stderr)
                self.assertTrue(self.client.check(LIST, above))
                self.assertIsNone(self.client.get(below))

    def test_what_cannot_be_imported(self) -> None:
        for words, text, why in (
            ((LIST,), "phone,Unsubscribed At\n", "'Unsubscribed At' is not known"),
            ((LIST,), "label.x\n", "no column 'phone'"),
            ((LIST,), "phone,verdict\n", "no column 'status'"),
            ((), "phone\n", "usage"),
            (("x y",), "phone\n", "usage"),
            ((LIST, "us"), "phone\n", "usage"),
        ):
            told = run(self.daemon.server, "import", *words, input=text)
            self.assertEqual((told.returncode, told.stdout), (2, ""))
            self.assertIn(why, told.stderr)
        told = run(self.daemon.server, "import", "24399", input=f"phone\n{phone(1)}\n")
        self.assertEqual(told.returncode, 1)
        self.assertIn("NOLIST", told.stderr)

    def test_what_is_exported_comes_back(self) -> None:
        client = self.client
        client.list("24365")
        with client.pipeline() as batch:
            for number in range(20, 60):
                batch.put(phone(number), {"odd": '"quoted", \\ \n\té', "formula": "=1+1", "number": str(number)})
                batch.optin("24365", phone(number), at="2026-01-02")
            for number in range(20, 30):
                batch.optout("24365", phone(number), at="2026-02-03")
            batch.suppress(phone(30))
            batch.invalid(phone(31))
            batch.suppress(phone(32), list="24365")
            batch.release(phone(32), list="24365")
        text = run(self.daemon.server, "export", "24365", "label.odd").stdout
        other = Daemon()
        self.addCleanup(other.end)
        with other.client() as copy:
            copy.list("24365")
            told = run(other.server, "import", "24365", input=text)
            self.assertEqual(told.stdout, "40 created  0 updated  0 unchanged  0 kept  0 refused\n", told.stderr)
            for number in range(20, 60):
                theirs, ours = copy.get(phone(number)), client.get(phone(number))
                assert theirs is not None and ours is not None
                self.assertEqual(theirs.labels, ours.labels)
                self.assertEqual(bool(copy.check("24365", phone(number))), bool(client.check("24365", phone(number))))
                self.assertEqual(theirs.lists[0].opted_out_at, ours.lists[0].opted_out_at)
        self.assertEqual(run(self.daemon.server, "export", "nonsense").returncode, 2)
        self.assertEqual(run(self.daemon.server, "export", "24365", "colour=red").returncode, 2)
        self.assertEqual(len(run(self.daemon.server, "export", "24365", "label.number=20").stdout.splitlines()), 3)

    def test_an_export_never_loses_the_status(self) -> None:
        """Also of a list in Mexico's old spelling: a row without it would subscribe whoever takes it back."""
        self.client.list("+525512345678")
        self.client.optout("+525512345678", phone(64), at="2026-02-03")
        told = run(self.daemon.server, "export", "+5215512345678")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn(f"\n{phone(64)},opted_out,list_opted_out,,2026-02-04T11:59:59.999Z,", told.stdout)
        other = f'+{{"phone_number":"{phone(64)}","status":"active","labels":{{}},"lists":[{{"list":"24399"}}]}}'
        replies = {"LABELS": "*1\r\n+0\r\n", "EXPORT": f"*?\r\n{other}\r\n.\r\n"}
        with Scripted(lambda line: replies.get(line.split(" ")[0], "").encode()) as server:
            told = run(server.server, "export", "24365")
        self.assertEqual((told.returncode, told.stdout.count("\n")), (2, 1), told.stderr)
        self.assertIn("without its status", told.stderr)

    def test_a_daemon_that_dies(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        with daemon.client() as client:
            client.list(LIST)
        text = "phone\n" + "".join(f"{phone(number)}\n" for number in range(50_000))
        for words, requests, name in (
            (("import", LIST), text, "requests_import"),
            ((), f"CHECK {LIST} {phone(1)}\n" * 100_000, "requests_check"),
        ):

            def kill() -> None:
                with daemon.client() as client:
                    eventually(lambda: client.stats().get(name), f"the first of {name}")
                daemon.kill()

            killer = threading.Thread(target=kill)
            killer.start()
            told = run(daemon.server, *words, input=requests)
            killer.join()
            self.assertEqual(told.returncode, 2)
            self.assertIn("connection lost", told.stderr)
            daemon.start()


class TheSource(unittest.TestCase):
    def test_shellcheck(self) -> None:
        shellcheck = needs("shellcheck")
        told = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stdout)


if __name__ == "__main__":
    unittest.main()
