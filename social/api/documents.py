"""The OpenAPI document, and pages to try the API with."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


class DescriptionView(APIView):
    """The text of docs/openapi.yaml, generated from the running code."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(document(), content_type=OpenApiYamlRenderer.media_type)


@cache
def document() -> bytes:
    """The document, generated once per process, because that takes a tenth of a second."""
    # drf-spectacular's own methods have no types.
    generator: Any = SchemaGenerator
    renderer: Any = OpenApiYamlRenderer
    written: bytes = renderer().render(generator().get_schema(public=True), renderer_context={})
    return written


class PagesView(SpectacularSwaggerSplitView):
    """Swagger UI with its script at a separate URL, because our Content-Security-Policy allows no
    inline scripts."""

    authentication_classes = ()
    url_name = "schema"


urlpatterns = [
    path("schema/", DescriptionView.as_view(), name="schema"),
    path("docs/", PagesView.as_view(), name="docs"),
]
