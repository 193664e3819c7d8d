"""worker.py: a whole run, and everything that may go wrong in one. What counts is what the provider was handed."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
from collections import Counter
from typing import Any, Callable, Dict, List, Set, Tuple
from unittest import mock

# First, for it says where the clients are.
from support import CLIENTS, LIST, Daemon, Lossy, Scripted, eventually, free_port, phone

import worker

WORKER = os.path.join(CLIENTS, "worker.py")

PROVIDER = """
import os, time
import worker
from worker import NotSent, Refused

worker.PAUSES_SECONDS = (0.05, 0.05)

def send(phone, text, msg_id):
    time.sleep(float(os.environ.get("SLOW", "0")))
    if "HOLDS" in os.environ and not os.path.exists("go on"):
        open("held", "w").close()
        while not os.path.exists("go on"):
            time.sleep(0.01)
    number = int(phone[-4:])
    fails = os.environ.get("FAILS", "")
    if fails == "away":
        raise NotSent("nobody listens")
    if fails == "away once" and not os.path.exists("tried"):
        open("tried", "w").close()
        while not os.path.exists("stopped"):
            time.sleep(0.01)
        raise NotSent("too fast")
    with open(os.environ["OUTBOX"], "a") as outbox:
        outbox.write(f"{phone} {msg_id} {text}\\n")
    if fails == "refused" and number % 10 == 3:
        raise Refused(21610)
    if fails == "vonage" and number % 10 == 3:
        raise Refused("9", provider="vonage")
    if fails == "nobody" and number % 10 == 3:
        raise Refused("9")
    if fails == "unknown" and number % 10 == 3:
        raise TimeoutError("no answer")
    if fails == "dies":
        os._exit(9)
    if fails == "all":
        raise Refused(20003)
