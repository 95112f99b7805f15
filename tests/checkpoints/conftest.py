"""Fixtures of the tests of checkpoints."""

from tests.s3_places import s3, s3_server

__all__ = ["s3", "s3_server"]
