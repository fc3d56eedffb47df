"""What is connected when the pages start."""

from django.apps import AppConfig, apps


class PeopleConfig(AppConfig):
    name = "recorder.archive.web.people"

    def ready(self) -> None:
        """In the pages alone: nobody signs in at the reading room, which has no allauth."""
        if apps.is_installed("allauth.mfa"):
            from recorder.archive.web.people import telling

            telling.connect()
