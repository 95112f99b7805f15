"""Limits over all processes and machines that name the same Redis (sources.shared_limits; extra `redis`)."""

import logging
import secrets
from typing import Any, cast

from pydantic import SecretStr

from tasks.errors import SettingsError
from tasks.http.policy import ServiceName
from tasks.http.redaction import without_credentials

try:
    import redis.asyncio as redis_client
    from redis.exceptions import RedisError
except ImportError as missing:
    raise SettingsError('sources.shared_limits needs the redis client: pip install "vetbook[redis]".') from missing

__all__ = ["RedisLimits"]

PREFIX = "vetbook:limit:"
FORGOTTEN_MS = 3_600_000
TIMEOUT_S = 5.0

# Each script is one step for all who ask; the time is the server's, so that clocks that differ do not matter.
_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000); "
# ARGV: milliseconds between turns, the longest acceptable wait (-1: any). The generic cell rate algorithm, no burst.
_RESERVE = (
    _NOW
    + f"""
local at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local most = tonumber(ARGV[2])
if (most < 0 or at - now <= most) and tonumber(ARGV[1]) > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', at + tonumber(ARGV[1])), 'PX', {FORGOTTEN_MS})
end
return string.format('%.0f', at - now)"""
)
_HOLD = (
    _NOW
    + f"""
local till = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', {FORGOTTEN_MS})
return 1"""
)
# ARGV: limit, lease in milliseconds, the slot's name. Slots of processes that died end with their lease.
_ENTER = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1"""
)

_log = logging.getLogger(__name__)


class RedisLimits:
    """`SharedLimits` in Redis 5 or later. A Redis that fails is a warning, once: own limits hold until it answers.

    client is there for tests. Raises SettingsError for an address that is none.
    """

    def __init__(self, url: SecretStr, client: Any = None) -> None:
        self._shown = without_credentials(url.get_secret_value())
        self._client = client if client is not None else _connected(url)
        self._warned = False

    async def reserve(self, service: ServiceName, interval_s: float, most_s: float | None) -> float:
        """Seconds until the next turn among all; taken unless it is further away than most_s."""
        most = -1 if most_s is None else round(most_s * 1000)
        answer = await self._run(_RESERVE, f"{service}:next", round(interval_s * 1000), most)
        return float(answer or 0) / 1000

    async def hold(self, service: ServiceName, seconds: float) -> None:
        """Let no process have a turn before that many seconds have passed."""
        await self._run(_HOLD, f"{service}:next", round(seconds * 1000))

    async def enter(self, service: ServiceName, limit: int, lease_s: float) -> str | None:
        """A slot among all; None: all are taken."""
        slot = secrets.token_hex(8)
        answer = await self._run(_ENTER, f"{service}:slots", limit, round(lease_s * 1000), slot)
        return slot if answer is None or int(answer) else None

    async def leave(self, service: ServiceName, slot: str) -> None:
        """Give a slot back."""
        try:
            await self._client.zrem(f"{PREFIX}{service}:slots", slot)
        except (RedisError, OSError) as error:
            self._warn(error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _run(self, script: str, key: str, *arguments: int | str) -> Any:
        """What the script returns; None where Redis does not answer."""
        try:
            answer = await self._client.eval(script, 1, f"{PREFIX}{key}", *(str(argument) for argument in arguments))
        except (RedisError, OSError) as error:
            self._warn(error)
            return None
        self._warned = False
        return answer

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            kind = type(error).__name__
            _log.warning(
                "Shared limits: %s does not answer (%s); each process keeps its own limits.", self._shown, kind
            )


def _connected(url: SecretStr) -> Any:
    try:
        timeouts = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
        return cast("Any", redis_client).from_url(url.get_secret_value(), **timeouts)
    except ValueError as error:
        raise SettingsError("sources.shared_limits is no Redis address; write redis://HOST:PORT/NUMBER.") from error
