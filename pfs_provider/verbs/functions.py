"""The verb behind ``pfs.map``: a Python function becomes the user code of a pipeline.

Invariant: what cannot be run is refused before anything is made. A function that is given is
shipped as its source; one that is named, ``module:function``, is imported where it runs.
Must not know: who runs the jobs.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, overload

from pfs_provider.infos import PipelineInfo
from pfs_provider.spec.load import load_specs
from pfs_provider.verbs.imports import find_function, make_import_program
from pfs_provider.verbs.pipelines import PipelineVerbs
from pfs_provider.verbs.programs import check_call, check_function, make_program
from pfs_provider.verbs.registration import input_names, input_spec, output_fields, register

__all__ = ["FunctionVerbs", "make_map_spec"]

F = TypeVar("F", bound=Callable[..., object])


class FunctionVerbs(PipelineVerbs):
    """Python functions as user code."""

    @overload
    def map(
        self,
        function: Callable[..., object] | str,
        *,
        input: str | Mapping[str, Any],
        output: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        image: str | None = None,
        python: str | None = None,
        env: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        stays_up: bool = False,
        reprocess: bool = False,
    ) -> PipelineInfo: ...

    @overload
    def map(
        self,
        function: None = None,
        *,
        input: str | Mapping[str, Any],
        output: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        image: str | None = None,
        python: str | None = None,
        env: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        stays_up: bool = False,
        reprocess: bool = False,
    ) -> Callable[[F], F]: ...

    def map(  # noqa: PLR0913 - each is one fact of the map
        self,
        function: Callable[..., object] | str | None = None,
        *,
        input: str | Mapping[str, Any],  # noqa: A002 - the word of specs
        output: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        image: str | None = None,
        python: str | None = None,
        env: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        stays_up: bool = False,
        reprocess: bool = False,
    ) -> PipelineInfo | Callable[[F], F]:
        """Make a function the user code of a pipeline, or bring that pipeline up to date.

        The same function again changes nothing; a changed body or argument is a new version, and
        works every datum again. Without a function it is a decorator, which leaves the function
        as it is: ``@pfs.map(input="images", output="edges")``.

        Args:
            function: Takes its inputs, and ``out``, as ``Path``, by their names. Given itself, its
                source is shipped: it uses nothing of its module. As ``module:function`` it is
                imported where it runs.
            input: ``[project/]repo[@branch][:/glob]``, or a spec's ``input`` as a mapping.
            output: Repo that takes the results, ``[project/]repo``; by default the function's name.
            arguments: More arguments of the function, of what JSON knows.
            image: For pods and containers, with what the function imports; not this package.
            python: What runs it: by default this very Python, or ``python3`` of the image.
            env: Variables.
            spec: More of a pipeline spec: ``parallelism_spec``, ``datum_tries``, …
            stays_up: One Python for all datums of a worker: what the function's modules have
                loaded or changed is there for the next datum. No datum is worked again for it.
            reprocess: Work all datums again, whatever is known of them.

        Raises:
            RefusedError: ``spec-illegal``: the function cannot be user code; nothing was made.
            ConflictError: ``pipeline-exists`` or ``repo-exists``: the output is not of a map.
            NotFoundError: ``repo-not-found``: an input repo.
        """
        make = partial(
            make_map_spec,
            input=input,
            output=output,
            arguments=arguments,
            image=image,
            python=python,
            env=env,
            spec=spec,
            stays_up=stays_up,
        )
        if function is None:

            def decorate(decorated: F) -> F:
                self._register(make(decorated), _name(decorated), reprocess=reprocess)
                return decorated

            return decorate
        return self._register(make(function), _name(function), reprocess=reprocess)

    def _register(self, document: Mapping[str, Any], name: str, *, reprocess: bool) -> PipelineInfo:
        return register(self, document, by="pfs map", source=name, reprocess=reprocess)


def make_map_spec(  # noqa: PLR0913 - each is one fact of the map
    function: Callable[..., object] | str,
    *,
    input: str | Mapping[str, Any],  # noqa: A002 - the word of specs
    output: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    image: str | None = None,
    python: str | None = None,
    env: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    stays_up: bool = False,
) -> dict[str, Any]:
    """Return the spec of the pipeline that ``Pfs.map`` makes, with the same arguments.

    Raises:
        RefusedError: ``spec-illegal``: the function cannot be user code, or the input is wrong;
            ``name-illegal``: the output is no name.
    """
    plain = find_function(function) if isinstance(function, str) else check_function(function)
    node, given, more = input_spec(input), arguments or {}, spec or {}
    about = output_fields(output or plain.__name__)
    # What is wrong with the input is told by its field, not by the parameter that it fails.
    load_specs({"pipeline": about, "input": node, "transform": {"cmd": ["true"]}})
    inputs = input_names(node)
    check_call(plain, inputs=inputs, arguments=given)
    if isinstance(function, str):
        program = make_import_program(
            function, plain, inputs=inputs, arguments=given, here=image is None
        )
    else:
        program = make_program(plain, inputs=inputs, arguments=given)
    return {
        **more,
        "pipeline": about,
        "input": node,
        "transform": {
            **more.get("transform", {}),
            **_transform(image, python, env),
            "stdin": program,
            **({"python_batching": True} if stays_up else {}),
        },
    }


def _transform(
    image: str | None, python: str | None, env: Mapping[str, str] | None
) -> dict[str, Any]:
    transform: dict[str, Any] = {"cmd": [python or ("python3" if image else sys.executable), "-"]}
    transform |= {"image": image} if image else {}
    return transform | ({"env": dict(env)} if env else {})


def _name(function: Callable[..., object] | str) -> str:
    if isinstance(function, str):
        return function
    return f"{function.__module__}:{function.__qualname__}"
