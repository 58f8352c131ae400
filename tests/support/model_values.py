"""Values made from the model's shapes: one that fits, those at each limit, and those just beyond.

Source: the service model as botocore ships it; the texts of the constraints: digest kms-core.md, 1.5.
"""

import base64
import re
from dataclasses import dataclass

# The developer guide's own samples are outside the model's pattern (digest cloudhsm-key-stores.md, 1.1).
WIDER_PATTERNS = {"CloudHsmClusterIdType": "cluster-[0-9a-zA-Z]{11,16}"}
# No pattern of the model has this letter.
OUTSIDE_EVERY_PATTERN = "\u0100"


def b64(data):
    """The JSON form of a blob."""
    return base64.b64encode(data).decode()


# Text of a wanted length that fits the pattern of the shape.
FITTING = {
    "AliasNameType": lambda length: "alias/" + "a" * (length - 6) if length > 6 else "a" * length,
    "CloudHsmClusterIdType": lambda length: "cluster-" + "a" * (length - 8),
    "XksProxyUriEndpointType": lambda length: "https://" + "a" * (length - 8),
    # There is no path of 10 characters, which the model allows.
    "XksProxyUriPathType": lambda length: "/kms/xks/v1" if length < 13 else "/" + "a" * (length - 12) + "/kms/xks/v1",
    "XksProxyVpcEndpointServiceNameType": lambda length: "com.amazonaws.vpce.us-east-1.vpce-svc-" + "0" * max(length - 38, 1),
    "AccountIdType": lambda length: "1" * length,
    "XksProxyAuthenticationAccessKeyIdType": lambda length: "A" * length,
    "RegionType": lambda length: "a" * max(length - 7, 1) + "-east-1",
    "PolicyType": lambda length: "{" + " " * (length - 1),
}


def fitting_text(shape, length):
    """Text of the shape, of this length unless the shape's pattern has none so short."""
    return FITTING.get(shape.name, lambda wanted: "a" * wanted)(length)


def fitting(shape):
    """A value that the model allows; a structure has its required members alone."""
    return _FITTING_BY_TYPE[shape.type_name](shape)


def _fitting_string(shape):
    if shape.enum:
        return shape.enum[0]
    length = min(max(shape.metadata.get("min", 1), 8), shape.metadata.get("max", 8))
    return fitting_text(shape, length)


_FITTING_BY_TYPE = {
    "string": _fitting_string,
    "blob": lambda shape: b64(b"x" * max(shape.metadata.get("min", 1), 1)),
    "integer": lambda shape: shape.metadata.get("min", 1),
    "boolean": lambda _: True,
    "timestamp": lambda _: 4_000_000_000,
    "list": lambda shape: [fitting(shape.member)],
    "map": lambda shape: {fitting(shape.key): fitting(shape.value)},
    "structure": lambda shape: {name: fitting(shape.members[name]) for name in shape.required_members},
}


@dataclass(frozen=True)
class Place:
    """A member somewhere in a request: how to reach it, and how messages name it."""

    steps: tuple
    shape: object

    @property
    def named(self):
        """The path of a message: first letters lower, elements from 1 with `.member`."""
        parts = []
        for step in self.steps:
            parts.append(f"{step + 1}.member" if isinstance(step, int) else step[0].lower() + step[1:])
        return ".".join(parts)

    def filled(self, request, value):
        """The request with this value in the place; what is on the way to it is made as it needs to be."""
        return _filled(request, self.steps, value)


def _filled(container, steps, value):
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return [_filled({}, rest, value) if rest else value]
    inner = value if not rest else _filled((container or {}).get(step), rest, value)
    return {**(container or {}), step: inner}


def places(shape, steps=()):
    """Every place of a request's shape, outermost first. A map's own keys and values have no constraints in this model."""
    for name, member in shape.members.items():
        yield Place((*steps, name), member)
        inner = member
        inner_steps = (*steps, name)
        if inner.type_name == "list":
            inner, inner_steps = inner.member, (*inner_steps, 0)
            if inner.type_name != "structure":
                yield Place(inner_steps, inner)
        if inner.type_name == "structure":
            yield from places(inner, inner_steps)


def violations(shape):
    """(value, constraint's text) of every way to break the shape's constraints."""
    return list(_VIOLATIONS.get(shape.type_name, lambda _: ())(shape))


def _too_short_or_long(shape, make):
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if high is not None:
        yield make(high + 1), f"Member must have length less than or equal to {high}"
    if low >= 1:
        yield make(low - 1), f"Member must have length greater than or equal to {low}"


def _text_violations(shape):
    if shape.enum:
        yield "NO_SUCH_VALUE", "Member must satisfy enum value set: ["
        return
    yield from _too_short_or_long(shape, lambda length: "a" * length)
    if "pattern" in shape.metadata:
        pattern = WIDER_PATTERNS.get(shape.name, shape.metadata["pattern"])
        outside = OUTSIDE_EVERY_PATTERN * max(shape.metadata.get("min", 1), 1)
        yield outside, f"Member must satisfy regular expression pattern: {pattern}"


def _number_violations(shape):
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if high is not None:
        yield high + 1, f"Member must have value less than or equal to {high}"
    if low is not None:
        yield low - 1, f"Member must have value greater than or equal to {low}"


_VIOLATIONS = {
    "string": _text_violations,
    "blob": lambda shape: _too_short_or_long(shape, lambda length: b64(bytes(length))),
    "integer": _number_violations,
    "list": lambda shape: _too_short_or_long(shape, lambda length: [fitting(shape.member)] * length),
}


def limits(shape):
    """Values at the limits of the shape's constraints, and every value of its enumeration: the model allows all of them."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string":
        texts = [fitting_text(shape, length) for length in (low, high) if length is not None]
        # Of one shape the least length is 0, and the pattern wants a character.
        return list(shape.enum) or [text for text in texts if re.fullmatch(shape.metadata.get("pattern", ".*"), text)]
    if shape.type_name == "blob":
        return [b64(bytes(length)) for length in (low, high) if length is not None]
    if shape.type_name == "integer":
        return [value for value in (low, high) if value is not None]
    if shape.type_name == "list":
        return [[fitting(shape.member)] * length for length in (low, high) if length is not None]
    return [True, False] if shape.type_name == "boolean" else []


# JSON of another type than each type of shape is.
OF_ANOTHER_TYPE = {
    "string": [1, True, ["a"], {"a": "b"}],
    "blob": [1, True, ["a"], {"a": "b"}, "not base64!"],
    "integer": ["1", True, [1], {"a": 1}, 1.5],
    "boolean": ["true", 1, [True], {"a": True}],
    "timestamp": [True, [1], {"a": 1}],
    "list": ["a", 1, True, {"a": "b"}],
    "map": ["a", 1, True, ["a"], {"a": 1}],
    "structure": ["a", 1, True, ["a"]],
}
