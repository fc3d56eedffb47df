"""What a trial tells at its end."""

import io
from pathlib import Path

from rich.console import Console

from recorder.trial.session import _tell


def test_of_a_refused_meeting_it_promises_no_less_than_the_files_tell(tmp_path: Path) -> None:
    """There is a sealed one beside the receipt: it tells of the refusal, and nothing of what was said."""
    files = {"sealed": "room-1-000001.sealed", "receipt": "room-1-000001.receipt"}
    console = Console(width=120, file=io.StringIO(), force_terminal=False)
    _tell([{"outcome": "refused", "files": files}], tmp_path, console)
    told = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert "Of what was said nothing is left: the files tell that it was refused, and when" in told
    assert all(each in told for each in files.values())
    assert "nothing is left but" not in told
