"""The memory of hashing when many people log in at the same moment."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

from social.hashing import AT_ONCE, MEMORY_KIB

ROOT = Path(__file__).resolve().parent.parent.parent
# Prints the largest growth of the process in KiB.
MANY = """
import resource
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
hashed = make_password("x")
old = Argon2PasswordHasher().encode("x", "saltsaltsalt")
with ThreadPoolExecutor(16) as threads:
    list(threads.map(len, "x" * 16))  # Start all threads first: they need memory too.
    before = peak()
    list(threads.map(lambda n: check_password("x", old if OLD and n % 2 else hashed), range(64)))
print(peak() - before)
"""


# The memory of Django's default, which older hashes have.
OLD_KIB = Argon2PasswordHasher.memory_cost


@pytest.mark.parametrize(
    ("old", "most"), [(False, AT_ONCE * MEMORY_KIB), (True, OLD_KIB + MEMORY_KIB)]
)
def test_many_log_ins_at_once_take_bounded_memory(old, most):
    program = MANY.replace("OLD", str(old))
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # The old hash is computed before the measurement, so its memory is in `before` already.
    assert int(run.stdout) <= most + 4 * 1024


def test_older_hashes_verify_and_are_renewed():
    old = Argon2PasswordHasher().encode("secret", "saltsaltsalt")
    renewed = []
    assert check_password("secret", old, setter=renewed.append)
    assert renewed == ["secret"]
    assert f"m={MEMORY_KIB},t=2,p=1" in make_password("secret")
