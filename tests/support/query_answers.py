"""Answers of the query protocol held against a service model: the XML as it came, element by element."""

import xml.etree.ElementTree as ElementTree


class QueryAnswers:
    """Checks every successful answer of a client that it watches, and knows which operations were answered."""

    def __init__(self, client):
        self.answered = set()
        self._model = client.meta.service_model
        client.meta.events.register(f"before-parse.{self._model.service_id.hyphenize()}", self._check)

    def _check(self, operation_model, response_dict, **_):
        if response_dict["status_code"] != 200:
            return
        name = operation_model.name
        root = ElementTree.fromstring(response_dict["body"])
        namespace = self._model.metadata["xmlNamespace"]
        assert root.tag == f"{{{namespace}}}{name}Response"
        for element in root.iter():
            element.tag = element.tag.removeprefix(f"{{{namespace}}}")
        result, expected = root.find(f"{name}Result"), operation_model.output_shape
        assert (result is None) == (expected is None), name
        if expected is not None:
            found = list(deviations(result, expected, name))
            assert not found, found
        assert root.find("ResponseMetadata/RequestId").text
        self.answered.add(name)


def deviations(element, shape, path):
    """Where an element is not what its shape says."""
    if shape.type_name == "structure":
        members = [child.tag for child in element]
        if len(set(members)) < len(members):
            yield f"{path} has a member twice"
        yield from (f"{path} has no {name}" for name in shape.required_members if name not in members)
        for child in element:
            if child.tag in shape.members:
                yield from deviations(child, shape.members[child.tag], f"{path}.{child.tag}")
            else:
                yield f"{path}.{child.tag} is not in the model"
    elif shape.type_name == "list":
        for child in element:
            if child.tag != "member":
                yield f"{path} has a {child.tag}"
            yield from deviations(child, shape.member, f"{path}[]")
    elif shape.type_name == "map":
        for entry in element:
            if [child.tag for child in entry] != ["key", "value"]:
                yield f"{path} has an entry that is no key and value"
    elif len(element):
        yield f"{path} is a {shape.type_name} and has elements"
