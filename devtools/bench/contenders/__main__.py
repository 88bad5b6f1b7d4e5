"""One connection of a contender: `python -m devtools.bench.contenders NAME`.

Standard input: (post id, author id) pairs as JSON. Standard output: a (monotonic seconds, rows)
pair for each commit.
"""

import json
import sys
from functools import partial

from devtools.bench.contenders import by_hand, orm, sorted_sets

CONTENDERS = {
    "l1": partial(by_hand.one_post_a_statement, by_hand.ASKING),
    "l1_plain": partial(by_hand.one_post_a_statement, by_hand.PLAIN),
    "l10": partial(by_hand.ten_posts_a_statement, by_hand.ASKING),
    "l10_plain": partial(by_hand.ten_posts_a_statement, by_hand.PLAIN),
    "orm": orm.bulk_create,
    "redis": sorted_sets.sorted_sets,
}


def main() -> None:
    json.dump(CONTENDERS[sys.argv[1]](json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
