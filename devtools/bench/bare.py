"""The floor that the API is compared with: one plain Django view.

It checks the same token and the same throttle, runs the SQL that Connectify ran for the same
request (see recorded.py), and returns the same bytes.
"""

import os
import pickle
from contextlib import nullcontext
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from knox.crypto import hash_token

from social.callers import counters, network
from social.throttles import Limit

# Safe to unpickle: this benchmark has just written the file itself.
RECORDED = pickle.loads(Path(os.environ["BENCH_RECORDED"]).read_bytes())


@csrf_exempt
def answer(request, **_) -> HttpResponse:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    recorded = RECORDED[token][request.method, request.path]
    with connection.cursor() as cursor:
        cursor.execute(recorded["token_check"])
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=False))
        if row["digest"] != hash_token(token):
            return HttpResponse(status=401)
        quotas = settings.THROTTLES[recorded["scope"]]
        callers = {
            "address": network(request.META["REMOTE_ADDR"]),
            "user": row["user_id"],
            "token": row["number"],
        }
        limits = [Limit(name, f"bare:{name}:{callers[name]}", quotas[name]) for name in callers]
        if any(s.remaining < 0 for s in counters(settings.REDIS_URL).hit(limits)):
            return HttpResponse(status=429)
        with transaction.atomic() if recorded["writes"] else nullcontext():
            for statement in recorded["statements"]:
                cursor.execute(statement)
                if cursor.description:
                    cursor.fetchall()
    body = recorded["body"]
    headers = {"Content-Type": "application/json", "Content-Length": len(body)}
    return HttpResponse(body, status=recorded["status"], headers=headers)


urlpatterns = [path("health/live/", lambda request: HttpResponse()), path("<path:_>", answer)]
