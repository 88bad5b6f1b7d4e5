"""A typed client that a public generator makes from the API's description does what people do."""

import importlib
import subprocess
import sys
import uuid
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.flow.world import PASSWORD
from tests.web.conftest import ROOT

PACKAGE = "generated_connectify_client"
OPERATIONS = (
    *("accounts.accounts_register_create", "accounts.accounts_login_create"),
    *("users.users_follow_update", "users.users_followers_retrieve", "users.users_retrieve"),
    *("users.users_posts_retrieve", "posts.posts_create", "posts.posts_partial_update"),
    "posts.posts_retrieve",
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The client's package, its models, and the calls by their operation ids."""
    home = tmp_path_factory.mktemp("client")
    config = home / "config.yaml"
    config.write_text("post_hooks: []\n")
    subprocess.run(
        [
            *(str(Path(sys.executable).parent / "openapi-python-client"), "generate"),
            *("--path", str(ROOT / "docs" / "openapi.yaml"), "--config", str(config)),
            *("--meta", "none", "--output-path", str(home / PACKAGE), "--fail-on-warning"),
        ],
        check=True,
    )
    sys.path.insert(0, str(home))
    try:
        package = importlib.import_module(PACKAGE)
        models = importlib.import_module(f"{PACKAGE}.models")
        modules = {
            name.partition(".")[2]: importlib.import_module(f"{PACKAGE}.api.{name}")
            for name in OPERATIONS
        }
    finally:
        sys.path.remove(str(home))
    calls = {name: module.sync for name, module in modules.items()}
    calls["users_follow_update"] = modules["users_follow_update"].sync_detailed
    return SimpleNamespace(package=package, models=models, **calls)


@pytest.fixture
def sign_up(generated, origin):
    """Makes an account and returns its id and a client with its token."""

    def sign_up(name: str):
        models = generated.models
        anybody = opened.enter_context(generated.package.Client(base_url=origin))
        username = f"{name}-{uuid.uuid4().hex[:8]}"
        account = models.RegistrationRequest(username=username, password=PASSWORD)
        made = generated.accounts_register_create(client=anybody, body=account)
        login = models.LoginRequest(username=username, password=PASSWORD, device="client")
        token = generated.accounts_login_create(client=anybody, body=login).token
        client = generated.package.AuthenticatedClient(base_url=origin, token=token)
        return made.id, opened.enter_context(client)

    with ExitStack() as opened:
        yield sign_up


def test_it_creates_follows_posts_and_reads(generated, sign_up):
    models = generated.models
    (alice, hers), (_, his) = sign_up("alice"), sign_up("bob")
    assert generated.users_follow_update(alice, client=his).status_code == 204
    written = generated.posts_create(client=hers, body=models.PostRequest(content="Hello world!"))
    assert isinstance(written, models.Post)
    change = models.PatchedPostRequest(content="Hello again!")
    generated.posts_partial_update(written.id, client=hers, body=change)
    page = generated.users_posts_retrieve(alice, client=his)
    assert [(post.id, post.content, post.author.id) for post in page.results] == [
        (written.id, "Hello again!", alice)
    ]
    assert page.results[0].created_at == written.created_at
    assert [person.id for person in generated.users_followers_retrieve(alice, client=his).results]
    assert generated.users_retrieve(alice, client=his).followers == 1


def test_it_knows_problems(generated, sign_up):
    _, client = sign_up("alice")
    problem = generated.posts_retrieve(2**62, client=client)
    assert isinstance(problem, generated.models.Problem)
    assert problem.type_ == "urn:connectify:problem:not-found"
    refused = generated.posts_create(client=client, body=generated.models.PostRequest(content=" "))
    assert [error.field for error in refused.errors] == ["content"]
