from pfs_provider.testing.argo import SchemaJudge

NAME = "io.argoproj.workflow.v1alpha1.Thing"
SCHEMA = {
    "definitions": {
        NAME: {
            "type": "object",
            "required": ["spec"],
            "properties": {
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": {"$ref": "#/definitions/spec"},
            },
        },
        "spec": {
            "type": "object",
            "properties": {
                "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}
            },
        },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
    }
}


def problems(document: dict[str, object]) -> list[str]:
    return list(SchemaJudge(SCHEMA).find_problems({"kind": "Thing", **document}))


def test_a_key_that_is_not_there_is_a_problem_at_any_depth() -> None:
    assert problems({"spec": {}}) == []
    assert "Additional properties" in problems({"spec": {"sise": 1}})[0]
    assert problems({"spec": {}, "metadata": {"name": "x"}, "more": 1})[0].startswith("Thing x: ")


def test_a_quantity_may_be_a_number() -> None:
    assert problems({"spec": {"size": 1}}) == []
    assert problems({"spec": {"size": "1Gi"}}) == []
    assert problems({"spec": {"size": []}}) != []


def test_a_kind_that_the_schema_does_not_know_is_a_problem() -> None:
    assert list(SchemaJudge(SCHEMA).find_problems({"kind": "Q"})) == [
        "there is no kind 'Q' in the schema"
    ]
