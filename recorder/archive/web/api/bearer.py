"""Who may call what: each address of the API names its action, as each page does."""

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from recorder.archive.access import NEEDS_POLICY, Action, Purpose, Role, role_for
from recorder.archive.web.api.models import Token
from recorder.archive.web.api.tokens import known
from recorder.archive.web.policy.live import in_use
from recorder.archive.web.trail import writing

ROLE = Role.CASE_SYSTEM
UNCONFIRMED = "A second person must confirm this token first: another administrator, or the privacy officer."


class Bearer(HttpBearer):
    """A token that may do `action`, and that a second person has confirmed."""

    def __init__(self, action: Action) -> None:
        super().__init__()
        self.action = action

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        """The token; None, which answers 401, if it is none or good no more. 403 if it is not for this, or waits."""
        found = known(token)
        if found is not None and found.confirmed_ms is None:
            refuse(found, self.action, why=UNCONFIRMED)
        if found is not None and self.action not in found.actions:
            refuse(found, self.action)
        return found


def permit(token: Token, action: Action, purpose: Purpose | None = None, *, recording: str | None = None) -> None:
    """Whether the token, and the role of programs, may do it for this purpose; of what may not it is written down, and 403."""
    given = purpose is None or purpose in token.purposes
    if not given or role_for([ROLE], action, purpose) is None:
        refuse(token, action, purpose, recording)
    if action in NEEDS_POLICY and not in_use():
        refuse(token, action, purpose, recording, "The recorder is not yet in use: the organisation must decide first.")


def refuse(
    token: Token,
    action: Action,
    purpose: Purpose | None = None,
    recording: str | None = None,
    why: str = "This token is not for that.",
) -> None:
    """Write down that a program tried what it may not, and answer so."""
    writing.write(person=name(token), role=ROLE, action=action, result="refused", purpose=purpose, recording=recording)
    raise HttpError(403, why)


def name(token: Token) -> str:
    """How the audit trail calls it."""
    return f"token-{token.pk}"
