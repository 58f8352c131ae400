"""A reader of CMS EnvelopedData (RFC 5652, section 6) in BER, as far as `CiphertextForRecipient` needs one.

AWS KMS answers with lengths that are indefinite in the outer layers, so that a reader of DER is not enough (readme of yawn/ned).
"""

from dataclasses import dataclass, field

OBJECT_IDENTIFIER = 0x06
OCTET_STRING = 0x04
SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
CONTEXT_0 = 0x80
CONTEXT_0_CONSTRUCTED = 0xA0
CONSTRUCTED = 0x20
INDEFINITE = 0x80
END_OF_CONTENTS = b"\x00\x00"

ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
DATA = bytes.fromhex("2a864886f70d010701")
RSAES_OAEP = bytes.fromhex("2a864886f70d010107")
AES_256_CBC = bytes.fromhex("60864801650304012a")
# SHA-256 as hash and in MGF1, and no label (RFC 4055, section 4.1).
OAEP_SHA_256 = bytes.fromhex(
    "302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
)


@dataclass
class Element:
    """One element: its tag, its bytes as they stand there, and its contents, which are other elements if it is constructed."""

    tag: int
    encoded: bytes
    content: bytes = b""
    children: list = field(default_factory=list)


@dataclass(frozen=True)
class EnvelopedData:
    """What the recipient needs."""

    encrypted_key: bytes
    iv: bytes
    encrypted_content: bytes


def _read(data, at):
    """The element at this place, and the place behind it."""
    tag, length, begin = data[at], data[at + 1], at + 2
    if length == INDEFINITE:
        assert tag & CONSTRUCTED
        children, at_child = [], begin
        while data[at_child : at_child + 2] != END_OF_CONTENTS:
            child, at_child = _read(data, at_child)
            children.append(child)
        return Element(tag, data[at : at_child + 2], children=children), at_child + 2
    if length > INDEFINITE:
        octets = length - INDEFINITE
        length, begin = int.from_bytes(data[begin : begin + octets], "big"), begin + octets
    end = begin + length
    assert end <= len(data)
    element = Element(tag, data[at:end], content=data[begin:end])
    while tag & CONSTRUCTED and begin < end:
        child, begin = _read(data, begin)
        element.children.append(child)
    return element, end


def _children(element, tag, *tags):
    """The elements in an element of this tag; theirs must be these."""
    assert element.tag == tag, hex(element.tag)
    assert [child.tag for child in element.children] == list(tags), [hex(child.tag) for child in element.children]
    return element.children


def read_enveloped_data(encoded):
    """Reads a ContentInfo with nothing behind it; fails unless it is what AWS KMS sends."""
    content_info, end = _read(encoded, 0)
    assert end == len(encoded)
    content_type, content = _children(content_info, SEQUENCE, OBJECT_IDENTIFIER, CONTEXT_0_CONSTRUCTED)
    assert content_type.content == ENVELOPED_DATA
    (enveloped,) = _children(content, CONTEXT_0_CONSTRUCTED, SEQUENCE)
    version, recipients, encrypted = _children(enveloped, SEQUENCE, INTEGER, SET, SEQUENCE)
    assert version.content == b"\x02"
    (recipient,) = _children(recipients, SET, SEQUENCE)
    version, _, algorithm, encrypted_key = _children(recipient, SEQUENCE, INTEGER, CONTEXT_0, SEQUENCE, OCTET_STRING)
    assert version.content == b"\x02"
    name, parameters = _children(algorithm, SEQUENCE, OBJECT_IDENTIFIER, SEQUENCE)
    assert (name.content, parameters.encoded) == (RSAES_OAEP, OAEP_SHA_256)
    content_type, algorithm, pieces = _children(encrypted, SEQUENCE, OBJECT_IDENTIFIER, SEQUENCE, CONTEXT_0_CONSTRUCTED)
    assert content_type.content == DATA
    name, iv = _children(algorithm, SEQUENCE, OBJECT_IDENTIFIER, OCTET_STRING)
    assert name.content == AES_256_CBC
    assert all(piece.tag == OCTET_STRING for piece in pieces.children)
    return EnvelopedData(encrypted_key.content, iv.content, b"".join(piece.content for piece in pieces.children))
