"""The console in a real browser: the walk of a person by clicks, forms without JavaScript, hostile texts, accessibility.

Needs chromium, chromedriver and selenium; CONTACTD_NODE_MODULES is where axe-core is. tests/suite/browser.rs runs it.
"""

import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

BIN = os.environ["CONTACTD_BIN"]
CHROMIUM, DRIVER = os.environ["CONTACTD_CHROMIUM"], os.environ["CONTACTD_CHROMEDRIVER"]
AXE = pathlib.Path(os.environ["CONTACTD_NODE_MODULES"], "axe-core", "axe.min.js")
ROUTES = pathlib.Path(__file__).parents[2] / "src" / "console" / "mod.rs"
LIST, ALERTS, ADA, BEN = "+14155550100", "24365", "+14155550123", "+14155550124"
HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'"
PATIENCE = 60
# What an element, or a script, meets while its page goes away or comes.
GONE = (
    NoSuchElementException,
    StaleElementReferenceException,
    ElementNotInteractableException,
    ElementClickInterceptedException,
    JavascriptException,
)


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Daemon:
    def __init__(self, *arguments):
        self.directory = tempfile.TemporaryDirectory()
        self.address, self.console = free_address(), free_address()
        data = os.path.join(self.directory.name, "data")
        command = [BIN, "serve", "--listen", self.address, "--http", self.console, "--data-dir", data, *arguments]
        self.log = open(os.path.join(self.directory.name, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stderr=self.log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://{self.console}/readyz").close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def ask(self, *lines, token=None):
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port))) as wire:
            if token:
                lines = (f"AUTH {token}", *lines)
            wire.sendall(("\n".join(lines) + "\n").encode())
            replies = wire.makefile("r", encoding="utf-8", newline="\r\n")
            return [replies.readline().rstrip("\r\n") for _ in lines]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.directory.cleanup()


def browser(javascript=True):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]:
        options.add_argument(argument)
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


def there(ask):
    """What `ask` comes to; None where its page went away meanwhile, which the driver has no error of its own for at times."""
    try:
        return ask()
    except GONE:
        return None
    except WebDriverException as why:
        if "does not belong to the document" in str(why):
            return None
        raise


