"""`python -m bench.first_sound`: from a click on "Play" to sound, as somebody before a browser has it.

A recording of three hours at an archive whose pages and reading room are processes of their own; a real Chromium opens the
player, and clicks. It sounds when the browser says that it plays and its time has moved on. Then it is sent to places that
chance picks, by a click in the drawing. Besides: how long the recording's page takes, which verifies all of it.

Exits with 1 if a target is missed.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from bench import command, results
from bench.figures import Line
from recorder.archive.access import Role
from recorder.audio import OpusBlock
from recorder.errors import TrialError
from tests.archive.test_reading_room import encode
from tests.web.archive import SECOND_TICKS, Archive, Talking
from tests.web.desk import Desk, Visit

SOUND_MS_MAX = 300.0
ROUNDS, PLACES = 10, 20
REPEATED_SECONDS = 10
WATCH = """
async selector => {
  const audio = document.getElementById("audio");
  window.sounded = new Promise((done) => {
    document.querySelector(selector).addEventListener("click", (event) => {
      const began = event.timeStamp;
      let from = null;
      const look = () => {
        const there = !audio.paused && !audio.seeking && audio.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
        if (there && from !== null && audio.currentTime > from) {
          done(performance.now() - began);
          return;
        }
        from = there ? (from ?? audio.currentTime) : null;
        requestAnimationFrame(look);
      };
      setTimeout(look);
    }, { once: true });
  });
}
"""


class Lasting(Talking):
    """A room whose meetings are long: the same seconds come again."""

    def items(self, blocks: int) -> Iterator[OpusBlock]:
        seconds = [encode(50 * each, 50, flush=False) for each in range(REPEATED_SECONDS)]
        for index in range(blocks):
            packets = seconds[index % REPEATED_SECONDS]
            yield OpusBlock(index * SECOND_TICKS, SECOND_TICKS, packets, False, self.moment(index))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.first_sound", description="How soon a click is heard.")
    parser.add_argument("--hours", type=float, default=3.0, help="of the recording (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        archive = Archive(Path(folder) / "archive", {"room-1": Lasting("room-1")})
        desk = Desk(archive)
        try:
            console.print("recording")
            recording = archive.record("room-1", blocks=round(arguments.hours * 3_600)).id
            desk.start()
            lines, raw = run(desk, recording, console)
        finally:
            desk.close()
            archive.catalogue.close()
    results.tell(lines, console)
    return results.finish(lines, raw, "first_sound", console)


def run(desk: Desk, recording: str, console: Console) -> tuple[list[Line], dict[str, list[float]]]:
    visitor = desk.visitor(Role.CASEWORKER, rooms=["room-1"])
    visit = Visit(desk, visitor)
    if visit.post(f"/meetings/{recording}/case/", case="Z-1", there="on").status != HTTPStatus.FOUND:
        raise TrialError("the recording cannot be linked: look at the pages' log")
    shown_ms = [_page(visit, recording) for _ in range(ROUNDS)]
    clicks_ms: list[float] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = chromium.new_context(base_url=desk.url)
        context.add_cookies([{"name": "session", "value": visitor.session, "url": desk.url}])
        page = context.new_page()
        console.print("clicking")
        for _ in range(ROUNDS):
            answer = visit.post(f"/recordings/{recording}/hear/", purpose="decision", case="Z-1", reason="the bench")
            page.goto(answer.headers["Location"])
            page.wait_for_selector("#wave svg")  # what a person sees before they click
            clicks_ms.append(_sound(page, "#play"))
        chance = random.Random(1)
        places_ms = [_sound(page, "#wave", chance.uniform(0.01, 0.99)) for _ in range(PLACES)]
        chromium.close()
    lines = [
        Line("the recording's page, all of it verified", f"{statistics.median(shown_ms):.0f} ms, half of the times"),
        _line("from a click on Play to sound", clicks_ms),
        _line("from a click in the drawing to sound there", places_ms),
    ]
    return lines, {"page_ms": shown_ms, "clicks_ms": clicks_ms, "places_ms": places_ms}


def _line(name: str, times_ms: Sequence[float]) -> Line:
    worst = max(times_ms)
    value = f"{worst:.0f} ms at the worst of {len(times_ms)}; half of them {statistics.median(times_ms):.0f}"
    return Line(name, value, f"at most {SOUND_MS_MAX:.0f} ms", worst <= SOUND_MS_MAX)


def _page(visit: Visit, recording: str) -> float:
    began = time.perf_counter()
    visit.get(f"/recordings/{recording}/")
    return (time.perf_counter() - began) * 1e3


def _sound(page: Page, selector: str, place: float = 0.5) -> float:
    """Milliseconds from a click on this, so far from its left, until it is heard."""
    page.evaluate(WATCH, selector)
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + place * box["width"], box["y"] + box["height"] / 2)
    return float(page.evaluate("window.sounded"))


if __name__ == "__main__":
    command.run(main)
