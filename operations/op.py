"""An operation as its step sees it."""

from typing import Any, TypeVar

from django.db import transaction

from authorization.context import RequestContext
from common import errors
from common.clock import now
from hostagent.contract import Verb
from hostagent.contract.messages import SILENCE
from hostagent.process import tracing
from operations import rpc
from operations.models import Operation, OperationStep, Phase, State
from operations.waits import Wait

Body = TypeVar("Body")


class Op:
    """An operation as its step sees it. `data` is saved with the step; what is put there survives a crash."""

    def __init__(self, row: Operation, step: OperationStep, *, deadline: float) -> None:
        self.row = row
        self._step = step
        self._deadline = deadline  # seconds that the step may take in all
        self.data: dict[str, Any] = row.data

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def subject_id(self) -> str:
        return self.row.subject_id

    @property
    def project_id(self) -> str | None:
        return self.row.project_id

    @property
    def request_id(self) -> str:
        return self.row.request_id

    @property
    def actor(self) -> RequestContext:
        """The cloud itself, acting for whoever started this."""
        return RequestContext.internal(
            self.row.user_name or "stackling", project_id=self.row.project_id, request_id=self.row.request_id
        )

    @property
    def undoing(self) -> bool:
        return self.row.state == State.UNDOING

    @property
    def answer(self) -> dict[str, Any] | None:
        """The host's reply to this step's cast, or None while there is none."""
        return self._step.answer

    def forget_answer(self) -> None:
        """Go on to the next cast of a step that asks more than once. Each has a body of its own, by which its host tells them apart."""
        self._step.answer = self._step.heard_at = self._step.ordered_at = None

    @property
    def failure(self) -> errors.CloudError | None:
        """The host's failure; only steps with `catches` ever see one."""
        if not self._step.error_code:
            return None
        return errors.from_report(self._step.host, self._step.error_code, self._step.error_data)

    @property
    def error(self) -> errors.CloudError | None:
        """Why the flow is being undone."""
        if not self.row.error_code:
            return None
        return errors.restored(self.row.error_code, self.row.error_data)

    @property
    def seconds(self) -> float:
        """How long this step has been going on, or its present try."""
        return (now() - (self._step.tried_at or self._step.started_at)).total_seconds()

    def show(self, **detail: object) -> None:
        """Facts for the timeline, such as each host's numbers while scheduling."""
        self._step.detail = {**self._step.detail, **detail}

    def on_host(self, host: str) -> None:
        """Name the host this step is about, for the timeline."""
        self._step.host = host

    def cast(
        self,
        host: str,
        verb: Verb[Body, Any],
        body: Body,
        *,
        generation: int = 0,
        subject: str = "",
    ) -> Wait:
        """Cast a verb to a host, unless that was done within SILENCE and the host may still be at it. Return what this returns.

        The message leaves after commit. It is sent again after 12 s of silence, and at the host's hello. `subject`: what it is
        about, where that is not the operation's own subject. Raises: what keeps the host from being asked at all.
        """
        moment, step = now(), self._step
        refused = rpc.refusal(host, verb)
        if refused is not None:
            raise refused
        heard = max(filter(None, (step.heard_at, step.ordered_at)), default=None)
        if step.host and step.host != host:
            heard, step.answer = None, None
        if heard is None or (moment - heard).total_seconds() >= SILENCE:
            step.host, step.verb, step.generation, step.ordered_at = host, verb.name, generation, moment
            if step.phase == Phase.UNDO:
                self.show(asked=body)
            message: rpc.Cast = {
                "verb": verb.name,
                "operation": self.row.id,
                "step": f"{step.phase}:{step.name}" if step.phase == Phase.UNDO else step.name,
                "flow": self.row.flow,
                "subject": subject or f"{self.row.subject_kind}:{self.row.subject_id}",
                "generation": generation,
                "deadline": self._deadline,
                "turn": moment.timestamp(),  # stamped under the operation's lock: casts about one server have a sequence
                "body": body,
            }
            if parent := tracing.traceparent():
                message["traceparent"] = parent
            transaction.on_commit(lambda: rpc.cast(host, message), robust=True)
        return Wait(SILENCE)
