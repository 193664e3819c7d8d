"""Takes the pictures of docs/console.md: pages of `contactd demo --stay`, with its data, in light colours.

    CONTACTD_BIN=target/debug/contactd python3 tests/browser/pictures.py docs/images

Needs chromium, chromedriver and selenium, and the addresses of the demo (127.0.0.1:7164 and 7165) to be free. Where they are
not: `unshare -n sh -c 'ip link set lo up; python3 …'`.
"""

import collections
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zlib

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CONSOLE = "http://127.0.0.1:7165"
LIST, ADA = "+14155550100", "+14155550101"
WIDTH = 1200
SHEET = """Name,Cell,Newsletter?,State
Ada Lovelace,(415) 555-0101,yes,CA
Grace Hopper,212.555.0106,no,NY
Duke Ellington,+1 202 555 0129,yes,DC
Alan Turing,+44 (0)161 496 0123,maybe,
Nellie Bly,1.7185550172E+10,no,NY
"""


class Pictures:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        options = webdriver.ChromeOptions()
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]:
            options.add_argument(argument)
        self.browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        media = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def open(self, path):
        self.browser.get(CONSOLE + path)

    def button(self, words):
        self.browser.find_element(By.XPATH, f"//button[contains(., '{words}')]").click()

    def take(self, name, height, path=None):
        """The upper part of a page, with as many colours as a page of few has."""
        size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        if path:
            self.open(path)
        picture = self.directory / f"{name}.png"
        self.browser.save_screenshot(str(picture))
        picture.write_bytes(with_few_colours(picture.read_bytes()))
        print(f"{picture}: {picture.stat().st_size // 1000} kB")


def with_few_colours(png):
    """A picture of a page as a PNG with a palette of 128 colours, half as large: the page has few, and their blends."""
    width, height, pixels = decoded(png)
    size = len(pixels[0]) // width
    rows = [[tuple(row[at : at + 3]) for at in range(0, len(row), size)] for row in pixels]
    palette = [colour for colour, _ in collections.Counter(colour for row in rows for colour in row).most_common(128)]
    nearest = {}
    for colour in {colour for row in rows for colour in row}:
        distance = lambda at, colour=colour: sum((a - b) ** 2 for a, b in zip(palette[at], colour))
        nearest[colour] = min(range(len(palette)), key=distance)
    lines = b"".join(b"\0" + bytes(nearest[colour] for colour in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", bytes(sum(palette, ()))), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    made = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def decoded(png):
    """Width, height and the bytes of each row of a PNG as chromium writes it: eight bits for each colour."""
    at, packed = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, bits, colours = struct.unpack(">IIBB", data[:10])
            assert bits == 8 and colours in (2, 6), (bits, colours)
        elif kind == b"IDAT":
            packed += data
        at += 12 + length
    size = 3 if colours == 2 else 4
    lines, rows = zlib.decompress(packed), []
    above = bytearray(width * size)
    for line in range(height):
        begin = line * (width * size + 1)
        guess, row = GUESSES[lines[begin]], bytearray(lines[begin + 1 : begin + 1 + width * size])
        for at in range(len(row)):
            left, corner = (row[at - size], above[at - size]) if at >= size else (0, 0)
            row[at] = row[at] + guess(left, above[at], corner) & 255
        rows.append(row)
        above = row
    return width, height, rows


def paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


# What a PNG says a byte is like: the one left of it, the one above, both, or the nearest to both.
GUESSES = [lambda *_: 0, lambda left, *_: left, lambda _, up, __: up, lambda left, up, _: (left + up) // 2, paeth]


def main():
    log = tempfile.TemporaryFile("w+")
    demo = subprocess.Popen([os.environ["CONTACTD_BIN"], "demo", "--stay"], stdout=log, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 300
        while "It stays on" not in pathlib.Path(f"/proc/self/fd/{log.fileno()}").read_text(encoding="utf-8"):
            if demo.poll() is not None or time.monotonic() > until:
                sys.exit("the demo does not come up: are its addresses free?")
            time.sleep(0.1)
        pictures = Pictures(sys.argv[1])
        pictures.take("overview", 840, "/")
        pictures.take("list", 820, "/lists/+14155550152")
        pictures.take("contact", 1100, f"/contacts/{ADA}")
        pictures.open("/clean?plan=new")
        while "Plan " not in pictures.browser.find_element(By.TAG_NAME, "main").text:
            time.sleep(0.1)
        pictures.take("clean", 860)
        with tempfile.TemporaryDirectory() as directory:
            sheet = os.path.join(directory, "spring.csv")
            pathlib.Path(sheet).write_text(SHEET, encoding="utf-8")
            pictures.open(f"/imports?list={urllib.parse.quote(LIST)}")
            pictures.browser.find_element(By.ID, "file").send_keys(sheet)
            pictures.button("Look at it")
            pictures.take("import", 1000)
        pictures.browser.quit()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()


if __name__ == "__main__":
    main()
