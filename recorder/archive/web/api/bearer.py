"""Who may call what: each address of the API names its action, as each page does."""

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from recorder.archive.access import Action, Purpose, Role, role_for
from recorder.archive.web.api.models import Token
from recorder.archive.web.api.tokens import known
from recorder.archive.web.trail import writing

ROLE = Role.CASE_SYSTEM


class Bearer(HttpBearer):
    """A token that may do `action`."""

    def __init__(self, action: Action) -> None:
        super().__init__()
        self.action = action

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        """The token; None, which answers 401, if it is none or good no more. 403 if it is not for this."""
        found = known(token)
        if found is not None and self.action not in found.actions:
            refuse(found, self.action)
        return found


def permit(token: Token, action: Action, purpose: Purpose | None = None, *, recording: str | None = None) -> None:
    """Whether the token, and the role of programs, may do it for this purpose; of what may not it is written down, and 403."""
    given = purpose is None or purpose in token.purposes
    if not given or role_for([ROLE], action, purpose) is None:
        refuse(token, action, purpose, recording)


def refuse(token: Token, action: Action, purpose: Purpose | None = None, recording: str | None = None) -> None:
    """Write down that a program tried what it may not, and answer so."""
    writing.write(person=name(token), role=ROLE, action=action, result="refused", purpose=purpose, recording=recording)
    raise HttpError(403, "This token is not for that.")


def name(token: Token) -> str:
    """How the audit trail calls it."""
    return f"token-{token.pk}"
