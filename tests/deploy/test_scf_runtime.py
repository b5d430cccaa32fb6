"""The imitated runtime is as strict as the documented one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from local.stack.instances import FunctionFailedError
from tests.deploy.packaged_instances import Deployed, PackagedInstances

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("needs_runtime_python")

SURROUNDINGS = """\
import os, sys
def main_handler(event, context):
    return [sys.version_info[:2], sys.path, sorted(os.environ), context["time_limit_in_ms"]]
"""
WRITERS = {
    "beside its code": "open(os.path.join(os.path.dirname(__file__), 'state.json'), 'w')",
    "in another folder": "os.mkdir(os.path.dirname(__file__) + '/cache')",
    "over its code": "os.remove(__file__)",
}


def invoke(folder: Path, source: str) -> object:
    """Run a function with this source."""
    package = folder / "package"
    package.mkdir()
    (package / "sample.py").write_text(source)
    instances = PackagedInstances({"sample": Deployed(package, {"OWN": "1"}, 5)}, folder=folder / "instances")

    async def once() -> object:
        try:
            return await instances.invoke("sample", {})
        finally:
            await instances.stop()

    return asyncio.run(once())


def test_function_sees_python_310_its_package_and_nothing_of_ours(tmp_path: Path) -> None:
    """Neither the repository nor a virtual environment is on the path, nor our environment around it."""
    version, path, variables, limit = cast("list[Any]", invoke(tmp_path, SURROUNDINGS))
    standard_library = [place for place in path if "python3" in place]

    assert version == [3, 10]
    assert path[:2] == [str(tmp_path / "package"), str(tmp_path / "instances" / "sample" / "opt")]
    assert path[2:] == standard_library
    assert [place for place in path if "site-packages" in place or ".venv" in place] == []
    assert {"OWN", "PYTHONDONTWRITEBYTECODE"} <= set(variables)
    assert {"PATH", "HOME", "VIRTUAL_ENV"}.isdisjoint(variables)
    assert limit == 5000


@pytest.mark.parametrize("where", WRITERS)
def test_function_cannot_write_there(tmp_path: Path, where: str) -> None:
    """Only the scratch folder can be written to, whoever runs the tests."""
    source = f"import os\ndef main_handler(event, context):\n    {WRITERS[where]}\n"

    with pytest.raises(FunctionFailedError, match="is on a read-only file system"):
        invoke(tmp_path, source)


def test_function_can_write_to_the_scratch_folder(tmp_path: Path) -> None:
    """The scratch folder is writable, as /tmp is on SCF."""
    source = (
        "import tempfile\ndef main_handler(event, context):\n    tempfile.TemporaryFile('w').write('x')\n"
    )

    assert invoke(tmp_path, source) is None
