"""Settings of the Content Security Policy, and of CORS for pages of other origins."""

# For the admin and the API's documentation pages.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # the API pages' icons
        "style-src": ["'self'", "'unsafe-inline'"],  # the API pages' styles
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_URLS_REGEX = "^/api/"
CORS_EXPOSE_HEADERS = [
    *("ETag", "Link", "Retry-After", "X-Request-Id", "RateLimit", "RateLimit-Policy"),
    "Idempotent-Replayed",
]
CORS_ALLOW_HEADERS = [
    *("authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"),
]
