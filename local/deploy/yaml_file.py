"""Read `serverless.yml` as the CLI's own parser does: a key that stands twice is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from local.package.contents import PackageError

if TYPE_CHECKING:
    from pathlib import Path

    from yaml import SafeLoader
else:
    # libyaml's parser takes a tenth of the time; a PyYAML that was built without it has none.
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableFileError(PackageError):
    """The file is not there, or is not YAML; the message is a sentence that says what to do."""


class _Loader(SafeLoader):
    """The safe loader, which notes a key that stands twice instead of taking the later value unsaid."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # as in PyYAML
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise UnreadableFileError(
                    f"serverless.yml, line {line}: {name} stands here and in line {lines[name]}: "
                    "remove one of the two."
                )
            lines[name] = line
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> tuple[str, object]:
    """Return the text of a file and what it holds.

    Raises:
        UnreadableFileError: it is not there, not UTF-8, not YAML, or has a key twice.

    """
    try:
        text = path.read_text(encoding="utf-8")
        return text, yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader
    except OSError:
        raise UnreadableFileError(f"{path.name} is not here: restore it from the repository.") from None
    except UnicodeDecodeError:
        raise UnreadableFileError(f"{path.name} is not UTF-8: save it so.") from None
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = f" ({error.problem})" if error.problem else ""
        raise UnreadableFileError(f"serverless.yml cannot be read{place}{reason}: mend it first.") from None
    except yaml.YAMLError:
        raise UnreadableFileError(f"{path.name} has a character that YAML forbids: remove it.") from None
