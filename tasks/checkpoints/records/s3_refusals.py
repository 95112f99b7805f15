"""What an error of S3 means for a person, in one line: where, what, and what to do about it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tasks.http.redaction import without_credentials

NO_OBJECT = frozenset({"NoSuchKey", "InvalidRange"})
"""Codes that say there is no such object, or nothing in it. A missing bucket, or a 404 of no S3, is no such case."""

_NEEDED = "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives them"
_RENEW = "the credentials of AWS could not be had; renew them (as with aws sso login) and run again"
_ADVICE: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket; make it, or name another one in execution.results",
    "AccessDenied": f"access denied; allow the credentials of AWS {_NEEDED} there",
    "AllAccessDisabled": f"access denied; allow the credentials of AWS {_NEEDED} there",
    "InvalidAccessKeyId": f"the access key is not known there; {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret key is not the access key's; {_CREDENTIALS}",
    "ExpiredToken": "the credentials of AWS have expired; renew them and run again",
    "InvalidToken": "the session token of AWS is not accepted; renew the credentials and run again",
    "RequestTimeTooSkewed": "the clock of this machine is wrong; set it and run again",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to that one",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION to that one",
    "IllegalLocationConstraintException": "the bucket is in another region; set AWS_REGION to that one",
    "NoCredentialsError": f"no credentials of AWS; {_CREDENTIALS}",
    "PartialCredentialsError": f"the credentials of AWS are not complete; {_CREDENTIALS}",
    "CredentialRetrievalError": _RENEW,
    "SSOTokenLoadError": _RENEW,
    "TokenRetrievalError": _RENEW,
    "UnauthorizedSSOTokenError": _RENEW,
    "SSLError": "the certificate of the server is not trusted; name its authority's file in AWS_CA_BUNDLE",
    "ProfileNotFound": "AWS_PROFILE names a profile that the files of AWS do not have; name another one",
}


def code_of(error: Exception) -> str:
    """What S3 calls the error; the name of its class where S3 did not answer."""
    answer: Mapping[str, Any] = getattr(error, "response", {})
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def refusal(address: str, endpoint: str, error: Exception) -> str:
    """Why a request about `address` failed; the text of the error itself is left out, as it may hold anything."""
    code = code_of(error)
    status, server = _status(error), without_credentials(endpoint)
    advice = _ADVICE.get(code) or (_ADVICE["AccessDenied"] if status == HTTPStatus.FORBIDDEN else None)
    if advice is not None:
        return f"{address}: {advice}"
    if status is None:
        return f"{address}: {server} does not answer ({code}): check the network and AWS_ENDPOINT_URL, then run again"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{address}: {server} cannot answer now ({code}); run again later"
    return f"{address}: {server} refuses ({code}); mend that and run again"


def client_refusal(address: str, error: Exception) -> str:
    """Why no client could be made at all."""
    code = code_of(error)
    return f"{address}: {_ADVICE.get(code, f'the configuration of AWS cannot be used ({code}); mend it')}"


def _status(error: Exception) -> int | None:
    """The status of an answer; None where there was none."""
    answer: Mapping[str, Any] | None = getattr(error, "response", None)
    return None if answer is None else int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
