"""The processes of a trial stand by themselves, and wait for nobody who was stopped."""

import os
import subprocess

from recorder.trial import children


def test_a_child_hears_no_signal_of_our_terminal() -> None:
    with children.start(["sleep", "60"], output=subprocess.DEVNULL, errors=subprocess.DEVNULL) as child:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
        child.kill()


def test_a_child_says_what_a_room_says_in_minutes_though_nobody_listens() -> None:
    command = ["head", "--bytes=1000000", "/dev/zero"]
    with children.start(command, output=subprocess.PIPE, errors=subprocess.DEVNULL) as child:
        assert child.wait(10) == 0
