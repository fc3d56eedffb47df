"""The family of errors: one a layer, each naming the party at fault and what to do about it.

An error's docstring is what its operator needs to know; its message says what happened this time. The command
line prints the message alone and exits with 2; nothing else in the product catches `WederhoorError` broadly. A room that
cannot start shows that by its light first, unless it runs already: then the light is another process's.
"""


class WederhoorError(Exception):
    """Something outside this program is wrong; the message says what, and who can mend it."""


class ConfigError(WederhoorError, ValueError):
    """The configuration file is wrong. The message names the file, the line and what is allowed there."""


class MicrophoneError(WederhoorError, OSError):
    """The microphone is missing, is not the one configured, or stopped delivering. Check its plug and identity."""


class RoomError(WederhoorError, OSError):
    """The room cannot be served by this process: another one serves it, or its folder is another user's."""


class PanelError(WederhoorError, OSError):
    """The buttons and lights cannot be reached. Check that this is a Raspberry Pi and that the user is in group gpio."""


class SpeakerError(WederhoorError, OSError):
    """The speaker or the announcement cannot be played. Check the `[speaker]` section of the configuration."""


class NoticeError(WederhoorError, OSError):
    """A notice cannot be made: a program is missing, or a file is in the way."""


class EncoderError(WederhoorError):
    """libopus refused the settings or the audio. Check the `[opus]` section of the configuration."""


class CaptureError(WederhoorError):
    """The capture process said something it should not. The recording ends; the log of this device says what it was."""


class SignedTextError(WederhoorError, ValueError):
    """A signed text is not in its one canonical form, or its signature is not its signer's."""


class SealedError(WederhoorError, ValueError):
    """A sealed recording, or a part of one, is not what its signatures say, or not for this key."""


class OtherKey(SealedError):
    """A sealed recording is for other keys than this one. Nothing is wrong with it: open it with one of those."""


class KeyFileError(WederhoorError, ValueError):
    """A key file is missing, damaged, of the wrong kind, or its passphrase is wrong."""


class WireError(WederhoorError, ValueError):
    """A message on the wire is not of the form that docs/wire.md gives, or its signature is not its sender's."""


class SpoolError(WederhoorError, OSError):
    """The device's spool cannot keep a block: the card is full, read-only or broken."""


class SpoolDamage(SpoolError):
    """A file in the spool cannot be read any more. It is set aside; the rest goes on."""


class SpoolFull(SpoolError):
    """The spool reached `spool.bytes_max`, or the card is full. Restore the connection to the archive."""


class HoldError(WederhoorError, OSError):
    """The hold cannot keep or erase a key with certainty. The room refuses to start until it can."""


class UplinkError(WederhoorError, OSError):
    """The broker cannot be reached or does not accept this device. Check address, authority and certificate."""


class StoreError(WederhoorError, OSError):
    """The archive's object store cannot be opened, or cannot keep or return an object. Check its settings, disk or server."""


class CatalogueError(WederhoorError, OSError):
    """The archive's catalogue (database) cannot be reached, or is of another version."""


class MetricsError(WederhoorError, OSError):
    """The metrics cannot be served. Check host and ports in the `[metrics]` section of the configuration."""


class AuthorityError(WederhoorError, ValueError):
    """The certificate authority's folder is missing, damaged, or holds another authority's keys."""


class AuditError(WederhoorError, ValueError):
    """The audit trail, or a checkpoint of it, is not as it was written: somebody changed it, or a disk did."""


class PolicyError(WederhoorError, ValueError):
    """What the organisation wants to decide does not go together, or takes back what clients were told: change `field`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TrialError(WederhoorError):
    """The room on this machine could not be set up: a program is missing or a script step is unknown."""


class ScriptError(TrialError):
    """A step of a trial's script does not fit the state that the room is in. What had begun by then is ended and kept."""


class WebError(WederhoorError, OSError):
    """The pages or the reading room cannot be served. Check the `[web]` section of the configuration."""
