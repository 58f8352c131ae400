"""The pages about key types as a new user follows them: every command that is shown with a prompt, and every answer below it."""

import pytest

from support.guide import Guide
from support.typed_keys import ALGORITHMS

PAGES = ["asymmetric-keys.md", "data-key-pairs.md", "hmac-keys.md", "key-agreement.md"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page(development_server, tmp_path, page):
    guide = Guide(page)
    assert len(guide.commands) > 5
    guide.follow_and_compare(tmp_path, development_server)


def test_every_key_type_has_its_page():
    text = "".join(Guide(page).text for page in PAGES)
    for (spec, usage), algorithms in ALGORITHMS.items():
        assert spec == "SYMMETRIC_DEFAULT" or f"`{spec}`" in text
        assert f"`{usage}`" in text
        for algorithm in algorithms:
            # Of RSA's six the table shortens the names.
            assert algorithm == "SYMMETRIC_DEFAULT" or algorithm in text or f"`_{algorithm[-3:]}`" in text
