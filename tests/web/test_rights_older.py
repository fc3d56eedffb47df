"""Erasures that an older version left, on both databases: none of them lies where nobody looks."""

import json
import subprocess
import sys

from tests.web.desk import SECONDS_MAX
from tests.web.test_rights_at_once import Site, site

__all__ = ["site"]


def test_what_the_desk_had_entered_and_nobody_decided_is_proposed_by_who_entered_it(site: Site) -> None:
    command = [sys.executable, "-m", "tests.web.older", str(site.config), site.recording]
    done = subprocess.run(command, check=True, timeout=SECONDS_MAX, capture_output=True, text=True)
    found = json.loads(done.stdout)
    entered = {"proposed": "granted", "by_who_entered": True, "words": True, "happened": ["came", "to_grant"]}
    untouched = {"proposed": None, "by_who_entered": False, "words": False, "happened": ["came"]}
    stands = {"locked": True, "goes": False}
    assert found == {
        "entered": entered | stands | {"due_after_days": 14},
        "by_code": untouched | stands | {"due_after_days": 14},
        "late": untouched | stands | {"due_after_days": 44},
    }
