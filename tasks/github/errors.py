"""What can go wrong with GitHub beside what the HTTP client already names.

SourceError
├── BudgetExhausted              the quota is used up and its renewal is too far away: run again then, nothing is lost
├── RepositoryInaccessible       one repository cannot be read: give the token access, the others go on
└── SourceRefused
    └── AuthenticationFailed     the token is missing, expired or wrong: nothing can be read, no retry helps
"""

from datetime import datetime

from tasks.errors import ExitCode, SourceError, SourceRefused

__all__ = ["AuthenticationFailed", "BudgetExhausted", "RepositoryInaccessible"]


class BudgetExhausted(SourceError):
    """No more requests before resume_at (aware UTC; None where GitHub does not say); what is finished is kept."""

    def __init__(self, message: str, resume_at: datetime | None = None) -> None:
        super().__init__(message)
        self.resume_at = resume_at


class RepositoryInaccessible(SourceError):
    """One repository or organisation that is not there for this token, or blocked.

    Where it ends a run it is the organisation: the input is to be mended, and nothing was written.
    """

    exit_code = ExitCode.USAGE


class AuthenticationFailed(SourceRefused):
    """GitHub does not know the credentials (HTTP 401); nothing was written."""

    exit_code = ExitCode.USAGE
