"""docs/README.md is where a person finds the page for a key type or a task: it must name every key spec and every page."""

import re
from pathlib import Path

from support.api_model import service_model

DOCS = Path(__file__).parent.parent / "docs"
INDEX = (DOCS / "README.md").read_text()


def test_every_key_spec_and_usage_is_in_the_index():
    shapes = service_model().operation_model("CreateKey").input_shape.members
    for name in [*shapes["KeySpec"].enum, *shapes["KeyUsage"].enum]:
        assert f"`{name}`" in INDEX, name


def test_every_page_is_in_the_index():
    linked = set(re.findall(r"\]\(([a-z0-9-]+\.md)\)", INDEX))
    assert linked == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_no_link_leads_nowhere():
    for page in [*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")]:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)", page.read_text()):
            found = (page.parent / target).resolve() if target else page
            assert found.exists(), f"{page.name}: {target}"
            if anchor and found.suffix == ".md":
                assert anchor[1:] in anchors(found.read_text()), f"{page.name}: {target}{anchor}"


def anchors(text):
    """The anchors that headings have on the web."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
