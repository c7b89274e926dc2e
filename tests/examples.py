"""The plug-ins that the how-to pages show, as modules: they are installed nowhere."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

HOWTO = Path(__file__).parents[1] / "docs/howto"


def load_example(path: str) -> Any:
    """The module at a path below docs/howto."""
    file = HOWTO / path
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
