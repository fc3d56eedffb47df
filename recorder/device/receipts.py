"""The receipts of refusals: what remains of a no, on the device as at the archive. No audio, and nothing that tells of any."""

from pathlib import Path

from recorder.device import durable
from recorder.errors import SpoolError


class Receipts:
    """A folder of small files, each written once.

    `RECORDING.sealed` is the order to purge, `RECORDING.receipt` the consent receipt, `RECORDING.purged` the archive's word.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, receipt: bytes) -> None:
        """Durable when this returns. SpoolError if the card fails."""
        try:
            durable.make_folder(self._folder)
            durable.write(self._folder / name, receipt)
        except OSError as error:
            raise SpoolError(f"{self._folder}: the receipt of a refusal cannot be kept: {error.strerror}") from error
