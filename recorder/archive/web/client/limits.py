"""How often codes may be tried: a code is one of 2¹⁰⁰, so this is not for its sake, but so that trying costs us little.

A try counts whether the code is right or wrong; so that there are no more tries tells nothing. Who asks much from one place may
be a library, so its measure is wide; that over all places is for the machine.
"""

from collections.abc import Mapping

LIMITS: Mapping[str, str] = {
    "client_code": "60/10m/ip,600/m/key",
    "client_ask": "10/h/ip,120/h/key",
}
"""By allauth's way of writing it: so many, in how long, for each of what. `key` is one for all."""
ALL = "all"
WAIT_SECONDS = 600
"""What who is told to wait is told."""
