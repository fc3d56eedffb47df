"""What a password must be, in words of ours: Django's Dutch lacks this one."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import ngettext


class LongEnough(MinimumLengthValidator):
    """Of so many characters at least."""

    def get_error_message(self) -> str:
        """What who typed a shorter one reads."""
        return ngettext(
            "This password is too short. It needs %(n)d character.",
            "This password is too short. It needs %(n)d characters.",
            self.min_length,
        ) % {"n": self.min_length}
