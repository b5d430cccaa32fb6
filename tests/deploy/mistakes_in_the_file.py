"""Mistakes that people make in `serverless.yml`, and what is said of each.

`checked` is said before a deployment, `proved` by the deployment to the cloud on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STATUS = "      handler: upload_status.main_handler\n      environments:\n"
SIGNATURE = "      handler: upload_signature.main_handler\n      environments:\n"
NETWORK = "        netConfig: {enableExtranet: true, enableIntranet: false}\n"


@dataclass(frozen=True)
class Mistake:
    """One mistake: a replaced text of the file, changed settings, what the shell exports; and what is said.

    `ends_it`: the deployment stops there, so that nothing else can be found. `refused`: it stops there unless
    the cloud is lenient.
    """

    checked: str
    proved: str = ""
    edit: tuple[str, str] = ("", "")
    settings: dict[str, str | None] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    ends_it: bool = False
    refused: bool = False


IN_THE_FILE = {
    "a setting is misspelt in serverless.yml": Mistake(
        "CONTEXT_KEYS must be '${env:CONTEXT_KEYS}'",
        "upload_signature gets no CONTEXT_KEYS",
        edit=("'${env:CONTEXT_KEYS}'", "'${env:CONTEXT_KEY}'"),
        refused=True,
    ),
    "a setting is part of a longer text": Mistake(
        "No value, not even an empty one, has: REDIS_HOST.",
        "A value has the text 'undefined'.",
        edit=("'${env:REDIS_URL}'", "'redis://${env:REDIS_HOST}'"),
    ),
    "a role for all": Mistake(
        "inputs.role is for all functions",
        "upload_signature has a role.",
        edit=("  runtime: Python3.10\n", "  runtime: Python3.10\n  role: vod-upload\n"),
    ),
    "a reserved name": Mistake(
        "SCF_STAGE, key must be 2 to 64 letters",
        "Environment has a reserved name",
        edit=("key: STAGE", "key: SCF_STAGE"),
        refused=True,
    ),
    "another component": Mistake(
        "component must be multi-scf.",
        "The component is scf.",
        edit=("component: multi-scf", "component: scf"),
    ),
    "the other spelling of variables": Mistake(
        "upload_signature: environment must go: environment.variables is dropped without a word",
        "upload_signature gets no ",
        edit=(
            "        - {key: REDIS_URL, value: '${env:REDIS_URL}'}\n",
            "      environment: {variables: {REDIS_URL: '${env:REDIS_URL}'}}\n      more:\n",
        ),
    ),
    "an older Python": Mistake(
        "runtime must be Python3.10",
        "upload_signature runs on Python3.9.",
        edit=("runtime: Python3.10", "runtime: Python3.9"),
    ),
    "a handler in a folder": Mistake(
        "event_delivery: handler must be file.function",
        "Handler is not file.function",
        edit=("handler: event_delivery.main", "handler: functions/event_delivery.main"),
        refused=True,
    ),
    "the handler of another function": Mistake(
        "there is no file upload_signature.py in ./upload-status",
        "upload_status has the handler upload_signature.main_handler.",
        edit=("handler: upload_status.main", "handler: upload_signature.main"),
    ),
    "the package of another function": Mistake(
        "there is no file upload_status.py in ./event-delivery",
        "upload_status has the code /event-delivery.zip.",
        edit=("src: ./upload-status", "src: ./event-delivery"),
    ),
    "memory that cannot be bought": Mistake(
        "inputs.memorySize must be",
        "MemorySize is out of range",
        edit=("memorySize: 256", "memorySize: 200"),
        ends_it=True,
    ),
    "a time-out that is none": Mistake(
        "inputs.timeout must be 1 to 900 seconds",
        "Timeout is out of range",
        edit=("timeout: 5\n", "timeout: 901\n"),
        refused=True,
    ),
    "secrets would be uploaded": Mistake(
        "inputs.src.exclude must name .env and **/.env*",
        ".env leaves the machine.",
        edit=("[.env, '**/.env*']", "['**/*.md']"),
    ),
    "bytecode would stay here": Mistake(
        "inputs.src.exclude: **/*.pyc would take",
        "No bytecode is uploaded.",
        edit=("'**/.env*']", "'**/.env*', '**/*.pyc']"),
    ),
    "a URL for accounts of the cloud": Mistake(
        "authType must be NONE",
        "The URL of upload_signature cannot be called by everybody.",
        edit=("authType: NONE", "authType: CAM"),
    ),
    "a URL for nobody": Mistake(
        "netConfig is missing: must be {enableExtranet: true",
        "The URL of upload_signature cannot be called by everybody.",
        edit=(NETWORK, ""),
    ),
    "CORS in two places": Mistake(
        "corsConfig must go: CORS is answered by the code",
        "The URL of upload_signature answers CORS beside the code.",
        edit=(NETWORK, f"{NETWORK}        corsConfig: {{enable: true, origins: ['*']}}\n"),
    ),
    "a timer that is off": Mistake(
        "enable must be true: without it the timer never fires.",
        "The timer of reliable_notification never fires.",
        edit=("enable: true", "enable: false"),
    ),
    "a trigger for nobody": Mistake(
        "trigger of upload_state: a http trigger: there is no such function: did you mean upload_status?",
        "The component does not take it: ",
        edit=("function: upload_status", "function: upload_state"),
        ends_it=True,
    ),
    "a trigger of a kind that is gone": Mistake(
        "type must be http or timer: another fails after the functions have been deployed.",
        "The component does not take it: ",
        edit=("type: http", "type: apigw"),
        ends_it=True,
    ),
    "a cron of five fields": Mistake(
        "cronExpression needs 7 fields",
        "TriggerDesc is no cron of 7 fields",
        edit=("'0 * * * * * *'", "'* * * * *'"),
        refused=True,
    ),
    "a trigger without its qualifier": Mistake(
        "qualifier is missing: must be $DEFAULT: without it the second deployment creates the URL again.",
        "there is a trigger for $DEFAULT",
        edit=("        qualifier: $DEFAULT\n", ""),
        ends_it=True,
    ),
    "YAML that is none": Mistake(
        "serverless.yml cannot be read, line ",
        "The component does not take it: ",
        edit=("  triggers:", "\ttriggers:"),
        ends_it=True,
    ),
    "a key is misspelt": Mistake(
        "inputs.memorysize is a key that is not known here: did you mean memorySize?",
        edit=("memorySize: 256", "memorysize: 256"),
    ),
    "a key of a function is misspelt": Mistake(
        "event_notification: timeOut is a key that is not known here: did you mean timeout?",
        edit=("      timeout: 15 ", "      timeOut: 15 "),
    ),
    "a key is there twice": Mistake(
        "timeout stands here and in line",
        edit=("  type: event\n", "  type: event\n  timeout: 9\n"),
    ),
    "a number in quotes": Mistake(
        "inputs.timeout must be 1 to 900 seconds, as a whole number.",
        edit=("timeout: 5\n", "timeout: '5'\n"),
    ),
    "a function has another name": Mistake(
        "inputs.functions: upload_state is no function of this repository: did you mean upload_status?",
        edit=("    upload_status:\n", "    upload_state:\n"),
    ),
    "a setting that a function reads is left out": Mistake(
        "event_notification: it gets no READ_BACK, which it reads: add it",
        "event_notification gets no READ_BACK.",
        edit=("            READ_BACK=${env:READ_BACK}\n", ""),
    ),
    "a joined setting is misspelt": Mistake(
        "event_notification: READBACK is a setting that it does not read: did you mean READ_BACK?",
        edit=("READ_BACK=${env:READ_BACK}", "READBACK=${env:READ_BACK}"),
    ),
    "a joined setting with a colon": Mistake(
        "event_notification: OPTIONAL_SETTINGS must be NAME=${env:NAME} with blanks between",
        edit=("READ_BACK=${env:READ_BACK}", "READ_BACK: ${env:READ_BACK}"),
    ),
    "a value in the repository": Mistake(
        "REDIS_URL must be '${env:REDIS_URL}': a value in this file is in the repository",
        edit=("'${env:REDIS_URL}'", "'redis://:password@10.0.0.2:6379'"),
    ),
    "a variable with a dot": Mistake(
        "CONTEXT_KEYS must be '${env:CONTEXT_KEYS}': the CLI resolves no variable with a dot.",
        edit=("'${env:CONTEXT_KEYS}'", "'${env.CONTEXT_KEYS}'"),
    ),
    "the value of another setting": Mistake(
        "VOD_SECRET_KEY must be '${env:VOD_SECRET_KEY}': the value of another setting would arrive",
        edit=("'${env:VOD_SECRET_KEY}'", "'${env:VOD_SECRET_ID}'"),
    ),
    "the stage is fixed": Mistake(
        "STAGE must be '${stage}': one stage everywhere",
        edit=("'${stage}'", "'prod'"),
    ),
    "a number for a variable": Mistake(
        "upload_signature: STAGE, value must be a text in quotes, and not empty.",
        edit=("'${stage}'", "300"),
    ),
    "a variable is set twice": Mistake(
        "upload_status: STAGE is set twice: remove one.",
        edit=(STATUS, f"{STATUS}        - {{key: STAGE, value: '${{stage}}'}}\n"),
    ),
    "the signing pair for another function": Mistake(
        "upload_status: VOD_SECRET_KEY signs uploads, and upload_signature alone may know it: remove it.",
        edit=(STATUS, f"{STATUS}        - {{key: VOD_SECRET_KEY, value: '${{env:VOD_SECRET_KEY}}'}}\n"),
    ),
    "the deploying pair for a function": Mistake(
        "upload_status: TENCENT_SECRET_ID belongs to whoever deploys, and no function may know it",
        edit=(STATUS, f"{STATUS}        - {{key: TENCENT_SECRET_ID, value: '${{env:TENCENT_SECRET_ID}}'}}\n"),
    ),
    "a variable that may be empty": Mistake(
        "JWT_ISSUER would be sent with 0 bytes, and the platform takes no value under 2",
        "the value of JWT_ISSUER is empty",
        edit=(STATUS, f"{STATUS}        - {{key: JWT_ISSUER, value: '${{env:JWT_ISSUER}}'}}\n"),
        refused=True,
    ),
    "a variable of one digit": Mistake(
        "OPEN_UPLOADS would be sent with 1 bytes, and the platform takes no value under 2",
        "the value of OPEN_UPLOADS has less than 2 bytes",
        edit=(SIGNATURE, f"{SIGNATURE}        - {{key: OPEN_UPLOADS, value: '${{env:OPEN_UPLOADS}}'}}\n"),
        settings={"OPEN_UPLOADS": "0"},
        refused=True,
    ),
    "a role of another function": Mistake(
        "event_delivery: role must be ${env:DEPLOY_ROLE_EVENT_DELIVERY}",
        edit=("role: ${env:DEPLOY_ROLE_EVENT_DELIVERY}", "role: ${env:DEPLOY_ROLE_EVENT_NOTIFICATION}"),
    ),
    "no role for a caller of the API": Mistake(
        "reliable_notification: role must be ${env:DEPLOY_ROLE_RELIABLE_NOTIFICATION}",
        edit=("      role: ${env:DEPLOY_ROLE_RELIABLE_NOTIFICATION}\n", ""),
    ),
    "a role for a function that calls nobody": Mistake(
        "upload_status: role must go: it calls no API",
        edit=("      src: ./upload-status\n", "      src: ./upload-status\n      role: vod-upload\n"),
    ),
    "a URL that answers with the result as it is": Mistake(
        "apiGwCompatible is missing: must be true",
        "The URL of upload_signature may answer with the result as it is.",
        edit=("        apiGwCompatible: true\n", ""),
    ),
    "a URL inside the network": Mistake(
        "netConfig.enableIntranet must be false",
        edit=("enableIntranet: false", "enableIntranet: true"),
    ),
    "a URL that is off": Mistake(
        "trigger of upload_signature: enable must be true, or the URL answers nobody.",
        edit=("        authType: NONE\n", "        authType: NONE\n        enable: false\n"),
    ),
    "two URLs for one function": Mistake(
        "inputs.triggers: upload_signature has 2 http triggers: leave one.",
        edit=("function: upload_status", "function: upload_signature"),
    ),
    "no timer for a function": Mistake(
        "inputs.triggers: event_delivery has no timer trigger, and nothing would call it: add one.",
        edit=("      function: event_delivery\n", "      function: reliable_notification\n"),
    ),
    "a URL for a function with a timer": Mistake(
        "trigger of event_delivery: a http trigger: has no use for one: remove it.",
        edit=("      function: event_notification\n", "      function: event_delivery\n"),
    ),
    "a timer that fires each hour": Mistake(
        "trigger of reliable_notification: cronExpression must fire each minute",
        "The timer of reliable_notification does not fire each minute.",
        edit=("'0 * * * * * *'", "'0 0 * * * * *'"),
    ),
    "a timer that is made anew": Mistake(
        "argument is missing: must be a text such as '{}'",
        edit=("        argument: '{}' ", "        # "),
    ),
    "a timer with a blank in its name": Mistake(
        "name must have 1 to 100 letters",
        edit=("name: every-minute", "name: every minute"),
    ),
    "a timer's run that overlaps the next": Mistake(
        "reliable_notification: timeout must be below 60",
        edit=("timeout: 55 # done", "timeout: 60 # done"),
    ),
    "a timer's run that ends before its work": Mistake(
        "reliable_notification: timeout must be 18 or more for its work.",
        edit=("timeout: 55 # done", "timeout: 5 # done"),
    ),
    "a callback that ends before the hold": Mistake(
        "event_notification: timeout must be 12 or more for CALLBACK_HOLD_SECONDS",
        edit=("timeout: 15 ", "timeout: 8 "),
    ),
    "memory that does not hold the code": Mistake(
        "upload_signature: memorySize must be 128 or more",
        edit=("memorySize: 256", "memorySize: 64"),
    ),
    "a start that is cut off": Mistake(
        "upload_signature: initTimeout must be 5 or more",
        edit=("initTimeout: 15", "initTimeout: 3"),
    ),
    "no way to the public network": Mistake(
        "inputs.publicAccess must be true",
        "upload_signature cannot reach the public network.",
        edit=("publicAccess: true", "publicAccess: false"),
    ),
    "functions of another type": Mistake(
        "inputs.type must be event",
        edit=("  type: event\n", "  type: web\n"),
    ),
    "a Python of one function's own": Mistake(
        "upload_status: runtime must stand in inputs alone",
        edit=("      src: ./upload-status\n", "      src: ./upload-status\n      runtime: Python3.9\n"),
    ),
    "packages from elsewhere": Mistake(
        "inputs.src.src must be ./build/functions, which is what make package builds.",
        edit=("src: ./build/functions", "src: ./functions"),
    ),
    "libraries would stay here": Mistake(
        "inputs.src.exclude: **/redis/** would take",
        edit=("'**/.env*']", "'**/.env*', '**/redis/**']"),
    ),
    "compiled libraries would stay here": Mistake(
        "inputs.src.exclude: **/*.so would take",
        edit=("'**/.env*']", "'**/.env*', '**/*.so']"),
    ),
    "half a network": Mistake(
        "inputs.vpc.subnetId is missing",
        edit=("    subnetId: ${env:DEPLOY_SUBNET_ID}\n", ""),
    ),
    "half a log topic": Mistake(
        "inputs.cls.topic is a key that is not known here: did you mean topicId?",
        edit=("    topicId: ", "    topic: "),
    ),
    "an app with capitals": Mistake(
        "app must have lower-case letters, digits and hyphens, first a letter.",
        edit=("app: vod-upload", "app: VOD_upload"),
    ),
    "a stage of one letter": Mistake(
        "stage must have 2 to 20 lower-case letters, digits and hyphens.",
        edit=("stage: dev", "stage: d"),
    ),
    "a name that grows too long": Mistake(
        "name and app: NAME-STAGE-APP-reliable_notification would exceed 60 characters",
        edit=("name: scf", "name: service"),
    ),
    "a handler that ends in a digit": Mistake(
        "upload_status: handler must be file.function, each 2 to 60 letters",
        edit=("handler: upload_status.main_handler", "handler: upload_status.main_handler2"),
    ),
    "a handler in a package": Mistake(
        "upload_status: handler must be file.function, each 2 to 60 letters",
        edit=("handler: upload_status.main", "handler: functions.upload_status.main"),
    ),
    "variables for all": Mistake(
        "inputs.environments is for all functions, and a function's own list replaces it",
        edit=("  type: event\n", "  type: event\n  environments: [{key: TZ, value: UTC}]\n"),
    ),
    "the packages of all for one function": Mistake(
        "upload_status: src is missing: must be the folder of the function's own package",
        edit=("      src: ./upload-status\n", ""),
    ),
    "a variable that begins with a digit": Mistake(
        "upload_status: 2ND, key must be 2 to 64 letters, digits and underscores",
        edit=(STATUS, f"{STATUS}        - {{key: 2ND, value: '${{env:JWT_ISSUER}}'}}\n"),
    ),
    "a joined setting is set twice": Mistake(
        "event_notification: READ_BACK is set twice: remove one.",
        edit=("READ_BACK=${env:READ_BACK}", "READ_BACK=${env:READ_BACK} READ_BACK=${env:READ_BACK}"),
    ),
}
