"""The documents as a site: a link that leads nowhere fails, and no page needs another host."""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectify.installed import APPS
from tests.browser import NEEDED, new_page

ROOT = Path(__file__).resolve().parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def clone(tmp_path) -> Path:
    """The documents, and the source that they link to."""
    for name in ("docs", "connectify", "docker", "kubernetes", *APPS):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in [*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "mkdocs.yml"]:
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def build(clone: Path, site: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)


# What is added to a page, and what the complaint names.
NOWHERE = (
    ("README.md", "[a page](docs/no-such-page.md)", "docs/no-such-page.md"),
    ("README.md", "[a file](social/no_such_module.py)", "social/no_such_module.py"),
    ("docs/design.md", "[a heading](timelines.md#no-such-heading)", "timelines.md#no-such-heading"),
    ("docs/design.md", "[here](#no-such-place)", "#no-such-place"),
    ("docs/design.md", "![a picture](images/no-such-picture.png)", "images/no-such-picture.png"),
    ("docs/api.md", "[absolute](/README.md)", "/README.md"),
    ("CHANGELOG.md", "[a page](docs/no-page-either.md#x)", "docs/no-page-either.md"),
    ("docs/new.md", "a page that the navigation lacks", "docs/new.md"),
)


def test_what_leads_nowhere_is_named(clone, tmp_path):
    for page, text, _ in NOWHERE:
        with (clone / page).open("a") as file:
            file.write(f"\n{text}\n")
    done = build(clone, tmp_path / "site")
    assert done.returncode == 1
    warnings = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    named = "\n".join([*warnings, *re.findall(r"^  - .*", done.stderr, re.MULTILINE)])
    assert [complaint for _, _, complaint in NOWHERE if complaint not in named] == []
    assert len(warnings) == len(NOWHERE)


@pytest.fixture
def origin(tmp_path) -> Iterator[str]:
    """The site, served on loopback."""
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@NEEDED
@pytest.mark.timeout(300)
def test_the_site_needs_no_other_host_and_its_search_finds_a_page(origin):
    asked = []
    with new_page() as page:
        page.set_default_timeout(120_000)  # Milliseconds: for a browser on busy cores.
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{origin}/docs/design/")
        page.goto(origin)
        page.locator("[data-md-component=search-query]").fill("watermark")
        page.locator(".md-search-result__link").first.wait_for()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((origin, "data:", "blob:"))] == []
