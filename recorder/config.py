"""The configuration: `default.toml` is its manual and its schema, this module its types.

Each room of the house gets its own section, frozen. Whoever reads a section may trust it: what is out of
bounds does not come into being.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from recorder.errors import ConfigError

DEFAULT_FILE = Path(__file__).with_name("default.toml")

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Name = Annotated[
    str,
    Meta(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", description="a name of a-z, 0-9 and '-', at most 64 long"),
]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Host = Annotated[str, Meta(min_length=1, description="the broker's name or address")]
Pin = Annotated[int, Meta(ge=0, le=27)]
Channel = Annotated[int, Meta(ge=1, le=8)]

Told = Annotated[
    str,
    Meta(pattern=r"^[ !#-\[\]-~]{1,200}$", description="1 to 200 characters of ASCII, without quotes and backslashes"),
]
Basis = Literal["consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"]


class Clash(ValueError):
    """A section's keys do not go together. `keys` are those that may have to change, the likeliest first."""

    def __init__(self, reason: str, *keys: str) -> None:
        super().__init__(reason)
        self.keys = keys


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[section]` of the file; unknown keys are refused."""


class Room(Section, frozen=True):
    name: Name
    folder: str
    hold_kind: Literal["memory", "nvram"]
    hold: str
    hold_may_be_on_disk: bool
    window: str


class Microphone(Section, frozen=True):
    identity: Annotated[
        str,
        Meta(
            pattern=r"^(usb:[0-9a-f]{4}:[0-9a-f]{4}(:.+)?|alsa:[^:]+|pcm:[A-Za-z0-9_.-]+)$",
            description='"usb:VENDOR:PRODUCT", "usb:VENDOR:PRODUCT:SERIAL", "alsa:CARD" or "pcm:NAME"',
        ),
    ]
    rates: Annotated[list[Literal[48_000, 16_000]], Meta(min_length=1, max_length=2)]
    channels: Annotated[int, Meta(ge=1, le=8)]
    pick: Channel | Literal["mix", "beam"]
    leave_out: Annotated[list[Channel], Meta(min_length=0, max_length=7)]
    aperture_metres: Annotated[float, Meta(ge=0.01, le=1)]
    rumble_hz: Annotated[float, Meta(ge=0, le=300)]
    silence_dbfs: Annotated[float, Meta(ge=-96, le=-20)]
    silence_seconds: Annotated[float, Meta(ge=1, le=600)]
    deadline_seconds: Annotated[float, Meta(ge=1, le=30)]
    away_seconds: Annotated[float, Meta(ge=1, le=600)]
    interlock: bool

    def __post_init__(self) -> None:
        if self.interlock and len(self.rates) > 1:
            raise Clash(
                f"microphone.rates is {list(self.rates)}, but microphone.interlock is true: name one rate, for a microphone "
                "without power cannot be asked",
                "microphone.interlock",
                "microphone.rates",
            )
        if 0 < self.rumble_hz < 20:
            raise Clash(
                f"microphone.rumble_hz is {self.rumble_hz:g}; it should be 0, for none, or 20 to 300",
                "microphone.rumble_hz",
            )
        if isinstance(self.pick, int) and self.pick > self.channels:
            raise Clash(
                f"microphone.pick is {self.pick}, but microphone.channels is {self.channels}: pick one that is opened",
                "microphone.pick",
                "microphone.channels",
            )
        if max(self.leave_out, default=0) > self.channels:
            raise Clash(
                f"microphone.leave_out names {max(self.leave_out)}, but microphone.channels is {self.channels}",
                "microphone.leave_out",
                "microphone.channels",
            )
        if not self.used:
            raise Clash(
                "microphone.leave_out leaves nothing of what microphone.pick takes",
                "microphone.leave_out",
                "microphone.pick",
            )

    @property
    def used(self) -> list[int]:
        """The channels that the recording is made of, counted from 0."""
        picked = [self.pick] if isinstance(self.pick, int) else range(1, self.channels + 1)
        return [number - 1 for number in picked if number not in self.leave_out]


class Opus(Section, frozen=True):
    bitrate: Annotated[int, Meta(ge=6_000, le=128_000)]
    complexity: Annotated[int, Meta(ge=0, le=10)]
    vbr: bool
    application: Literal["voip", "audio"]


class Seal(Section, frozen=True):
    suite: Literal["chacha20poly1305", "aes256gcm"]
    block_seconds: Annotated[float, Meta(ge=0.2, le=5)]
    pad_bytes: Annotated[int, Meta(ge=1, le=16_384)]

    def __post_init__(self) -> None:
        if abs(self.block_seconds / 0.02 - self.block_frames) > 1e-6:
            raise Clash(f"seal.block_seconds is {self.block_seconds}, not a multiple of 0.02", "seal.block_seconds")

    @property
    def block_frames(self) -> int:
        """Frames of 20 ms in a full block."""
        return round(self.block_seconds / 0.02)


class Meeting(Section, frozen=True):
    notice_seconds: Seconds
    ask_everyone: bool
    answer_seconds: Annotated[float, Meta(ge=1, le=600)]
    grace_seconds: Seconds
    limit_seconds: Annotated[float, Meta(ge=10, le=86_400)]
    prompt_after_seconds: Annotated[float, Meta(ge=10, le=86_400)]
    prompt_silence_seconds: Annotated[float, Meta(ge=10, le=86_400)]
    prompt_seconds: Annotated[float, Meta(ge=1, le=600)]
    lift_seconds: Annotated[float, Meta(ge=1, le=15)]
    refusal_seconds: Annotated[float, Meta(ge=60, le=86_400)]


class Spool(Section, frozen=True):
    bytes_max: Annotated[int, Meta(ge=1_048_576)]


class Uplink(Section, frozen=True):
    host: Host
    port: Port
    window: Annotated[int, Meta(ge=1, le=1_000)]
    receipt_timeout_seconds: Annotated[float, Meta(ge=1, le=3_600)]
    retry_first_seconds: Annotated[float, Meta(gt=0, le=60)]
    retry_last_seconds: Annotated[float, Meta(gt=0, le=3_600)]


PARTS = ("start_button", "refuse_button", "end_button", "recording_light", "light_sense", "attention_light")
"""What has a pin, of the panel's keys."""


class Panel(Section, frozen=True):
    pins: Literal["lgpio", "mock"]
    start_button: Pin
    refuse_button: Pin
    end_button: Pin
    recording_light: Pin
    light_sense: Pin
    attention_light: Pin
    bounce_seconds: Annotated[float, Meta(ge=0, le=0.2)]
    double_press_seconds: Annotated[float, Meta(ge=0.1, le=2)]

    def __post_init__(self) -> None:
        parts: dict[int, str] = {}
        for part in PARTS:
            pin: int = getattr(self, part)
            if part == "end_button" and not pin:
                continue
            if pin in parts:
                both = f"panel.{parts[pin]}", f"panel.{part}"
                raise Clash(f"{both[0]} and {both[1]} are both {pin}: each part needs a pin of its own", *both)
            parts[pin] = part


class Speaker(Section, frozen=True):
    identity: Annotated[
        str,
        Meta(
            pattern=r"^(|usb:[0-9a-f]{4}:[0-9a-f]{4}(:.+)?|alsa:[^:]+|pcm:[A-Za-z0-9_.-]+)$",
            description='"" for none, "usb:VENDOR:PRODUCT", "usb:VENDOR:PRODUCT:SERIAL", "alsa:CARD" or "pcm:NAME"',
        ),
    ]
    level_dbfs: Annotated[float, Meta(ge=-60, le=-6)]
    announcement: str


class Consent(Section, frozen=True):
    controller: Told
    address: Told
    contact: Told
    storage: Told
    language: Literal["nl", "en"]
    evidence_basis: Basis
    evidence_days: Annotated[int, Meta(ge=1, le=365)]
    training_basis: Basis
    training_days: Annotated[int, Meta(ge=1, le=365)]


class Archive(Section, frozen=True):
    name: Name
    folder: str
    catalogue: str
    objects: Annotated[
        str,
        Meta(
            pattern=r"^(|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)$",
            description='"" for the folder, "s3://BUCKET" or "s3://BUCKET/PREFIX"',
        ),
    ]
    objects_endpoint: Annotated[
        str,
        Meta(
            pattern=r"^(|https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?)$",
            description='"https://HOST" or "https://HOST:PORT", and nothing behind it',
        ),
    ]
    objects_region: Annotated[str, Meta(pattern="^[a-z0-9-]+$", description="a region's name, of a-z, 0-9 and '-'")]
    objects_credentials: str
    objects_ca: str
    objects_plain_http: bool
    host: Host
    port: Port
    batch_items: Annotated[int, Meta(ge=1, le=10_000)]
    batch_seconds: Annotated[float, Meta(ge=0, le=5)]
    queue_items: Annotated[int, Meta(ge=1, le=100_000)]
    deletions: str
    retention_days: Annotated[int, Meta(ge=1, le=365)]

    def __post_init__(self) -> None:
        if not self.objects:
            return
        for key in ("objects_endpoint", "objects_credentials"):
            if not getattr(self, key):
                raise Clash(
                    f'archive.objects is "{self.objects}", but archive.{key} is empty',
                    "archive.objects",
                    f"archive.{key}",
                )
        if (
            self.objects_endpoint.startswith("http:")
            and not _is_loopback(self.objects_endpoint)
            and not self.objects_plain_http
        ):
            raise Clash(
                f'archive.objects_endpoint is "{self.objects_endpoint}": without TLS whoever is on the way sees what is stored '
                "and deleted; use https, or set archive.objects_plain_http to true",
                "archive.objects_endpoint",
                "archive.objects_plain_http",
            )


class Metrics(Section, frozen=True):
    host: Annotated[str, Meta(min_length=1, description="a name or address of this machine")]
    intake_port: Annotated[int, Meta(ge=0, le=65_535)]
    watch_port: Port


class Web(Section, frozen=True):
    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$",
            description='"https://HOST" or "https://HOST:PORT", and nothing behind it',
        ),
    ]
    bind: Annotated[str, Meta(pattern="^(unix:/.+|[^/]+:[0-9]{1,5})$", description='"HOST:PORT" or "unix:/SOCKET"')]
    behind_proxy: bool
    database: Annotated[
        str, Meta(pattern=r"^(|postgresql(\+psycopg)?://.+)$", description='"" for a file, or "postgresql://…"')
    ]
    socket: str
    organisation: Annotated[str, Meta(min_length=1, max_length=100)]
    language: Literal["nl", "en"]
    oidc_issuer: Annotated[
        str,
        Meta(
            pattern=r"^(|https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)$",
            description='"" for none, or the provider\'s address, "https://HOST/PATH"',
        ),
    ]
    oidc_name: Annotated[str, Meta(max_length=60)]
    oidc_client: str
    oidc_secret_file: str

    def __post_init__(self) -> None:
        if self.oidc_issuer.startswith("http:") and not _is_loopback(self.oidc_issuer):
            raise Clash(
                f'web.oidc_issuer is "{self.oidc_issuer}": without TLS whoever is on the way signs in as anybody; use https',
                "web.oidc_issuer",
            )
        for key in ("oidc_name", "oidc_client", "oidc_secret_file"):
            if self.oidc_issuer and not getattr(self, key):
                raise Clash(
                    f'web.oidc_issuer is "{self.oidc_issuer}", but web.{key} is empty', "web.oidc_issuer", f"web.{key}"
                )
        if self.url.startswith("http:") and not _is_loopback(self.url):
            raise Clash(
                f'web.url is "{self.url}": without TLS whoever is on the way sees what is said and typed; use https',
                "web.url",
            )


class Config(Section, frozen=True):
    """The whole file."""

    room: Room
    microphone: Microphone
    opus: Opus
    seal: Seal
    meeting: Meeting
    spool: Spool
    uplink: Uplink
    panel: Panel
    speaker: Speaker
    consent: Consent
    archive: Archive
    metrics: Metrics
    web: Web

    def __post_init__(self) -> None:
        if self.speaker.announcement and not self.speaker.identity:
            raise Clash(
                "speaker.announcement is to be played, and speaker.identity names nothing that plays it",
                "speaker.announcement",
                "speaker.identity",
            )
        if self.consent.evidence_basis == "consent" and not self.meeting.ask_everyone:
            raise Clash(
                'consent.evidence_basis is "consent", and silence is none: set meeting.ask_everyone to true',
                "consent.evidence_basis",
                "meeting.ask_everyone",
            )


def load(file: Path | None = None) -> Config:
    """The defaults, overlaid with `file` if one is given; or a ConfigError that names its line."""
    defaults = tomllib.loads(DEFAULT_FILE.read_text(encoding="utf-8"))
    if file is None:
        return msgspec.convert(defaults, Config)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no such file") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    try:
        return msgspec.convert(overlay(defaults, given), Config)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        keys = [key.partition("[")[0] for key in path.rstrip("`").split(".")[1:]]
        unknown = re.search(r"unknown field `(.+)`", reason)
        if unknown:
            reason = f"there is no such key; allowed are {', '.join(sorted(_at(defaults, keys)))}"
            keys.append(unknown.group(1))
        elif isinstance(error.__cause__, Clash):
            # Of its keys one that the file sets; the others have their defaults.
            at = [key for each in error.__cause__.keys if _sets(given, key := each.split("."))]
            raise ConfigError(f"{file}: line {_line(text, at[0])}: {reason}") from error
        elif keys:
            reason = f"is {json.dumps(_at(given, keys), default=str)}; it should be {_wanted(keys)}"
        where = f"line {_line(text, keys)}: {'.'.join(keys)}: " if keys else ""
        raise ConfigError(f"{file}: {where}{reason}") from error


