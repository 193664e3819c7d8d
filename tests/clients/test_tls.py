"""TLS, with the certificates that docs/operating.md tells how to make: contactd.py and its command, worker.py,
redis-py and ioredis; and what contactd.sh says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from typing import Any, ClassVar, Dict, List

from support import CLIENTS, HERE, LIST, Daemon, free_port, missing, needs, phone

from contactd import Client, ContactdError, NoAuth, ProtocolError

TOKEN = "write-0123456789abcdef"


def make_certificates(folder: str) -> None:
    """Runs the commands of docs/operating.md."""
    needs("openssl")
    with open(os.path.join(HERE, "..", "..", "docs", "operating.md"), encoding="utf-8") as page:
        section = page.read().partition("\n## TLS\n")[2].partition("\n## ")[0]
    found = re.search(r"```sh\n(.*?openssl.*?)```", section, re.DOTALL)
    assert found is not None
    subprocess.run(["bash", "-euc", found.group(1)], cwd=folder, check=True, capture_output=True)


class Tls(unittest.TestCase):
    daemon: ClassVar[Daemon]
    folder: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        make_certificates(cls.folder)
        with open(cls.file("tokens"), "w", encoding="utf-8") as tokens:
            tokens.write(f"write {TOKEN}\n")
        cls.port = free_port()
        cls.server = f"tls:localhost:{cls.port}"
        cls.daemon = Daemon(
            "--listen", f"tls:127.0.0.1:{cls.port}", "--tls-cert-file", cls.file("server.pem"),
            "--tls-key-file", cls.file("server.key"), "--tokens", cls.file("tokens"),
        )
        cls.addClassCleanup(cls.daemon.end)
        cls.ca = cls.file("ca.pem")
        with Client.at(cls.server, token=TOKEN, ca_file=cls.ca) as client:
            client.list(LIST)

    @classmethod
    def file(cls, name: str) -> str:
        return os.path.join(cls.folder, name)

    def client(self, **settings: Any) -> Client:
        client = Client.at(self.server, **{"token": TOKEN, "ca_file": self.ca, **settings})
        self.addCleanup(client.close)
        return client

    def environment(self, **more: str) -> Dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CONTACTD_")}
        tls = {"CONTACTD_SERVER": self.server, "CONTACTD_TOKEN": TOKEN, "CONTACTD_CA_FILE": self.ca}
        return {**kept, **tls, **more}

    def test_every_kind_of_request(self) -> None:
        client = self.client()
        self.assertTrue(client.optin(LIST, phone(1)))
        self.assertTrue(client.check(LIST, phone(1)))
        # More than every buffer between the two holds.
        with client.pipeline() as batch:
            verdicts = [batch.check(LIST, phone(1)) for _ in range(50_000)]
        self.assertTrue(all(verdict.get() for verdict in verdicts))
        client.put(phone(2), {"note": "x" * 2000})
        with client.pipeline() as batch:
            contacts = [batch.get(phone(2)) for _ in range(2_000)]
        self.assertEqual({len(contact.get().labels["note"]) for contact in contacts}, {2000})
        self.assertLessEqual({phone(1), phone(2)}, {contact.phone_number for contact in client.export()})
        with client.feed() as feed:
            client.optout(LIST, phone(1))
            self.assertEqual(next(feed).phone, phone(1))
        self.assertFalse(client.check(LIST, phone(1)))

    def test_a_client_stays_connected(self) -> None:
        client = self.client()
        client.ping()
        connection = client._connection
        for _ in range(3):
            client.ping()
        self.assertIs(client._connection, connection, "what TLS says itself is no reply")

    def test_names_and_urls(self) -> None:
        by_name = Client("localhost", self.port, token=TOKEN, tls=True, ca_file=self.ca)
        for client in (
            by_name,
            by_name.clone(),
            Client.at(f"contactds://:{TOKEN}@localhost:{self.port}", ca_file=self.ca),
            Client.at(f"rediss://default:{TOKEN}@localhost:{self.port}/0", ca_file=self.ca),
            Client.at(f"tls:127.0.0.1:{self.port}", token=TOKEN, ca_file=self.ca),
            Client.at(f"contactd://:{TOKEN}@{self.daemon.server}"),
        ):
            with client:
                client.ping()
        for wrong in ("http://localhost", "contactds://localhost/x", "tls:", "tls:host:port"):
            with self.assertRaises(ValueError):
                Client.at(wrong)

    def test_whom_it_does_not_trust(self) -> None:
        # The system knows nothing of this authority. Waiting does not mend that, so it is told at once.
        for client in (self.client(ca_file=None), Client.at(f"tls:{self.daemon.server}", ca_file=self.ca)):
            with client, self.assertRaises(ProtocolError) as raised:
                client.ping()
            self.assertFalse(raised.exception.retryable)
            self.assertIn("no TLS with", str(raised.exception))
        with self.assertRaises(NoAuth):
            self.client(token="wrong-0123456789abcdef").ping()
        with self.assertRaises(OSError):
            self.client(ca_file="/does/not/exist")
        # A plain client on the encrypted port.
        with Client("127.0.0.1", self.port, retry=0) as plain, self.assertRaises(ContactdError):
            plain.ping()

    def test_a_restart(self) -> None:
        client = self.client()
        client.optin(LIST, phone(7))
        self.daemon.restart()
        self.assertTrue(client.check(LIST, phone(7)))

    def run_program(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words, env=self.environment(**environment), cwd=self.folder, capture_output=True, text=True, timeout=60
        )

    def test_the_command(self) -> None:
        program = os.path.join(CLIENTS, "contactd.py")
        self.client().optin(LIST, phone(8))
        told = self.run_program(sys.executable, program, "check", LIST, phone(8))
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        told = self.run_program(sys.executable, program, "check", LIST, phone(8), CONTACTD_CA_FILE="")
        self.assertEqual(told.returncode, 2)
        self.assertIn("no TLS with", told.stderr)
        told = self.run_program(sys.executable, program, "--ca-file", self.ca, "check", LIST, phone(8), CONTACTD_CA_FILE="")
        self.assertEqual(told.returncode, 0, told.stderr)

    def test_the_worker(self) -> None:
        self.client().optin(LIST, phone(9))
        told = self.run_program(
            sys.executable, os.path.join(CLIENTS, "worker.py"), "--list", LIST, "--campaign", "tls", "--text", "Hello",
            "--state", self.file("state"), "--ca-file", self.ca, "--rate", "1000", CONTACTD_CA_FILE="",
        )
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn(phone(9), told.stdout + told.stderr)

    def test_the_shell_client_says_what_to_do(self) -> None:
        told = self.run_program("bash", os.path.join(CLIENTS, "contactd.sh"), "PING")
        self.assertEqual(told.returncode, 2)
        self.assertIn("contactd call", told.stderr)
        self.assertIn(f"OPENSSL:localhost:{self.port},cafile=FILE", told.stderr)

    def test_redis_py(self) -> None:
        try:
            import redis
        except ImportError:
            missing("python's redis")
        options: Dict[str, Any] = {"decode_responses": True, "ssl_ca_certs": self.ca, "password": TOKEN}
        kind: Any = redis
        with kind.Redis(host="localhost", port=self.port, ssl=True, **options) as client:
            client.execute_command("OPTIN", LIST, phone(10))
            self.assertEqual(client.execute_command("CHECK", LIST, phone(10)), "yes")
        with kind.Redis.from_url(f"rediss://localhost:{self.port}", **options) as client:
            self.assertEqual(client.execute_command("CHECK", LIST, phone(10)), "yes")
        with kind.Redis(host="localhost", port=self.port, ssl=True, password=TOKEN) as client:
            with self.assertRaises(kind.ConnectionError):
                client.ping()

    def test_ioredis(self) -> None:
        node = needs("node")
        modules = os.environ.get("CONTACTD_NODE_MODULES") or os.environ.get("NODE_PATH", "")
        if not any(os.path.isdir(os.path.join(folder, "ioredis")) for folder in modules.split(os.pathsep) if folder):
            missing("node's ioredis")
        script = """
            const [, port, ca, token, list, phone] = process.argv;
            const tls = { ca: require('fs').readFileSync(ca) };
            const client = new (require('ioredis'))({ host: 'localhost', port, tls, password: token, enableReadyCheck: false });
            client.call('OPTIN', list, phone).then(() => client.call('CHECK', list, phone))
              .then((verdict) => { console.log(JSON.stringify(verdict)); return client.quit(); });
        """
        told = self.run_program(
            node, "-e", script, str(self.port), self.ca, TOKEN, LIST, phone(11), NODE_PATH=modules
        )
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(json.loads(told.stdout), "yes")


class ClientCertificates(unittest.TestCase):
    """A daemon that wants one."""

    def test_with_and_without(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            make_certificates(folder)
            file = lambda name: os.path.join(folder, name)  # noqa: E731
            port = free_port()
            daemon = Daemon(
                "--listen", f"tls:127.0.0.1:{port}", "--tls-cert-file", file("server.pem"),
                "--tls-key-file", file("server.key"), "--tls-auth-clients", "required",
                "--tls-ca-cert-file", file("ca.pem"),
            )
            self.addCleanup(daemon.end)
            # Whichever it is, it is the authority's; and one file may have both.
            with open(file("both.pem"), "w", encoding="utf-8") as both:
                for name in ("server.pem", "server.key"):
                    with open(file(name), encoding="utf-8") as part:
                        both.write(part.read())
            shown: List[Dict[str, str]] = [
                {"cert_file": file("server.pem"), "key_file": file("server.key")}, {"cert_file": file("both.pem")},
            ]
            for certificate in shown:
                with Client.at(f"tls:localhost:{port}", ca_file=file("ca.pem"), **certificate) as client:
                    client.ping()
            with Client.at(f"tls:localhost:{port}", ca_file=file("ca.pem"), retry=0) as client:
                with self.assertRaises(ContactdError):
                    client.ping()


if __name__ == "__main__":
    unittest.main()
