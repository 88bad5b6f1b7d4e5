"""The topic that Connectify gives to a post's pushes, by which their receipts are recognised."""


def post_topic(post_id: int) -> str:
    return f"post-{post_id:019d}"
