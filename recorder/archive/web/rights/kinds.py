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
    MISENTERED = "misentered"
    """The desk entered it wrongly: with a day that is not the one on which it came, or what the client never asked."""


WAITING = (State.OPEN, State.EXTENDED)
"""It is not decided yet."""


class Proposal(StrEnum):
    """What one person says that is to become of a request, and a second one confirms."""

    GRANTED = "granted"
    """Of an erasure, as the next three."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    MISENTERED = "misentered"
    COPY = "copy"
    """A copy is granted that the same person has entered."""
    LIFTED = "lifted"
    """The restriction ends that was granted."""


TAKES_BACK = (Proposal.WITHDRAWN, Proposal.MISENTERED)
"""What ends a request without an answer."""


class What(StrEnum):
    """What happened with a request."""

    CAME = "came"
    EXTENDED = "extended"
    MASKED = "masked"
    UNMASKED = "unmasked"
    COPIED = "copied"
    TO_GRANT = "to_grant"
    """One person has said so, and the next four likewise: a second one looks."""
    TO_REFUSE = "to_refuse"
    TO_WITHDRAW = "to_withdraw"
    TO_MISENTERED = "to_misentered"
    TO_LIFT = "to_lift"
    DECLINED = "declined"
    """The second person said no."""
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    MISENTERED = "misentered"
    LIFTED = "lifted"
    """The restriction, by two."""


class Ground(StrEnum):
    """On what a recording is disclosed to somebody else (P3)."""

    DUTY = "duty"
    """A law says that it must."""
    AGREEMENT = "agreement"
    """The client agreed."""
