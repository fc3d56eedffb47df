"""The organisation's own sign-in, by OpenID Connect, as the settings name it."""

from pathlib import Path

from recorder.config import Web
from recorder.errors import WebError

PROVIDER = "organisation"
"""Its name in addresses: the provider is told to send people back to `web.url`/account/oidc/organisation/callback/."""


def secret(web: Web) -> str:
    """By which the pages show the provider that they are themselves; empty if there is none. Raises WebError."""
    if not web.oidc_issuer:
        return ""
    try:
        found = Path(web.oidc_secret_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WebError(f"{web.oidc_secret_file}: cannot be read: {error}; check web.oidc_secret_file") from error
    if not found:
        raise WebError(f"{web.oidc_secret_file} is empty; it should hold the secret that the provider gave")
    return found
