"""Commands of calls as values, and the one parser that makes them from what a client sent."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from diemcau.errors import BadRequest

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class StartCall(_Command):
    """`call.start`: calls a site into the meeting. `after`: the call that nobody took before this one.
    `draw`: the draw that chose it."""

    type: Literal["call.start"]
    meeting: Name
    site: Name
    after: Name | None = None
    draw: Name | None = None


class WarmCall(_Command):
    """`call.warm`: a site that is called next: it rings, or sends, and is shown to nobody yet."""

    type: Literal["call.warm"]
    meeting: Name
    site: Name
    draw: Name | None = None


class AnswerCall(_Command):
    """`call.answer` by the site."""

    type: Literal["call.answer"]
    call: Name


class EndCall(_Command):
    """`call.end`: hangs up; of a call that is over: takes it off the desk."""

    type: Literal["call.end"]
    call: Name


class PhonedCall(_Command):
    """`call.phoned`: the site's phone `phone` (0 the first) was called instead."""

    type: Literal["call.phoned"]
    call: Name
    phone: Annotated[int, Field(ge=0, le=9)]
    reached: bool


CallCommand = StartCall | WarmCall | AnswerCall | EndCall | PhonedCall
_COMMANDS: TypeAdapter[CallCommand] = TypeAdapter(Annotated[CallCommand, Field(discriminator="type")])

CALL_PREFIX: Final = "call."
CALL_TYPES: Final = ("call.start", "call.warm", "call.answer", "call.end", "call.phoned")


def parse_call(message: dict[str, Any]) -> CallCommand:
    """`{"id", "type", ...}` (an `op` is ignored) as a command. Raises BadRequest."""
    fields = {key: value for key, value in message.items() if key != "op"}
    if fields.get("type") in ("call.answer", "call.end", "call.phoned"):
        fields.pop("meeting", None)  # a page names its meeting with every command
    try:
        return _COMMANDS.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])[:100]
        raise BadRequest(f"{field}: {first['msg']}"[:300], field=field) from error
