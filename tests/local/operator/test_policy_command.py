"""`python -m local policy`: the dry run as operators and CI use it."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from local.__main__ import main
from local.repository import REPOSITORY
from shared.config.settings import UploadSignatureSettings, variables_of
from tests.functions.deployment import JWT_SECRET, environment, user_token

if TYPE_CHECKING:
    from pathlib import Path

POLICIES = {
    "default": {"storageRegions": ["ap-seoul"]},
    "course": {
        "claims": {"role": ["teacher"], "level": [2, 3]},
        "procedures": ["LongVideoPreset"],
        "fileTypes": ["mp4"],
        "maxFileSize": 1000,
    },
}
GOOD = {"user": "bob", "claims": {"role": ["teacher"], "level": 3}}
SIGNED = {"name": "signed", **GOOD, "request": {"policy": "course", "fileSize": 1, "fileType": "mp4"}}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the policies and nothing else; keys that decide nothing may be missing."""
    for name in variables_of(UploadSignatureSettings):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UPLOAD_POLICIES", json.dumps(POLICIES))


def run(*words: str) -> int:
    """Run the command."""
    return main(["policy", *words])


def cases_in(folder: Path, content: object) -> str:
    """Write a file of cases."""
    file = folder / "cases.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(file)


def test_what_would_be_signed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each parameter with its value, and neither key nor signature."""
    assert run() == 0
    assert capsys.readouterr().out == (
        "signed under the policy 'default', with\n"
        "oneTimeValid             1\n"
        "storageRegion            ap-seoul\n"
        "ttlSeconds               600\n"
        "sourceContextCharacters  104\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--policy", "course", "--claim", "role=x", "--claim", "level=3"],
            "403  The policy 'course' is for users whose role is one of 'teacher', and this one's is 'x'.",
        ),
        (["--policy", "nosuch"], "403  There is no policy 'nosuch', but course, default."),
        (
            ["--body", '{"fileSize": 0}'],
            "422  The policy 'default' does not allow this. /fileSize: Must be at least 1 byte.",
        ),
        (["--body", "{"], "400  The body is not JSON."),
        (
            ["--body", '{"uploadId": "01M81669D17WFRRRZ186G60VX5"}'],
            "400  A dry run begins an upload: leave uploadId out.",
        ),
        (["--user", ""], "401  A user's id has 1 to 128 bytes and no control characters."),
    ],
)
def test_refusal_names_its_reason_and_the_field(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """The operator is told more than a client would be: which claim, and which policies there are."""
    assert run(*words) == 1
    assert capsys.readouterr().out == f"refused  {told}\n"


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """For a program, signed or refused."""
    claims = ["--claim", 'role=["teacher"]', "--claim", "level=2"]
    body = '{"policy": "course", "fileSize": 5, "fileName": "a.mp4"}'

    assert run("--json", *claims, "--body", body) == 0
    signed = json.loads(capsys.readouterr().out)
    assert run("--json", "--policy", "course", *claims) == 1
    refused = json.loads(capsys.readouterr().out)

    assert signed == {
        "outcome": "signed",
        "policy": "course",
        "parameters": {
            "procedure": "LongVideoPreset",
            "taskPriority": 0,
            "taskNotifyMode": "Finish",
            "oneTimeValid": 1,
            "ttlSeconds": 600,
            "sourceContextCharacters": 104,
        },
    }
    assert (refused["outcome"], refused["status"]) == ("refused", 422)
    assert refused["fields"] == ["/fileSize", "/fileType"]


def test_token_is_read_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word on the command line can be seen by everybody on the machine; its claims count."""
    monkeypatch.setenv("JWT_SECRETS", JWT_SECRET)
    token = user_token("bob", role="teacher", level=3)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))

    body = '{"policy": "course", "fileSize": 5, "fileType": "mp4"}'
    assert run("--token", "-", "--body", body) == 0
    assert run("--token", token + "x", "--body", body) == 1
    assert token not in capsys.readouterr().out


def test_settings_come_from_where_they_are_said_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of variables, a stage's file, a file of policies, or a stack that runs."""
    variables = environment("redis://127.0.0.1:1", UPLOAD_POLICIES='{"default": {"ttlSeconds": 61}}')
    (tmp_path / ".env.prod").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    (tmp_path / "policies.json").write_text('{"default": {"ttlSeconds": 62}}')
    assert run("--json", "--env-file", str(tmp_path / ".env.prod")) == 0
    assert run("--json", "--policies", str(tmp_path / "policies.json")) == 0
    monkeypatch.setattr("local.operator.settings_source.REPOSITORY", tmp_path)
    monkeypatch.delenv("UPLOAD_POLICIES")
    assert run("--json", "--stage", "prod") == 0
    printed = capsys.readouterr().out

    assert re.findall(r'"ttlSeconds": (\d+)', printed) == ["61", "62", "61"]


