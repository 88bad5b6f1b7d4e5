"""Content negotiation: answers are JSON, whatever the Accept header says."""

from rest_framework.negotiation import BaseContentNegotiation


class AlwaysJSON(BaseContentNegotiation):
    def select_parser(self, request, parsers):
        """The first parser for the request's content type. None, also for a compressed body, makes
        the answer a 415."""
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            return None
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type
