"""The examples of README.md and clients/README.md are run, one after another, against a daemon for each file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import List, Tuple

from support import CLIENTS, Daemon, free_port, missing, needs

CALLS = {
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "js": ["node", "-e"],
}


ROOT = os.path.dirname(CLIENTS)


def blocks(path: str) -> List[Tuple[str, str, str]]:
    """The examples of a file: language, text, and what is said behind it."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```(\w+)\n(.*?)^```$(?=\n*([^\n]*))", file.read(), re.M | re.S)


class Readme(unittest.TestCase):
    def test_what_the_project_shows_holds(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        for program in ("nc", "redis-cli"):
            needs(program)
        shown = blocks(os.path.join(ROOT, "README.md"))
        examples = [(text, behind) for language, text, behind in shown if language == "sh" and "cargo" not in text]
        self.assertGreater(len(examples), 4)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(ROOT, "src", "cli", "demo", "contacts.csv"), folder)
            os.symlink(os.environ["CONTACTD_BIN"], os.path.join(folder, "contactd"))
            env = daemon.environment(PATH=folder + os.pathsep + os.environ["PATH"])
            for text, behind in examples:
                text = text.replace("7164", str(daemon.port))
                words = [*CALLS["sh"], text]
                run = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
                with self.subTest(example=text):
                    self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                    self.assertNotRegex(run.stdout + run.stderr, r"(?m)^-|ERR |BADARG|NOLIST")
                    self.assertNotEqual(run.stdout, "")
                    if behind.startswith("answers "):
                        replies = re.findall(r"`(.*?)`", behind.split(".")[0])
                        self.assertEqual(run.stdout.splitlines(), replies)

    def test_every_example_runs(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        modules = os.environ.get("CONTACTD_NODE_MODULES") or os.environ.get("NODE_PATH", "")
        for program in ("redis-cli", "node"):
            needs(program)
        try:
            import redis  # noqa: F401
        except ImportError:
            missing("python's redis")
        if not os.path.isdir(os.path.join(modules.split(os.pathsep)[0], "ioredis")):
            missing("node's ioredis")
        told = {}
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(CLIENTS):
                if os.path.isfile(os.path.join(CLIENTS, name)):
                    shutil.copy(os.path.join(CLIENTS, name), folder)
            for language, text, _ in blocks(os.path.join(CLIENTS, "README.md")):
                # What serves for ever is ended.
                serves = "./webhook.py" in text
                words = [
                    *(["timeout", "2"] if serves else []),
                    *CALLS[language],
                    text.replace("7164", str(daemon.port)).replace("8099", str(free_port())),
                ]
                env = daemon.environment(NODE_PATH=modules)
                run = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
                with self.subTest(example=text):
                    self.assertEqual(run.returncode, 124 if serves else 0, run.stdout + run.stderr)
                    self.assertNotRegex(run.stdout + run.stderr, r"(?m)^-|ERR |BADARG|NOLIST")
                told[text.splitlines()[0]] = run.stdout
        python = told["from contactd import Client, ContactdError"]
        self.assertEqual(python.splitlines(), ["send", "['yes', 'no not_subscribed']"])
        self.assertEqual(
            told["source ./contactd.sh"].splitlines(), ["send", "send", "not to this one: no not_subscribed"]
        )
        for first_line, text in told.items():
            if re.search(r"redis['\")]|import redis", first_line):
                self.assertEqual(text.lower(), "true\n", first_line)

    def test_every_client_has_its_place(self) -> None:
        with open(os.path.join(CLIENTS, "README.md"), encoding="utf-8") as file:
            text = file.read()
        for name in os.listdir(CLIENTS):
            if name.endswith((".py", ".sh")):
                self.assertIn(f"\n## {name}\n", text)


if __name__ == "__main__":
    unittest.main()
