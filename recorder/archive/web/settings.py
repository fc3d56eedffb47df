"""What Django is told: made from the one configuration file, which the environment variable WEDERHOOR_CONFIG names.

Two processes use it. The pages serve `urls`; the reading room, which has the keys, serves `reading_urls` to the pages alone.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.client import limits
from recorder.archive.web.database import people_file
from recorder.config import Config, load

HOUR_SECONDS = 3_600


def _database(config: Config) -> dict[str, Any]:
    """Django's form of `web.database`."""
    common = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    if not config.web.database:
        # One writer at a time, who waits for the other from the start: a transaction that begins by reading could not go on.
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
        name = str(people_file(config))
        return common | {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    parts = urlsplit(config.web.database)
    return common | {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _secret(file: Path) -> str:
    """What signs cookies: `recorder archive web` makes the file. Without one there are no cookies to be kept."""
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return get_random_secret_key()


CONFIG = load(Path(os.environ["WEDERHOOR_CONFIG"]) if "WEDERHOOR_CONFIG" in os.environ else None)
_WEB = CONFIG.web
_HTTPS = _WEB.url.startswith("https:")
_HOST = urlsplit(_WEB.url).hostname or ""

SECRET_KEY = _secret(Path(CONFIG.archive.folder) / "keys" / "web.secret")
DEBUG = False
ALLOWED_HOSTS = [f"[{_HOST}]" if ":" in _HOST else _HOST]
CSRF_TRUSTED_ORIGINS = [_WEB.url]
CSRF_FAILURE_VIEW = "recorder.archive.web.views.stale"
ROOT_URLCONF = "recorder.archive.web.urls"
WSGI_APPLICATION = None
DATABASES = {"default": _database(CONFIG)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.forms",
    "recorder.archive.web.people",
    "recorder.archive.web.trail",
    "recorder.archive.web.meetings",
    "recorder.archive.web.listening",
    "recorder.archive.web.holds",
    "recorder.archive.web.rights",
    "recorder.archive.web.policy",
    "recorder.archive.web.client",
    "recorder.archive.web.rooms",
    "recorder.archive.web.training",
    "recorder.archive.web.api",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "recorder.archive.web.middleware.headers",
    "recorder.archive.web.middleware.decided",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "recorder.archive.web.middleware.bounded",
    "recorder.archive.web.middleware.second_factor",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "recorder.archive.web.context.page",
            ],
            "builtins": ["recorder.archive.web.tags"],
        },
    }
]
FORM_RENDERER = "recorder.archive.web.forms.Renderer"

LANGUAGE_CODE = _WEB.language
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
LANGUAGE_COOKIE_SECURE = _HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [Path(__file__).with_name("locale")]
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"

STATIC_URL = "/static/"
STATICFILES_DIRS = [Path(__file__).with_name("static")]
WHITENOISE_USE_FINDERS = True  # the files are the package's: there is nothing to be gathered
WHITENOISE_MAX_AGE = HOUR_SECONDS

SESSION_COOKIE_AGE = 8 * HOUR_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # from a provider's page one comes back with it
SESSION_COOKIE_NAME = "__Host-session" if _HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if _HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = _HTTPS and _WEB.behind_proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _WEB.behind_proxy else None
SECURE_HSTS_SECONDS = 365 * 24 * HOUR_SECONDS if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # the QR code of a second factor is one
        "media-src": ["'self'"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS: list[str] = []  # nothing is uploaded here

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "recorder.archive.web.people.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "recorder.archive.web.people.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # who keeps the accounts enters the addresses
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_FORMS = {
    "login": "recorder.archive.web.people.forms.SignIn",
    "reauthenticate": "recorder.archive.web.people.forms.Again",
    "change_password": "recorder.archive.web.people.forms.ChangePassword",
    "reset_password_from_key": "recorder.archive.web.people.forms.FirstPassword",
    "user_token": "recorder.archive.web.people.forms.Invitation",
}
# Many come from one address, where the organisation's network has one: what guards an account counts by account.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "100/m/ip,5/5m/key",
    "check_flag": "60/h/user",  # one before each conversation, and not every number there is
    "check_flag_refused": "1/h/user",
    **limits.LIMITS,
}
ALLAUTH_TRUSTED_PROXY_COUNT = int(_WEB.behind_proxy)  # else all who come by it would be one for the rate limits
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _HTTPS else "http"
SOCIALACCOUNT_ADAPTER = "recorder.archive.web.people.adapters.SocialAccountAdapter"
SOCIALACCOUNT_ONLY = False
MFA_ADAPTER = "recorder.archive.web.people.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "recorder.archive.web.people.forms.SecondFactor",
    "reauthenticate": "recorder.archive.web.people.forms.SecondFactorAgain",
    "activate_totp": "recorder.archive.web.people.forms.ActivateApp",
    "add_webauthn": "recorder.archive.web.people.forms.AddPasskey",
    "edit_webauthn": "recorder.archive.web.people.forms.NamePasskey",
}
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _HTTPS  # this machine alone: see `web.url`
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Wederhoor"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True

EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "limits",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "verdicts": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "verdicts",
        "OPTIONS": {"MAX_ENTRIES": 1_000},
    },
}
"""Rate limits are the same for all workers. With few entries whoever tries many addresses makes it forget the others'. What
verifying a recording found is each worker's own: see `meetings.verdicts`."""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "recorder.archive.web.logs.OneLine", "format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"alembic": {"level": "WARNING"}},
}
