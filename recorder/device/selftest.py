"""The self-test: what can be known of a room without a meeting. At its start, every day, on demand; in part all the time."""

import errno
import os
from pathlib import Path

from recorder import config
from recorder.device import cards, clock, durable
from recorder.device.panel import Panel
from recorder.device.spool import Spool
from recorder.errors import MicrophoneError, PanelError
from recorder.meeting.fault import Fault

SPOOL_RESERVE_BYTES = 524_288
"""Room that must be free before a meeting may start: about two minutes."""
DARK_SECONDS_MIN = 5.0
"""With the interlock a microphone loses its power when the light does; the kernel learns that later."""
CARD_FULL = "the card is full; {} MiB of it are recordings that the archive has not signed for"
WRITTEN_BYTES = 4096


def glance(settings: config.Config, spool: Spool, panel: Panel, *, clock_set: bool) -> dict[Fault, str]:
    """What can be seen at any time between meetings, and what is wrong with it. Costs a few reads of sysfs.

    `clock_set`: the wall clock had a trusted source since the start. The kernel forgets that after hours without a network.
    """
    found = {}
    if spool.room_bytes() < SPOOL_RESERVE_BYTES:
        found[Fault.CARD_FULL] = CARD_FULL.format(spool.size_bytes >> 20)
    if panel.lit:
        found[Fault.LIGHT] = "the recording light has a current though it is switched off; the room may not record"
    if not settings.microphone.identity.startswith("pcm:"):
        found |= _microphone(settings.microphone, panel.dark_seconds)
    if not clock.plausible():
        found[Fault.CLOCK] = "the clock stands before this software was made; it waits for the network's time"
    # With mock pins this is somebody's computer, or a container that sees no clock chip: it keeps its time in its own way.
    elif not clock_set and settings.panel.pins != "mock" and not clock.kept():
        found[Fault.CLOCK] = (
            "no clock chip has kept the time, and nothing has set the clock yet; it waits for the network's time"
        )
    return found


def _microphone(settings: config.Microphone, dark_seconds: float) -> dict[Fault, str]:
    """It is there; with the interlock it must not be, while the light is dark: then it has power that nobody sees."""
    try:
        cards.find(settings.identity)
    except MicrophoneError as error:
        return {} if settings.interlock else {Fault.MICROPHONE_GONE: str(error)}
    if settings.interlock and dark_seconds >= DARK_SECONDS_MIN:
        return {
            Fault.LIGHT: "the microphone has power though the light is dark: the interlock is broken; the room may not record"
        }
    return {}


def examine(settings: config.Config, spool: Spool, panel: Panel, *, clock_set: bool) -> dict[Fault, str]:
    """All of it: the light is lit and read back for an instant, and the card is written. Between meetings only."""
    found = glance(settings, spool, panel, clock_set=clock_set)
    if panel.stays_lit:
        found[Fault.LIGHT] = (
            "the recording light would stay lit if the recorder died: put dtparam=strict_gpiod into config.txt and boot anew"
        )
    try:
        panel.prove()
    except PanelError as error:
        found[Fault.LIGHT] = str(error)
    finally:
        panel.show(recording=False)
    tried = Path(settings.room.folder) / "selftest"
    written = os.urandom(WRITTEN_BYTES)  # a card that takes nothing more still has what was written on another day
    try:
        durable.write(tried, written)
        if durable.read_back(tried) != written:
            found[Fault.RECORDER] = f"{tried}: reads back otherwise than it was written: the card is broken"
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        found[Fault.CARD_FULL if full else Fault.RECORDER] = f"{tried}: the card does not take it: {error.strerror}"
    return found
