"""Where notifications go, as a Prefect block: chat, mail and pager services by Apprise's addresses."""

import contextlib
import logging
from collections.abc import Iterator

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, field_validator

__all__ = ["Notifications"]


class Notifications(Block):
    """Services that are told of failures and of new critical findings.

    Attributes:
        urls: Apprise addresses; they hold passwords and tokens, so Prefect stores them encrypted.
    """

    _block_type_name = "Vetbook Notifications"
    _block_type_slug = "vetbook-notifications"
    _documentation_url = HttpUrl("https://github.com/caronc/apprise/wiki")
    _description = "Tells chat, mail or pager services of failed scans and of new critical findings."

    urls: SecretStr = Field(
        description="Apprise addresses, separated by blanks or line ends, such as slack://TOKENS or mailtos://..."
    )

    @field_validator("urls")
    @classmethod
    def _are_known(cls, value: SecretStr) -> SecretStr:
        import apprise  # noqa: PLC0415  slow to import, and only needed where it is used

        addresses = value.get_secret_value().split()
        with _silent():
            bad = [place for place, one in enumerate(addresses, 1) if apprise.Apprise.instantiate(one) is None]
        if bad or not addresses:
            # The address itself is a secret: only its place is named.
            raise ValueError(f"address number {bad[0]} is none that Apprise knows" if bad else "no address is given")
        return value

    def send(self, title: str, body: str) -> bool:
        """Send plain text to every address; whether all of them took it."""
        import apprise  # noqa: PLC0415  as above

        with _silent():
            services = apprise.Apprise()
            for address in self.urls.get_secret_value().split():
                services.add(address)
            return bool(services.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What Apprise logs holds the address, with its tokens."""
    logger = logging.getLogger("apprise")
    former, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = former
