"""The pages about grants and key policies as a new user follows them: every command that is shown with a prompt, and every answer below it."""

import pytest

from support.guide import Guide


@pytest.mark.parametrize("page", ["grants.md", "key-policies.md"])
def test_a_page(development_server, tmp_path, page):
    guide = Guide(page)
    assert len(guide.commands) > 5
    guide.follow_and_compare(tmp_path, development_server)


def test_every_operation_that_a_grant_can_allow_is_told(kms):
    operations = kms.meta.service_model.shape_for("GrantOperation").enum
    text = Guide("grants.md").text
    assert [operation for operation in operations if f"`{operation}`" not in text] == []
