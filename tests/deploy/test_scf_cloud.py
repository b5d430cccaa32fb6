"""The imitation of SCF's API: what it refuses, and that a file which sends what may be empty is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.deploy.serverless_file import functions_in, sent_environment, settings_of
from local.deploy.stage_variables import parse_env_file
from local.deploy.yaml_file import read_yaml
from local.repository import REPOSITORY
from tests.deploy.filled_example import filled_example
from tests.deploy.scf_cloud import MAX_FUNCTIONS, ScfCloud
from tests.deploy.scf_model import nested

if TYPE_CHECKING:
    from collections.abc import Mapping

_, FILE = read_yaml(REPOSITORY / "serverless.yml")
FUNCTION = {
    "FunctionName": "uploads",
    "Handler": "uploads.main_handler",
    "Runtime": "Python3.10",
    "Code": {"CosBucketName": "code", "CosObjectName": "/uploads.zip"},
    "Environment": {"Variables": [{"Key": "STAGE", "Value": "dev"}]},
}
URL = {
    "FunctionName": "uploads",
    "TriggerName": "web",
    "Type": "http",
    "Qualifier": "$DEFAULT",
    "TriggerDesc": json.dumps({"AuthType": "NONE", "NetConfig": {"EnableExtranet": True}}),
}
TIMER = {
    "FunctionName": "uploads",
    "TriggerName": "every-minute",
    "Type": "timer",
    "Qualifier": "$DEFAULT",
    "TriggerDesc": "0 * * * * * *",
    "CustomArgument": "{}",
}


@pytest.fixture
def cloud() -> ScfCloud:
    """Create one function."""
    cloud = ScfCloud()
    assert cloud.answer("CreateFunction", FUNCTION) == {}
    return cloud


def variables(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Return the Environment of a request."""
    return {"Environment": {"Variables": [{"Key": key, "Value": value} for key, value in pairs]}}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"FunctionName": "u"}, "InvalidParameterValue.FunctionName"),
        ({"FunctionName": "uploads-"}, "InvalidParameterValue.FunctionName"),
        ({"FunctionName": "u" * 61}, "InvalidParameterValue.FunctionName"),
        ({"Handler": "functions/uploads.main_handler"}, "InvalidParameterValue.Handler"),
        ({"Handler": "uploads.main_handler2"}, "InvalidParameterValue.Handler"),
        ({"Runtime": "Python3.12"}, "InvalidParameterValue.Runtime"),
        ({"Timeout": 901}, "InvalidParameterValue.Timeout"),
        ({"MemorySize": 200}, "InvalidParameterValue.MemorySize"),
        ({"Description": "d" * 1001}, "InvalidParameterValue.Description"),
        (
            {"Code": {"CosBucketName": "code", "CosObjectName": "a.zip"}},
            "InvalidParameterValue.CosObjectName",
        ),
        ({"Code": {"ZipFile": "UEs=", "DemoId": "demo"}}, "InvalidParameterValue.Code"),
        (variables(("STAGE", "")), "InvalidParameterValue.Environment"),
        (variables(("STAGE", "d")), "InvalidParameterValue.Environment"),
        (variables(("2ND", "dev")), "InvalidParameterValue.Environment"),
        (variables(("S", "dev")), "InvalidParameterValue.Environment"),
        (variables(("SCF_STAGE", "dev")), "InvalidParameterValue.EnvironmentSystemProtect"),
        (variables(("STAGE", "d" * 4092)), "InvalidParameterValue.EnvironmentExceededLimit"),
        ({"MemorySizes": 256}, "UnknownParameter"),
        ({"VpcConfig": {"VpcIds": "vpc-1"}}, "UnknownParameter"),
        ({"Timeout": "soon"}, "InvalidParameter"),
        ({"Layers": "none"}, "InvalidParameter"),
        ({"VpcConfig": "vpc-1"}, "InvalidParameter"),
        ({"Role": 7}, "InvalidParameter"),
    ],
    ids=str,
)
def test_function_is_refused_as_the_api_documents(change: Mapping[str, Any], code: str) -> None:
    """Members, types, lengths, characters and sizes; nothing is created."""
    cloud = ScfCloud()
    answer = cloud.answer("CreateFunction", {**FUNCTION, **change})

    assert answer["Error"]["Code"] == code
    assert len(cloud.refused) == 1
    assert cloud.functions == {}


def with_url(**members: object) -> dict[str, Any]:
    """Return a request for a URL that is described otherwise."""
    return {**URL, "TriggerDesc": json.dumps({**json.loads(str(URL["TriggerDesc"])), **members})}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({**URL, "Type": "apigw"}, "UnsupportedOperation.Trigger"),
        ({**URL, "Enable": "ON"}, "InvalidParameterValue.Enable"),
        ({**URL, "TriggerDesc": "none"}, "InvalidParameterValue.TriggerDesc"),
        (with_url(AuthType="ALL"), "InvalidParameterValue.TriggerDesc"),
        (with_url(ApiGwCompatible="true"), "InvalidParameterValue.TriggerDesc"),
        (with_url(Compatible=True), "InvalidParameterValue.TriggerDesc"),
        ({**URL, "CustomArgument": "{}"}, "InvalidParameterValue.CustomArgument"),
        ({**TIMER, "TriggerName": "every minute"}, "InvalidParameterValue.TriggerName"),
        ({**TIMER, "TriggerDesc": "* * * * *"}, "InvalidParameterValue.TriggerDesc"),
        ({**URL, "FunctionName": "others"}, "ResourceNotFound.FunctionName"),
    ],
    ids=str,
)
def test_trigger_is_refused_as_the_api_documents(cloud: ScfCloud, asked: dict[str, Any], code: str) -> None:
    """Kinds that are gone, what a URL and a timer are made of, and functions that are not there."""
    assert cloud.answer("CreateTrigger", asked)["Error"]["Code"] == code
    assert cloud.triggers.get("uploads", []) == []


