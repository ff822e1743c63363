"""Rules for passwords, said in the language of the page."""

from django.contrib.auth.password_validation import MinimumLengthValidator


class MinimumLength(MinimumLengthValidator):
    """Django 5.2 has no Chinese for its refusal (its catalogue still holds an older wording), but it has for the rule."""

    def get_error_message(self) -> str:
        return str(self.get_help_text())
