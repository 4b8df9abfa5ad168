from tests.unit.cli.runner import Cli


def test_a_pipeline_stands_below_its_input(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)

    drawn = images.ok("draw", "pipeline").out

    assert drawn.index("│ images │") < drawn.index("│ edges │")


def test_a_project_can_be_drawn_alone(images: Cli, spec: str) -> None:
    images.ok("create", "pipeline", "-f", spec)
    images.ok("create", "project", "other")

    assert images.ok("draw", "pipeline", "--project", "other").out == ""