def overlay(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`defaults` with what `given` says, section by section."""
    merged = dict(defaults)
    for key, value in given.items():
        below = merged.get(key)
        merged[key] = overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _at(settings: Any, keys: list[str]) -> Any:
    for key in keys:
        settings = settings[key]
    return settings


def _sets(settings: Any, keys: list[str]) -> bool:
    for key in keys:
        if key not in settings:
            return False
        settings = settings[key]
    return True


def _wanted(keys: list[str]) -> str:
    """What is allowed at `keys`, in words, from the types above."""
    schema = msgspec.json.schema(Config)
    sections = schema["$defs"]
    wanted = sections["Config"]
    for key in keys:
        wanted = wanted["properties"][key]
        wanted = sections[wanted["$ref"].rpartition("/")[2]] if "$ref" in wanted else wanted
    return _words(wanted)


def _words(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"description": description}:
            return str(description)
        case {"anyOf": kinds}:
            return " or ".join(_words(kind) for kind in kinds)
        case {"enum": values}:
            return " or ".join(json.dumps(value) for value in values)
        case {"type": "array", "items": items, "minItems": least, "maxItems": most}:
            return f"a list of {least} to {most}, each {_words(items)}"
        case {"type": "integer" | "number" as kind}:
            bounds = [
                f"{word} {schema[name]:.10g}"
                for word, name in (("more than", "exclusiveMinimum"), ("at least", "minimum"), ("at most", "maximum"))
                if name in schema
            ]
            number = "a whole number" if kind == "integer" else "a number"
            return ", ".join([number, " and ".join(bounds)]) if bounds else number
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "object", "title": title}:
            return f"a section, [{title.lower()}]"
    return "text, in quotes"


def _line(text: str, keys: list[str]) -> int:
    """The number of the line that sets `keys` (section, key); of the section if the key is not found; else 1."""
    section, found = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            section = header.group(1).strip()
            if section == keys[0]:
                found = number
        setting = re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)
        if setting:
            path = f"{section}.{setting.group(1)}" if section else setting.group(1)
            if path == ".".join(keys) or path == keys[0]:
                return number
    return found
