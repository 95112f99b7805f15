"""The peak of memory is one: it does not fall when memory is given back."""

import subprocess
import sys

_WORK = """
import psutil
from tasks.engine.peak import peak_rss_mb
held = bytearray(b"x" * 200_000_000)
full = psutil.Process().memory_info().rss / 1e6
del held
print(round(full), round(psutil.Process().memory_info().rss / 1e6), peak_rss_mb())
"""


def test_the_peak_stays_after_memory_was_given_back() -> None:
    ran = subprocess.run([sys.executable, "-c", _WORK], check=True, capture_output=True, text=True)
    full, after, peak = map(int, ran.stdout.split())

    assert after < full - 100
    assert full - 20 <= peak < full + 250
