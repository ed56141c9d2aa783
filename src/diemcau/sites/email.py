"""E-mail addresses of sites: checked by their form, kept in one form."""

from typing import Final

MAX_EMAIL: Final = 254
"""Characters of an address, RFC 5321 §4.5.3.1.3."""


def email_of(text: str) -> str | None:
    """The address with its domain in ASCII and small letters; None when it is none that mail can reach.

    Only the form is looked at: nobody's server is asked.
    """
    # Loaded only here: a server in which nobody writes addresses needs none of it.
    from email_validator import EmailNotValidError, validate_email

    if len(text) > MAX_EMAIL:
        return None
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return found.ascii_email
