"""Handing large values to Prefect, which then neither walks through them nor looks for futures inside, and back."""

from typing import TypeVar, cast

from prefect.utilities.annotations import quote

Value = TypeVar("Value")


def opaque(value: Value) -> Value:
    """The value, wrapped so that Prefect leaves it alone; the task gets it unwrapped."""
    return cast("Value", quote(value))


def opened(value: Value) -> Value:
    """What `opaque` wrapped; a flow's result comes back wrapped as it was returned."""
    return cast("Value", value.unquote()) if isinstance(value, quote) else value


class _Carried:
    """Something with the attributes of a value, which is no collection to whoever looks for futures inside."""

    def __init__(self, value: object) -> None:
        self.__dict__["_value"] = value

    def __getattr__(self, name: str) -> object:
        return getattr(self.__dict__["_value"], name)

    def __reduce__(self) -> tuple[type["_Carried"], tuple[object]]:
        return _Carried, (self.__dict__["_value"],)


def carried(value: Value) -> Value:
    """The value for a runner that hands it to another process: such runners walk through what `opaque` wraps."""
    return cast("Value", _Carried(value))
