"""The topic that Connectify gives a post's pushes, which tells their receipts apart."""


def post_topic(post_id: int) -> str:
    return f"post-{post_id:019d}"