@pytest.mark.parametrize(
    "words",
    [
        ["--policy", "a", "--body", "{}"],
        ["--claim", "role"],
        ["--claim", "=x"],
        ["--token", "x", "--claim", "a=b"],
        ["--env-file", "/no/such/file"],
        ["--policies", "/no/such/file"],
        ["--cases", "/no/such/file"],
        ["--stage", "nosuch"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    """On standard error, with exit code 2."""
    monkeypatch.setattr("local.operator.settings_source.REPOSITORY", tmp_path / "nothing" / "is" / "here")
    assert run(*words) == 2
    assert re.fullmatch(r"[^\n]+\.\n", capsys.readouterr().err)


def test_wrong_settings_are_named_and_no_value_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the function itself would say it."""
    monkeypatch.setenv("UPLOAD_POLICIES", '{"default": {"ttlSeconds": "canary"}}')
    assert run() == 2
    monkeypatch.setenv("CONTEXT_KEYS", "canary")
    assert run() == 2
    told = capsys.readouterr().err

    assert "UPLOAD_POLICIES.default.ttlSeconds: Input should be a valid integer" in told
    assert "CONTEXT_KEYS.0: String should have at least 32" in told
    assert "canary" not in told


def test_cases_that_are_as_expected_are_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What an expectation does not name may be as it likes (F70)."""
    cases = [
        {**SIGNED, "expect": {"outcome": "signed"}},
        {
            **SIGNED,
            "expect": {
                "outcome": "signed",
                "parameters": {"procedure": "LongVideoPreset", "oneTimeValid": 1, "classId": None},
            },
        },
        {"name": "nobody", "expect": {"outcome": "signed", "parameters": {"storageRegion": "ap-seoul"}}},
        {
            "name": "viewer",
            "request": {"policy": "course"},
            "expect": {"outcome": "refused", "status": 403, "fields": ["/policy"]},
        },
        {
            "name": "no size",
            **GOOD,
            "request": {"policy": "course"},
            "expect": {"outcome": "refused", "fields": ["/fileType", "/fileSize"]},
        },
    ]

    assert run("--cases", cases_in(tmp_path, cases)) == 0
    assert capsys.readouterr().out == "5 of 5 cases are as expected.\n"


def test_every_case_that_fails_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """All of them, each with what was expected and what came of it, and exit code 1."""
    cases = [
        {**SIGNED, "name": "one", "expect": {"outcome": "refused"}},
        {
            **SIGNED,
            "name": "two",
            "expect": {"outcome": "signed", "parameters": {"classId": 7, "ttlSeconds": 9}},
        },
        {"name": "three", "request": {"policy": "course"}, "expect": {"outcome": "signed"}},
        {
            "name": "four",
            "request": {"classId": 1},
            "expect": {"outcome": "refused", "status": 403, "fields": ["/x"]},
        },
        {"name": "five", "expect": {"outcome": "signed", "status": 200, "fields": []}},
    ]
    file = cases_in(tmp_path, cases)

    assert run("--cases", file) == 1
    assert capsys.readouterr().out == (
        "one: expected refused, and it is signed (policy 'course')\n"
        "two: expected classId 7, and it is None\n"
        "two: expected ttlSeconds 9, and it is 600\n"
        "three: expected signed, and it is refused (403: The policy 'course' is for users "
        "whose role is one of 'teacher', and this one's is None; "
        "whose level is one of 2, 3, and this one's is None.)\n"
        "four: expected status 403, and it is 422: The policy 'default' does not allow this. "
        "/classId: Not on the policy's list: nothing may be chosen.\n"
        "four: expected the fields /x, and they are /classId\n"
        "1 of 5 cases are as expected.\n"
    )

    assert run("--cases", file, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["failed"] == 4
    assert [case["asExpected"] for case in document["cases"]] == [False, False, False, False, True]
    assert document["cases"][3]["differences"][1] == "expected the fields /x, and they are /classId"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        "[" * 100_000,
        [{"name": "x"}],
        [{"expect": {"outcome": "signed"}}],
        [{"name": "x", "expect": {"outcome": "maybe"}}],
        [{"name": "x", "expect": {"outcome": "signed"}, "polices": "y"}],
        [{"name": "x", "expect": {"outcome": "signed", "parameter": {}}}],
        [{"name": "x", "request": [], "expect": {"outcome": "signed"}}],
    ],
    ids=lambda content: str(content)[:40],
)
def test_file_of_another_form_tests_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: object
) -> None:
    """An invalid file of cases is an error and not a passed test."""
    assert run("--cases", cases_in(tmp_path, content)) == 2
    told = capsys.readouterr().err
    assert told.startswith(str(tmp_path))
    assert not re.search("Tuple|tuple|instance of|: :", told)


@pytest.mark.parametrize(("policy", "warned"), [("default", True), ("desk", False)])
def test_policy_that_a_phone_outlasts_gets_a_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, policy: str, *, warned: bool
) -> None:
    """It is said of the policy that was tried, apart from the outcome, which stays what it is."""
    monkeypatch.setenv("UPLOAD_POLICIES", '{"default": {}, "desk": {"client": "web"}}')

    assert run("--policy", policy, "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["policy"] == policy
    assert ("Warning: A phone has one signature" in told.err) == warned
    assert (f"the policy {policy!r} it lives 600 s" in told.err) == warned


def test_cases_of_the_settings_page_are_as_it_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its example of a policy, its example of cases, and its example of a run."""
    page = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (policies,) = (block for block in blocks if '"ttlSeconds"' in block)
    (cases,) = (block for block in blocks if '"expect"' in block)
    monkeypatch.setenv("UPLOAD_POLICIES", policies)

    read: list[dict[str, Any]] = json.loads(cases)
    assert run("--cases", cases_in(tmp_path, read)) == 0
    assert capsys.readouterr().out in page
