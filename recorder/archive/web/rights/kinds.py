"""What the client may ask for, how it comes, and what becomes of it."""

from enum import StrEnum


class Kind(StrEnum):
    """By the articles of the AVG."""

    ACCESS = "access"
    """15: a copy, and who listened."""
    ERASURE = "erasure"
    """17."""
    RECTIFICATION = "rectification"
    """16: a statement beside the audio, which stays as it is."""
    RESTRICTION = "restriction"
    """18."""
    OBJECTION = "objection"
    """21: to that it is used."""


class Channel(StrEnum):
    """By which way a request came."""

    PAGE = "page"
    """The client's own, by their code."""
    LETTER = "letter"
    COUNTER = "counter"
    TELEPHONE = "telephone"


class State(StrEnum):
    OPEN = "open"
    EXTENDED = "extended"
    """Open, by two months longer: the client was told why (12, paragraph 3)."""
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


WAITING = (State.OPEN, State.EXTENDED)
"""It is not decided yet."""


class Proposal(StrEnum):
    """What one person says that is to become of a request, and a second one confirms."""

    GRANTED = "granted"
    """Of an erasure, as the next two."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    COPY = "copy"
    """A copy is granted that the same person has entered."""
    LIFTED = "lifted"
    """The restriction ends that was granted."""


class What(StrEnum):
    """What happened with a request."""

    CAME = "came"
    EXTENDED = "extended"
    MASKED = "masked"
    UNMASKED = "unmasked"
    COPIED = "copied"
    TO_GRANT = "to_grant"
    """One person has said so, and the next three likewise: a second one looks."""
    TO_REFUSE = "to_refuse"
    TO_WITHDRAW = "to_withdraw"
    TO_LIFT = "to_lift"
    DECLINED = "declined"
    """The second person said no."""
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LIFTED = "lifted"
    """The restriction, by two."""


class Ground(StrEnum):
    """On what a recording is disclosed to somebody else (P3)."""

    DUTY = "duty"
    """A law says that it must."""
    AGREEMENT = "agreement"
    """The client agreed."""
