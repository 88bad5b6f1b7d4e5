"""Selects the files of the site that bin/docs makes. Every file keeps its path in the repository,
so that the links in the Markdown work both on the site and on a forge.

MkDocs calls on_config and on_files as hooks of mkdocs.yml. Without them it would use only docs/.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md")
# Draws diagrams, which the theme would load from another host. Without it they are shown as code.
MERMAID = ROOT / "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
# A link to a file of the repository: captures the path, without the anchor.
PATH = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    if MERMAID.exists():
        config.extra_javascript.append(MERMAID.name)
    else:
        del config.mdx_configs["pymdownx.superfences"]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    pages = sorted(page for pattern in PAGES for page in ROOT.glob(pattern))
    for path in [*pages, *sorted(set(linked(pages)) - set(pages))]:
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    if MERMAID.exists():
        files.append(File(MERMAID.name, str(MERMAID.parent), config.site_dir, False))
    return files


def linked(pages: list[Path]) -> Iterator[Path]:
    """Existing files that pages link to, such as images and source. MkDocs reports missing ones."""
    for page in pages:
        for path in PATH.findall(page.read_text()):
            if (file := (page.parent / path).resolve()).is_file():
                yield file
