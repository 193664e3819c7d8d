"""Redis's own programs and libraries as clients: redis-cli, redis-py, node-redis and ioredis.

The node libraries are looked for in CONTACTD_NODE_MODULES, then in NODE_PATH: `npm install --prefix DIR redis ioredis`
puts them into DIR/node_modules.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
import unittest
from typing import Any, List

from support import HERE, LIST, PATIENCE_SECONDS, Daemon, DaemonTest, missing, needs, phone

REQUESTS = [
    ["OPTIN", LIST, phone(1), '{"source":"web form 7"}'],
    ["CHECK", LIST, phone(1)],
    ["INBOUND", LIST, phone(1), '{"text":" Stop. ","id":"SM1"}'],
    ["CHECK", LIST, phone(1)],
]
REPLIES = ["1", "yes", "optout", "no list_opted_out"]


def quoted(words: List[str]) -> str:
    """As redis-cli reads a line: JSON in quotes."""
    return " ".join(f"'{word}'" if word.startswith("{") else word for word in words)


class RedisCli(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.cli = [needs("redis-cli"), "-p", str(self.daemon.port)]

    def run_cli(self, *words: str, input: str = "") -> str:
        return subprocess.run([*self.cli, *words], input=input, capture_output=True, text=True, timeout=60).stdout

    def test_arguments(self) -> None:
        told = [self.run_cli(*[word.replace(phone(1), phone(2)) for word in words]).strip() for words in REQUESTS]
        self.assertEqual(told, REPLIES)
        self.assertEqual(self.run_cli("-3", "GET", phone(3)).strip(), "")
        self.assertTrue(self.run_cli("CHECK", LIST, "nonsense").startswith("BADARG "))
        self.assertEqual(
            self.run_cli("CHECK", LIST, phone(2), phone(3)).split("\n")[:2], ["no list_opted_out", "no not_subscribed"]
        )

    def test_a_pipe(self) -> None:
        told = self.run_cli(input="".join(quoted(words) + "\n" for words in REQUESTS))
        self.assertEqual([line for line in told.splitlines() if line], REPLIES)

    def test_pipe_mode(self) -> None:
        requests = "".join(f"OPTIN {LIST} {phone(1000 + number)}\r\n" for number in range(5000))
        self.assertIn("errors: 0, replies: 5000", self.run_cli("--pipe", input=requests))
        told = self.client.check_many(LIST, (phone(1000 + number) for number in range(5000)))
        self.assertTrue(all(verdict for _, verdict in told))

    def test_interactively(self) -> None:
        screen, terminal = pty.openpty()
        env = {**os.environ, "TERM": "dumb", "HOME": "/nonexistent"}
        with subprocess.Popen(
            self.cli, stdin=terminal, stdout=terminal, stderr=terminal, env=env, close_fds=True
        ) as talk:
            os.close(terminal)
            shown = b""
            for words, reply in (
                ([*REQUESTS[0][:2], phone(4)], b"(integer) 1"),
                (["CHECK", LIST, phone(4)], b"yes"),
                (["quit"], b""),
            ):
                os.write(screen, quoted(words).encode() + b"\r")
                started = time.monotonic()
                while reply not in shown and time.monotonic() - started < PATIENCE_SECONDS:
                    shown += os.read(screen, 4096)
                self.assertIn(reply, shown)
                shown = b""
            talk.wait(PATIENCE_SECONDS)
        os.close(screen)


class RedisPy(unittest.TestCase):
    def setUp(self) -> None:
        try:
            import redis
        except ImportError:
            missing("python's redis")
        self.redis: Any = redis
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)

    def connect(self, **settings: Any) -> Any:
        # After seconds without a reply it would send all of a pipeline again, and be told that nothing has changed.
        client = self.redis.Redis(port=self.daemon.port, **{"socket_timeout": PATIENCE_SECONDS, **settings})
        self.addCleanup(client.close)
        return client

    def test_with_its_defaults(self) -> None:
        ask = self.connect().execute_command
        self.assertEqual(ask("LIST", LIST), b"created")
        self.assertEqual([ask(*words) for words in REQUESTS], [1, b"yes", b"optout", b"no list_opted_out"])
        self.assertIsNone(ask("GET", phone(2)))
        self.assertEqual(ask("CHECK", LIST, phone(1), phone(2)), [b"no list_opted_out", b"no not_subscribed"])
        self.assertEqual(ask("ECHO", "a b"), b"a b")
        with self.assertRaises(self.redis.ResponseError) as raised:
            ask("CHECK", LIST, "nonsense")
        self.assertTrue(str(raised.exception).startswith("BADARG "))
        self.assertTrue(self.connect().ping())

    def test_resp_3_and_text(self) -> None:
        ask = self.connect(protocol=3, decode_responses=True).execute_command
        ask("LIST", LIST)
        self.assertEqual([ask(*words) for words in REQUESTS], [1, "yes", "optout", "no list_opted_out"])
        self.assertIsNone(ask("GET", phone(2)))

    def test_pipelines(self) -> None:
        client = self.connect(decode_responses=True)
        client.execute_command("LIST", LIST)
        pipeline = client.pipeline(transaction=False)
        for number in range(2000):
            pipeline.execute_command("OPTIN", LIST, phone(number))
            pipeline.execute_command("CHECK", LIST, phone(number))
        replies = pipeline.execute()
        self.assertEqual((set(replies[::2]), set(replies[1::2])), ({1}, {"yes"}))
        pipeline.execute_command("CHECK", LIST, "nonsense")
        pipeline.execute_command("CHECK", LIST, phone(1))
        error, verdict = pipeline.execute(raise_on_error=False)
        self.assertIsInstance(error, self.redis.ResponseError)
        self.assertEqual(verdict, "yes")

    def test_a_restart(self) -> None:
        ask = self.connect(decode_responses=True).execute_command
        ask("LIST", LIST), ask("OPTIN", LIST, phone(1))
        self.daemon.restart()
        self.assertEqual(ask("CHECK", LIST, phone(1)), "yes")

    def test_a_token(self) -> None:
        tokens = os.path.join(self.daemon.dir, "tokens")
        with open(tokens, "w", encoding="utf-8") as file:
            file.write("read read-0123456789abcdef\n")
        daemon = Daemon("--tokens", tokens)
        self.addCleanup(daemon.end)
        client = self.redis.Redis(port=daemon.port, password="read-0123456789abcdef")
        self.addCleanup(client.close)
        self.assertEqual(client.execute_command("CHECK", LIST, phone(1)), b"no unknown_list")


class Node(unittest.TestCase):
    def run_script(self, library: str, script: str) -> None:
        node = needs("node")
        modules = os.environ.get("CONTACTD_NODE_MODULES") or os.environ.get("NODE_PATH", "")
        if not any(os.path.isdir(os.path.join(folder, library)) for folder in modules.split(os.pathsep) if folder):
            missing(f"node's {library}")
        daemon = Daemon()
        self.addCleanup(daemon.end)
        words = [node, os.path.join(HERE, script), str(daemon.port)]
        env = {**os.environ, "NODE_PATH": modules}
        told: List[Any] = []
        with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            try:
                assert program.stdin is not None and program.stdout is not None
                for line in program.stdout:
                    told.append(json.loads(line))
                    if told[-1] == "restart":
                        daemon.restart()
                        program.stdin.write("\n")
                        program.stdin.flush()
                self.assertEqual(program.wait(PATIENCE_SECONDS), 0)
            finally:
                program.kill()
        expected = [
            "PONG",
            "created",
            1,
            "yes",
            ["yes", "no not_subscribed"],
            None,
            "active",
            "optout",
            "BADARG",
            ["yes"],
            "restart",
            "no list_opted_out",
        ]
        self.assertEqual(told, expected)

    def test_node_redis(self) -> None:
        self.run_script("redis", "node_redis.js")

    def test_ioredis(self) -> None:
        self.run_script("ioredis", "ioredis.js")


if __name__ == "__main__":
    unittest.main()
