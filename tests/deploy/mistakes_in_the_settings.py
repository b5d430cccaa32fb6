"""Mistakes that people make in a stage's settings and their shell, and what is said of each."""

from __future__ import annotations

import json

from tests.deploy.filled_example import SECRET, VALUES
from tests.deploy.mistakes_in_the_file import Mistake

POLICIES = json.dumps({"default": {}, **{f"p{number}": {"procedures": ["p" * 60]} for number in range(50)}})

ANYBODY: dict[str, str | None] = {"ANONYMOUS_IN_CLOUD": "anybody-may-upload", "JWT_SECRETS": ""}

IN_THE_SETTINGS = {
    "a setting is not in the file": Mistake(
        "No value, not even an empty one, has: REDIS_URL.",
        "gets no REDIS_URL.",
        settings={"REDIS_URL": None},
        refused=True,
    ),
    "a shell had no value for a setting": Mistake(
        "DEPLOY_REGION had no value when it was set",
        "A value has the text 'undefined'.",
        settings={"DEPLOY_REGION": "undefined"},
    ),
    "a role is missing": Mistake(
        "DEPLOY_ROLE_EVENT_DELIVERY",
        "event_delivery has no role.",
        settings={"DEPLOY_ROLE_EVENT_DELIVERY": None},
    ),
    "no private network": Mistake(
        "DEPLOY_VPC_ID",
        "upload_signature has no VpcId.",
        settings={"DEPLOY_VPC_ID": None},
    ),
    "no log topic": Mistake(
        "DEPLOY_CLS_TOPIC_ID",
        "upload_signature has no ClsTopicId.",
        settings={"DEPLOY_CLS_TOPIC_ID": None},
    ),
    "policies are too long": Mistake(
        "upload_signature: its variables take",
        "Environment is too large",
        settings={"UPLOAD_POLICIES": POLICIES},
        refused=True,
    ),
    "a region by its name": Mistake(
        "DEPLOY_REGION must be a region such as ap-singapore.",
        settings={"DEPLOY_REGION": "Singapore"},
    ),
    "a region that is misspelt": Mistake(
        "which is no region that has SCF: did you mean ap-singapore?",
        settings={"DEPLOY_REGION": "ap-singapor"},
    ),
    "a network by its name": Mistake(
        "DEPLOY_VPC_ID must be the id of a private network",
        settings={"DEPLOY_VPC_ID": "uploads"},
    ),
    "a subnet for a network": Mistake(
        "DEPLOY_VPC_ID must be the id of a private network",
        settings={"DEPLOY_VPC_ID": VALUES["DEPLOY_SUBNET_ID"]},
    ),
    "a network for a subnet": Mistake(
        "DEPLOY_SUBNET_ID must be the id of a subnet",
        settings={"DEPLOY_SUBNET_ID": VALUES["DEPLOY_VPC_ID"]},
    ),
    "a log set by its name": Mistake(
        "DEPLOY_CLS_LOGSET_ID must be the id of a log set",
        settings={"DEPLOY_CLS_LOGSET_ID": "SCF_logset"},
    ),
    "a log topic by its name": Mistake(
        "DEPLOY_CLS_TOPIC_ID must be the id of a log topic",
        settings={"DEPLOY_CLS_TOPIC_ID": "SCF_LogTopic_1"},
    ),
    "a role by its full description": Mistake(
        "DEPLOY_ROLE_EVENT_DELIVERY must be the role's name alone",
        settings={"DEPLOY_ROLE_EVENT_DELIVERY": "qcs::cam::uin/1:roleName/x"},
    ),
    "typographic quotes": Mistake(
        "DEPLOY_REGION must be a region",
        settings={"DEPLOY_REGION": "\u201cap-singapore\u201d"},
    ),
    "a store on this machine": Mistake(
        "REDIS_URL names this machine",
        settings={"REDIS_URL": f"redis://:{SECRET}@localhost:6379"},
    ),
    "a key set on this machine": Mistake(
        "JWT_JWKS_URL names this machine",
        settings={"JWT_SECRETS": "", "JWT_JWKS_URL": "https://127.0.0.1:8443/keys"},
    ),
    "an app on this machine": Mistake(
        "APP_WEBHOOK_URL names this machine",
        settings={"APP_WEBHOOK_URL": "https://localhost/events"},
    ),
    "a simulated VOD": Mistake(
        "VOD_API_URL names this machine",
        settings={"VOD_API_URL": "http://127.0.0.1:9000"},
    ),
    "a container's host": Mistake(
        "REDIS_URL names this machine",
        settings={"REDIS_URL": f"redis://:{SECRET}@host.docker.internal:6379"},
    ),
    "the signing pair deploys": Mistake(
        "TENCENT_SECRET_KEY is VOD_SECRET_KEY too",
        settings={"TENCENT_SECRET_KEY": VALUES["VOD_SECRET_KEY"]},
    ),
    "id and key are exchanged": Mistake(
        "VOD_SECRET_KEY begins as an id does",
        settings={"VOD_SECRET_KEY": VALUES["VOD_SECRET_ID"], "VOD_SECRET_ID": f"{SECRET}-1"},
    ),
    "the settings of another stage": Mistake(
        "STAGE is set to another stage than dev",
        settings={"STAGE": "prod"},
    ),
    "a dollar sign that the CLI reads": Mistake(
        "JWT_SECRETS holds a dollar sign before",
        settings={"JWT_SECRETS": f"{SECRET}-$&-3"},
    ),
    "a value that names another setting": Mistake(
        "JWT_ISSUER holds a blank before capitals and an equals sign",
        settings={"JWT_ISSUER": "login JWT_AUDIENCE=others"},
    ),
    "a dollar sign before a brace": Mistake(
        "JWT_AUDIENCE holds a dollar sign before a brace",
        settings={"JWT_AUDIENCE": "${app}"},
    ),
    "the shell has another value": Mistake(
        "REDIS_URL of the shell's environment overrides the one in .env. If that is not meant: unset",
        exported={"REDIS_URL": f"redis://:{SECRET}@10.0.0.2:6379"},
    ),
    "the shell has another key pair": Mistake(
        "TENCENT_SECRET_ID of the shell's environment overrides the one in .env",
        settings={"TENCENT_SECRET_ID": "AKIDofTheFile"},
        exported={"TENCENT_SECRET_ID": "AKIDofTheShell"},
    ),
    "a comment behind a value": Mistake(
        "JWT_ISSUER in .env has a number sign behind a blank",
        settings={"JWT_ISSUER": "login # of the app"},
    ),
    "a setting stands twice": Mistake(
        "JWT_AUDIENCE stands twice in .env, and the last one counts. Remove the others.",
        settings={"JWT_AUDIENCE": "uploads\nJWT_AUDIENCE=others"},
    ),
    "a key in several lines": Mistake(
        ".env has what is no NAME=value and is not read, in line ",
        settings={"JWT_ISSUER": "login\n-----END PUBLIC KEY-----"},
    ),
    "a line for a shell": Mistake(
        "Write each setting into one line, without export.",
        settings={"JWT_ISSUER": "login\nexport JWT_USER_CLAIM=uid"},
    ),
    "a name that is no setting": Mistake(
        "JWT_AUDIANCE in .env is no setting. Remove it, or: did you mean JWT_AUDIENCE?",
        settings={"JWT_AUDIENCE": "uploads\nJWT_AUDIANCE=others"},
    ),
    "a developer's setting": Mistake(
        "APP_WEBHOOK_ALLOW_INSECURE in .env is for a developer's machine",
        settings={"APP_WEBHOOK_ALLOW_INSECURE": "1"},
    ),
    "pages of developers": Mistake(
        "CORS_ORIGINS in .env names this machine",
        settings={"CORS_ORIGINS": "http://localhost:5173"},
    ),
    "a share that is no number": Mistake(
        "RESERVED_INSTANCES_UPLOAD_SIGNATURE must be a number of instances",
        settings={"RESERVED_INSTANCES_UPLOAD_SIGNATURE": "many"},
    ),
    "a callback without instances": Mistake(
        "RESERVED_INSTANCES_EVENT_NOTIFICATION must be a number of instances",
        settings={"RESERVED_INSTANCES_EVENT_NOTIFICATION": "0"},
    ),
    "a hold longer than the time-out": Mistake(
        "event_notification: timeout must be 17 or more for CALLBACK_HOLD_SECONDS",
        settings={"CALLBACK_HOLD_SECONDS": "11"},
    ),
    "a file that is not there": Mistake(
        "UPLOAD_POLICIES: its file cannot be read: put it into settings/",
        settings={"UPLOAD_POLICIES": "file:upload_policies.nowhere.json"},
    ),
    "a file outside the folder": Mistake(
        "UPLOAD_POLICIES: its file cannot be read: put it into settings/",
        settings={"UPLOAD_POLICIES": "file:../pyproject.toml"},
    ),
    "one key for two purposes": Mistake(
        "CALLBACK_TOKENS: has a key that JWT_SECRETS has too: make a new one",
        settings={"CALLBACK_TOKENS": f"{SECRET}-3"},
    ),
    "users without a key": Mistake(
        "JWT_JWKS_URL: set exactly one of",
        settings={"JWT_SECRETS": ""},
    ),
    "a policy for nobody": Mistake(
        "The policy 'course' is for nobody: 'scope' is a text",
        settings={"UPLOAD_POLICIES": '{"default": {}, "course": {"claims": {"scope": [7]}}}'},
    ),
    "anybody may upload": Mistake(
        "AUTH_MODE is anonymous: anybody who finds the functions' URLs may upload",
        settings={"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": f"{SECRET}-5", **ANYBODY},
    ),
    "tokens for any audience": Mistake(
        "JWT_AUDIENCE is not set",
        settings={"JWT_AUDIENCE": ""},
    ),
    "a store without a password": Mistake(
        "REDIS_URL has no password",
        settings={"REDIS_URL": "redis://10.0.0.1:6379"},
    ),
}
