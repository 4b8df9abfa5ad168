from pfs_provider.argo.parts import arguments, inputs, our_container, our_pod, outputs, step


def test_a_container_of_ours_has_all_options_before_what_a_user_names() -> None:
    container = our_container(["begin", "--job", "x", "--", "{{inputs.parameters.pipeline}}"])

    assert container.args is not None
    assert container.args[0] == "begin"
    assert container.args[-2:] == ["--", "{{inputs.parameters.pipeline}}"]
    assert "--outputs" in container.args


def test_a_pod_of_ours_may_write_nowhere_but_in_its_own_folder() -> None:
    container = our_container(["ready"])
    pod = our_pod("ready", inputs(change=""), container, gives=outputs("count"))

    assert container.security_context is not None
    assert container.security_context.read_only_root_filesystem
    assert [volume.name for volume in pod.volumes or []] == ["step"]


def test_names_are_written_with_hyphens() -> None:
    found = inputs(max_pods="2").parameters or []

    assert [(part.name, part.value) for part in found] == [("max-pods", "2")]
    assert outputs(late="0").parameters is not None


def test_a_step_is_done_once_unless_it_is_told_how_often() -> None:
    once = step("a", arguments(x="1"), template="t")
    often = step("a", arguments(x="{{item}}"), template="t", sequence="3")

    assert once.with_sequence is None
    assert often.with_sequence is not None