class Case(unittest.TestCase):
    arguments = ()
    javascript = True

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.arguments)
        cls.addClassCleanup(cls.daemon.close)
        cls.browser = browser(cls.javascript)
        cls.addClassCleanup(cls.browser.quit)

    def open(self, path):
        self.browser.get(f"http://{self.daemon.console}{path}")

    def text(self):
        # A page that is just going away has no text.
        return there(lambda: self.browser.find_element(By.TAG_NAME, "body").text) or ""

    def once(self, act, message):
        """What `act` comes to, as soon as its page is there and stays: pages bring themselves up to date."""
        came = []
        self.until(lambda: came.append(act()) or True, message)
        return came[0]

    def on(self, by, what, act):
        """Does something with an element, as soon as it is there and can be used."""
        return self.once(lambda: act(self.browser.find_element(by, what)), f"{what} is there")

    def active(self, act):
        """Does something with the element that has the focus."""
        return self.once(lambda: act(self.browser.switch_to.active_element), "something has the focus")

    def click(self, css):
        self.on(By.CSS_SELECTOR, css, lambda found: found.click())

    def link(self, words):
        self.on(By.PARTIAL_LINK_TEXT, words, lambda found: found.click())

    def button(self, words):
        self.on(By.XPATH, f"//button[contains(., '{words}')]", lambda found: found.click())

    def until(self, condition, message):
        """Waits until something holds. It is asked again where its page went away meanwhile."""
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: there(condition), message)

    def says(self, *words):
        for word in words:
            self.until(lambda: word in self.text(), f"{word!r} is on {self.browser.current_url}")

    def fill(self, field, value):
        def write(found):
            found.clear()
            found.send_keys(value)

        self.on(By.ID, field, write)

    def choose(self, field, words):
        self.on(By.ID, field, lambda found: Select(found).select_by_visible_text(words))

    def value(self, word, words):
        row = f"//dl[@class='words']/div[contains(., '“{word}”')]//select"
        self.on(By.XPATH, row, lambda found: Select(found).select_by_visible_text(words))

    def look(self, scheme, width):
        """Light or dark, and as wide as a screen."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def is_for_everybody(self, page):
        """Whether axe finds nothing on the page that is open, and nobody has to scroll sideways."""

        def violations():
            self.browser.execute_script(AXE.read_text(encoding="utf-8"))
            return self.browser.execute_async_script(
                "const done = arguments[0]; axe.run().then(found => done(found.violations), why => done([String(why)]))"
            )

        found = self.once(violations, f"axe has looked at {page}")
        self.assertEqual(found, [], f"{page}: {json.dumps(found, indent=1)[:4000]}")
        wide, width = self.browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        self.assertLessEqual(wide, width, f"{page} is wider than the screen")

    def upload(self, path):
        self.open("/imports")
        self.on(By.ID, "file", lambda found: found.send_keys(path))
        self.button("Look at it")
        self.until(lambda: "The file" in self.text(), "the columns are asked about")
        return self.browser.current_url.removeprefix(f"http://{self.daemon.console}")


def fill(daemon):
    """A list with a person who was sent a message, clicked and bought, and one who opted out."""
    told = daemon.ask(
        f'LIST {LIST} {{"name":"Spring sale"}}',
        f'LIST {ALERTS} {{"name":"Alerts"}}',
        f'IMPORT {LIST} {{"phone":"{ADA}","labels":{{"state":"CA"}},"source":"contacts.csv","subscribed_at":"2026-04-01"}}',
        f'IMPORT {LIST} {{"phone":"{BEN}","labels":{{"state":"NY"}},"subscribed_at":"2026-04-01"}}',
        f"SENT {LIST} {ADA} m-1",
        f'CLICK {LIST} {ADA} {{"message":"m-1","id":"c-1","url":"https://example.com/sale"}}',
        f'CONVERT {LIST} {ADA} 49.90 {{"message":"m-1","id":"o-1"}}',
        f"SENT {LIST} {BEN} m-2",
        f'INBOUND {LIST} {BEN} {{"text":"Stop!","id":"i-1"}}',
        f'INBOUND {LIST} {ADA} {{"text":"wrong number?","id":"i-2"}}',
    )
    assert not [reply for reply in told if reply.startswith("-")], told


class Walk(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.daemon)

    def test_from_the_lists_to_a_contact(self):
        self.open("/")
        self.says("1 reply may want out")
        self.link("Sending Lists")
        self.link("Spring sale")
        self.says("contacts, the newest first", "no: opted out")
        self.link(ADA)
        self.says("May I send?", "Spring sale", "yes", "state: CA", "Message m-1", "converted")
        self.says("https://example.com/sale", "49.9", "Wrote “wrong number?”")
        self.open(f"/lists/{LIST}/trends")
        self.says("2 messages and ", "opt-outs in 30 days", BEN)

    def test_a_stop_shows_while_the_page_is_open(self):
        phone = "+14155550130"
        self.daemon.ask(f'OPTIN {LIST} {phone} {{"at":"2026-04-01"}}')
        self.open(f"/contacts/{phone}")
        self.says("● yes")
        self.daemon.ask(f'INBOUND {LIST} {phone} {{"text":"STOP"}}')
        self.until(lambda: "no: opted out" in self.text(), "the page does not show the STOP")
        self.says("Wrote “STOP”")

    def test_nothing_comes_from_elsewhere_and_nothing_is_reported(self):
        self.browser.get_log("browser")
        for path in PAGES:
            self.open(path)
            names = self.browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
            self.assertEqual([name for name in names if not name.startswith(f"http://{self.daemon.console}/")], [], path)
        self.assertEqual(self.browser.get_log("browser"), [])

    def test_by_keyboard_alone(self):
        phone = "+14155550131"
        self.daemon.ask(f'OPTIN {LIST} {phone} {{"at":"2026-04-01"}}')
        self.open("/")
        self.on(By.TAG_NAME, "body", lambda found: found.send_keys("/"))
        self.active(lambda found: found.send_keys(phone, Keys.ENTER))
        self.until(lambda: self.browser.current_url.endswith(phone), "the search leads to the contact")
        self.says("May I send?")
        for _ in range(60):
            self.active(lambda found: found.send_keys(Keys.TAB))
            if self.active(lambda found: found.text) == f"Opt out of {LIST}":
                break
        self.active(lambda found: found.send_keys(Keys.ENTER))
        self.until(lambda: "is opted out of" in self.text(), "the form was sent")
        self.until(lambda: self.active(lambda found: found.get_attribute("id")) == "said", "what came of it has the focus")
        self.assertEqual(self.daemon.ask(f"CHECK {LIST} {phone}"), ["+no list_opted_out"])


PAGES = [
    "/",
    "/lists",
    f"/lists/{LIST}",
    f"/lists/{LIST}/trends",
    f"/lists/{LIST}/settings",
    "/contacts?label=state&value=CA",
    f"/contacts/{ADA}",
    f"/contacts/{BEN}",
    "/imports",
    f"/imports?list={LIST}",
    "/inbox",
    "/activity",
    "/clean?plan=new",
    "/system",
]


class Everybody(Case):
    """Accessibility, light and dark, wide and narrow."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.daemon)

    def imports(self):
        """Imports that wait for answers, that were tried, and that are done."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = sheet(directory.name)
        asked, tried, done = (self.upload(path) for _ in range(3))
        for import_, words in [(asked, None), (tried, "opted out"), (done, "opted out")]:
            self.open(import_)
            self.choose("list", f"Spring sale {LIST}")
            self.choose("c1", "the phone")
            self.choose("c2", "opt-outs: yes means out")
            self.button("Read again")
            self.until(lambda: "“vielleicht”" in self.text(), "a word is asked about")
            if words:
                self.value("vielleicht", words)
                self.choose("rest", "not used")
                self.button("Dry run")
                self.until(lambda: "Dry run: nothing was changed" in self.text(), "the dry run is done")
        self.button("of 40 rows")
        self.until(lambda: "Report" in self.text(), "the import is done")
        return [asked, tried, done]

    def test_axe_finds_nothing(self):
        paths = [*PAGES, *self.imports(), "/login", "/login?ended=token", "/contacts?filter=colour%3Dred", "/nothing"]
        routes = re.findall(r'\.route\("([^"]+)", get\(', ROUTES.read_text(encoding="utf-8"))
        pages = [route for route in routes if route not in NO_PAGES]
        self.assertGreater(len(pages), 12)
        for route in pages:
            pattern = re.compile(re.sub(r"\{[a-z]+\}", "[^/?]+", route) + r"(\?.*)?")
            self.assertTrue(any(pattern.fullmatch(path) for path in paths), f"nobody looks at {route}")
        for scheme, width in LOOKS:
            self.look(scheme, width)
            for path in paths:
                self.open(path)
                self.is_for_everybody(f"{path}, {scheme}, {width} px wide")

    def test_axe_finds_nothing_while_an_import_goes_on(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "contacts.csv")
        # On a fast machine a small import is over before anybody sees it.
        for rows in [20_000, 200_000, 1_000_000]:
            with open(path, "w", encoding="utf-8") as file:
                file.write("phone\n")
                file.writelines(f"+1415{2000000 + number}\n" for number in range(rows))
            self.upload(path)
            self.choose("list", f"Spring sale {LIST}")
            self.button("Read again")
            self.button("Dry run")
            self.until(lambda: "Dry run: nothing was changed" in self.text(), "the dry run is done")
            self.button("Import ")
            self.until(lambda: re.search("Import goes on|Report", self.text()), "the import goes on, or is over")
            # The page stays as it is for as long as its daemon says nothing.
            self.daemon.process.send_signal(signal.SIGSTOP)
            try:
                if "Import goes on" in self.text():
                    for scheme, width in LOOKS:
                        self.look(scheme, width)
                        self.is_for_everybody(f"an import that goes on, {scheme}, {width} px wide")
                    return
            finally:
                self.daemon.process.send_signal(signal.SIGCONT)
        self.fail("every import was over before its page came")


LOOKS = [(scheme, width) for scheme in ["light", "dark"] for width in [1280, 320]]
# Routes that give something else than a page.
NO_PAGES = ["/contacts/count", "/contacts/export", "/imports/{id}/rejects", "/assets/{file}", "/healthz", "/readyz"]


def sheet(directory):
    """A damaged spreadsheet, as a German Excel saves it: phones that are missing or none, opt-outs in words, Latin-1."""
    rows = ["Vorname;Handy;Abgemeldet;Ort;Notiz"]
    for number in range(40):
        phone = f"+1415555{2000 + number}"
        if number % 10 == 7:
            phone = ""
        if number % 10 == 9:
            phone = "12345"
        out = ["nein", "ja", "nein", "vielleicht"][number % 4]
        note = HOSTILE.replace('"', '""') if number == 4 else f"n{number}"
        rows.append(f'{["Jörg", "Käthe"][number % 2]};{phone};{out};{["Köln", "Zürich"][number % 2]};"{note}"')
    path = os.path.join(directory, "Kunden März <b>.csv")
    with open(path, "w", encoding="latin-1", newline="\r\n") as file:
        file.write("\n".join(rows) + "\n")
    return path


class Import(Case):
    """A damaged spreadsheet by clicks, up to the rejected rows."""

    def test_a_damaged_spreadsheet(self):
        told = self.daemon.ask(f'LIST {LIST} {{"name":"Spring sale"}}', f"OPTOUT {LIST} +14155552000")
        self.assertEqual(told, ["+created", ":1"])
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.upload(sheet(directory.name))
        self.says("Kunden März <b>.csv", "Vorname: Say what this is.", "Köln 20 · Zürich 20", "nein 20 · ja 10 · vielleicht 10")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main b, main img"), [], "cells are shown as typed")

        # Nothing is tried while something is open.
        self.button("Dry run")
        self.until(lambda: "Not done: something must be said first" in self.text(), "the page says so")
        self.choose("list", f"Spring sale {LIST}")
        self.choose("c1", "the phone")
        self.choose("c2", "opt-outs: yes means out")
        self.choose("c3", "a label, which forbids nothing")
        self.choose("rest", "a label, which forbids nothing: I have looked at them")
        self.button("Read again")
        self.until(lambda: "Say what each word means." in self.text(), "a word in it is not known")
        self.assertEqual(self.on(By.ID, "c1", lambda found: found.get_attribute("value")), "phone")
        self.assertNotIn("“ja”", self.text(), "yes in another language is known")
        self.value("vielleicht", "opted out")
        self.button("Dry run")
        self.until(lambda: "Dry run: nothing was changed" in self.text(), "the dry run is done")
        self.says("would be imported")
        self.assertEqual(self.daemon.ask(f"COUNT list={LIST}"), [":0"], "nothing was changed")
        self.button("of 40 rows")
        self.until(lambda: "Report" in self.text(), "the import is done")
        self.says("kept as: opted out", "rejected", "What to do", "Download the rejected rows", "4")
        yes, joerg = self.daemon.ask(f"COUNT eligible={LIST}", f"COUNT list={LIST} label.vorname=Jörg label.ort=Köln")
        self.assertEqual((yes, joerg), (":19", ":19"), "those with nein, but for the one who had opted out")
        checks = self.daemon.ask(*(f"CHECK {LIST} +1415555{number}" for number in [2000, 2001, 2002, 2003]))
        self.assertEqual(checks, ["+no list_opted_out", "+no list_opted_out", "+yes", "+no list_opted_out"])

        href = self.on(By.LINK_TEXT, "Download the rejected rows", lambda found: found.get_attribute("href"))
        cookie = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in self.browser.get_cookies())
        with urllib.request.urlopen(urllib.request.Request(href, headers={"Cookie": cookie})) as reply:
            rejected = reply.read().decode("utf-8-sig").splitlines()
        self.assertEqual(rejected[0], "Vorname;Handy;Abgemeldet;Ort;Notiz;line;reason;column")
        self.assertEqual(len(rejected), 9, rejected)

        self.open("/imports")
        self.says("Kunden März <b>.csv", "done", "40")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main b"), [])


class ImportWithoutJavaScript(Import):
    javascript = False


class Segments(Case):
    def test_a_count_while_somebody_chooses(self):
        fill(self.daemon)
        self.open("/contacts")
        count = lambda: self.browser.find_element(By.ID, "count").text
        self.fill("label", "state")
        self.until(lambda: count() == "2 contacts", "those with the label")
        self.fill("value", "CA")
        self.until(lambda: count() == "1 contact", "those with the value")
        self.fill("filter", "colour=red")
        self.until(lambda: "The filter is not right" in count(), "a wrong filter is told")


class WithoutJavaScript(Case):
    javascript = False

    def test_forms(self):
        self.open("/lists")
        self.fill("new-list", LIST)
        self.fill("new-name", "Spring sale")
        self.button("Create")
        self.until(lambda: "The list is there" in self.text(), "the page says so")
        self.daemon.ask(f'IMPORT {LIST} {{"phone":"{ADA}","subscribed_at":"2026-04-01"}}')
        check = lambda: self.daemon.ask(f"CHECK {LIST} {ADA}")[0]
        self.open(f"/contacts/{ADA}")
        self.button(f"Opt out of {LIST}")
        self.until(lambda: "is opted out of" in self.text(), "the page says so")
        self.assertEqual(check(), "+no list_opted_out")
        self.click("#optin ~ details summary")
        self.on(By.ID, "in-list", lambda found: Select(found).select_by_value(LIST))
        at = time.strftime("%m%d%Y\t%I%M%p", time.gmtime(time.time() - 60))
        self.on(By.ID, "in-at", lambda found: found.send_keys(at))
        self.fill("in-proof", "web form 7")
        before = check()
        self.button("Record the opt-in")
        self.assertEqual(before, "+no list_opted_out")
        self.until(lambda: "Nothing changed" in self.text(), "consent from before the opt-out lifts nothing")
        for button, verdict in [
            ("Hold back everywhere", "+no suppressed"),
            ("Release", "+no list_opted_out"),
            ("The number does not exist", "+no invalid"),
            ("The number exists", "+no list_opted_out"),
        ]:
            self.button(button)
            self.until(lambda: check() == verdict, f"{button} comes to {verdict}")
        self.open(f"/contacts/{ADA}")
        self.fill("key", "tier")
        self.fill("value", "gold")
        self.button("Set")
        self.until(lambda: "tier: gold" in self.text(), "the label is there")
        self.open(f"/lists/{LIST}/settings")
        self.button("Pause this list")
        self.until(lambda: check() == "+no list_paused", "the list is paused")
        self.button("Go on")
        self.until(lambda: check() == "+no list_opted_out", "the list goes on")
        self.open(f"/contacts/{ADA}")
        self.click("#everywhere ~ details summary")
        self.fill("typed", ADA)
        self.button("Erase")
        self.until(lambda: "The contact is erased" in self.text(), "the page says so")
        self.assertEqual(check(), "+no not_subscribed")


class Hostile(Case):
    def test_texts_are_shown_as_typed(self):
        quoted = json.dumps(HOSTILE)
        told = self.daemon.ask(
            f'LIST {LIST} {{"name":{quoted}}}',
            f'OPTIN {LIST} {ADA} {{"at":"2026-04-01","source":{quoted},"evidence":{quoted}}}',
            f'PUT {ADA} {{"labels":{{"note":{quoted}}}}}',
            f'CLICK {LIST} {ADA} {{"url":"javascript:alert(3)"}}',
            f'INBOUND {LIST} {ADA} {{"text":"wrong number? {json.dumps(HOSTILE)[1:-1]}"}}',
        )
        self.assertEqual([reply for reply in told if reply.startswith("-")], [])
        self.browser.get_log("browser")
        for path in PAGES:
            if BEN in path:
                continue
            self.open(path)
            time.sleep(0.1)
            self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "img, a[href^='javascript:']"), [], path)
        self.open(f"/contacts/{ADA}")
        self.says(HOSTILE, "javascript:alert(3)")
        self.assertEqual(self.browser.get_log("browser"), [], "no alert, and nothing that the policy had to stop")


class Foreign(Case):
    """Pages of somebody else, in the browser of a person who has the console open."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.daemon)

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(cls.page.encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.port = server.server_port
        form = f'<input name="list" value="{LIST}"><input name="phone" value="{ADA}"><button>Win a prize</button>'
        cls.page = f'<form method="post" action="http://{cls.daemon.console}/act/optout">{form}</form>'

    def test_a_name_that_leads_here_is_refused(self):
        port = self.daemon.console.split(":")[1]
        self.browser.get(f"http://evil.example:{port}/lists")
        self.says("This is not the name of this console")
        self.assertNotIn("Spring sale", self.text())

    def test_a_form_of_another_page_does_nothing(self):
        self.open("/lists")
        self.says("Spring sale")
        # Another port of this machine gets the cookie along; another name does not.
        for origin in [f"127.0.0.1:{self.port}", f"evil.example:{self.port}"]:
            self.browser.get(f"http://{origin}/")
            self.button("Win a prize")
            self.until(lambda: "This form came from another page" in self.text(), f"a form of {origin} is refused")
            self.browser.get(f"http://{origin}/")
            sent = self.browser.execute_async_script(
                "const done = arguments[2]; const form = new URLSearchParams(arguments[1]);"
                "fetch(arguments[0], { method: 'POST', mode: 'no-cors', credentials: 'include', body: form })"
                ".then(() => done('sent'), () => done('sent, and its answer is kept from the page'))",
                f"http://{self.daemon.console}/act/optout",
                {"list": LIST, "phone": ADA},
            )
            self.assertTrue(sent.startswith("sent"), sent)
            self.assertEqual(self.daemon.ask(f"CHECK {LIST} {ADA}"), ["+yes"])


class Tokens(Case):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.tokens = os.path.join(directory.name, "tokens")
        with open(cls.tokens, "w", encoding="utf-8") as tokens:
            tokens.write("read read-token-0123456\nadmin admin-token-012345\n")
        cls.arguments = ("--tokens", cls.tokens)
        super().setUpClass()

    def setUp(self):
        self.set_tokens("read read-token-0123456", "write write-token-01234", "admin admin-token-012345")
        for token in ["read-token-0123456", "write-token-01234"]:
            self.until(lambda: self.knows(token), "its token is known")
        self.daemon.ask(f'LIST {LIST} {{"name":"Spring sale"}}', token="admin-token-012345")
        self.open("/login")
        self.browser.delete_all_cookies()

    def set_tokens(self, *lines):
        with open(self.tokens, "w", encoding="utf-8") as tokens:
            tokens.writelines(f"{line}\n" for line in lines)
        self.daemon.process.send_signal(signal.SIGHUP)

    def knows(self, token):
        return not self.daemon.ask("PING", token=token)[0].startswith("-")

    def log_in(self, token):
        self.fill("token", token)
        self.button("Log in")

    def test_a_reader_sees_no_forms_and_is_logged_out_with_its_token(self):
        self.open(f"/lists/{LIST}/settings")
        self.log_in("wrong-token-0123456")
        self.until(lambda: "This token is not known" in self.text(), "a wrong token is told")
        self.log_in("read-token-0123456")
        self.until(lambda: "Your token may only read" in self.text(), "the page that was asked for")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "form[action^='/act/']"), [])
        self.set_tokens("admin admin-token-012345")
        # The page that is open keeps itself up to date, and finds out by itself.
        self.until(lambda: "Your token is not valid any more" in self.text(), "its token is gone, and its page is not")
        self.assertNotIn("Spring sale", self.text())
        for scheme, width in LOOKS:
            self.look(scheme, width)
            self.is_for_everybody(f"the login, {scheme}, {width} px wide")
        self.log_in("admin-token-012345")
        self.until(lambda: "Rename" in self.text(), "another token leads on to the page")

    def test_a_click_after_the_token_is_gone_does_nothing(self):
        self.open(f"/lists/{LIST}/settings")
        self.log_in("write-token-01234")
        self.until(lambda: "Rename" in self.text(), "the page that was asked for")
        # Somebody who is writing keeps the page.
        self.fill("name", "Autumn sale")
        self.set_tokens("admin admin-token-012345")
        self.until(lambda: not self.knows("write-token-01234"), "its token is gone")
        self.button("Rename")
        self.until(lambda: "You are logged out" in self.text(), "the page says so")
        self.says("Your token is not valid any more")
        self.says("Nothing was done")
        self.open("/lists")
        self.until(lambda: "Your token is not valid any more" in self.text(), "and so does the next one")


if __name__ == "__main__":
    unittest.main()
