"""The KMS API held against the service model of the installed botocore: all 54 operations, member by member.

Keystead takes each documented input member, alone and beside the others, at the limits of its constraints and with each value of its
enumeration; refuses what is beyond; and answers with nothing that the model has not. Nothing here is written down twice: the operations,
members and constraints are read from the model, and support/valid_calls.py must use every one of them.
"""

import json

import pytest

from support.api_model import service_model
from support.attestation import Enclave
from support.model_values import OF_ANOTHER_TYPE, fitting, limits, places, violations
from support.model_walk import deviations
from support.raw_request import call
from support.valid_calls import CALLS, DRY_RUN, CallingAccount

OPERATIONS = service_model().operation_names
REFUSED = " failed to satisfy constraint: "
# What a request that was not read is answered. Any other refusal means that it was understood.
NOT_UNDERSTOOD = {"SerializationException", "UnknownOperationException", "InternalFailure", "KMSInternalException"}


def shape_of(operation):
    return service_model().operation_model(operation).input_shape


@pytest.fixture(scope="module")
def account(keystead, module_tenant, fault_proxy, authority, attestation_authority):
    return CallingAccount(keystead, module_tenant, fault_proxy, authority, Enclave(attestation_authority))


@pytest.fixture(scope="module")
def send(keystead, module_tenant):
    """Sends a request with these members and returns the answer as it came."""

    def send(operation, parameters):
        return call(keystead.endpoint, module_tenant.credentials, operation, parameters)

    return send


def test_there_are_54_operations():
    assert len(OPERATIONS) == 54


# ---- what is allowed, and what comes back ----


def member_names(value, prefix=""):
    """The names of all members in a request, those of structures and of lists of structures included; a map looks the same."""
    for name, member in value.items():
        yield prefix + name
        inner = member[0] if isinstance(member, list) and member else member
        if isinstance(inner, dict):
            yield from member_names(inner, f"{prefix}{name}.")


def documented_names(shape, prefix=""):
    for name, member in shape.members.items():
        yield prefix + name
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            yield from documented_names(inner, f"{prefix}{name}.")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_documented_member_is_sent(account, operation):
    """The calls below leave no member out."""
    missing = set(documented_names(shape_of(operation)))
    for made in CALLS:
        if made.operation == operation and missing:
            missing -= set(member_names(made.whole(account)))
    assert missing == set()


def assert_success(operation, answer):
    assert answer.status == 200, answer
    output = service_model().operation_model(operation).output_shape
    if output is None:
        assert answer.body == b"", answer
    else:
        assert deviations(json.loads(answer.body), output) == []


@pytest.mark.parametrize("valid", CALLS, ids=lambda made: f"{made.operation}-{made.name}")
def test_valid_calls(account, valid):
    whole = valid.whole(account)
    assert_outcome(account, valid, whole)
    for part in valid.parts(whole):
        assert_outcome(account, valid, valid.part(account, part))


def assert_outcome(account, valid, parameters):
    answer = account.raw(valid.operation, parameters)
    if valid.outcomes:
        assert answer.status == 400 and answer.type in valid.outcomes, (sorted(parameters), answer)
    else:
        assert answer.status == 200, (sorted(parameters), answer)
        assert_success(valid.operation, answer)


DRY_RUNS = [made for made in CALLS if "DryRun" in shape_of(made.operation).members and not made.outcomes]


@pytest.mark.parametrize("valid", DRY_RUNS, ids=lambda made: f"{made.operation}-{made.name}")
def test_dry_runs(account, valid):
    answer = account.raw(valid.operation, {**valid.whole(account), "DryRun": True})
    assert answer.status == 400 and answer.type == DRY_RUN, answer
    assert answer.message == "The request would have succeeded, but the DryRun option is set."


def test_each_operation_that_has_dry_runs_is_tried():
    documented = {operation for operation in OPERATIONS if "DryRun" in shape_of(operation).members}
    assert {made.operation for made in DRY_RUNS} == documented


# ---- constraints ----


def skeleton(operation):
    """The required members, as the model allows them; what they name is not there."""
    return fitting(shape_of(operation))


