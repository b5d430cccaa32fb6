"""Search everything that is committed for keys and passwords: `make check`, with detect-secrets.

Tests are full of words that stand for keys, so there only the form of a real key counts.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect_secrets.core import scan
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.keyword import DENYLIST
from detect_secrets.settings import transient_settings

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_FORM = ["AWSKeyDetector", "GitHubTokenDetector", "JwtTokenDetector", "NpmDetector", "PrivateKeyDetector"]
_BY_FORM += ["PypiTokenDetector", "SlackDetector", "StripeDetector", "OpenAIDetector"]
_ENTROPY = {"Base64HighEntropyString": 4.5, "HexHighEntropyString": 3.0}
_CHARACTERS = {"Base64HighEntropyString": r"[A-Za-z0-9+/\\_=-]+", "HexHighEntropyString": r"[0-9A-Fa-f]+"}
_CLASSES: list[Any] = list(get_mapping_from_secret_type_to_class().values())
_DETECTORS = {each.__name__: each for each in _CLASSES}
_FORMS = {
    name: [re.compile(form.pattern, form.flags | re.MULTILINE) for form in _DETECTORS[name].denylist]
    for name in (*_BY_FORM, "BasicAuthDetector")
} | {"KeywordDetector": [re.compile("|".join(DENYLIST), re.IGNORECASE)]}
"""Each is looked for in a whole text first: a detector reads line by line, in a hundred times as long."""
_ALLOWLIST = "detect_secrets.filters.allowlist.is_line_allowlisted"
_TENCENT_SECRET_ID = re.compile(r"\bAKID[A-Za-z0-9]{32}\b")

_LOCKS = re.compile(r"(package-lock\.json|requirements(/[a-z]+)?\.txt)$")
_KEYWORD, _FORM = "Secret Keyword", "Tencent SecretId"
_ENTROPIC, _HEX = "Base64 High Entropy String", "Hex High Entropy String"
NO_SECRETS = {
    (
        "docs/security.md",
        "Basic Auth Credentials",
    ): "the form of a store's address, with a word for the password",
    ("docs/http-api.md", _HEX): "the digest of a file's bytes, as an example",
    ("docs/openapi.json", _HEX): "digests of a file's bytes, as an example",
    ("docs/openapi.json", _ENTROPIC): "the example of a signature, made with invented keys",
    (
        "local/stack/demo_settings.py",
        _KEYWORD,
    ): "names: of the file with the demo's secrets, and of a setting",
    ("local/doctor/api_checks.py", _KEYWORD): "the name of a setting",
    ("local/operator/inspect_command.py", _KEYWORD): "the name of a setting",
    ("local/operator/policy_trial.py", _KEYWORD): "a trial shows parameters, and signs with a word",
    ("shared/config/endpoints.py", _KEYWORD): "names of settings",
    ("shared/config/issuers.py", _KEYWORD): "names of settings",
    ("shared/config/separate_keys.py", _KEYWORD): "names of settings",
    ("shared/schema/values.py", _KEYWORD): "the prefix of webhook secrets",
    ("shared/domain/upload_id.py", _ENTROPIC): "the alphabet of upload ids",
    ("tests/functions/deployment.py", _FORM): "the simulated account, which is nobody's",
    ("tests/local/simulator/account.py", _FORM): "the simulated account, which is nobody's",
    ("tests/openapi/test_answers.py", "JSON Web Token"): "a token without a user and without a signature",
    ("tests/shared/service.py", _FORM): "an account that is nobody's",
    (
        "tests/shared/http/test_authentication.py",
        "JSON Web Token",
    ): "a known answer, signed with a key of the tests",
    ("tests/supply_chain/secret_scan.py", "Private Key"): "the first line of none, planted below",
}
"""What looks like a secret and is none, each with what it is."""

PLANTED = (
    "-----BEGIN RSA PRIVATE KEY-----",
    'secret_key = "hV7cQ2mX9pLs4RtZ8wYb"',
    "url = https://somebody:hV7cQ2mX9pLs4@example.test/",
    "id = AKID" + "z8" * 16,
    "token = ghp_" + "a1B2c3D4e5F6" * 3,
)
"""Lines that the scan must find, to prove that it works."""


def main() -> int:
    """Print every line that looks like a secret; return 1 if there is one, or if the scan does not work."""
    with tempfile.TemporaryDirectory() as folder:
        for line in PLANTED:
            file = Path(folder) / "planted.py"
            file.write_text(line + "\n", encoding="utf-8")
            if not list(suspicious(file, strictly=True)):
                sys.stdout.write(f"The scan does not find {line.partition(' ')[0]}…: it is blind.\n")
                return 1
    files = [path for path in committed() if not _LOCKS.search(path)]
    found = [
        f"{path}:{line}  {kind}\n"
        for path in files
        for line, kind in suspicious(REPOSITORY / path, strictly=not path.startswith("tests/"))
        if (path, kind) not in NO_SECRETS
    ]
    sys.stdout.writelines(found)
    sys.stdout.write(f"{len(files)} files were looked at, {len(found)} lines look like secrets.\n")
    return int(bool(found))


def committed() -> list[str]:
    """Return the files that git knows, and those that it would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
    return [path for path in listed.stdout.splitlines() if (REPOSITORY / path).is_file()]


def suspicious(file: Path, *, strictly: bool) -> Iterator[tuple[int, str]]:
    """Yield line and kind of what looks like a secret; `strictly` includes words that only might be one."""
    text = file.read_bytes().decode("utf-8", "replace")
    forms = _FORMS if strictly else {name: _FORMS[name] for name in _BY_FORM}
    plugins: list[dict[str, Any]] = [
        {"name": name} for name, each in forms.items() if any(form.search(text) for form in each)
    ]
    # A word's entropy is at most the logarithm of the number of its different characters.
    plugins += [
        {"name": name, "limit": limit}
        for name, limit in _ENTROPY.items()
        if strictly and any(len({*word}) > 2**limit for word in re.findall(_CHARACTERS[name], text))
    ]
    if plugins:
        with transient_settings({"plugins_used": plugins}) as settings:
            # No comment makes a secret harmless.
            settings.disable_filters(_ALLOWLIST)
            for secret in scan.scan_file(str(file)):
                yield secret.line_number, secret.type
    for number, line in enumerate(text.splitlines(), start=1):
        if _TENCENT_SECRET_ID.search(line):
            yield number, "Tencent SecretId"


if __name__ == "__main__":
    sys.exit(main())
