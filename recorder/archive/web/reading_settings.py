"""Django's settings in the reading room: the same database, and nothing that a browser would want."""

from recorder.archive.web.settings import *  # noqa: F403
from recorder.archive.web.settings import INSTALLED_APPS

ROOT_URLCONF = "recorder.archive.web.reading_urls"
ALLOWED_HOSTS = ["reading-room"]
INSTALLED_APPS = [each for each in INSTALLED_APPS if not each.startswith(("allauth", "csp"))]
MIDDLEWARE = []
SECURE_SSL_REDIRECT = False
