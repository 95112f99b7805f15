"""From the words of a command to the parameters of its flow."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tasks.errors import UsageError

Request = TypeVar("Request", bound=BaseModel)


def request_from(model: type[Request], words: Mapping[str, object], flags: Mapping[str, str] | None = None) -> Request:
    """The request that the words spell; words that are no field of it are for the command itself.

    flags names the flags that are not called as their field is. Raises UsageError, naming the flag.
    """
    given = {name: value for name, value in words.items() if name in model.model_fields}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        flag = (flags or {}).get(field, field).removesuffix("_s").replace("_", "-")
        raise UsageError(f"--{flag} {first['input']}: {first['msg']}{_range_of(model, field)}; see --help") from error


def _range_of(model: type[BaseModel], field: str) -> str:
    info = model.model_fields.get(field)
    bounds = {
        sign: getattr(item, sign)
        for item in (info.metadata if info else ())
        for sign in ("ge", "le")
        if hasattr(item, sign)
    }
    return f" (allowed: {bounds['ge']} to {bounds['le']})" if len(bounds) == 2 else ""  # noqa: PLR2004  both ends
