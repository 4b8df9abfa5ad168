from tests.unit.cli.runner import Cli


def test_a_spec_shows_its_datums_before_it_is_created(images: Cli, spec: str) -> None:
    head = images.ok("inspect", "commit", "images@master", "-o", "json").json[0]["id"]

    found = images.ok("list", "datum", "-f", spec, "-o", "json").json

    assert [datum["files"] for datum in found] == [[f"images@{head}:/a"], [f"images@{head}:/d/"]]
    assert images.ok("list", "pipeline", "-o", "json").json == []


def test_a_glob_that_matches_nothing_gives_no_datum(images: Cli) -> None:
    text = (
        b"pipeline: {name: none}\ntransform: {cmd: [sh]}\n"
        b'input: {pfs: {repo: images, glob: "/*.tif"}}\n'
    )

    assert images.ok("list", "datum", "-f", "-", stdin=text).out == ""


def test_a_job_or_a_spec_is_named_not_both(images: Cli, spec: str) -> None:
    assert images("list", "datum").code == 2
    assert images("list", "datum", f"edges@{'1' * 32}", "-f", spec).code == 2
