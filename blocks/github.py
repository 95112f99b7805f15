"""GitHub as a Prefect block: an address, a token or an App's key, and how much of the rate limit may be used."""

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, model_validator

from tasks.github.access import GitHubAccess
from tasks.github.app import AppCredentials
from tasks.github.blobs import BlobLimits
from tasks.github.budget import BudgetTerms

__all__ = ["GitHub"]


class GitHub(Block):
    """How to reach GitHub; secrets are stored encrypted by Prefect and never shown.

    Attributes:
        token: A personal access token (contents: read); None with an App.
        app_id: The App's id, with private_key and, unless the organisation tells it, installation_id.
        base_url: Address of the API; GitHub Enterprise Server: https://HOST/api/v3.
    """

    _block_type_name = "Vetbook GitHub"
    _block_type_slug = "vetbook-github"
    _documentation_url = HttpUrl("https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api")
    _description = "Reads an organisation's repositories from github.com or GitHub Enterprise Server."

    token: SecretStr | None = Field(default=None, description="Personal access token with read access to contents.")
    app_id: str | None = Field(default=None, description="Id of a GitHub App, instead of a token.")
    private_key: SecretStr | None = Field(default=None, description="The App's private key, PEM.")
    installation_id: int | None = Field(default=None, ge=1, description="Where the App is installed; unset: ask.")
    base_url: str = Field(
        default="https://api.github.com",
        pattern=r"^https?://",
        description="Address of the API; GitHub Enterprise Server: https://HOST/api/v3.",
    )
    max_in_flight: int = Field(default=32, ge=1, le=100, description="Requests at once; GitHub allows 100.")
    points_per_minute: int = Field(default=800, ge=1, le=2000, description="Requests a minute; GitHub allows 900.")
    rate_limit_buffer: float = Field(default=0.8, ge=0.1, le=1.0, description="Share of the hourly limit to use.")
    max_wait_s: float = Field(default=900.0, ge=0, le=86_400, description="Seconds to wait for a used up limit.")
    files_per_query: int = Field(default=50, ge=1, le=200, description="Files read by one GraphQL query.")
    ca_bundle: Path | None = Field(default=None, description="PEM file with further certificates to trust.")

    @model_validator(mode="after")
    def _one_kind_of_credentials(self) -> "GitHub":
        if (self.app_id is None) != (self.private_key is None):
            raise ValueError("app_id and private_key belong together")
        if self.app_id is not None and self.token is not None:
            raise ValueError("give a token or an App, not both")
        return self

    def access(self, org: str | None = None) -> GitHubAccess:
        """What `open_organisation` takes; org is where an App without installation_id looks for its installation.

        Make it on the event loop that uses it. Raises SettingsError for a private key that is none.
        """
        return GitHubAccess(
            token=self.token,
            base_url=self.base_url,
            budget=BudgetTerms(self.rate_limit_buffer, self.points_per_minute, self.max_wait_s, self.max_in_flight),
            limits=BlobLimits(files=self.files_per_query),
            ca_bundle=self.ca_bundle,
            credentials=self._app(org),
        )

    def _app(self, org: str | None) -> AppCredentials | None:
        if self.app_id is None or self.private_key is None:
            return None
        return AppCredentials(self.app_id, self.private_key, installation_id=self.installation_id, org=org)
