"""A password hasher that counts how often it computes a hash."""

from social.hashing import BoundedArgon2


class CountingHasher(BoundedArgon2):
    computed = 0

    def encode(self, password, salt):
        type(self).computed += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        type(self).computed += 1
        return super().verify(password, encoded)