# The empty service name is the documented way to leave VPC connectivity (digest external-key-stores.md, 3.4).
EXEMPT = {("UpdateCustomKeyStore", "XksProxyVpcEndpointServiceName", "")}


def wrong_requests(operation):
    """(place, request, constraint) for each constraint of each member."""
    shape = shape_of(operation)
    for place in places(shape):
        name = place.steps[-1]
        for value, constraint in violations(place.shape):
            if isinstance(value, str) and (operation, name, value) in EXEMPT:
                continue
            yield place, place.filled(skeleton(operation), value), constraint
    for place in required_places(shape):
        yield place, without_nulls(place.filled(skeleton(operation), None)), "Member must not be null"


def required_places(shape):
    """The places of the members that their structure requires."""
    for place in places(shape):
        owner = shape
        for step in place.steps[:-1]:
            owner = owner.member if isinstance(step, int) else owner.members[step]
        if owner.type_name == "structure" and place.steps[-1] in owner.required_members:
            yield place


def without_nulls(value):
    """The JSON value without the members that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(element) for element in value] if isinstance(value, list) else value


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_constraint_is_enforced(send, operation):
    missed = []
    for place, request, constraint in wrong_requests(operation):
        answer = send(operation, request)
        expected = f"at '{place.named}'{REFUSED}{constraint}"
        if answer.status != 400 or answer.type != "ValidationException" or expected not in answer.message:
            missed.append((expected, answer))
    assert missed == []


# 2.5: pages that are shorter than the model allows.
SHORTER_PAGES = {"ListAliases": 100, "ListGrants": 100, "ListRetirableGrants": 100, "ListResourceTags": 50}


def allowed(operation, place):
    if place.steps == ("Limit",) and operation in SHORTER_PAGES:
        return [1, SHORTER_PAGES[operation]]
    return limits(place.shape)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_constraint_ends_at_its_limits(send, operation):
    """What the request names is not there, so it may be refused for much, but not for this member's constraints."""
    missed = []
    for place in places(shape_of(operation)):
        for value in allowed(operation, place):
            answer = send(operation, place.filled(skeleton(operation), value))
            if answer.status == 200:
                continue
            if answer.type in NOT_UNDERSTOOD or f"at '{place.named}'{REFUSED}" in (answer.message or ""):
                missed.append((place.named, str(value)[:80], answer))
    assert missed == []


@pytest.mark.parametrize("operation", SHORTER_PAGES)
def test_shorter_pages(account, operation):
    most = SHORTER_PAGES[operation]
    there = {"KeyId": account.key(), "RetiringPrincipal": account.principal}
    named = {name: value for name, value in there.items() if name in shape_of(operation).members}
    answer = account.raw(operation, {**named, "Limit": most + 1})
    assert answer.type == "ValidationException" and f"'{most + 1}' at 'limit'{REFUSED}" in answer.message, answer


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_member_has_one_json_type(send, operation):
    missed = []
    for place in places(shape_of(operation)):
        for value in OF_ANOTHER_TYPE[place.shape.type_name]:
            answer = send(operation, place.filled(skeleton(operation), value))
            if (answer.status, answer.type) != (400, "SerializationException"):
                missed.append((place.named, value, answer))
    assert missed == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_unknown_members_are_ignored(send, operation):
    """1.1: as JSON 1.1 services do (unverified)."""
    request = skeleton(operation)
    plain, extended = send(operation, request), send(operation, {**request, "NoSuchMember": {"a": [1, None]}})
    assert extended.type == plain.type if plain.status != 200 else extended.status == 200


# ---- errors ----

# Outside the model, every operation can raise these (digest kms-core.md, 2.2).
COMMON_ERRORS = {"ValidationException", "AccessDeniedException", "ThrottlingException"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_there_is_answered_with_a_documented_error(send, operation):
    answer = send(operation, skeleton(operation))
    if answer.status == 200:
        assert_success(operation, answer)
        return
    documented = {shape.name for shape in service_model().operation_model(operation).error_shapes}
    assert answer.status == 400, answer
    assert answer.type in documented | COMMON_ERRORS, answer
    assert set(answer.json) <= {"__type", "message"}, answer
    assert "not served" not in (answer.message or ""), answer
