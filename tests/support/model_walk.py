"""An answer of the API held against the shape that the model gives it."""

import base64
import binascii
import re

# GetPublicKey and KeyMetadata repeat KeySpec there, also the specs that this older enumeration has not (digest kms-core.md, 3.1).
OPEN_ENUMERATIONS = {"CustomerMasterKeySpec"}
# The developer guide's own samples are outside the model's pattern (digest cloudhsm-key-stores.md, 1.1).
OPEN_PATTERNS = {"CloudHsmClusterIdType"}
# A grant without a name is listed with an empty one (digest kms-core.md, 4.3).
EMPTY_IF_NONE = {"GrantNameType"}


def deviations(value, shape, path=""):
    """Each way in which a JSON value is not of the shape, as text; nothing if it is."""
    return list(_WALKS[shape.type_name](value, shape, path or shape.name))


def _structure(value, shape, path):
    if not isinstance(value, dict):
        yield f"{path} is no object"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name} is missing"
    for name, member in value.items():
        if name not in shape.members:
            yield f"{path}.{name} is unknown to the model"
        else:
            yield from deviations(member, shape.members[name], f"{path}.{name}")


def _list(value, shape, path):
    if not isinstance(value, list):
        yield f"{path} is no array"
        return
    yield from _length(len(value), shape, path)
    for index, element in enumerate(value):
        yield from deviations(element, shape.member, f"{path}[{index}]")


def _map(value, shape, path):
    if not isinstance(value, dict):
        yield f"{path} is no object"
        return
    for name, member in value.items():
        yield from deviations(name, shape.key, f"{path} key {name}")
        yield from deviations(member, shape.value, f"{path}.{name}")


def _string(value, shape, path):
    if not isinstance(value, str):
        yield f"{path} is no string"
        return
    if not value and shape.name in EMPTY_IF_NONE:
        return
    if shape.enum and shape.name not in OPEN_ENUMERATIONS and value not in shape.enum:
        yield f"{path} is {value}, which the model's enumeration has not"
    if "pattern" in shape.metadata and shape.name not in OPEN_PATTERNS and not re.fullmatch(shape.metadata["pattern"], value):
        yield f"{path} is {value!r}, outside the pattern {shape.metadata['pattern']}"
    yield from _length(len(value), shape, path)


def _blob(value, shape, path):
    if not isinstance(value, str):
        yield f"{path} is no string"
        return
    try:
        yield from _length(len(base64.b64decode(value, validate=True)), shape, path)
    except binascii.Error as error:
        yield f"{path} is no base64: {error}"


def _length(length, shape, path):
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", length)
    if not least <= length <= most:
        yield f"{path} has a length of {length}, not of {least} to {most}"


def _boolean(value, _shape, path):
    if not isinstance(value, bool):
        yield f"{path} is no boolean"


def _integer(value, shape, path):
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{path} is no integer"
        return
    least, most = shape.metadata.get("min", value), shape.metadata.get("max", value)
    if not least <= value <= most:
        yield f"{path} is {value}, not {least} to {most}"


def _timestamp(value, _shape, path):
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        yield f"{path} is no number of seconds"


_WALKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "boolean": _boolean,
    "integer": _integer,
    "timestamp": _timestamp,
}
