import re

import pytest

from pfs_provider.argo.labels import argument_label, pipeline_labels
from pfs_provider.k8s.names import label_value


def test_a_label_is_made_of_its_argument() -> None:
    assert "workflow.parameters.job" in argument_label("job")
    for expression in pipeline_labels("output").values():
        assert "workflow.parameters.output" in expression


@pytest.mark.parametrize(
    "text", ["edges", "", "{{workflow.name}}", "-_a b/.", "é", "a" * 63, "a" * 80, "x" * 62 + "-y"]
)
def test_the_expression_does_what_label_value_does(text: str) -> None:
    expression = argument_label("x")
    # sprig.regexReplaceAll(regex, text, replacement), the two of them around sprig.trunc
    outer, inner = re.findall(r'regexReplaceAll\("([^"]*)", ', expression)
    (limit,) = re.findall(r"trunc\((\d+), ", expression)

    legal = re.sub(inner, "_", text)[: int(limit)]

    assert re.sub(outer, "", legal) == label_value(text)
