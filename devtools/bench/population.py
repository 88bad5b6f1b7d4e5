"""Users and follows for a measurement, made inside PostgreSQL, and posts by these users."""

from dataclasses import dataclass

from devtools.bench.house import House

FOLLOWERS = 1_000
LEAST_USERS = 100_000
STEP = 7_919  # A prime, so that every author's turn comes.
POSTING = 500  # authors, at most

USERS = """
    INSERT INTO social_user
        (id, username, name_key, password, first_name, last_name, email,
         is_superuser, is_staff, is_active, date_joined)
    OVERRIDING SYSTEM VALUE
    SELECT id, 'user-' || id, 'user-' || id, '!', '', '', '', false, false, true, now()
    FROM generate_series(1, %s) AS id
"""
NEXT_USER = "SELECT setval(pg_get_serial_sequence('social_user', 'id'), %s)"
# Each author's followers lie all over the range of ids, one in each of 1,000 equal parts of it, at
# a place that depends on the author.
FOLLOWS = """
    INSERT INTO social_follow (follower_id, followee_id, created_at)
    SELECT part * %(part)s + 1
               + (hashint8(author * 1000003::bigint + part)::bigint & 65535) %% %(part)s,
           author, now()
    FROM generate_series(1, %(authors)s) AS author, generate_series(0, %(followers)s - 1) AS part
"""


@dataclass(frozen=True)
class Population:
    """Users have the ids from 1 on; the first `authors` of them have FOLLOWERS followers each."""

    authors: int

    @classmethod
    def make(cls, connection, follows: int) -> "Population":
        """`follows` rows, as a database has them that was vacuumed since."""
        authors = max(follows // FOLLOWERS, 1)
        users = max(LEAST_USERS, authors)
        part = users // FOLLOWERS
        with connection.cursor() as cursor:
            cursor.execute(USERS, [users])
            cursor.execute(NEXT_USER, [users])
            cursor.execute(FOLLOWS, {"part": part, "authors": authors, "followers": FOLLOWERS})
            for table in ("social_user", "social_follow"):
                cursor.execute(f"VACUUM ANALYZE {table}")
        return cls(authors)

    @property
    def posting(self) -> range:
        """Some of the authors, for those who post over HTTP."""
        return range(1, min(POSTING, self.authors) + 1)

    def write_posts(
        self, house: House, count: int, a_second: int | None = None
    ) -> list[tuple[int, int]]:
        """(post id, author id) pairs; the authors take turns, neighbours far from each other. Each
        post's event is in the outbox. As fast as can be, or so many a second."""
        authors = [number * STEP % self.authors + 1 for number in range(count)]
        pace = [str(a_second)] if a_second else []
        ids = house.ask("devtools.bench.inside", "posts", *pace, given=authors)
        return list(zip(ids, authors, strict=True))
