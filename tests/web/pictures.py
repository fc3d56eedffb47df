"""`python -m tests.web.pictures`: takes the pictures of docs/pages.md anew, which `make pictures` does.

The pages are the real ones, in Chromium, of an archive that begins here: its people and cases are made up, and what is
said in its recordings is synthesised.
"""

import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from recorder import config
from recorder.archive.access import Role
from recorder.archive.code import code
from recorder.audio import TICKS_PER_SECOND, Gap, OpusBlock, PcmBlock
from recorder.encoder import Encoder
from recorder.keyfiles import save_device
from recorder.trial import soundstage
from tests.web.archive import Archive, Talking
from tests.web.desk import Desk, Visit
from tests.web.registrar import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "pages"
WIDE, NARROW = 1_100, 390
COLOURS = 256
"""A picture of words needs no more, and is half as large."""
TALK = (
    "Goedemiddag, fijn dat u er bent. Deze opname is gestart en u kunt op elk moment nee zeggen.",
    "Vertelt u eens, hoe gaat het nu met u en met de kinderen?",
    "Het gaat wel. De brief over de huur heb ik gekregen, maar ik begrijp niet alles wat er staat.",
    "Dan lezen wij die samen. Ik leg per punt uit wat er van u wordt gevraagd, en wat niet.",
)
PAUSE_SECONDS = 1.2
SAID = [(0.0, "notice_given"), (0.0, "recording"), (12.0, "mark")]
REASON = "Ik bereid het besluit voor"


@cache
def speech() -> bytes:
    """The talk, as a room's microphone would hear it: 48,000 samples a second."""
    pieces = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "talk.wav"
        for number, words in enumerate(TALK):
            soundstage.speech(words, file, voice="nl+f3" if number == 2 else "nl", rate=TICKS_PER_SECOND)
            with wave.open(str(file)) as spoken:
                pieces.append(spoken.readframes(spoken.getnframes()))
    return bytes(2 * int(PAUSE_SECONDS * TICKS_PER_SECOND)).join(pieces)


class Speaking(Talking):
    """A room in which people talk."""

    def items(self, blocks: int) -> Iterator[OpusBlock | Gap]:
        encoder, sound = Encoder(config.load().opus, TICKS_PER_SECOND, 50), speech()
        for index in range(blocks):
            pcm = sound[index * 2 * TICKS_PER_SECOND : (index + 1) * 2 * TICKS_PER_SECOND].ljust(
                2 * TICKS_PER_SECOND, b"\0"
            )
            yield from encoder.encode(PcmBlock(index * TICKS_PER_SECOND, TICKS_PER_SECOND, pcm, self.moment(index)))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="pictures-") as name:
        archive = Archive(Path(name) / "archive", rooms={each: Speaking(each) for each in ("room-1", "room-2")})
        save_device(archive.folder / "keys" / "receipt.key", archive.clerk._key)
        desk = Desk(archive)
        try:
            desk.start()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                take_all(desk, browser)
                browser.close()
        finally:
            desk.close()
            archive.catalogue.close()
    return 0


def take_all(desk: Desk, browser: Browser) -> None:
    record, seconds = desk.archive.record, len(speech()) // (2 * TICKS_PER_SECOND)
    for days, room in ((127, "room-2"), (60, "room-1"), (16, "room-2")):  # the night deletes these
        record(room, blocks=5, days_ago=days)
    held, other = (record("room-1", blocks=5, days_ago=days).id for days in (6, 3))
    heard = record("room-1", blocks=seconds, said=SAID, days_ago=0.1)
    for room, days in (("room-1", 9), ("room-1", 0.05), ("room-2", 12), ("room-2", 1)):
        record(room, blocks=12, days_ago=days)
    worker = desk.visitor(Role.CASEWORKER, rooms=["room-1"], name="C. W.")
    clerk = desk.visitor(Role.RIGHTS_DESK, name="R. L.")
    officer = desk.visitor(Role.PRIVACY_OFFICER, name="P. O.")
    desk.visitor(Role.LISTENER, name="B. L.", confirmed=False)
    working, at_desk = Visit(desk, worker), Visit(desk, clerk)
    for recording, case in ((held, "2026-00087"), (other, "2026-00131"), (heard.id, "2026-00123")):
        done(working, f"/meetings/{recording}/case/", case=case, there="on")
    hold = {"kind": "objection", "case": "2026-00087", "reason": "Er is bezwaar", "until": day(180)}
    done(working, f"/recordings/{held}/hold/", **hold)
    said = {"purpose": "decision", "case": "2026-00123", "reason": REASON}
    heard_at = done(working, f"/recordings/{heard.id}/hear/", **said)
    asked = {"channel": "letter", "day": day(0), "words": "Ik vraag dit voor mijzelf."}
    for recording, kind in ((heard.id, "access"), (held, "erasure")):
        done(at_desk, f"/rights/recordings/{recording}/", kind=kind, **asked)
    restricted = done(at_desk, f"/rights/recordings/{other}/", kind="restriction", **asked)
    done(at_desk, f"{restricted}decide/", outcome="granted", words="Het klopt niet, zegt u.", look_again=day(90))
    subprocess.run(desk._command("forget"), check=True, capture_output=True)

    page = opened(desk, browser, worker)
    take(page, "/meetings/", "meetings", 800)
    take(page, heard_at, "listen", 800)
    take(page, f"/recordings/{heard.id}/card/", "card", 1_050)
    take(opened(desk, browser, None), f"/c/#{code(heard.receipt.body)}", "client", 1_000)
    take(opened(desk, browser, clerk), "/rights/", "rights", 1_000)
    page = opened(desk, browser, officer)
    for address, name in (("/waiting/", "waiting"), ("/audit/", "audit")):
        take(page, address, name, 800)
    take(page, "/deletions/", "deletions", 1_000)
    take(opened(desk, browser, officer, NARROW), "/audit/", "narrow", 1_000)


def day(days: int) -> str:
    """So many from today, as a form wants it."""
    return time.strftime("%Y-%m-%d", time.localtime(time.time() + days * 86_400))


def done(visit: Visit, address: str, **fields: str) -> str:
    """Fill in the form there; where it leads to. A picture of what was refused would be an empty one."""
    answer = visit.post(address, **fields)
    assert answer.status == 302, (address, answer.text)
    return answer.headers["Location"]


def opened(desk: Desk, browser: Browser, visitor: Visitor | None, width: int = WIDE) -> Page:
    context = browser.new_context(base_url=desk.url, locale="nl-NL", viewport={"width": width, "height": 800})
    if visitor is not None:
        context.add_cookies([{"name": "session", "value": visitor.session, "url": desk.url}])
    return context.new_page()


def take(page: Page, address: str, name: str, height: int) -> None:
    """The upper `height` pixels of this page, once nothing on it moves any more."""
    assert page.viewport_size is not None
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as taken:
        small = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
