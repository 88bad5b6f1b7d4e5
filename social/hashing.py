"""How passwords are hashed.

Guarantee: however many people log in at one moment, hashing takes at most AT_ONCE times MEMORY_KIB
in a process, and the others wait for the tenth of a second that it takes. A hash from before, which
takes more, is computed with no other of these.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

from django.contrib.auth.hashers import Argon2PasswordHasher

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
# Django's 100 MiB are more than a small container has for the threads of its web server.
MEMORY_KIB = 19 * 1024
AT_ONCE = 2

# Threads of its own: glibc keeps a thread's freed memory for that thread, and every thread of the
# web server hashes a password some day.
_one_large = Lock()
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashing")


class BoundedArgon2(Argon2PasswordHasher):
    """A hash with other parameters is good, and made anew when its owner logs in."""

    memory_cost = MEMORY_KIB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return _threads.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        large = self.decode(encoded)["memory_cost"] > MEMORY_KIB
        with _one_large if large else nullcontext():
            return _threads.submit(super().verify, password, encoded).result()
