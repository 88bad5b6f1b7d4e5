"""The topic that Connectify gives a post's pushes, by which their receipts are told apart."""


def post_topic(post_id: int) -> str:
    return f"post-{post_id:019d}"