"""


class Run(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)
        self.client = self.daemon.client(retry=30)
        self.addCleanup(self.client.close)
        self.client.list(LIST)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.outbox = os.path.join(self.folder, "outbox")
        with open(os.path.join(self.folder, "provider.py"), "w", encoding="utf-8") as file:
            file.write(PROVIDER)

    def subscribe(self, count: int, label: str = "CA") -> List[str]:
        phones = [phone(number) for number in range(count)]
        with self.client.pipeline() as batch:
            for somebody in phones:
                batch.put(somebody, {"state": label})
                batch.optin(LIST, somebody, at="2026-01-01")
        return phones

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        words = [
            sys.executable,
            WORKER,
            "--list",
            LIST,
            "--campaign",
            "spring-26",
            "--segment",
            "label.state=CA",
            "--text",
            "Hello!",
            "--state",
            os.path.join(self.folder, "state.json"),
            "--provider",
            "provider:send",
            "--rate",
            "2000",
            "--page",
            "100",
            *options,
        ]
        env = self.daemon.environment(OUTBOX=self.outbox, **environment)
        process = subprocess.Popen(
            words, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        return process

    def run_worker(self, *options: str, code: int = 0, **environment: str) -> str:
        process = self.start(*options, **environment)
        told, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, told + errors)
        return told + errors

    def held(self) -> None:
        """Waits until a worker that HOLDS is about to send its first message: it goes no further."""
        eventually(lambda: os.path.exists(os.path.join(self.folder, "held")), "the first message")

    def go_on(self) -> None:
        with open(os.path.join(self.folder, "go on"), "w", encoding="utf-8"):
            pass

    def handed(self) -> List[str]:
        """The phones whose messages the provider was handed, in order."""
        if not os.path.exists(self.outbox):
            return []
        with open(self.outbox, encoding="utf-8") as file:
            return [line.split(" ")[0] for line in file]

    def state(self) -> Dict[str, Any]:
        with open(os.path.join(self.folder, "state.json"), encoding="utf-8") as file:
            kept: Dict[str, Any] = json.load(file)
            return kept

    def test_a_whole_run(self) -> None:
        phones = self.subscribe(350)
        self.client.optout(LIST, phones[7])
        self.client.put(phone(900), {"state": "NY"})
        self.client.optin(LIST, phone(900))
        told = self.run_worker()
        self.assertIn("349 sent", told)
        self.assertEqual(sorted(self.handed()), [somebody for somebody in phones if somebody != phones[7]])
        with open(self.outbox, encoding="utf-8") as file:
            self.assertIn(f"{phones[0]} spring-26:{phones[0]} Hello!\n", file.read())
        send = next(self.client.history(phones[0], "send"))
        self.assertEqual((send.state, send.id), ("sent", f"spring-26:{phones[0]}"))
        self.assertEqual(self.client.stats()["claims_unresolved"], 0)
        # Once more: nobody gets it a second time, nor under a state file that was lost.
        self.run_worker()
        os.remove(os.path.join(self.folder, "state.json"))
        self.assertIn("349 sent before", self.run_worker())
        self.assertEqual(len(self.handed()), 349)
        self.assertIn("another run", self.run_worker("--campaign", "summer", code=2))

    def test_a_stop_takes_off_the_queue(self) -> None:
        phones = self.subscribe(100)
        process = self.start("--threads", "1", HOLDS="1")
        self.held()
        stopped = phones[50:60]
        self.client.inbound(LIST, stopped[0], "STOP")
        self.client.optout("*", stopped[1])
        self.client.suppress(stopped[2])
        self.client.suppress(stopped[3], list=LIST)
        self.client.invalid(stopped[4])
        for somebody in stopped[5:]:
            self.client.optout(LIST, somebody)
        self.go_on()
        told, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(sorted(self.handed()), sorted(set(phones) - set(stopped)))
        off = sum(int(line.split()[0]) for line in told.splitlines() if "taken off the queue" in line)
        self.assertEqual(off, 10, told)

    def test_a_list_that_is_paused(self) -> None:
        phones = self.subscribe(100)
        process = self.start(HOLDS="1")
        self.held()
        self.client.list(LIST, paused=True)
        self.go_on()
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 2)
        self.assertIn("start it again", errors)
        self.client.list(LIST, paused=False)
        self.run_worker()
        self.assertEqual(sorted(self.handed()), phones)

    def test_a_list_that_is_paused_or_unknown_at_the_start(self) -> None:
        """That is not the end of the campaign: the same run goes on later."""
        phones = self.subscribe(10)
        self.client.list(LIST, paused=True)
        self.assertIn("is paused", self.run_worker(code=2))
        self.client.unlist(LIST, force=True)
        self.assertIn("not known", self.run_worker(code=2))
        self.assertEqual(self.handed(), [])
        self.client.list(LIST, paused=False)
        self.subscribe(10)
        self.run_worker()
        self.assertEqual(sorted(self.handed()), phones)

    def test_a_list_that_is_paused_between_two_pages(self) -> None:
        """Nor is a page the last one because it is empty then."""
        ends: List[Callable[[], Any]] = [
            lambda: self.client.list(LIST, paused=True),
            lambda: self.client.unlist(LIST, force=True),
        ]
        for number, end in enumerate(ends):
            phones = self.subscribe(20)
            finds = iter(range(100))
            over = threading.Event()
            self.addCleanup(over.set)

            def heed(request: bytes) -> None:
                if request.startswith(b"FIND") and next(finds) == 1:
                    end()
                elif request.startswith(b"FEED "):
                    # The feed would tell of it, but may come too late.
                    over.wait(60)

            wire = Lossy(self.daemon.port, heed)
            self.addCleanup(wire.end)
            state = os.path.join(self.folder, f"{number}.json")
            options = ["--page", "10", "--campaign", f"spring-{number}", "--state", state]
            told = self.run_worker("--server", wire.server, *options, code=2)
            self.assertIn("is paused" if number == 0 else "was removed", told)
            self.assertEqual(sorted(self.handed()), phones[:10])
            self.client.list(LIST, paused=False)
            self.subscribe(20)
            self.run_worker(*options)
            self.assertEqual(sorted(self.handed()), phones)
            os.remove(self.outbox)

    def test_asked_to_stop(self) -> None:
        phones = self.subscribe(200)
        process = self.start("--rate", "2")
        eventually(self.handed, "the first message")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 2)
        self.assertLess(len(self.handed()), 200)
        # What was begun was finished: nothing is unknown.
        self.assertEqual(self.client.stats()["claims_unresolved"], 0)
        self.run_worker()
        self.assertEqual(sorted(self.handed()), phones)

    def test_a_worker_that_is_killed(self) -> None:
        phones = self.subscribe(300)
        for _ in range(5):
            before = len(self.handed())
            process = self.start("--rate", "150", SLOW="0.005")
            eventually(lambda: len(self.handed()) > before + 20 or process.poll() is not None, "progress")
            process.kill()
            process.wait()
        # The daemon may still be about a claim that the last one sent.
        process = self.start()
        told, errors = process.communicate(timeout=60)
        told += errors
        handed = Counter(self.handed())
        self.assertEqual(max(handed.values()), 1, "never twice")
        unknown = self.state()["unknown"]
        self.assertEqual(process.returncode, 1 if unknown else 0, told)
        self.assertEqual(set(phones) - set(handed) - set(unknown.values()), set(), "nobody is forgotten")
        for msg_id, somebody in unknown.items():
            self.assertIn(f"not known: {LIST} {somebody} {msg_id}", told)
            self.client.sent(LIST, somebody, msg_id)
        # A person has said what became of them.
        self.run_worker()
        self.assertEqual(self.state()["unknown"], {})

    def unresolved(self) -> List[str]:
        """Messages that were claimed and not told of since."""
        left = []
        for contact in self.client.export("label.state=CA"):
            newest = next(self.client.history(contact.phone_number, "send"), None)
            if newest is not None and newest.state == "claimed":
                left.append(contact.phone_number)
        return left

    def test_a_daemon_that_dies(self) -> None:
        phones = self.subscribe(400)
        process = self.start("--rate", "250")
        for step in range(1, 4):
            eventually(lambda: len(self.handed()) > 80 * step or process.poll() is not None, "progress")
            self.daemon.restart()
        told, errors = process.communicate(timeout=90)
        handed = Counter(self.handed())
        self.assertEqual(max(handed.values()), 1, "never twice")
        unknown = self.state()["unknown"]
        self.assertEqual(process.returncode, 1 if unknown else 0, errors)
        self.assertEqual(set(phones) - set(handed), set(unknown.values()), "what was not handed over is listed")
        self.assertLessEqual(len(unknown), 12)

    def test_a_daemon_that_is_gone(self) -> None:
        """What became of a message and could not be told is told by the next run."""
        self.subscribe(10)
        process = self.start("--retry", "0.3", "--threads", "1", HOLDS="1")
        self.held()
        self.daemon.kill()
        self.go_on()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 2)
        kept = self.state()["unreported"]
        self.assertEqual(len(kept), 1)
        self.assertTrue(kept[0].startswith("SENT "))
        self.daemon.start()
        self.run_worker()
        self.assertEqual((len(self.handed()), len(set(self.handed()))), (10, 10))
        self.assertEqual(self.state()["unreported"], [])

    def test_a_report_that_is_not_taken_yet(self) -> None:
        """It may be an opt-out: it is kept until contactd has looked at it."""
        kept = [f'FAILED {LIST} {phone(0)} m {{"code":21610}}', f"SENT 24399 {phone(0)} m"]
        state = {"run": {"list": LIST, "campaign": "spring-26", "segment": "label.state=CA"}, "cursor": None}
        with open(os.path.join(self.folder, "state.json"), "w", encoding="utf-8") as file:
            json.dump({**state, "done": True, "unknown": {}, "unreported": kept}, file)
        for code in ("INTERNAL", "NOAUTH", "NOPERM", "READONLY", "NEWCODE"):
            with Scripted(lambda _: f"-{code} why\r\n".encode()) as contactd:
                self.assertIn(code, self.run_worker("--server", contactd.server, code=2))
            self.assertEqual(self.state()["unreported"], kept)
        self.assertIn("does not take 'SENT 24399", self.run_worker())
        self.assertEqual(self.state()["unreported"], [])
        self.assertEqual([event.kind for event in self.client.history(phone(0), "optout")], ["optout"])

    def test_a_provider_that_refuses(self) -> None:
        phones = self.subscribe(100)
        told = self.run_worker(FAILS="refused")
        self.assertIn("10 failed with code 21610", told)
        self.assertIn("90 sent", told)
        refused = [somebody for somebody in phones if int(somebody[-4:]) % 10 == 3]
        # 21610: the person opted out with the provider.
        self.assertEqual({self.client.check(LIST, somebody).reason for somebody in refused}, {"list_opted_out"})
        self.run_worker()
        self.assertEqual(len(self.handed()), 100)

    def test_a_code_is_told_with_its_provider(self) -> None:
        phones = self.subscribe(20)
        self.assertIn("2 failed with code 9", self.run_worker(FAILS="vonage"))
        refused = [somebody for somebody in phones if int(somebody[-4:]) % 10 == 3]
        self.assertEqual({self.client.check(LIST, somebody).reason for somebody in refused}, {"list_opted_out"})

    def test_a_code_of_nobody_says_nothing(self) -> None:
        phones = self.subscribe(20)
        self.assertIn("2 failed with code 9", self.run_worker(FAILS="nobody"))
        self.assertTrue(all(self.client.check(LIST, somebody) for somebody in phones))

    def test_a_provider_that_does_not_answer(self) -> None:
        self.subscribe(50)
        told = self.run_worker(code=1, FAILS="unknown")
        self.assertIn("5 not known", told)
        self.assertEqual(len(self.state()["unknown"]), 5)
        self.assertIn("not known: ", self.run_worker(code=1))
        self.assertEqual(len(self.handed()), 50)
        for number, (msg_id, somebody) in enumerate(list(self.state()["unknown"].items())):
            tell = self.client.sent if number % 2 else self.client.failed
            tell(LIST, somebody, msg_id)
        self.run_worker()
        self.assertEqual(len(self.handed()), 50)

    def test_a_provider_that_is_broken(self) -> None:
        self.subscribe(200)
        told = self.run_worker(code=2, FAILS="all")
        self.assertIn("in a row were not sent", told)
        self.assertLess(len(self.handed()), 40)

    def test_a_provider_that_is_away(self) -> None:
        """What surely did not go out is neither lost nor listed, and no claim after the first ones is made in vain."""
        phones = self.subscribe(100)
        told = self.run_worker(code=2, FAILS="away")
        self.assertIn("was not sent: nobody listens; start it again", told)
        self.assertNotIn("not known", told)
        claimed = self.unresolved()
        self.assertEqual(sorted(self.state()["unsent"].values()), sorted(claimed))
        self.assertIn(len(claimed), range(1, 5))
        # The next run asks anew: what came since counts.
        self.client.optout(LIST, claimed[0])
        self.run_worker()
        self.assertEqual(sorted(self.handed()), [somebody for somebody in phones if somebody != claimed[0]])
        self.assertEqual((self.unresolved(), self.state()["unsent"], self.state()["unknown"]), ([], {}, {}))
        send = next(self.client.history(claimed[0], "send"))
        self.assertEqual(send.state, "failed")

    def test_what_a_person_has_told_of_is_not_tried_again(self) -> None:
        self.subscribe(1)
        self.run_worker(code=2, FAILS="away")
        self.client.sent(LIST, phone(0), f"spring-26:{phone(0)}")
        self.assertIn("1 sent before", self.run_worker())
        self.assertEqual((self.handed(), self.state()["unsent"]), ([], {}))

    def test_a_worker_that_dies_when_it_tries_again(self) -> None:
        """Then it may have gone out."""
        self.subscribe(1)
        self.run_worker(code=2, FAILS="away")
        self.run_worker(code=9, FAILS="dies")
        self.assertIn("not known", self.run_worker(code=1))
        self.assertEqual(self.handed(), [phone(0)])

    def test_a_stop_before_it_is_tried_again(self) -> None:
        self.subscribe(1)
        process = self.start(FAILS="away once")
        eventually(lambda: os.path.exists(os.path.join(self.folder, "tried")), "the first attempt")
        self.client.inbound(LIST, phone(0), "STOP")
        with open(os.path.join(self.folder, "stopped"), "w", encoding="utf-8"):
            pass
        told, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("1 no list_opted_out", told)
        self.assertEqual((self.handed(), self.unresolved(), self.state()["unsent"]), ([], [], {}))

    def test_nothing_is_claimed_that_cannot_be_sent_or_written_down(self) -> None:
        self.subscribe(10)
        told = self.run_worker("--provider", "twilio", code=2, TWILIO_AUTH_TOKEN="key")
        self.assertIn("--provider twilio needs TWILIO_ACCOUNT_SID, TWILIO_FROM in the environment", told)
        env = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "key", "TWILIO_FROM": LIST, "TWILIO_API": "api"}
        self.assertIn("unknown url type", self.run_worker("--provider", "twilio", code=2, **env))
        self.run_worker("--state", os.path.join(self.folder, "none", "state.json"), code=2)
        os.mkdir(os.path.join(self.folder, "state.json.new"))
        self.run_worker(code=2)
        self.assertEqual((self.handed(), self.unresolved()), ([], []))

    def test_two_runs_with_one_state(self) -> None:
        phones = self.subscribe(50)
        process = self.start("--rate", "2")
        eventually(self.handed, "the first message")
        self.assertIn("a run that goes on", self.run_worker(code=2))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.run_worker()
        self.assertEqual(sorted(self.handed()), phones)

    def test_two_workers(self) -> None:
        phones = self.subscribe(300)
        other = ["--state", os.path.join(self.folder, "other.json")]
        first, second = self.start("--rate", "200"), self.start("--rate", "200", *other)
        for process in (first, second):
            process.communicate(timeout=60)
        self.assertEqual(sorted(self.handed()), phones)

    def test_arguments(self) -> None:
        for options, why in (
            (("--campaign", "two words"), "no blanks"),
            (("--campaign", "x" * 49), "at most 48"),
            (("--provider", "nosuch"), "is no provider"),
            (("--server", "host:port"), "is no address"),
            (("--rate", "0"), "--rate must be above 0"),
            (("--provider", "nosuch:send"), "No module named"),
        ):
            self.assertIn(why, self.run_worker(*options, code=2))

    def test_twilio(self) -> None:
        self.subscribe(8)
        api = Twilio()
        self.addCleanup(api.end)
        told = self.run_worker(
            "--provider",
            "twilio",
            code=1,
            TWILIO_API=api.url,
            TWILIO_ACCOUNT_SID="AC1",
            TWILIO_AUTH_TOKEN="key",
            TWILIO_FROM=LIST,
            TWILIO_STATUS_CALLBACK="https://sms.example.com/status?shop=7#rc=5&rp=all",
        )
        # One is refused, one is not answered, one comes too fast at first.
        self.assertIn("6 sent", told)
        self.assertIn("1 failed with code 21211", told)
        self.assertIn("1 not known", told)
        self.assertEqual(self.client.check(LIST, phone(1)).reason, "invalid")
        form = api.forms[phone(0)]
        self.assertEqual((form["From"], form["Body"]), (LIST, "Hello!"))
        callback = urllib.parse.urlsplit(form["StatusCallback"])
        self.assertEqual(urllib.parse.parse_qs(callback.query), {"shop": ["7"], "id": [f"spring-26:{phone(0)}"]})
        self.assertEqual(callback.fragment, "rc=5&rp=all")
        reported = next(self.client.history(phone(1), "invalid"))
        self.assertEqual((reported.source, reported.reason), ("twilio", "21211"))
        self.assertEqual(api.requests[phone(3)], 2)
        self.assertEqual(api.keys, {"Basic QUMxOmtleQ=="})

    def test_what_twilio_surely_has_not_sent(self) -> None:
        api = Twilio()
        self.addCleanup(api.end)
        env = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "key", "TWILIO_FROM": LIST, "TWILIO_API": api.url}

        def send(somebody: str, url: str = api.url) -> None:
            with mock.patch.dict(os.environ, {**env, "TWILIO_API": url}):
                worker.twilio(somebody, "Hello!", "m")

        send(phone(0))
        for status in (401, 403, 404, 429, 302):
            api.answers[phone(4)] = status, "{}"
            with self.subTest(status=status), self.assertRaises(worker.NotSent):
                send(phone(4))
        for url in (f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:port"):
            with self.subTest(url=url), self.assertRaises(worker.NotSent):
                send(phone(4), url)
        nowhere = socket.gaierror(socket.EAI_NONAME, "not known")
        with mock.patch("socket.getaddrinfo", side_effect=nowhere), self.assertRaises(worker.NotSent):
            send(phone(4), "http://nowhere.invalid")
        # Something in between has answered, and not as Twilio does.
        api.answers[phone(4)] = 400, "<html>"
        with self.assertRaises(worker.Refused) as refused:
            send(phone(4))
        self.assertEqual(refused.exception.code, 400)
        api.answers[phone(4)] = 502, "<html>"
        with self.assertRaises(urllib.error.HTTPError) as unknown:
            send(phone(4))
        unknown.exception.close()


class Twilio:
    """The provider's side."""

    def __init__(self) -> None:
        self.forms: Dict[str, Dict[str, str]] = {}
        self.requests: Counter[str] = Counter()
        self.keys: Set[str] = set()
        self.answers: Dict[str, Tuple[int, str]] = {}
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                api.keys.add(self.headers["Authorization"])
                api.forms[form["To"]] = form
                api.requests[form["To"]] += 1
                status, told = 201, '{"sid":"SM1"}'
                if form["To"] == phone(1):
                    status, told = 400, '{"code":21211}'
                elif form["To"] == phone(2):
                    status = 503
                elif form["To"] == phone(3) and api.requests[form["To"]] == 1:
                    status = 429
                status, told = api.answers.get(form["To"], (status, told))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(told.encode())

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    unittest.main()
