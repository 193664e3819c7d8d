"""`pip install ./clients`: what a program gets from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Sequence

from support import CLIENTS, LIST, DaemonTest, missing

USE = """
from contactd import Client, Verdict


def may_send(client: Client, phone: str) -> bool:
    verdict: Verdict = client.check("24365", phone)
    return bool(verdict)
"""


class Package(DaemonTest):
    def run_in(self, folder: str, words: Sequence[str], **variables: str) -> "subprocess.CompletedProcess[str]":
        """Runs a program where no other contactd can be imported."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            words, cwd=folder, env={**environment, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True,
        )

    def test_it_installs_a_typed_package_and_a_command(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = self.run_in(folder, [sys.executable, "-m", "venv", "venv"])
            if made.returncode != 0:
                missing("python3-venv")
            # A build writes beside its sources.
            shutil.copytree(CLIENTS, os.path.join(folder, "clients"))
            python = os.path.join(folder, "venv", "bin", "python3")
            installed = self.run_in(folder, [python, "-m", "pip", "install", "--quiet", "./clients"])
            if "hatchling" in installed.stdout:
                missing("hatchling, which builds the package: " + installed.stdout)
            self.assertEqual(installed.returncode, 0, installed.stdout)

            command = os.path.join(folder, "venv", "bin", "contactd-py")
            server = f"127.0.0.1:{self.daemon.port}"
            told = self.run_in(folder, [command, "list", LIST, "--name", "Spring sale"], CONTACTD_SERVER=server)
            self.assertEqual(told.returncode, 0, told.stdout)

            where = self.run_in(folder, [python, "-c", "import contactd; print(contactd.__file__)"]).stdout.strip()
            self.assertTrue(where.endswith("/contactd/__init__.py"), where)
            with open(where, encoding="utf-8") as package, open(os.path.join(CLIENTS, "contactd.py"), encoding="utf-8") as file:
                self.assertEqual(package.read(), file.read(), "it is the one file")

            try:
                import mypy  # noqa: F401
            except ImportError:
                missing("mypy")
            with open(os.path.join(folder, "use.py"), "w", encoding="utf-8") as use:
                use.write(USE)
            shutil.rmtree(os.path.join(folder, "clients"))
            checked = self.run_in(
                folder, [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", "cache", "use.py"],
            )
            self.assertEqual(checked.returncode, 0, checked.stdout)


if __name__ == "__main__":
    unittest.main()
