"""The catalogue's tables. No audio, no key and no personal data: devices, random ids, hashes, sizes and times.

The migrations make them; a test holds the two together. All times are Unix time in milliseconds by the archive's clock,
unless a name says otherwise.

Items and conflicts have no numbers of their own: those that refused meetings leave out would tell how many there were.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

_UNSETTLED = text("NOT settled")
LIVE = text("state IN ('open', 'kept')")
"""Of a recording: there is something of it that has to be deleted one day. Asked in these very words, or no index answers."""
FAILED = text("state = 'kept' AND (ended IN ('fault', 'power_loss') OR keybox IS NULL)")
"""Of a recording: it was not, or not to its end. In these very words, too. Never a refused one, nor one that was deleted."""

DEVICES = Table(
    "devices",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("enrolled_ms", BigInteger, nullable=False),
    Index("ix_devices_public_key", "public_key", unique=True),
)

RECORDINGS = Table(
    "recordings",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("device", String(64), nullable=False),
    Column("preamble_hash", LargeBinary(32), nullable=False),
    Column("first_ms", BigInteger, nullable=False),  # when its first item came
    Column("delete_after_ms", BigInteger, nullable=False),  # from birth; of a deleted one, when that was decided
    Column("state", String(8), nullable=False),
    # From the preamble, which comes first, by the device's clock.
    Column("sequence", BigInteger),
    Column("made_ms", BigInteger),
    Column("made_synced", Boolean),
    # From the manifest, by the device's clock; null until it comes.
    Column("ended", String(16)),
    Column("ended_ms", BigInteger),
    Column("blocks", BigInteger),
    Column("keybox", String(64)),
    # From the consent receipt: the hash of the device's receipt before it.
    Column("receipt_previous", LargeBinary(32)),
    # Of a refused recording: when its blocks were gone.
    Column("purged_ms", BigInteger),
    # Whether nothing is left to be done for it: the blocks of a kept one lie together, a refused one was purged, a deleted one
    # has its certificate.
    Column("settled", Boolean, nullable=False),
    # When its manifest came, unless that was a refusal's; null until then.
    Column("came_ms", BigInteger),
    # From the consent receipt, also of a refused one: the client's code, and what a list shows. Null until it comes.
    Column("code", String(24)),
    Column("consent", String(12)),
    Column("yes", BigInteger),
    Column("present", BigInteger),
    Column("training", String(12)),
    # Of a deleted one: why, and whether it was kept before. Of it all columns are null that tell how long it was.
    Column("cause", String(16)),
    Column("was_kept", Boolean),
    CheckConstraint("state IN ('open', 'kept', 'refused', 'deleted')", name="state"),
    Index("ix_recordings_device", "device", "sequence"),
    Index("ix_recordings_delete_after_ms", "delete_after_ms"),
    Index("ix_recordings_unsettled", "state", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
    # For lists, the newest first.
    Index("ix_recordings_first_ms", "first_ms", "id"),
    Index("ix_recordings_device_first_ms", "device", "first_ms", "id"),
    Index("ix_recordings_code", "code"),
    # For who looks for what is due: however many were deleted or refused, it walks by these alone.
    Index("ix_recordings_live", "id", sqlite_where=LIVE, postgresql_where=LIVE),
    # For who wants to know which rooms fail: few are in it.
    Index("ix_recordings_failed", "first_ms", sqlite_where=FAILED, postgresql_where=FAILED),
    postgresql_partition_by="HASH (id)",
)

PARTITIONS = 16
"""Of recordings and their items, where the database has partitions: by the hash of the recording's id, which is random."""

ITEMS = Table(
    "items",
    METADATA,
    Column("recording", String(32), ForeignKey("recordings.id"), primary_key=True),
    Column("type", Integer, primary_key=True),
    Column("page", BigInteger, primary_key=True),
    Column("contents", LargeBinary, nullable=False),  # see pages.py
    sqlite_with_rowid=False,
    postgresql_partition_by="HASH (recording)",
)

CONFLICTS = Table(
    "conflicts",
    METADATA,
    Column("recording", String(32), ForeignKey("recordings.id"), primary_key=True),
    Column("type", Integer, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("content", LargeBinary(32), primary_key=True),
    sqlite_with_rowid=False,
)

TALLY_SLOTS = 16
TALLIES = Table(
    "tallies",
    METADATA,
    # How many recordings are in each state is the sum over the slots: many, so that writers need not wait for each other.
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("state", String(8), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

ROOMS = Table(
    "rooms",
    METADATA,
    # How each enrolled room is, as the watch tells it, and no finer (ADR 17). No part of what a rebuild makes anew.
    Column("name", String(64), primary_key=True),
    Column("told_ms", BigInteger, nullable=False),  # when the watch said so
    Column("heard", Boolean, nullable=False),
    # Of one that is not heard: the hour in which that began; null if it never was heard.
    Column("silent_ms", BigInteger),
    Column("faults", String(400), nullable=False),  # names, by commas
    Column("rejected", Boolean, nullable=False),
    Column("behind", Boolean, nullable=False),
    Column("spool", Integer),  # tenths
    Column("certificate_ends_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    # The day of the last self-test, and all that was found on that day.
    Column("selftest_ms", BigInteger, nullable=False),
    Column("selftest_found", String(400), nullable=False),
)

ROOM_DAYS = Table(
    "room_days",
    METADATA,
    # The days before, by UTC. An hour is a bit: 1 is the first.
    Column("room", String(64), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # Unix
    Column("watched", Integer, nullable=False),  # the hours in which the watch listened
    Column("silent", Integer, nullable=False),  # those of them in which the room was not heard at some time
    Column("faults", String(400), nullable=False),
    Column("rejected", Boolean, nullable=False),
)
