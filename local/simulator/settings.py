"""The initial settings of a simulator: identity, addresses, regions, task-flow templates, durations.

`configuration` holds what can be changed while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from local.simulator.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Mode = Literal["PUSH", "PULL"]
SubtaskType = Literal["Transcode", "CoverBySnapshot", "AdaptiveDynamicStreaming", "SampleSnapshot"]
SUBTASK_TYPES: tuple[SubtaskType, ...] = get_args(SubtaskType)


@dataclass(frozen=True)
class Subtask:
    """One step of a task-flow template; `fails` makes it end as FAIL, as a broken source would."""

    type: SubtaskType
    definition: int
    fails: bool = False


@dataclass(frozen=True)
class Procedure:
    """A task-flow template: the name a signature's `procedure` refers to, and its subtasks in order."""

    name: str
    subtasks: tuple[Subtask, ...] = (
        Subtask("Transcode", 100030),
        Subtask("CoverBySnapshot", 10),
        Subtask("AdaptiveDynamicStreaming", 10),
    )


DEFAULT_PROCEDURES = (
    Procedure("LongVideoPreset", (Subtask("AdaptiveDynamicStreaming", 10), Subtask("CoverBySnapshot", 10))),
    Procedure("TranscodeAndCover"),
    Procedure("FailingTranscode", (Subtask("Transcode", 100030, fails=True), Subtask("CoverBySnapshot", 10))),
)


@dataclass(frozen=True)
class RoleCredential:
    """A temporary key pair that the server API accepts together with its token."""

    secret_id: str
    secret_key: str
    token: str


@dataclass(frozen=True)
class SimulatorSettings:
    """Everything a simulator needs to start; durations in seconds, sizes in bytes.

    Behaviour that no official text confirms is a setting, so that a test can choose the other interpretation:
    `repeat_signature_code`, `clock_skew_seconds`, `retry_refused_pushes`, `empty_event_set` and
    `push_retry_seconds` (all UNVERIFIED). `switches` are the initial positions of those that turn at runtime.
    """

    folder: Path
    secret_id: str
    secret_key: str
    app_id: int = 1500012345
    sub_app_ids: tuple[int, ...] = ()
    role_credentials: tuple[RoleCredential, ...] = ()
    other_key_pairs: Mapping[str, str] = field(default_factory=dict, repr=False)
    """SecretId -> SecretKey of the account's other pairs; read at each use."""
    public_url: str = "http://127.0.0.1:8000"
    callback_url: str | None = None
    sign_key: str | None = None
    mode: Mode = "PUSH"
    storage_regions: tuple[str, ...] = ("ap-singapore", "ap-seoul", "ap-chongqing")
    procedures: tuple[Procedure, ...] = DEFAULT_PROCEDURES
    upload_complete_event: bool = True
    switches: Switches = field(default_factory=Switches)
    credential_seconds: int = 1800
    session_seconds: int = 86_400
    task_flow_step_seconds: float = 0.5
    clock_skew_seconds: int = 300
    repeat_signature_code: int = 10011
    push_timeout_seconds: float = 5.0
    push_retry_seconds: float = 0.5
    retry_refused_pushes: bool = True
    callback_ca_file: Path | None = None
    pull_wait_seconds: float = 5.0
    empty_event_set: Literal["empty", "null", "error"] = "empty"
    verify_key: str = "local-verify-key"

    def __post_init__(self) -> None:
        """Reject settings that would only fail much later.

        Raises:
            ValueError: no storage region, a mode that does not exist, or one procedure name twice.

        """
        if not self.storage_regions:
            raise ValueError("storage_regions: at least one region must be enabled")
        if self.mode not in ("PUSH", "PULL"):
            raise ValueError("mode: PUSH or PULL")
        names = [procedure.name for procedure in self.procedures]
        if len(names) != len(set(names)):
            raise ValueError("procedures: each name once")

    def procedure(self, name: str) -> Procedure | None:
        """Return the template of that name, or None."""
        return next((procedure for procedure in self.procedures if procedure.name == name), None)

    def owns_application(self, sub_app_id: int) -> bool:
        """Return whether this account has that application; 0 and its own AppId are the primary one."""
        return sub_app_id in (0, self.app_id, *self.sub_app_ids)

    def application(self, sub_app_id: int) -> int:
        """Return the application's own number: the primary one may be written as 0 (doc 266/33922)."""
        return sub_app_id or self.app_id

    @property
    def key_pairs(self) -> dict[str, str]:
        """SecretId -> SecretKey of every enabled pair."""
        return {self.secret_id: self.secret_key, **self.other_key_pairs}