def test_quotas_are_held(cloud: ScfCloud) -> None:
    """One URL an alias, ten timers a function, fifty functions, and shares that leave something to all."""
    first = [cloud.answer("CreateTrigger", URL), cloud.answer("CreateTrigger", URL)]
    timers = [cloud.answer("CreateTrigger", {**TIMER, "TriggerName": f"timer-{n}"}) for n in range(11)]
    functions = [
        cloud.answer("CreateFunction", {**FUNCTION, "FunctionName": f"uploads-{n}"})
        for n in range(MAX_FUNCTIONS)
    ]
    shares = [
        cloud.answer(
            "PutReservedConcurrencyConfig", {"FunctionName": f"uploads-{n}", "ReservedConcurrencyMem": 25_600}
        )
        for n in range(3)
    ]

    for answers, code in (
        (first, "ResourceInUse.Trigger"),
        (timers, "LimitExceeded.Trigger"),
        (functions, "LimitExceeded.Function"),
        (shares, "LimitExceeded.FunctionReservedConcurrencyMemory"),
    ):
        assert ["Error" in answer for answer in answers] == [False] * (len(answers) - 1) + [True]
        assert answers[-1]["Error"]["Code"] == code


def test_what_is_there_is_changed_and_not_made_again(cloud: ScfCloud) -> None:
    """A second creation is refused, an update is not, but for the runtime."""
    configuration = {"FunctionName": "uploads", "Timeout": 9}

    assert cloud.answer("CreateFunction", FUNCTION)["Error"]["Code"] == "ResourceInUse.FunctionName"
    assert cloud.answer("UpdateFunctionConfiguration", configuration) == {}
    assert cloud.answer("GetFunction", {"FunctionName": "uploads"})["Timeout"] == 9
    other = cloud.answer("UpdateFunctionConfiguration", {**configuration, "Runtime": "Python3.9"})
    assert other["Error"]["Code"] == "InvalidParameterValue.Runtime"
    assert cloud.answer("UpdateTrigger", URL)["Error"]["Code"] == "ResourceNotFound.Trigger"
    assert cloud.answer("DeleteFunction", {"FunctionName": "uploads"}) == {}
    assert cloud.answer("DeleteFunctions", {})["Error"]["Code"] == "InvalidAction"


def test_form_is_read_as_the_members_it_names() -> None:
    """The library for Node sends dotted names, with numbers for the places of a list."""
    assert nested({"A": "1", "B.C": "2", "D.1.E": "4", "D.0.E": "3", "F.0": "5"}) == {
        "A": "1",
        "B": {"C": "2"},
        "D": [{"E": "3"}, {"E": "4"}],
        "F": ["5"],
    }


def refused(environments: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Create the functions with these variables, and return what the API refuses."""
    cloud = ScfCloud()
    for name, sent in environments.items():
        cloud.answer("CreateFunction", {**FUNCTION, "FunctionName": name, **variables(*sent.items())})
    return cloud.refused


def test_variable_for_each_setting_is_refused_in_many_ways() -> None:
    """What a function would be sent with one variable a setting: empty ones in each, and one of a digit."""
    values = parse_env_file(filled_example({"OPEN_UPLOADS": "0"}))
    functions = functions_in(FILE)
    alone = {
        name: sent_environment(
            {"environments": [{"key": key, "value": text} for key, text in settings_of(function).items()]},
            values,
            "dev",
        )
        for name, function in functions.items()
    }
    found = refused(alone)

    assert {fault.split(" ")[1].removesuffix(":") for fault in found} == functions.keys()
    assert len([fault for fault in found if fault.endswith(" is empty")]) > 50
    assert {fault.rpartition(": ")[2] for fault in found if "bytes" in fault} == {
        "the value of OPEN_UPLOADS has less than 2 bytes"
    }
    assert (
        refused({name: sent_environment(function, values, "dev") for name, function in functions.items()})
        == []
    )


def test_url_reads_back_whether_results_are_answers(cloud: ScfCloud) -> None:
    """Left out, it is not so; the public address comes with it."""
    cloud.answer("CreateTrigger", URL)
    cloud.answer("CreateTrigger", {**with_url(ApiGwCompatible=True), "Qualifier": "1"})
    listed = cloud.answer("ListTriggers", {"FunctionName": "uploads"})["Triggers"]

    assert [json.loads(it["TriggerDesc"])["ApiGwCompatible"] for it in listed] == [False, True]
    assert all("https://" in it["TriggerDesc"] for it in listed)
