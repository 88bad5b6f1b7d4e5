"""The API's description as a document, and pages to try it at."""

from functools import cache

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView


class DescriptionView(APIView):
    """docs/openapi.yaml, from the code that is running."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request) -> HttpResponse:
        return HttpResponse(document(), content_type=OpenApiYamlRenderer.media_type)


@cache
def document() -> bytes:
    """Made once a process: it takes a tenth of a second, and is the same for everybody."""
    described = SchemaGenerator().get_schema(public=True)
    return OpenApiYamlRenderer().render(described, renderer_context={})


class PagesView(SpectacularSwaggerSplitView):
    """Its script is a request of its own, for our Content-Security-Policy allows none in a page."""

    authentication_classes = ()
    url_name = "schema"


urlpatterns = [
    path("schema/", DescriptionView.as_view(), name="schema"),
    path("docs/", PagesView.as_view(), name="docs"),
]
