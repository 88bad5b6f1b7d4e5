"""Password hashing with bounded memory.

Guarantee: however many people log in at once, hashing uses at most AT_ONCE times MEMORY_KIB per
process; further requests wait, about a tenth of a second per hash. Older hashes need more memory
each: only one of them is computed at a time.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

from django.contrib.auth.hashers import Argon2PasswordHasher

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
# Django's default of 100 MiB per hash is too much for a small container with several web threads.
MEMORY_KIB = 19 * 1024
AT_ONCE = 2

# Hash in dedicated threads: glibc keeps a thread's freed memory for that thread, and every thread
# of the web server would hash a password sooner or later.
_one_large = Lock()
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashing")


class BoundedArgon2(Argon2PasswordHasher):
    """Argon2 with our parameters. A hash with other parameters still verifies; Django replaces it
    when its owner logs in."""

    memory_cost = MEMORY_KIB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return _threads.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        large = self.decode(encoded)["memory_cost"] > MEMORY_KIB
        with _one_large if large else nullcontext():
            return _threads.submit(super().verify, password, encoded).result()
