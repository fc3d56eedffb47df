"""The three topics of a device (docs/wire.md), printed and parsed.

A topic is trusted as far as the broker's ACL goes: it holds a device to the topics of its certificate's common name.
"""

import re
from dataclasses import dataclass
from typing import Self

from recorder.errors import WireError

ARCHIVE_USER = "archive"
"""Common name of the archive's certificate: the one party that reads every `up` and writes every `down`."""
UPLOADS = "rec/v1/+/up/+"
"""Filter: every device's uploads."""
STATUSES = "rec/v1/+/status"
"""Filter: what every device says of itself."""
DEVICE_PATTERN = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
RECORDING_PATTERN = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UploadTopic:
    """`rec/v1/DEVICE/up/RECORDING`. Raises WireError for names that are not allowed."""

    device: str
    recording: str
    """32 hexadecimal digits."""

    def __post_init__(self) -> None:
        _device(self.device)
        if not RECORDING_PATTERN.fullmatch(self.recording):
            raise WireError("a recording's id is 32 hexadecimal digits in lower case")

    def __str__(self) -> str:
        return f"rec/v1/{self.device}/up/{self.recording}"

    @classmethod
    def parse(cls, topic: str) -> Self:
        """The topic's device and recording, or WireError."""
        match topic.split("/"):
            case ["rec", "v1", device, "up", recording]:
                return cls(device, recording)
        raise WireError("not a topic for uploads")


def shared_uploads(group: str) -> str:
    """Filter: every device's uploads, divided among the workers of one group (MQTT 5, section 4.8.2).

    A broker may let anyone join a group and filter only what it delivers, so that what falls to a stranger is lost
    until it is sent again. So `group` should be a secret of the workers.
    """
    return f"$share/{group}/{UPLOADS}"


def down(device: str) -> str:
    """Where the archive's receipts for `device` go."""
    return f"rec/v1/{_device(device)}/down"


def status(device: str) -> str:
    """Where `device` and its last will say how it is."""
    return f"rec/v1/{_device(device)}/status"


def parse_status(topic: str) -> str:
    """The device that says how it is there, or WireError."""
    match topic.split("/"):
        case ["rec", "v1", device, "status"]:
            return _device(device)
    raise WireError("not a topic on which a device says how it is")


def _device(name: str) -> str:
    if not DEVICE_PATTERN.fullmatch(name):
        raise WireError("a device's name is 1 to 64 of a-z, 0-9 and '-', first and last not '-'")
    return name
